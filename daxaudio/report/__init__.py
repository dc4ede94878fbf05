"""Results as one report, which becomes a Markdown file and a page to read and to listen to."""

from daxaudio.report.model import Picture, RecordingView, Report, Section, Sound, Table
from daxaudio.report.tables import (
    ComparisonRow,
    tabulate_comparisons,
    tabulate_cost,
    tabulate_environment,
    tabulate_summary,
)
from daxaudio.report.writing import to_markdown, write_markdown, write_page

__all__ = [
    "ComparisonRow",
    "Picture",
    "RecordingView",
    "Report",
    "Section",
    "Sound",
    "Table",
    "tabulate_comparisons",
    "tabulate_cost",
    "tabulate_environment",
    "tabulate_summary",
    "to_markdown",
    "write_markdown",
    "write_page",
]
