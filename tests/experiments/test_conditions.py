import numpy as np
import pandas as pd
import pytest
import torch

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.experiments.conditions import (
    find_conditions,
    find_differing_settings,
    gather_results,
    measure_costs,
    measure_stability,
    order_with_leader,
    summarise_conditions,
)
from daxaudio.experiments.paired import compare_methods
from daxaudio.experiments.score import summarise
from daxaudio.explainers.storage import save_explanation
from daxaudio.plot.scores import plot_summaries
from daxaudio.report.protocol import write_protocol
from daxaudio.report.targets import judge_targets

NAN = float("nan")
NO_STABILITY = pd.DataFrame(columns=["model", "padding", "mean", "std", "n"])
NO_COSTS = pd.DataFrame(
    columns=["model", "padding", "method", "queries", "query_seconds", "fit_seconds", "ratio"]
)


def write_results(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["recording_id", "method", "metric", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "results.csv", index=False)


def rows_of(metric, **values):
    """`rise=[0.1, 0.2]` are the values of the recordings a and b."""
    return [
        (name, method, metric, value)
        for method, of_method in values.items()
        for name, value in zip("abcdefghij", of_method, strict=False)
        if value is not None
    ]


def long_table(rows, model="resnet18", seed=0, padding="white"):
    columns = ["recording_id", "method", "metric", "value"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(model=model, seed=seed, padding=padding)


def save(folder, mask, seed=0, model="abc", seconds=None, settings=None, queries=100):
    """A stored explanation of a 4 x 5 spectrogram."""
    mask = torch.as_tensor(mask, dtype=torch.float32)
    spectrogram = Spectrogram(
        torch.zeros_like(mask), torch.arange(4.0), torch.arange(5.0) / 10, folder.name
    )
    explanation = Explanation(
        mask,
        spectrogram,
        folder.parent.name,
        n_queries=queries,
        seconds=seconds or {"query": 10.0, "fit": 2.0},
    )
    facts = {"seed": seed, "model": model, "input": "x", "run_settings": settings or {}}
    save_explanation(folder, explanation, facts)


RISING = torch.linspace(0, 1, 20).reshape(4, 5)


@pytest.fixture
def exp_dir(tmp_path):
    """Two seeds on white noise, one on pink; recording c is explained with seed 0 only."""
    white = tmp_path / "resnet18-seed0" / "white"
    rows = rows_of("iou", dax_v4=[0.6, 0.4, 0.9], rise=[0.4, 0.2, 0.5], random=[0.1, 0.1, 0.1])
    rows += rows_of("frame_auc", dax_v4=[1.0, 0.9, 0.95], rise=[0.9, 0.9, NAN])
    write_results(white, rows)
    write_results(white / "few", rows_of("iou", dax_v4=[0.5, 0.3, 0.7]))
    rows = rows_of("iou", dax_v4=[0.8, 0.4], rise=[0.2, 0.4], random=[0.1, 0.3])
    write_results(tmp_path / "resnet18-seed1" / "white", rows)
    rows = rows_of("iou", dax_v4=[0.3], rise=[0.5]) + rows_of("frame_auc", dax_v4=[0.8], rise=[0.7])
    write_results(tmp_path / "resnet18-seed0" / "pink", rows)
    for folder, mask, seed in (
        (white / "explanations" / "dax_v4" / "a", RISING, 0),
        (white / "explanations_again" / "dax_v4" / "a", RISING**2, 1000),
        (white / "explanations_500" / "dax_v4" / "a", RISING, 0),
    ):
        save(folder, mask, seed)
    (tmp_path / "conditions.csv").write_text(
        "model,seed,padding\nresnet18,0,white\nresnet18,1,white\nresnet18,0,pink\nresnet101,0,pink\n"
    )
    return tmp_path


def summary_of(exp_dir, **where):
    table = summarise_conditions(gather_results(find_conditions(exp_dir)))
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def test_conditions_stand_in_the_order_of_the_plan(exp_dir):
    found = [(c.model, c.padding, c.seed) for c in find_conditions(exp_dir)]
    assert found == [("resnet18", "white", 0), ("resnet18", "white", 1), ("resnet18", "pink", 0)]


def test_long_table_holds_every_value_and_the_leader_from_few_queries(exp_dir):
    results = gather_results(find_conditions(exp_dir))
    columns = ["model", "seed", "padding", "recording_id", "method", "metric", "value"]
    assert list(results.columns) == columns
    assert len(results) == 15 + 3 + 6 + 4
    few = results[results["method"] == "dax_v4_500"]
    assert few["value"].tolist() == [0.5, 0.3, 0.7]


def test_n_counts_recordings_and_seeds_are_averaged_first(exp_dir):
    row = summary_of(exp_dir, padding="white", method="dax_v4", metric="iou").iloc[0]
    # a: (0.6 + 0.8) / 2 = 0.7, b: 0.4, c: 0.9 from one seed
    assert row["n"] == 3
    assert row["mean"] == pytest.approx(2 / 3, abs=1e-6)
    assert row["std"] == pytest.approx(np.std([0.7, 0.4, 0.9], ddof=1), abs=1e-6)
    assert pd.isna(row["p_value"])
    assert pd.isna(row["difference"])


def test_difference_is_the_leader_minus_the_method_by_recording(exp_dir):
    row = summary_of(exp_dir, padding="white", method="rise", metric="iou").iloc[0]
    # rise, a: 0.3, b: 0.3, c: 0.5; differences 0.4, 0.1, 0.4
    assert row["n_pairs"] == 3
    assert row["difference"] == pytest.approx(0.3, abs=1e-6)
    assert row["low"] == pytest.approx(0.1)
    assert row["high"] == pytest.approx(0.4)
    assert row["p_value"] == pytest.approx(0.25)  # three of one sign: 2 / 2^3


def test_undefined_values_leave_their_pair_out(exp_dir):
    row = summary_of(exp_dir, padding="white", method="rise", metric="frame_auc").iloc[0]
    assert (row["n"], row["n_pairs"]) == (2, 2)
    assert row["difference"] == pytest.approx(0.05)


def test_a_seed_that_one_method_lacks_is_left_out_of_the_pair():
    table = pd.concat(
        [
            long_table(rows_of("iou", dax_v4=[0.5, 0.5], rise=[0.4, 0.1])),
            long_table(rows_of("iou", dax_v4=[0.9, 0.9], rise=[None, 0.3]), seed=1),
        ]
    )
    # a: 0.5 - 0.4 from seed 0 alone; b: 0.7 - 0.2
    (row,) = compare_methods(table, "dax_v4", ["rise"], ["iou"])
    assert row.result.mean_difference == pytest.approx(0.3)


def test_methods_stand_in_the_order_of_tables():
    names = ["own", "oracle", "lime_500", "rise", "lime"]
    assert order_with_leader(names, "lime") == ["lime", "lime_500", "rise", "oracle", "own"]


@pytest.mark.parametrize(
    ("seed", "model", "words"), [(0, "abc", "one seed"), (1000, "def", "not one model")]
)
def test_stability_of_one_seed_or_of_two_classifiers_is_refused(exp_dir, seed, model, words):
    folder = exp_dir / "resnet18-seed0" / "white" / "explanations_again" / "dax_v4" / "a"
    save(folder, RISING, seed, model)
    with pytest.raises(ValueError, match=words):
        measure_stability(find_conditions(exp_dir))


def test_costs_are_averaged_over_recordings_then_over_seeds(exp_dir):
    explanations = exp_dir / "resnet18-seed1" / "white" / "explanations" / "rise"
    save(explanations / "a", RISING, 1, seconds={"query": 8.0, "fit": 1.0})
    save(explanations / "b", RISING, 1, seconds={"query": 4.0, "fit": 2.0, "polarity": 3.0})
    costs = measure_costs(find_conditions(exp_dir), "rise").set_index("method")
    assert costs.loc["rise", "query_seconds"] == pytest.approx(6)
    assert costs.loc["rise", "ratio"] == pytest.approx(3 / 6)


def verdicts(rows, stability=NO_STABILITY, costs=NO_COSTS, padding="white"):
    table = judge_targets(long_table(rows, padding=padding), stability, costs)
    return dict(zip(table["what"], table["verdict"], strict=True)), table.set_index("what")


IOU = "iou of dax_v4 over the best rival's"


def test_iou_target_needs_the_ratio_and_the_test():
    six = {"rise": [0.5] * 6, "lime": [0.1] * 6}
    # six differences of one sign: p = 2 / 2^6 = 0.031
    found, table = verdicts(rows_of("iou", dax_v4=[0.61] * 6, **six))
    assert found[IOU] == "met"
    assert table.loc[IOU, "found"] == "ratio 1.22: 0.610 against 0.500 (rise), p 0.0312, n 6"
    assert verdicts(rows_of("iou", dax_v4=[0.59] * 6, **six))[0][IOU] == "missed"
    # five recordings: p = 2 / 2^5 = 0.063
    assert verdicts(rows_of("iou", dax_v4=[0.9] * 5, **six))[0][IOU] == "missed"


def test_references_are_no_rivals():
    rows = rows_of("iou", dax_v4=[0.6] * 6, rise=[0.3] * 6, oracle=[1.0] * 6, random=[0.9] * 6)
    assert "(rise)" in verdicts(rows)[1].loc[IOU, "found"]


def test_frame_auc_is_held_against_the_best_and_on_white_against_a_number():
    rows = rows_of("frame_auc", dax_v4=[0.94, 0.94], rise=[0.93, 0.91])
    found = verdicts(rows)[0]
    assert found["frame_auc of dax_v4"] == "met"
    assert found["frame_auc of dax_v4 on white noise"] == "missed"
    assert "frame_auc of dax_v4 on white noise" not in verdicts(rows, padding="pink")[0]


def test_few_queries_are_held_against_the_best_at_full():
    rows = rows_of("iou", dax_v4=[0.9], rise=[0.5], dax_v4_500=[0.4])
    rows += rows_of("frame_auc", dax_v4=[0.9], rise=[0.5], dax_v4_500=[0.6])
    found = verdicts(rows)[0]
    assert (found["iou of dax_v4_500"], found["frame_auc of dax_v4_500"]) == ("missed", "met")


@pytest.mark.parametrize(("value", "verdict"), [(0.91, "met"), (0.89, "missed"), (NAN, "open")])
def test_stability_target(value, verdict):
    n = 0 if np.isnan(value) else 9
    row = {"model": ["resnet18"], "padding": "white", "mean": value, "std": NAN, "n": n}
    found = verdicts(rows_of("iou", dax_v4=[0.5]), stability=pd.DataFrame(row))[0]
    assert found["Spearman of dax_v4's masks, two seeds"] == verdict


@pytest.mark.parametrize(("ratio", "verdict"), [(0.29, "met"), (0.31, "missed"), (NAN, "open")])
def test_cost_target(ratio, verdict):
    row = {"model": ["resnet18"], "padding": "white", "method": "dax_v4", "ratio": ratio}
    found = verdicts(rows_of("iou", dax_v4=[0.5]), costs=pd.DataFrame(row))[0]
    assert found["fit time of dax_v4 over its query time"] == verdict


def test_what_is_not_measured_is_open():
    found = verdicts(rows_of("iou", dax_v4=[0.5]))[0]
    assert set(found.values()) == {"open"}


def test_report_of_a_part_says_what_lacks(exp_dir):
    (exp_dir / "command.txt").write_text("protocol.sh --corpus here\n")
    explanations = exp_dir / "resnet18-seed0" / "white" / "explanations"
    save(explanations / "rise" / "a", RISING, seconds={"query": 8.0, "fit": 1.0})
    markdown, results, summary, picture = write_protocol(exp_dir, "Title", "Text.")
    text = markdown.read_text()
    for words in (
        "# Title",
        "protocol.sh --corpus here",
        "3 of 4 conditions are there. Without results so far: resnet101 seed 0 pink.",
        "### resnet18, white",
        "| dax_v4 | 0.67 (0.25) | 0.95 (0.05) | 3 | - | - |",
        "| rise | 0.37 (0.12) | 0.90 (0.00) | 2 to 3 | 0.250 | 1.000 |",
        "| resnet18 | white | rise | 100.00 | 8.00 | 1.00 | 0.12 |",
        "| 1.000, n 1 | met |",
        "| Python |",
    ):
        assert words in text, text
    assert len(pd.read_csv(results)) == 28
    assert "p_value" in pd.read_csv(summary).columns
    assert picture.stat().st_size > 10_000


def test_conditions_of_other_settings_are_named(exp_dir):
    conditions = find_conditions(exp_dir)
    assert find_differing_settings(conditions) == []
    folder = exp_dir / "resnet18-seed1" / "white" / "explanations" / "dax_v4" / "a"
    save(folder, RISING, 1, settings={"queries": 7})
    assert find_differing_settings(conditions) == ["resnet18"]
    text = write_protocol(exp_dir, "T", "T.")[0].read_text()
    assert "The conditions of resnet18 were explained with different settings" in text


def test_bad_input_is_named(exp_dir, tmp_path):
    with pytest.raises(ValueError, match="run it first"):
        find_conditions(tmp_path / "none")
    with pytest.raises(ValueError, match="no condition has results of 'lime', the leader"):
        gather_results(find_conditions(exp_dir), "lime")
    (exp_dir / "resnet18-seed0" / "white" / "explanations_250").mkdir()
    with pytest.raises(ValueError, match="250, 500 queries"):
        gather_results(find_conditions(exp_dir))
    (exp_dir / "resnet18-seed1" / "white" / "results.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="recording_id, method, metric, value missing"):
        gather_results(find_conditions(exp_dir)[1:2])
    (exp_dir / "conditions.csv").write_text("")
    with pytest.raises(ValueError, match="not a table"):
        find_conditions(exp_dir)


def test_summaries_side_by_side_need_something_to_draw(tmp_path):
    table = summarise(long_table(rows_of("iou", rise=[0.1, 0.2])))
    assert plot_summaries({"one": table}, tmp_path / "a.png", ["iou"]).is_file()
    with pytest.raises(ValueError, match="no row of the summary"):
        plot_summaries({"one": table}, tmp_path / "b.png", ["auc"])
    with pytest.raises(ValueError, match="got none"):
        plot_summaries({}, tmp_path / "b.png", ["iou"])


def test_masks_of_two_seeds_are_compared_by_rank(exp_dir):
    found = measure_stability(find_conditions(exp_dir))
    assert found[["model", "padding", "n"]].values.tolist() == [["resnet18", "white", 1]]
    assert found["mean"].iloc[0] == pytest.approx(1)
