import re

import numpy as np
import pandas as pd
import pytest
import torch

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.experiments.phases import count_events, judge_events, score_phases
from daxaudio.explainers.storage import save_explanation
from daxaudio.report.model import Table
from daxaudio.report.phase_tables import (
    compare_phases,
    tabulate_found,
    tabulate_phase_tests,
    tabulate_phases,
)
from daxaudio.report.phases import write_phases

# seconds   0   1   2   3   4   5   6   7   8   9   10
# inhale        [---)
# cough             [-------)   [---)
# noise     [---)           [---)       [---------------)
EVENTS = [
    Event(0, 1, "noise"),
    Event(1, 2, "inhale"),
    Event(2, 4, "cough"),
    Event(4, 5, "noise"),
    Event(5, 6, "cough"),
    Event(6, 10, "noise"),
]
COLUMNS = ["recording_id", "target", "method", "phase", "metric", "value"]
PAPER = {"cough": {"dax_v2": "0.481 (0.049)"}, "silence": {"rise": "0.061 (0.022)"}}


def explanation(marked, name="a", method="rise", target="p"):
    mask = torch.zeros(3, 10)
    mask[:, list(marked)] = 1
    picture = Spectrogram(
        torch.rand(3, 10), 100.0 * torch.arange(1, 4), torch.arange(10) + 0.5, name
    )
    return Explanation(mask, picture, method, target, score=0.9)


def rows_of(table):
    return {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}


def tables_of(text):
    """Tables of a Markdown text by heading and class ("all" without one), each as rows of cells."""
    found, heading = {}, ("", "")
    for line in text.splitlines():
        if line.startswith("## "):
            title, _, group = line[3:].partition(": ")
            heading = (title, group or "all")
        elif line.startswith("| "):
            found.setdefault(heading, []).append(line.strip("| ").split(" | "))
    return found


@pytest.fixture
def stored(tmp_path):
    """Three recordings and one without annotation, two methods: rise finds coughs in p only."""
    given = [
        explanation((2, 3, 5), "a", "dax_v5", "p"),
        explanation((2, 3), "b", "dax_v5", "p"),
        explanation((1,), "c", "dax_v5", "n"),
        explanation((7,), "d", "dax_v5", "n"),
    ]
    given += [explanation((2, 8), name, "energy", "n" if name in "cd" else "p") for name in "abcd"]
    for one in given:
        save_explanation(one, tmp_path / "explanations" / one.method / one.spectrogram.recording_id)
    return tmp_path / "explanations"


def write(stored, out, **settings):
    score_phases(stored, dict.fromkeys("abc", EVENTS), out, drawn=["dax_v5"])
    return write_phases(out, "Phases", "the command", "A text.", paper=PAPER, **settings)


# event by event


def test_the_table_of_events_counts_by_method_and_phase():
    given = [explanation((2, 3, 8)), explanation((5,), "b"), explanation((), "a", "energy")]
    judged = pd.concat([judge_events(one, EVENTS) for one in given])
    counted = pd.DataFrame([count_events(one, EVENTS) for one in given])
    rows = rows_of(tabulate_found(judged, counted))
    assert rows["rise"] == {
        "method": "rise",
        "cough": "2, 2 of 4",
        "inhale": "0, 0 of 2",
        "outside": "0.250",
    }
    assert rows["energy"]["cough"] == "0, 0 of 2"
    assert rows["energy"]["outside"] == "-"


# means and tests


def values_of(*rows):
    """Values by (method, phase, list): one recording each."""
    table = [
        (str(number), "p", method, phase, "iou", value)
        for method, phase, values in rows
        for number, value in enumerate(values)
    ]
    return pd.DataFrame(table, columns=COLUMNS)


