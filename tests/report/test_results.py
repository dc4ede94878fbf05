import base64
import dataclasses
import html.parser
import subprocess

import pandas as pd
import pytest
import torch

from daxaudio.containers import Event, Explanation, Recording, Spectrogram
from daxaudio.data.audio import write_recording
from daxaudio.experiments.paired import ComparisonRow
from daxaudio.experiments.score import list_warnings, score_folder
from daxaudio.explainers.storage import save_explanation
from daxaudio.metrics.significance import PairedComparison
from daxaudio.report import (
    Picture,
    RecordingView,
    Report,
    Section,
    Sound,
    Table,
    tables,
    tabulate_comparisons,
    tabulate_cost,
    tabulate_environment,
    tabulate_summary,
    to_markdown,
    write_markdown,
    write_page,
)
from daxaudio.report.results import Comparison, write_results
from daxaudio.runs.tables import write_csv

NAN = float("nan")


def to_markdown_of(*arguments, **settings):
    return to_markdown(tabulate_summary(*arguments, **settings))


VOID = {"meta", "img", "br", "link", "input"}


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = [
        ("lime", "iou", 0.234, 0.1, 30),
        ("lime", "frame_auc", 0.75, 0.049, 28),
        ("rise", "iou", 0.37, NAN, 1),
        ("rise", "frame_auc", NAN, NAN, 0),
    ]
    return pd.DataFrame(rows, columns=["method", "metric", "mean", "std", "n"])


