"""The recipe of ranks: what is gathered, how it is ranked, what is said of the targets."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "recipes" / "ranks"))

import rank_blocks
import rank_cells
import rank_targets
from cover import coverage

from daxaudio.containers import Explanation, Spectrogram

COLUMNS = ["recording_id", "method", "metric", "value"]


def write_run(folder, values, names=("a", "b", "c"), queries=2000):
    """`values` maps metrics to means by method; recordings deviate from them alike."""
    rows = [
        (name, method, metric, mean + 0.01 * place)
        for metric, of_metric in values.items()
        for method, mean in of_metric.items()
        for place, name in enumerate(names)
    ]
    folder.mkdir(parents=True)
    pd.DataFrame(rows, columns=COLUMNS).to_csv(folder / "results.csv", index=False)
    methods = list(dict.fromkeys(row[1] for row in rows))
    costs = {"method": methods, "queries": queries, "query_seconds": 10.0, "fit_seconds": 0.5}
    pd.DataFrame(costs).to_csv(folder / "cost.csv", index=False)
    (folder / "settings.json").write_text(json.dumps({"explain": {"queries": queries}}))


VALUES = {
    "iou": {"dax_v4": 0.7, "rise": 0.5, "lime": 0.4, "random": 0.1, "oracle": 1.0},
    "frame_auc": {"dax_v4": 0.9, "rise": 0.95, "lime": 0.8, "random": 0.5, "oracle": 1.0},
    "deletion_auc": {"dax_v4": 0.2, "rise": 0.3, "lime": 0.4, "random": 0.6, "oracle": 0.3},
    "average_drop": {"dax_v4": 0.1, "rise": 0.3, "lime": 0.2, "random": 0.8, "oracle": 0.0},
}


@pytest.fixture
def exp_dir(tmp_path):
    """Two seeds of one condition, a set with evidence, and a pretrained model."""
    for seed in (0, 1):
        cell = tmp_path / "cells" / "fold4-white" / f"resnet18-seed{seed}"
        write_run(cell / "all", VALUES)
        write_run(
            cell / "few", {"iou": {"dax_v4": 0.65}, "frame_auc": {"dax_v4": 0.94}}, queries=500
        )
        write_run(cell / "few_rivals", {"iou": {"rise": 0.4}}, queries=500)
    planted = {**VALUES, "mask_auc": {"rise": 0.5}, "iou_in_v5_form": {"rise": 0.75}}
    write_run(tmp_path / "cells" / "planted" / "planted-seed0" / "all", planted)
    write_run(tmp_path / "pretrained" / "seed0" / "yamnet" / "all", VALUES)
    return tmp_path


def test_all_runs_are_gathered_with_their_queries(exp_dir):
    found = rank_cells.gather(rank_cells.find_cells(exp_dir))
    assert set(found["set"]) == {"fold4", "planted", "pretrained"}
    white = found[found["condition"] == "fold4-white"]
    assert {"dax_v4", "dax_v4_few", "rise_few"} <= set(white["method"])
    assert set(white["seed"]) == {0, 1}
    assert "mask_auc" in set(found[found["set"] == "planted"]["metric"])
    # recordings of one name in two conditions are two
    assert found[found["metric"] == "iou"]["recording_id"].nunique() == 9


def test_seeds_of_a_recording_are_one_value(exp_dir):
    found = rank_blocks.by_recording(rank_cells.gather(rank_cells.find_cells(exp_dir)))
    own = found[(found["method"] == "rise") & (found["metric"] == "iou")]
    assert len(own[own["condition"] == "fold4-white"]) == 3


def test_made_recordings_of_two_seeds_are_others_by_the_same_name(exp_dir):
    write_run(exp_dir / "cells" / "planted" / "planted-seed1" / "all", VALUES)
    found = rank_blocks.by_recording(rank_cells.gather(rank_cells.find_cells(exp_dir)))
    own = found[(found["set"] == "planted") & (found["metric"] == "iou")]
    assert own["recording_id"].nunique() == 6


def test_a_folder_without_results_is_told(tmp_path):
    with pytest.raises(ValueError, match="run stage 3 first"):
        rank_cells.find_cells(tmp_path)


def results_of(**values):
    """`iou={"a": [..], ...}`: values by metric, method, and recording; one condition."""
    rows = [
        ("s", "s", "m", f"r{place}", method, metric, value)
        for metric, of_metric in values.items()
        for method, own in of_metric.items()
        for place, value in enumerate(own)
        if value is not None
    ]
    return pd.DataFrame(rows, columns=["set", "condition", "model", *COLUMNS])


def test_each_question_weighs_the_same_however_many_measures_it_has():
    results = results_of(
        iou={"rise": [0.9], "lime": [0.1]},
        frame_auc={"rise": [0.9], "lime": [0.1]},
        average_drop={"rise": [0.9], "lime": [0.1]},  # less is better
        sparseness={"rise": [0.9], "lime": [0.1]},  # neither is
    )
    blocks = rank_blocks.rank_table(results, ["rise", "lime"])
    assert blocks.loc[("s", "localisation")].tolist() == [1, 2]
    assert blocks.loc[("s", "faithfulness")].tolist() == [2, 1]
    assert len(blocks) == 2


def test_means_are_over_recordings_that_all_methods_have():
    results = results_of(iou={"rise": [0.5, 0.5], "lime": [0.9, None]})
    means = rank_blocks.means_in_common(results, ["rise", "lime"])
    assert means.to_dict() == {"rise": 0.5, "lime": 0.9}
    # the recording that lime refused is hard: without it rise is no worse than it is there
    results = results_of(iou={"rise": [0.6, 0.1], "lime": [0.5, None]})
    assert rank_blocks.rank_table(results, ["rise", "lime"]).iloc[0].tolist() == [1, 2]


def test_a_measure_without_a_common_recording_is_in_no_rank():
    results = results_of(iou={"rise": [0.9, None], "lime": [None, 0.1]})
    assert rank_blocks.means_in_common(results, ["rise", "lime"]).isna().all()
    both = pd.concat([results, results_of(frame_auc={"rise": [0.5], "lime": [0.6]})])
    assert rank_blocks.rank_table(both, ["rise", "lime"]).iloc[0].tolist() == [2, 1]


def test_a_method_without_any_value_in_a_condition_is_last_there():
    here = results_of(iou={"rise": [0.1], "lime": [0.05]})
    there = results_of(iou={"energy": [0.9], "rise": [0.1], "lime": [0.2]}).assign(set="t")
    blocks = rank_blocks.rank_table(pd.concat([here, there]), ["energy", "rise", "lime"])
    assert blocks.loc[("s", "localisation")].tolist() == [3, 1, 2]
    assert blocks.loc[("t", "localisation")].tolist() == [1, 3, 2]


def test_a_question_that_a_method_was_never_asked_is_in_no_rank():
    values = {"rise": [0.1], "lime": [0.05], "energy": [0.2]}
    results = results_of(iou=values, runner_up_iou={"rise": [0.1], "lime": [0.2]})
    blocks = rank_blocks.rank_table(results, ["energy", "rise", "lime"])
    assert list(blocks.index) == [("s", "localisation")]


def test_conditions_of_a_set_are_one_block():
    one = results_of(iou={"rise": [0.9], "lime": [0.1]})
    other = results_of(iou={"rise": [0.2], "lime": [0.3]}).assign(condition="t")
    third = results_of(iou={"rise": [0.2], "lime": [0.3]}).assign(condition="u")
    blocks = rank_blocks.rank_table(pd.concat([one, other, third]), ["rise", "lime"])
    assert len(blocks) == 1
    assert blocks.iloc[0].tolist() == pytest.approx([5 / 3, 4 / 3])


def test_who_is_ranked(exp_dir):
    results = rank_blocks.by_recording(rank_cells.gather(rank_cells.find_cells(exp_dir)))
    names = rank_blocks.ranked_names(results, "dax_v4", "quarter")
    assert names == ["dax_v4_few", "rise", "lime", "random"]
    assert "dax_v4" in rank_blocks.ranked_names(results, "dax_v4", "all")
    assert set(rank_blocks.ranked_names(results, "dax_v4", "few")) == {"dax_v4_few", "rise_few"}
    # few queries were run on one set only
    assert rank_blocks.everywhere(results, names) == ["rise", "lime", "random"]


def judged(results, costs=None, covered=None):
    costs = pd.DataFrame() if costs is None else costs
    covered = pd.DataFrame(columns=["set", "coverage"]) if covered is None else covered
    table = rank_targets.judge_targets(results, costs, covered, "dax_v4")
    return {
        (row.target.split(" ")[0], row.set): (row.verdict, row.found) for row in table.itertuples()
    }


def on_fold4(**values):
    return results_of(**values).assign(set="fold4")


def test_first_within_noise_and_behind():
    near = on_fold4(
        insertion_auc={"dax_v4": [0.5, 0.5, 0.5], "rise": [0.6, 0.4, 0.51], "lime": [0, 0, 0]}
    )
    assert judged(near)["insertion_auc", "fold4"][0] == "within noise"
    draws = np.random.default_rng(0).random(20)
    behind = on_fold4(insertion_auc={"dax_v4": draws, "rise": draws + 0.01})
    assert judged(behind)["insertion_auc", "fold4"][0] == "missed"
    lower = on_fold4(deletion_auc={"dax_v4": draws, "rise": draws + 0.01})
    assert judged(lower)["deletion_auc", "fold4"][0] == "met"


@pytest.mark.parametrize(("theirs", "verdict"), [(0.6, "met"), (0.62, "missed")])
def test_iou_must_be_well_above_the_best_rival_s_in_the_same_form(theirs, verdict):
    values = {"dax_v4": [0.7, 0.7], "rise": [theirs, theirs], "lime": [0.1, 0.1]}
    found = judged(on_fold4(iou_in_v5_form=values, iou={"dax_v4": [0.9], "rise": [0.1]}))
    assert found["IoU", "fold4"][0] == verdict


def test_references_and_other_dax_are_no_rivals():
    values = {"dax_v4": [0.5], "energy": [0.9], "dax_v2": [0.9], "rise": [0.4]}
    verdict, found = judged(on_fold4(insertion_auc=values))["insertion_auc", "fold4"]
    assert verdict == "met"
    assert "(rise)" in found


def test_what_is_not_measured_is_open():
    found = judged(on_fold4(iou={"dax_v4": [0.5], "rise": [0.4]}))
    for target in ("insertion_auc", "average_drop", "runner_up_iou"):
        assert found[target, "fold4"] == ("open", "-")
    assert found["redraws", "-"] == ("open", "-")


def test_what_a_set_has_no_measure_of_is_no_row():
    drop = results_of(average_drop={"dax_v4": [0.1], "rise": [0.4]})
    found = judged(pd.concat([on_fold4(srg={"dax_v4": [0.5], "rise": [0.4]}), drop]))
    assert ("srg", "s") not in found
    assert ("average_drop", "fold4") not in found


def test_floors_must_be_beaten_on_pretrained_models():
    def of_model(name, ours, energy):
        values = {"dax_v4": [ours], "rise": [0.6], "energy": [energy], "oracle": [1.0]}
        return results_of(frame_auc=values).assign(set="pretrained", condition=name, model=name)

    four = [of_model(f"m{place}", 0.9, 0.5) for place in range(4)]
    found = judged(pd.concat([*four, of_model("m4", 0.9, 0.95)]))["frame_auc", "pretrained"]
    assert found[0] == "met"
    assert found[1].startswith("first on 4 of 5")
    found = judged(pd.concat([*four[:3], of_model("m4", 0.9, 0.95)]))["frame_auc", "pretrained"]
    assert found[0] == "missed"


@pytest.mark.parametrize(("share", "verdict"), [(0.85, "missed"), (0.95, "met"), (1.0, "missed")])
def test_errors_may_be_too_small_and_too_large(share, verdict):
    covered = pd.DataFrame({"set": ["fold4"], "coverage": [share]})
    found = judged(on_fold4(iou={"dax_v4": [0.5], "rise": [0.4]}), covered=covered)
    assert found["redraws", "fold4"][0] == verdict


def test_cost_of_the_fit(exp_dir):
    cells = rank_cells.find_cells(exp_dir)
    results = rank_blocks.by_recording(rank_cells.gather(cells))
    costs = rank_cells.gather_costs(cells)
    table = rank_targets.judge_targets(
        results, costs, pd.DataFrame(columns=["set", "coverage"]), "dax_v4"
    )
    own = table[table["target"].str.startswith("fit at most")]
    assert set(own["method"]) == {"dax_v4", "dax_v4_few"}
    assert set(own["verdict"]) == {"met"}
    assert own["found"].iloc[0] == "5.0%: 0.50 s and 10.00 s"


def explained(mask, error):
    mask = np.asarray(mask, dtype=np.float32)
    spectrogram = Spectrogram(
        np.zeros_like(mask), np.arange(2.0), np.arange(mask.shape[1]) * 1.0, "a"
    )
    return Explanation(mask, spectrogram, "dax_v4", standard_error=error)


def test_honest_normal_errors_cover_95_percent():
    draws = np.random.default_rng(0)
    masks = np.clip(0.5 + 0.05 * draws.standard_normal((5, 2, 4000)), 0, 1)
    found = coverage([explained(mask, np.full((2, 4000), 0.05)) for mask in masks])
    assert found == pytest.approx(0.954, abs=0.01)
    half = coverage([explained(mask, np.full((2, 4000), 0.025)) for mask in masks])
    assert half == pytest.approx(0.683, abs=0.015)


def test_bins_of_which_nothing_is_said_do_not_count():
    still = np.zeros((2, 4))
    assert coverage([explained(still, still), explained(still, still)]) is None
    moved = still.copy()
    moved[0, 0] = 0.5
    assert coverage([explained(still, still), explained(moved, still)]) == 0
    assert coverage([explained(still, None), explained(moved, None)]) is None


def test_report_says_what_is_there(exp_dir):
    script = str(ROOT / "recipes" / "ranks" / "report.py")
    arguments = ["--exp_dir", str(exp_dir), "--leader", "dax_v4", "--command", "the command"]
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = (exp_dir / "RESULTS.md").read_text()
    for words in (
        "the command",
        "| 0, 1 | 2000 | 500 |",
        "Targets",
        "runner_up_iou at most",
        "yamnet",
        "Nemenyi",
    ):
        assert words in text
    assert {path.name for path in (exp_dir / "pictures").iterdir()} >= {"ranks_all.png"}
    summary = pd.read_csv(exp_dir / "summary.csv")
    row = summary[(summary["method"] == "rise_few") & (summary["metric"] == "iou")].iloc[0]
    assert (row["mean"], row["n"]) == (pytest.approx(0.41), 3)
    forms = pd.read_csv(exp_dir / "tables" / "ranks_forms.csv", na_values="-")
    assert forms[
        ["set", "method", "iou", "iou_in_v5_form", "average_drop"]
    ].to_numpy().tolist() == [
        ["planted", "rise", pytest.approx(0.51), pytest.approx(0.76), pytest.approx(0.31)]
    ]