def test_phases_stand_in_the_order_of_the_paper_and_beside_its_figures():
    values = values_of(
        ("chance", "cough", [0.2, 0.2]),
        ("dax_v2", "zz", [0.1, 0.1]),
        ("dax_v2", "silence", [0.0, 0.1]),
        ("dax_v2", "cough", [0.4, 0.6]),
        ("dax_v2", "unlabelled", [0.3, 0.3]),
    )
    table = tabulate_phases(values, "iou", PAPER)
    assert table.header == (
        *("method", "cough", "cough, paper", "silence", "silence, paper", "zz", "unlabelled", "n"),
    )
    assert [row[0] for row in table.rows] == ["dax_v2", "chance"]
    rows = rows_of(table)
    assert rows["dax_v2"]["cough"] == "0.500 (0.141)"
    assert rows["dax_v2"]["cough, paper"] == "0.481 (0.049)"
    assert rows["chance"]["cough, paper"] == "-"
    assert rows["chance"]["silence"] == "-"
    assert tabulate_phases(values, "iou").header == (
        "method",
        "cough",
        "silence",
        "zz",
        "unlabelled",
        "n",
    )


def test_recordings_without_the_phase_are_in_no_mean():
    rows = rows_of(tabulate_phases(values_of(("rise", "cough", [0.4, np.nan, 0.6])), "iou"))
    assert (rows["rise"]["cough"], rows["rise"]["n"]) == ("0.500 (0.141)", "2")


def test_a_measure_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no row has the metric 'mass'; there is iou"):
        tabulate_phases(values_of(("rise", "cough", [0.4])), "mass")


def test_tests_are_paired_phase_by_phase_on_shared_recordings():
    spread = np.linspace(0, 0.07, 8)
    values = values_of(
        ("dax_v5", "cough", 0.6 + spread),
        ("dax_v5", "inhale", 0.1 + spread),
        ("rise", "cough", 0.3 + 2 * spread),
        ("rise", "inhale", [*(0.1 + spread[:5]), np.nan, np.nan, np.nan]),
        ("chance", "cough", [0.2] * 8),
    )
    tests = compare_phases(values, "iou", "dax_v5")
    assert {(row.method_b, row.metric): row.result.n for row in tests} == {
        ("rise", "cough"): 8,
        ("chance", "cough"): 8,
        ("rise", "inhale"): 5,
    }
    rows = rows_of(tabulate_phase_tests(tests))
    assert rows["rise"]["cough"] == "**+0.265 (0.008; 0.023)**"  # 8 of one sign: 2 / 2^8, times 3
    assert rows["rise"]["inhale"] == "+0.000 (1.000; 1.000)"
    assert rows["chance"]["inhale"] == "-"


# the files


def test_the_report_holds_the_numbers_of_each_class(stored, tmp_path):
    paths = write(stored, tmp_path / "out")
    text = paths[0].read_text(encoding="utf-8")
    tables = tables_of(text)
    iou = {group: rows for (title, group), rows in tables.items() if title == "IoU by phase"}
    assert list(iou) == ["all", "positive", "negative"]
    cough = {
        group: {row[0]: row[rows[0].index("cough")] for row in rows[1:]}
        for group, rows in iou.items()
    }
    # a: 1, b: 2 of 3 frames, c: 0
    assert cough["positive"]["dax_v5"] == "0.833 (0.236)"
    assert cough["negative"]["dax_v5"] == "0.000"
    assert cough["all"]["dax_v5"] == "0.556 (0.509)"
    assert cough["all"]["energy"] == "0.250 (0.000)"
    assert cough["all"]["chance"] == "0.300 (0.000)"
    assert "cough, paper" in iou["all"][0]
    assert "cough, paper" not in iou["positive"][0]
    assert tables["Share of the mask by phase", "negative"][1][1:4] == ["0.000", "0.000", "1.000"]
    assert "3 annotated recordings (2 positive, 1 negative) are explained by dax_v5, energy" in text
    assert "    the command" in text
    assert "A text." in text
    assert tables["Events found", "positive"][1] == ["dax_v5", "3, 3 of 4", "0, 0 of 2", "0.000"]