class Outline(html.parser.HTMLParser):
    """Checks that elements nest, and keeps tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_summary_has_one_row_a_method_in_the_given_order(summary):
    table = to_markdown_of(summary, ["rise", "oracle", "lime"], ["iou", "frame_auc"])
    assert table.splitlines() == [
        "| method | iou | frame_auc | n |",
        "|---|---|---|---|",
        "| rise | 0.37 | - | 0 to 1 |",
        "| oracle | - | - | - |",
        "| lime | 0.23 (0.10) | 0.75 (0.05) | 28 to 30 |",
    ]


def test_summary_shows_the_papers_value_first(summary):
    table = to_markdown_of(summary, ["lime", "rise"], ["iou"], {"lime": "25.1 (3.2)"}, decimals=3)
    assert table.splitlines()[2:] == [
        "| lime | 25.1 (3.2) | 0.234 (0.100) | 30 |",
        "| rise | - | 0.370 | 1 |",
    ]


def test_summary_takes_methods_and_metrics_as_they_come(summary):
    table = to_markdown_of(summary).splitlines()
    assert table[0] == "| method | iou | frame_auc | n |"
    assert [line.split()[1] for line in table[2:]] == ["lime", "rise"]


def test_malformed_summaries_are_refused(summary):
    with pytest.raises(ValueError, match="std, n missing"):
        to_markdown_of(summary[["method", "metric", "mean"]])
    with pytest.raises(ValueError, match="'lime' has two rows for metric 'iou'"):
        to_markdown_of(pd.concat([summary, summary[:1]]))


def test_paired_tests_show_interval_and_p_value():
    rows = [
        ComparisonRow("dax", "lime", "iou", PairedComparison(30, 0, -0.05, -0.09, 0.012, 0.0421)),
        ComparisonRow("dax", "rise", "iou", PairedComparison(0, 30, NAN, NAN, NAN, NAN)),
        ComparisonRow("a|b", "rise", "iou", PairedComparison(9, 0, 0.5, 0.4, 0.6, 1e-9)),
    ]
    assert to_markdown(tabulate_comparisons(rows)).splitlines() == [
        "| A | B | metric | n | mean of A - B | 95 % interval | Wilcoxon p | p (Holm) |",
        "|---|---|---|---|---|---|---|---|",
        "| dax | lime | iou | 30 | -0.050 | -0.090 to 0.012 | 0.042 | 0.042 |",
        "| dax | rise | iou | 0 | - | - | - | - |",
        "| a\\|b | rise | iou | 9 | 0.500 | 0.400 to 0.600 | <0.001 | <0.001 |",
    ]


def test_line_breaks_do_not_end_a_cell():
    assert to_markdown(Table(("a\nb",), (("c\r\nd",),))) == "| a b |\n|---|\n| c d |"


def test_rows_of_another_length_than_the_header_are_refused():
    with pytest.raises(ValueError, match="row 2 of a table has 1 cells, its header has 2"):
        Table(("a", "b"), (("1", "2"), ("3",)))
    with pytest.raises(ValueError, match="at least one column"):
        Table((), ())


def test_environment_names_versions_and_is_the_same_each_time():
    table = to_markdown(tabulate_environment())
    for name in ("Python", "daxaudio", "torch", "torchaudio", "torchvision", "numpy", "CPU cores"):
        assert f"| {name} | " in table
    assert table == to_markdown(tabulate_environment())


@pytest.mark.parametrize(
    "error", [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")]
)
def test_environment_without_git_has_no_commit(monkeypatch, error):
    def fail(*arguments, **settings):
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert tables._commit() == ""
    assert "commit" not in to_markdown(tabulate_environment())


@pytest.fixture
def recording(tmp_path) -> RecordingView:
    (tmp_path / "a.png").write_bytes(b"picture")
    (tmp_path / "a.wav").write_bytes(b"sound")
    return RecordingView(
        "4-1-A",
        "First.\n\nSecond.",
        (Picture(tmp_path / "a.png", "All methods"),),
        (Sound(tmp_path / "a.wav", "the recording"),),
        Table(("method", "iou"), (("rise", "0.37"),)),
    )


def test_page_holds_its_pictures_and_sounds(recording, tmp_path):
    path = write_page(Report("Results", [Section("All", [recording])]), tmp_path / "page.html")
    (tmp_path / "a.png").unlink()
    (tmp_path / "a.wav").unlink()
    outline = Outline(path.read_text(encoding="utf-8"))
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    sources = [value for name, value in outline.attributes if name == "src"]
    assert sources == [
        "data:audio/wav;base64," + base64.b64encode(b"sound").decode(),
        "data:image/png;base64," + base64.b64encode(b"picture").decode(),
    ]
    assert not [name for name, _ in outline.attributes if name == "href"]
    assert {"audio", "img", "table", "h1", "h2", "h3"} <= set(outline.tags)


def test_page_shows_every_text(recording, tmp_path):
    sections = [
        Section("Facts", ["One.", Table(("a", "b"), (("c", "d"),))]),
        Section("Recordings", [recording]),
    ]
    report = Report("Results", sections, ["Intro."])
    outline = Outline(write_page(report, tmp_path / "page.html").read_text())
    for text in ("Results", "Intro.", "Facts", "One.", "4-1-A", "First.", "Second.", "0.37"):
        assert text in outline.text
    links = [value for name, value in outline.attributes if name == "href"]
    targets = [value for name, value in outline.attributes if name == "id"]
    assert links == ["#section-1", "#section-2"]
    assert {*targets} == {"section-1", "section-2", "recording-4-1-A"}


def test_page_shows_the_warnings_of_a_recording(tmp_path):
    views = (RecordingView("a", warnings=("dax_v4: only 3 < 10.", "b")), RecordingView("c"))
    outline = Outline(
        write_page(Report("R", [Section("S", views)]), tmp_path / "p.html").read_text()
    )
    assert outline.tags.count("ul") == 1
    assert outline.tags.count("li") == 2
    assert "dax_v4: only 3 < 10." in outline.text


@pytest.fixture
def comparison(tmp_path):
    """One recording, explained by two methods, as the stages of a comparison leave it."""
    wave = 0.1 * torch.randn(1, 44100, generator=torch.Generator().manual_seed(0))
    write_recording(Recording(wave, 44100, "r0"), tmp_path / "r0.wav")
    picture = Spectrogram(torch.rand(8, 20), 500.0 * torch.arange(1, 9), 0.05 * torch.arange(20))
    picture = dataclasses.replace(picture, recording_id="r0")
    explanations, events = tmp_path / "explanations", {"r0": [Event(0.2, 0.5, "dog")]}
    for method in ("rise", "energy"):
        save_explanation(
            Explanation(
                torch.rand(8, 20), picture, method, "dog", score=0.9,
                warnings=("Only 3 queries.", "Twice.") if method == "rise" else (),
            ), explanations / method / "r0", {"audio": str(tmp_path / "r0.wav")},
        )  # fmt: skip
    predictions = {"recording_id": "r0", "label": "dog", "correct": 1, "problem": ""}
    write_csv(pd.DataFrame([predictions]), explanations / "predictions.csv")
    score_folder(explanations, events, tmp_path)
    return Comparison(tmp_path, "Title", "run.sh", "Text.", events)


def test_results_count_explanations_with_warnings(comparison):
    line = "Explanations with warnings (`explanations/warnings.csv`): rise 1."
    markdown, page, _ = write_results(comparison)
    assert "with warnings" not in markdown.read_text()  # an older run has no list of them
    write_csv(list_warnings(comparison.explanations), comparison.explanations / "warnings.csv")
    write_results(comparison)
    assert line in markdown.read_text().splitlines()
    text = Outline(page.read_text()).text
    for shown in (line.replace("`", ""), "rise: Only 3 queries.", "rise: Twice."):
        assert shown in text


def test_page_escapes_all_names(recording, tmp_path):
    evil = '<script>alert("x")</script>'
    table = Table((evil, "iou"), ((evil, evil),))
    view = RecordingView(
        evil,
        evil,
        (Picture(tmp_path / "a.png", f'"{evil}'),),
        (Sound(tmp_path / "a.wav", evil),),
        table,
        (evil,),
    )
    section = Section(evil, [evil, table, Picture(tmp_path / "a.png", evil), view])
    report = Report(evil, [section, section], [evil], evil)
    outline = Outline(write_page(report, tmp_path / "page.html").read_text())
    assert outline.tags.count("script") == 1
    assert evil in outline.text


def test_files_of_other_kinds_and_missing_files_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match=r"picture must be one of \.png, .*, got 'a\.txt'"):
        Picture(tmp_path / "a.txt", "")
    with pytest.raises(ValueError, match=r"audio file must be one of \.wav, .*, got 'a\.txt'"):
        Sound(tmp_path / "a.txt", "")
    with pytest.raises(ValueError, match=r"there is no audio file .*b\.wav"):
        Sound(tmp_path / "b.wav", "")


def test_markdown_has_texts_tables_and_pictures_but_no_recordings(recording, tmp_path):
    picture = Picture(tmp_path / "a.png", "All [three]")
    sections = [
        Section("Scores", ["Means.", Table(("id", "iou"), (("0012", "0.37"),)), picture]),
        Section("By group", level=3),
        Section("Recordings", ["Look.", recording]),
    ]
    report = Report("Dogs", sections, ["First.", "", "Second."], "run.sh --n 3")
    (tmp_path / "out").mkdir()
    text = write_markdown(report, tmp_path / "out" / "RESULTS.md").read_text()
    assert text.splitlines() == [
        *("# Dogs", "", "First.", "", "Second.", "", "Made by", "", "    run.sh --n 3", ""),
        *("## Scores", "", "Means.", "", "| id | iou |", "|---|---|", "| 0012 | 0.37 |", ""),
        *("![All \\[three\\]](../a.png)", "", "### By group"),
    ]


def test_marks_of_texts_and_marked_cells_are_shown_and_others_stay(tmp_path):
    rows = (("a*b*", "**0.37**"),)
    section = Section(
        "S", ["`x` is **bold**.\n\n- one\n- two", Table(("m", "v"), rows, marked=True)]
    )
    plain = Section("T", [Table(("m",), (("a*b*",),))])
    html = write_page(Report("R", [section, plain]), tmp_path / "p.html").read_text()
    assert "<p><code>x</code> is <strong>bold</strong>.</p>" in html
    assert "<li>one</li><li>two</li>" in html
    assert "<td><strong>0.37</strong></td>" in html
    assert '<th scope="row">a*b*</th>' in html


def test_names_are_shown_in_markdown_as_they_are():
    names = ("<b>", "a|b", "a\nb", "a*b*", "`c`", "0012", "<0.001")
    table = Table(("*id*",), tuple((name,) for name in names))
    assert to_markdown(table).splitlines() == [
        r"| \*id\* |",
        "|---|",
        *("| &lt;b> |", r"| a\|b |", "| a b |", r"| a\*b\* |", r"| \`c\` |", "| 0012 |"),
        "| <0.001 |",
    ]
    names = ("_noise_", "dax_v4", "[a](b)", "~~a~~")
    table = Table(("id",), tuple((name,) for name in names))
    escaped = (r"| \_noise\_ |", "| dax_v4 |", r"| \[a](b) |", r"| \~~a\~~ |")
    assert to_markdown(table).splitlines()[2:] == list(escaped)
    marked = Table(("m",), (("**<b>**",),), marked=True)
    assert to_markdown(marked).splitlines()[2] == "| **&lt;b>** |"


def test_headings_and_captions_hold_no_tag_and_no_line_break(tmp_path):
    (tmp_path / "a.png").write_bytes(b"picture")
    section = Section("<b>\nS", [Picture(tmp_path / "a.png", "<i>")])
    text = write_markdown(Report("<h1>", [section]), tmp_path / "r.md").read_text()
    assert text.splitlines()[::2] == ["# &lt;h1>", "## &lt;b> S", "![&lt;i>](a.png)"]


def test_a_table_without_rows_is_a_header(tmp_path):
    report = Report("R", [Section("S", [Table(("method", "iou"), ())])])
    assert "| method | iou |\n|---|---|\n" in write_markdown(report, tmp_path / "r.md").read_text()
    html = Outline(write_page(report, tmp_path / "r.html").read_text())
    assert html.tags.count("th") == 2


def test_costs_keep_half_a_query_and_a_millisecond():
    cost = pd.DataFrame({"method": ["rise"], "queries": [280.5], "query_seconds": [0.0041]})
    assert tabulate_cost(cost).rows == (("rise", "280.5", "0.004"),)
