"""Many recordings, methods and measures: predicted, explained, measured, compared, scored."""

from typing import TYPE_CHECKING

from daxaudio.runs.lazy import lazily

if TYPE_CHECKING:
    from daxaudio.experiments.compare import compare_folder as compare_folder
    from daxaudio.experiments.findings import Finding as Finding, Verdict as Verdict
    from daxaudio.experiments.folder import explain_folder as explain_folder
    from daxaudio.experiments.measure_settings import MeasureSettings as MeasureSettings
    from daxaudio.experiments.score import score_folder as score_folder
    from daxaudio.experiments.verdict import judge as judge

if not TYPE_CHECKING:  # type checkers would take any misspelt name for granted
    __getattr__, __dir__, __all__ = lazily(__name__)