def test_the_tables_are_files_that_agree_with_the_report(stored, tmp_path):
    paths, out = write(stored, tmp_path / "out"), tmp_path / "out"
    assert [path.name for path in paths] == [
        "RESULTS.md",
        "report.html",
        "phases_summary.csv",
        "phases_tests.csv",
    ]
    pictures = sorted(path.name for path in (out / "pictures" / "phases" / "dax_v5").iterdir())
    assert pictures == ["a.png", "b.png", "c.png"]
    values, summary = pd.read_csv(out / "phases.csv"), pd.read_csv(out / "phases_summary.csv")
    assert set(values["recording_id"]) == set("abc")
    assert set(values["method"]) == {"dax_v5", "energy", "chance"}
    of_v4 = values.query("method == 'dax_v5' and phase == 'cough' and metric == 'iou'")
    mean = summary.query(
        "recordings == 'positive' and method == 'dax_v5' and phase == 'cough' and metric == 'iou'"
    )
    assert mean["mean"].item() == pytest.approx(of_v4[of_v4["target"] == "p"]["value"].mean())
    tests = pd.read_csv(out / "phases_tests.csv")
    assert set(tests["recordings"]) == {"all", "positive", "negative"}
    assert set(tests["metric"]) == {"iou", "mass"}
    assert set(tests["method_b"]) == {"energy", "chance"}
    found = pd.read_csv(out / "events_found.csv")
    counted = pd.read_csv(out / "recordings_found.csv")
    by_recording = found.groupby(["recording_id", "method"])["verdict"].agg(list)
    for row in counted.to_dict("records"):
        verdicts = by_recording[row["recording_id"], row["method"]]
        assert row["found_at_0.5"] == verdicts.count("found")
        assert row["missed"] == verdicts.count("missed")
    assert counted.query("method == 'energy'")["seconds_outside"].tolist() == [1, 1, 1]


def test_one_class_alone_is_not_told_twice(stored, tmp_path):
    score_phases(stored, dict.fromkeys("ab", EVENTS), tmp_path / "out")
    write_phases(tmp_path / "out", "Phases", "")
    text = (tmp_path / "out" / "RESULTS.md").read_text(encoding="utf-8")
    assert not re.search("^## .*: (positive|negative)", text, re.MULTILINE)
    assert "Made by" not in text


def test_a_class_with_nothing_but_background_is_told_too(stored, tmp_path):
    """c, the only negative one, has noise alone, and nothing marked by a mask of zeros."""
    save_explanation(explanation((), "c", "dax_v5", "n"), stored / "dax_v5" / "c")
    save_explanation(explanation((), "c", "energy", "n"), stored / "energy" / "c")
    events = {"a": EVENTS, "b": EVENTS, "c": [Event(0, 10, "noise")]}
    score_phases(stored, events, tmp_path / "out")
    text = write_phases(tmp_path / "out", "Phases", "")[0].read_text(encoding="utf-8")
    tables = tables_of(text)
    assert tables["Events found", "negative"][1] == ["dax_v5", "-"]
    assert tables["Events found", "positive"][1][0] == "dax_v5"


def test_further_tables_stand_first_and_the_page_shows_recordings_of_both_classes(stored, tmp_path):
    facts = {"Classifiers": Table(("fold", "AUC"), (("0", "0.912"),))}
    sound = tmp_path / "b.wav"
    sound.write_bytes(b"RIFF")
    paths = write(stored, tmp_path / "out", facts=facts, n_shown=2, sounds={"b": sound, "c": "no"})
    text, page = (path.read_text(encoding="utf-8") for path in paths[:2])
    assert text.index("## Classifiers") < text.index("## IoU by phase")
    assert re.findall("<h3>(.*)</h3>", page) == ["a", "c"]  # one of each class, in turn
    assert "0.912" in page
    assert "the command" in page
    assert "`" not in page.split("<main>")[1].split("</main>")[0]
    assert "<audio" not in page
    assert "<audio" in write(stored, tmp_path / "all", sounds={"b": sound})[1].read_text()


def test_nothing_to_tell_is_refused(stored, tmp_path):
    with pytest.raises(ValueError, match="no recording that is explained is annotated"):
        score_phases(stored, {"z": EVENTS}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match=r"phases\.csv: no such file; score the"):
        write_phases(tmp_path / "out", "Phases", "")
    with pytest.raises(ValueError, match="explained by 'rise'; by others: dax_v5, energy"):
        write(stored, tmp_path / "out", leader="rise")
