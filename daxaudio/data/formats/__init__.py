"""Files of annotated events: Praat TextGrid, Audacity, Raven, DCASE tables, Kaldi, Coswara-Exp.

One module reads and writes one format. `catalogue` finds the format of a file, `folder` reads
many files, `problems` says what is odd about them, `labels` folds spellings into classes.
"""

from daxaudio.data.formats.annotated import AnnotatedRecording, BandEvent, Problem, Tier
from daxaudio.data.formats.catalogue import FORMATS, read_annotations, write_annotations
from daxaudio.data.formats.folder import FolderReading, read_folder
from daxaudio.data.formats.labels import LabelMap, load_label_map
from daxaudio.data.formats.problems import problems_of

__all__ = [
    "FORMATS",
    "AnnotatedRecording",
    "BandEvent",
    "FolderReading",
    "LabelMap",
    "Problem",
    "Tier",
    "load_label_map",
    "problems_of",
    "read_annotations",
    "read_folder",
    "write_annotations",
]
