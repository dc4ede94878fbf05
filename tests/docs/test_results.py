"""Tables of results are what the files of runs say."""

import doctest
import re
import sys

import pytest
import yaml
from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs" / "generate"))

import result_tables
from result_tables import RESULTS, read_rows, read_sources, to_markdown, with_results

PAGES = sorted(RESULTS.glob("*.md"))


def row(method, metric, mean, std="", p_value="", n="4"):
    keys = ("method", "metric", "mean", "std", "p_value", "n")
    return dict(zip(keys, (method, metric, mean, std, p_value, n), strict=True))


FIRST_PAGE = (
    "method",
    "best_threshold_iou",
    "frame_auc",
    "srg",
    "insertion_auc",
    "average_drop",
    "runner_up_iou",
)


def test_the_table_of_the_first_page_is_that_of_its_file():
    head, rule, *known = to_markdown(
        read_rows(RESULTS / "ranks_fold4.csv"), FIRST_PAGE
    ).splitlines()
    results = (ROOT / "README.md").read_text().split("## Results")[1].split("## ")[0]
    shown = [line for line in results.splitlines() if line.startswith("|")]
    assert shown[:2] == [head, rule]
    assert len(shown) > 10
    assert set(shown[2:]) <= set(known)


def test_every_file_of_results_is_shown_with_the_run_that_left_it():
    sources = read_sources()
    files = {path.stem for path in RESULTS.glob("*.csv")}
    assert files == set(sources["tables"])
    text = "\n".join(page.read_text() for page in PAGES)
    assert files == set(re.findall(r"^\[table (\w+)\]", text, re.MULTILINE))
    assert set(sources["runs"]) == set(re.findall(r"^\[run (\w+)\]", text, re.MULTILINE))
    for run in sources["runs"].values():
        assert set(run) == {"command", "commit", "date", "machine"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_of_results_has_no_line_left_to_fill_in(page):
    text = with_results(page.read_text())
    assert not re.search(r"^\[(table|run) ", text, re.MULTILINE)


def test_a_p_value_stands_behind_its_measure_and_figures_keep_their_digits():
    rows = [row("dax_v4", "iou", "0.70", "0.10"), row("rise", "iou", "0.50", "0.20", "<0.001")]
    assert to_markdown(rows).splitlines()[2:] == [
        "| `dax_v4` | 0.70 (0.10) | - |",
        "| `rise` | 0.50 (0.20) | <0.001 |",
    ]


def test_figures_of_the_paper_stand_beside_ours():
    table = to_markdown([row("rise", "iou", "0.5")], ["paper:iou", "iou"])
    assert table.splitlines()[0] == "| method | Table VII, paper | IoU |"
    assert table.splitlines()[2] == "| `rise` | 0.215 | 0.5 |"


def test_an_unknown_measure_is_named():
    with pytest.raises(ValueError, match="no measure 'auc' here, only iou"):
        to_markdown([row("rise", "iou", "0.5")], ["auc"])


def test_a_table_without_a_source_is_refused(tmp_path):
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump({"runs": {}, "tables": {}}))
    with pytest.raises(ValueError, match="says nothing of the table 'x'"):
        with_results("[table x](x.csv)", tmp_path)


def test_its_examples_are_right():
    assert doctest.testmod(result_tables).failed == 0
