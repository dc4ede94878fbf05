"""The report of the ESC-10 protocol, and whether its targets are met."""

import re
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from made_conditions import NAN, RISING, long_table, rows_of, save, write_conditions, write_results

sys.path.insert(0, str(ROOT / "recipes" / "esc10"))
from protocol import write_protocol
from targets import judge_targets

NO_STABILITY = pd.DataFrame(columns=["model", "padding", "mean", "std", "n"])
NO_COSTS = pd.DataFrame(
    columns=["model", "padding", "method", "queries", "query_seconds", "fit_seconds", "ratio"]
)


@pytest.fixture
def exp_dir(tmp_path):
    write_conditions(tmp_path)
    return tmp_path


def verdicts(rows, stability=NO_STABILITY, costs=NO_COSTS, padding="white"):
    table = judge_targets(long_table(rows, padding=padding), stability, costs, "dax_v5")
    return dict(zip(table["what"], table["verdict"], strict=True)), table.set_index("what")


IOU = "iou of dax_v5 over the best rival's"


def test_iou_target_needs_the_ratio_and_the_test():
    six = {"rise": [0.5] * 6, "lime": [0.1] * 6}
    # six differences of one sign: p = 2 / 2^6 = 0.031
    found, table = verdicts(rows_of("iou", dax_v5=[0.61] * 6, **six))
    assert found[IOU] == "met"
    assert table.loc[IOU, "found"] == "ratio 1.22: 0.610 against 0.500 (rise), p 0.0312, n 6"
    assert verdicts(rows_of("iou", dax_v5=[0.59] * 6, **six))[0][IOU] == "missed"
    # five recordings: p = 2 / 2^5 = 0.063
    assert verdicts(rows_of("iou", dax_v5=[0.9] * 5, **six))[0][IOU] == "missed"


def test_references_are_no_rivals():
    rows = rows_of("iou", dax_v5=[0.6] * 6, rise=[0.3] * 6, oracle=[1.0] * 6, random=[0.9] * 6)
    assert "(rise)" in verdicts(rows)[1].loc[IOU, "found"]


def test_frame_auc_is_held_against_the_best_and_on_white_against_a_number():
    rows = rows_of("frame_auc", dax_v5=[0.94, 0.94], rise=[0.93, 0.91])
    found = verdicts(rows)[0]
    assert found["frame_auc of dax_v5"] == "met"
    assert found["frame_auc of dax_v5 on white noise"] == "missed"
    assert "frame_auc of dax_v5 on white noise" not in verdicts(rows, padding="pink")[0]


def test_few_queries_are_held_against_the_best_at_full():
    rows = rows_of("iou", dax_v5=[0.9], rise=[0.5], dax_v5_500=[0.4])
    rows += rows_of("frame_auc", dax_v5=[0.9], rise=[0.5], dax_v5_500=[0.6])
    found = verdicts(rows)[0]
    assert (found["iou of dax_v5_500"], found["frame_auc of dax_v5_500"]) == ("missed", "met")


@pytest.mark.parametrize(("value", "verdict"), [(0.91, "met"), (0.89, "missed"), (NAN, "open")])
def test_stability_target(value, verdict):
    n = 0 if np.isnan(value) else 9
    row = {"model": ["resnet18"], "padding": "white", "mean": value, "std": NAN, "n": n}
    found = verdicts(rows_of("iou", dax_v5=[0.5]), stability=pd.DataFrame(row))[0]
    assert found["Spearman of dax_v5's masks, two seeds"] == verdict


@pytest.mark.parametrize(("ratio", "verdict"), [(0.29, "met"), (0.31, "missed"), (NAN, "open")])
def test_cost_target(ratio, verdict):
    row = {"model": ["resnet18"], "padding": "white", "method": "dax_v5", "ratio": ratio}
    found = verdicts(rows_of("iou", dax_v5=[0.5]), costs=pd.DataFrame(row))[0]
    assert found["fit time of dax_v5 over its query time"] == verdict


def test_what_is_not_measured_is_open():
    found = verdicts(rows_of("iou", dax_v5=[0.5]))[0]
    assert set(found.values()) == {"open"}


def test_report_of_a_part_says_what_lacks(exp_dir):
    (exp_dir / "command.txt").write_text("protocol.sh --corpus here\n")
    explanations = exp_dir / "resnet18-seed0" / "white" / "explanations"
    save(explanations / "rise" / "a", RISING, seconds={"query": 8.0, "fit": 1.0})
    markdown, results, summary, picture = write_protocol(exp_dir)
    text = markdown.read_text()
    for words in (
        "# Localisation of ESC-10",
        "protocol.sh --corpus here",
        "3 of 4 conditions are there. Without results so far: resnet101 seed 0 pink.",
        "### resnet18, white",
        "| dax_v5 | 0.67 (0.25) | 0.95 (0.05) | 3 | - | - | - | - |",
        "| rise | 0.37 (0.12) | 0.90 (0.00) | 2 to 3 | 0.250 | 1.000 | 1.000 | 1.000 |",
        "| resnet18 | white | rise | 100.00 | 8.00 | 1.00 | 0.12 |",
        "| 1.000, n 1 | met |",
        "| Python |",
    ):
        assert words in text, text
    assert len(pd.read_csv(results)) == 28
    assert "p_value" in pd.read_csv(summary).columns
    assert picture.stat().st_size > 10_000


def test_conditions_of_other_settings_are_told(exp_dir):
    folder = exp_dir / "resnet18-seed1" / "white" / "explanations" / "dax_v5" / "a"
    save(folder, RISING, 1, settings={"queries": 7})
    save(exp_dir / "resnet18-seed0" / "white" / "explanations" / "dax_v5" / "a", RISING)
    text = write_protocol(exp_dir)[0].read_text()
    assert "The conditions of resnet18 were explained with different settings" in text


def test_the_report_keeps_ids_as_they_are(tmp_path):
    names = ["0012", "12", "NA"]
    kinds = [(method, metric) for method in ("dax_v5", "rise") for metric in ("iou", "frame_auc")]
    rows = [(name, *kind, 0.5) for name in names for kind in kinds]
    write_results(tmp_path / "18-seed0" / "NA", rows)
    text = write_protocol(tmp_path)[0].read_text()
    assert re.search(r"\| 18 \| 0 \| NA \| 3 \|", text)
