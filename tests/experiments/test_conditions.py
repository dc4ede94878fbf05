import numpy as np
import pandas as pd
import pytest
from made_conditions import RISING, long_table, rows_of, save, write_conditions

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
from daxaudio.plot.scores import plot_summaries


@pytest.fixture
def exp_dir(tmp_path):
    write_conditions(tmp_path)
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
    few = results[results["method"] == "dax_v5_500"]
    assert few["value"].tolist() == [0.5, 0.3, 0.7]


def test_n_counts_recordings_and_seeds_are_averaged_first(exp_dir):
    row = summary_of(exp_dir, padding="white", method="dax_v5", metric="iou").iloc[0]
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
            long_table(rows_of("iou", dax_v5=[0.5, 0.5], rise=[0.4, 0.1])),
            long_table(rows_of("iou", dax_v5=[0.9, 0.9], rise=[None, 0.3]), seed=1),
        ]
    )
    # a: 0.5 - 0.4 from seed 0 alone; b: 0.7 - 0.2
    (row,) = compare_methods(table, "dax_v5", ["rise"], ["iou"])
    assert row.result.mean_difference == pytest.approx(0.3)


def test_methods_stand_in_the_order_of_tables():
    names = ["own", "oracle", "lime_500", "rise", "lime"]
    assert order_with_leader(names, "lime") == ["lime", "lime_500", "rise", "oracle", "own"]


@pytest.mark.parametrize(
    ("seed", "model", "words"), [(0, "abc", "one seed"), (1000, "def", "not one model")]
)
def test_stability_of_one_seed_or_of_two_classifiers_is_refused(exp_dir, seed, model, words):
    folder = exp_dir / "resnet18-seed0" / "white" / "explanations_again" / "dax_v5" / "a"
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


def test_conditions_of_other_settings_are_named(exp_dir):
    conditions = find_conditions(exp_dir)
    assert find_differing_settings(conditions) == []
    folder = exp_dir / "resnet18-seed1" / "white" / "explanations" / "dax_v5" / "a"
    save(folder, RISING, 1, settings={"queries": 7})
    assert find_differing_settings(conditions) == ["resnet18"]


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
