"""daxaudio shows what an audio classifier listened to, from query access alone.

The names here are what most people need; the rest, such as `daxaudio.explainers.Lime`, is in
`data`, `features`, `models`, `perturbation`, `explainers`, `metrics`, `experiments` and `plot`.
All are imported when they are first used: `import daxaudio` costs next to nothing.
"""

from typing import TYPE_CHECKING

from daxaudio.runs.lazy import lazily

if TYPE_CHECKING:
    from daxaudio.containers import (
        Event as Event,
        Events as Events,
        Explanation as Explanation,
        Recording as Recording,
        Spectrogram as Spectrogram,
    )
    from daxaudio.data.audio import (
        read_recording as read_recording,
        write_recording as write_recording,
    )
    from daxaudio.data.events import read_events as read_events, write_events as write_events
    from daxaudio.data.kaldi import DataFolder as DataFolder, read_data_folder as read_data_folder
    from daxaudio.experiments.compare import compare_folder as compare_folder
    from daxaudio.experiments.compare_recordings import compare as compare
    from daxaudio.experiments.explain import explain as explain
    from daxaudio.experiments.folder import explain_folder as explain_folder
    from daxaudio.experiments.score import score_folder as score_folder
    from daxaudio.experiments.verdict import judge as judge
    from daxaudio.explainers.settings import MethodSettings as MethodSettings
    from daxaudio.explainers.storage import (
        load_explanation as load_explanation,
        save_explanation as save_explanation,
    )
    from daxaudio.features.frontends import LogMel as LogMel
    from daxaudio.metrics.localisation import evaluate as evaluate
    from daxaudio.models.blackbox import (
        BlackBox as BlackBox,
        load_black_box as load_black_box,
        save_black_box as save_black_box,
    )
    from daxaudio.models.foreign.load import load_model as load_model

if not TYPE_CHECKING:  # type checkers would take any misspelt name for granted
    __getattr__, __dir__, __all__ = lazily(__name__)
