"""Results as tables for a README and as one page to read and to listen to."""

from daxaudio.report.markdown import environment_table, paired_table, summary_table, to_markdown
from daxaudio.report.page import Picture, RecordingView, Section, Sound, write_page
from daxaudio.report.tables import (
    Table,
    tabulate_comparisons,
    tabulate_environment,
    tabulate_summary,
)

__all__ = [
    "Picture",
    "RecordingView",
    "Section",
    "Sound",
    "Table",
    "environment_table",
    "paired_table",
    "summary_table",
    "tabulate_comparisons",
    "tabulate_environment",
    "tabulate_summary",
    "to_markdown",
    "write_page",
]
