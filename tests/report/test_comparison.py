import re

import numpy as np
import pandas as pd
import pytest

from daxaudio.experiments.paired import compare_methods
from daxaudio.experiments.score import summarise
from daxaudio.metrics import paired_comparison
from daxaudio.report.comparison import write_comparison
from daxaudio.report.measures import (
    tabulate_fall,
    tabulate_measures,
    tabulate_tests,
    tabulate_wrongly_predicted,
)
from daxaudio.report.model import Section, Table
from daxaudio.report.sentences import describe_alike, describe_worse
from daxaudio.report.tables import tabulate_cost

NAN = float("nan")
RECORDINGS = [f"{number:02d}" for number in range(8)]


def results_of(*columns):
    """Values by (method, metric, list); each list is of the first recordings, or of ids given."""
    rows = []
    for method, metric, values, *ids in columns:
        rows += [
            (name, method, metric, value)
            for name, value in zip(ids[0] if ids else RECORDINGS, values, strict=False)
        ]
    return pd.DataFrame(rows, columns=["recording_id", "method", "metric", "value"])


def rows_of(table):
    return {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}


@pytest.fixture
def results():
    spread = np.linspace(0, 0.07, 8)
    return results_of(
        ("dax_v5", "iou", 0.60 + spread),
        ("dax_v5", "deletion_auc", 0.20 + spread),
        ("dax_v5", "complexity", 8.0 + spread),
        ("lime", "iou", 0.30 + 2 * spread),
        ("lime", "deletion_auc", 0.10 + 2 * spread),
        ("lime", "complexity", 5.0 + spread),
        ("energy", "iou", 0.40 + spread[::-1]),
        ("energy", "deletion_auc", 0.05 + spread),
        ("oracle", "iou", 0.90 + spread),
    )


def write(out, results, **settings):
    results.to_csv(out / "results.csv", index=False)
    summarise(results).to_csv(out / "summary.csv", index=False)
    written = write_comparison(
        out, "A title", "daxaudio compare --data d", text="A text.", **settings
    )
    return (out / "RESULTS.md").read_text(encoding="utf-8"), written


def section(text, title):
    """The lines of a section, to the next heading of the same level."""
    return re.split(r"^## ", text.split(f"## {title}\n", 1)[1], flags=re.MULTILINE)[0]


def test_numbers_are_those_of_the_csv(results):
    rows = rows_of(tabulate_measures(summarise(results), ["iou", "deletion_auc"], {}))
    values = results[(results["method"] == "lime") & (results["metric"] == "iou")]["value"]
    assert rows["lime"]["iou ↑"] == f"{values.mean():.3f} ({values.std():.3f})"
    assert rows["lime"]["n"] == "8"
    assert rows["oracle"]["deletion_auc ↓"] == "-"
    assert list(rows) == ["dax_v5", "lime", "energy", "oracle"]


def test_the_best_in_the_good_direction_is_bold_and_a_reference_never(results):
    metrics = ["iou", "deletion_auc", "complexity"]
    rows = rows_of(tabulate_measures(summarise(results), metrics, {}))
    bold = {
        head: [name for name, row in rows.items() if row[head].startswith("**")]
        for head in ("iou ↑", "deletion_auc ↓", "complexity")
    }
    # energy has the lowest deletion and oracle the highest IoU; complexity has no good direction
    assert bold == {"iou ↑": ["dax_v5"], "deletion_auc ↓": ["lime"], "complexity": []}
    assert rows["dax_v5"]["complexity"] == "8.04 (0.02)"


def test_means_that_are_shown_alike_are_bold_together():
    results = results_of(("lime", "iou", [0.50001] * 3), ("rise", "iou", [0.5] * 3))
    cells = [row[1] for row in tabulate_measures(summarise(results), ["iou"], {}).rows]
    assert all(cell.startswith("**0.500") for cell in cells)


def test_undefined_values_are_left_out_and_counted(results):
    partial = results_of(("lime", "frame_auc", [0.5, NAN, 0.7]), ("lime", "iou", [0.1, 0.2, 0.3]))
    row = rows_of(tabulate_measures(summarise(partial), ["iou", "frame_auc"], {}))["lime"]
    assert row["frame_auc ↑"].startswith("0.600 ")
    assert row["n"] == "2 to 3"


def test_the_papers_figures_stand_beside_ours(results):
    paper = {"iou": {"lime": "0.170 (0.053)"}}
    table = tabulate_measures(summarise(results), ["iou", "deletion_auc"], paper)
    assert table.header == ("method", "iou ↑", "iou, paper", "deletion_auc ↓", "n")
    rows = rows_of(table)
    assert (rows["lime"]["iou, paper"], rows["dax_v5"]["iou, paper"]) == ("0.170 (0.053)", "-")


def test_tests_are_paired_on_shared_recordings():
    results = results_of(
        ("dax_v5", "iou", [0.5, 0.6, 0.7, NAN]),
        ("rise", "iou", [0.9, 0.1, 0.2], ["03", "00", "01"]),
    )
    (row,) = compare_methods(results, "dax_v5", ["rise", "absent"], ["iou", "frame_auc"])
    expected = paired_comparison([0.5, 0.6], [0.1, 0.2])
    assert (row.result.n, row.result.mean_difference) == (2, pytest.approx(0.4))
    assert row.result.p_value == expected.p_value


def test_tests_mark_better_and_worse_by_the_direction_of_the_measure(results):
    metrics = ["iou", "deletion_auc", "complexity"]
    tests = compare_methods(results, "dax_v5", ["lime", "oracle"], metrics)
    rows = rows_of(tabulate_tests(tests, metrics))
    # all eight differences have one sign: the exact p-value is 2 / 2 ** 8, four times in the table
    assert rows["lime"]["iou ↑"] == "**+0.265 (0.008; 0.031)**"
    assert rows["lime"]["deletion_auc ↓"] == "*+0.065 (0.008; 0.031)*"
    assert rows["lime"]["complexity"] == "+3.00 (0.008; 0.031)"
    assert rows["oracle"]["deletion_auc ↓"] == "-"


def test_what_is_significant_by_luck_among_many_tests_is_not_marked(results):
    """Nine methods that tie with the leader make of 0.008 one test in ten."""
    more = [(f"m{number}", "iou", 0.60 + np.linspace(0, 0.07, 8)) for number in range(9)]
    tests = compare_methods(
        pd.concat([results, results_of(*more)]),
        "dax_v5",
        ["lime", *(name for name, *_ in more)],
        ["iou"],
    )
    rows = rows_of(tabulate_tests(tests, ["iou"]))
    assert rows["lime"]["iou ↑"] == "+0.265 (0.008; 0.078)"
    assert rows["m0"]["iou ↑"] == "+0.000 (1.000; 1.000)"


def test_differences_without_significance_are_not_marked():
    results = results_of(("dax_v5", "iou", [0.5, 0.6]), ("rise", "iou", [0.4, 0.3]))
    tests = compare_methods(results, "dax_v5", ["rise"], ["iou"])
    assert tabulate_tests(tests, ["iou"]).rows == (("rise", "+0.200 (0.500; 0.500)", "2"),)


def test_the_fall_of_iou_for_another_label_is_paired():
    results = results_of(
        ("rise", "iou", [0.5, 0.6, 0.9]),
        ("rise", "wrong_label_iou", [0.1, 0.2, NAN]),
        ("lime", "iou", [0.5]),
    )
    assert tabulate_fall(results, "runner_up_iou") is None
    table = tabulate_fall(results, "wrong_label_iou")
    assert table.header[-3:] == ("Wilcoxon p", "p (Holm)", "n")
    assert table.rows == (
        ("rise", "0.550", "0.150", "+0.400", "0.400 to 0.400", "0.500", "0.500", "2"),
    )


def test_wrongly_predicted_recordings_are_compared_unpaired():
    wrong = ["w1", "w2", "w3"]
    results = results_of(
        ("rise", "iou", [0.5, 0.6, 0.7, 0.8]),
        ("rise", "wrongly_predicted_iou", [0.1, 0.2, NAN], wrong),
        ("lime", "iou", [0.5]),
    )
    (row,) = tabulate_wrongly_predicted(results).rows
    assert row[:6] == ("rise", "0.650", "4", "0.150", "2", "+0.500")
    # 2 of 15 orders of 4 and 2 values are as extreme
    assert row[-2:] == ("0.133", "0.133")
    assert tabulate_wrongly_predicted(results[results["method"] == "lime"]) is None


def test_methods_below_a_reference_are_named_by_measure_and_direction(results):
    text = describe_worse(results)
    # lime is worse on 6 of 8 recordings, which may be luck; on deletion_auc it is on all
    assert "- Worse than `energy` on `iou`: lime." in text
    assert "- Worse than `energy` on `deletion_auc`: **dax_v5**, **lime**." in text
    assert "random" not in text
    assert "complexity" not in text


def test_no_method_below_a_reference_is_said_so():
    results = results_of(("rise", "iou", [0.5, 0.6]), ("random", "iou", [0.1, 0.2]))
    assert describe_worse(results) == "No method is worse than `random` on `iou`."
    assert describe_worse(results[results["method"] == "rise"]) == ""


def test_masks_that_stay_alike_are_counted_at_the_last_stage():
    rows = [
        ("a", "rise", 0, 1.0),
        ("a", "rise", 1, -0.6),
        ("b", "rise", 1, 0.2),
        ("a", "lime", 1, 0.49),
        ("a", "all_ones", 1, NAN),
    ]
    columns = ["recording_id", "method", "stage", "correlation"]
    assert describe_alike(pd.DataFrame(rows, columns=columns)).endswith(": rise 1 of 2.")


def test_costs_are_shown_in_the_order_of_methods():
    rows = [("rise", 1000.0, 0.0, 3.25), ("lime", 999.5, 0.0, NAN)]
    table = tabulate_cost(pd.DataFrame(rows, columns=["method", "queries", "gradients", "seconds"]))
    assert table.rows == (("lime", "999.5", "0", "-"), ("rise", "1000.0", "0", "3.250"))


def test_a_report_of_results_alone_leaves_the_rest_out(results, tmp_path):
    text, written = write(tmp_path, results)
    assert text.startswith("# A title\n\nA text.\n\nMade by\n\n    daxaudio compare --data d\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Overview",
        "Localisation",
        "Deletion and insertion",
        "Form of the mask",
        "Measures",
        "Paired tests: dax_v5 against each other method",
        "Environment",
    ]
    names = ["RESULTS.md", "report.html", "paired_tests.csv", "measures.png"]
    assert [path.name for path in written] == names
    assert "| iou | event against frames above mean + std | higher | 0 to 1 |" in text
    assert "| frame_auc |" not in text


def test_every_part_of_a_full_comparison_is_reported(results, tmp_path):
    rows = [("lime", 1000, 0, 1.5), ("dax_v5", 1000, 0, 2.5)]
    cost = pd.DataFrame(rows, columns=["method", "queries", "gradients", "seconds"])
    cost.to_csv(tmp_path / "cost.csv", index=False)
    rows = [
        ("00", method, direction, unit, fill, share, score)
        for method in ("lime", "dax_v5", "energy")
        for unit, fill in (("bins", "global_mean"), ("bins", "noise"), ("frames", "global_mean"))
        for direction in ("deletion", "insertion")
        for share, score in ((0.0, 0.9), (0.5, 0.4), (1.0, 0.1))
    ]
    columns = ["recording_id", "method", "direction", "unit", "fill", "share", "score"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "curves.csv", index=False)
    rows = [("00", "lime", 0, "trained", 1.0, 1.0), ("00", "lime", 1, "fc", 0.8, 0.7)]
    columns = ["recording_id", "method", "stage", "layer", "correlation", "ssim"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "randomisation.csv", index=False)
    more = results_of(
        *((name, "wrong_label_iou", [0.1] * 8) for name in ("lime", "dax_v5")),
        ("lime", "wrongly_predicted_iou", [0.2, 0.3], ["w1", "w2"]),
        ("lime", "randomisation_correlation", [0.8]),
    )
    text, written = write(tmp_path, pd.concat([results, more]))
    assert "4 methods on 8 recordings, and on 2 that the model predicts wrongly." in text
    assert "| dax_v5 | 1000 | 0 | 2.500 |" in section(text, "Cost")
    assert "`iou` less `wrong_label_iou`" in section(text, "Sensitivity to the label")
    assert "Mann-Whitney p" in section(text, "Wrongly predicted recordings")
    assert "lime 1 of 1." in section(text, "Randomised model")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert pictures == [
        "pictures/measures.png",
        "pictures/curves_bins_global_mean.png",
        "pictures/curves_bins_noise.png",
        "pictures/curves_frames_global_mean.png",
        "pictures/randomisation.png",
    ]
    assert all((tmp_path / name).stat().st_size > 5000 for name in pictures)
    assert set(pictures) <= {path.relative_to(tmp_path).as_posix() for path in written}


def test_the_page_tells_what_the_markdown_tells(results, tmp_path):
    text, written = write(tmp_path, results)
    page = written[1].read_text(encoding="utf-8")
    for title in re.findall(r"^##+ (.*)$", text, re.MULTILINE):
        assert f">{title}</h" in page
    n_rows = sum(line.startswith("| ") for line in text.splitlines())
    assert page.count("<tr>") == n_rows
    assert page.count("data:image/png;base64,") == text.count("](pictures/")
    assert "<strong>0.635 (0.024)</strong>" in page
    assert "**" not in page.split("<main>")[1].split("<script>")[0]


def test_further_sections_stand_between_measures_and_cost(results, tmp_path):
    folds = Section("Accuracy by fold", ["As padded.", Table(("fold", "right"), (("0012", "3"),))])
    text, written = write(tmp_path, results, sections=[folds])
    assert "As padded.\n\n| fold | right |\n|---|---|\n| 0012 | 3 |" in text
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert titles.index("Accuracy by fold") == titles.index("Form of the mask") + 1
    assert ">0012</th>" in written[1].read_text(encoding="utf-8")


def test_tables_without_a_row_are_left_out(results, tmp_path):
    for name, columns in (
        ("curves.csv", "recording_id,method,direction,unit,fill,share,score"),
        ("randomisation.csv", "recording_id,method,stage,layer,correlation,ssim"),
        ("cost.csv", "method,queries,gradients,seconds"),
    ):
        (tmp_path / name).write_text(columns + "\n")
    text, written = write(tmp_path, results)
    assert [path.name for path in written if path.suffix == ".png"] == ["measures.png"]
    assert "## Cost" not in text


def test_without_results_of_the_leader_there_are_no_tests(results, tmp_path):
    text, written = write(tmp_path, results, leader="dax_v2")
    assert "Paired tests" not in text
    assert "paired_tests.csv" not in {path.name for path in written}


def test_paired_tests_are_stored_with_their_intervals(results, tmp_path):
    write(tmp_path, results)
    stored = pd.read_csv(tmp_path / "paired_tests.csv").set_index(["method_b", "metric"])
    row = stored.loc[("lime", "iou")]
    assert row["n"] == 8
    assert row["mean_difference"] == pytest.approx(0.265)
    assert row["low"] < row["mean_difference"] < row["high"]
    # three others, one measure of localisation: corrected within the group
    assert row["p_holm"] == pytest.approx(3 * 2 / 2**8, abs=1e-6)
    assert stored.loc[("oracle", "iou"), "p_holm"] >= stored.loc[("oracle", "iou"), "p_value"]


def test_recording_names_that_look_like_numbers_or_gaps_stay_apart(tmp_path):
    names = ["01", "1", "NA", "nan"]
    results = results_of(
        ("dax_v5", "iou", [0.5, 0.6, 0.7, 0.8], names), ("lime", "iou", [0.1, 0.2, 0.3, 0.4], names)
    )
    text, _ = write(tmp_path, results)
    assert "2 methods on 4 recordings." in text
    assert "| lime | +0.400 (0.125; 0.125) | 4 |" in text


def test_a_folder_without_a_comparison_is_refused(results, tmp_path):
    with pytest.raises(ValueError, match=r"no results\.csv here"):
        write_comparison(tmp_path, "A title", "a command")
    with pytest.raises(ValueError, match="metric 'beauty' is unknown"):
        write(tmp_path, results.replace({"metric": {"iou": "beauty"}}))
    with pytest.raises(ValueError, match="no row"):
        write(tmp_path, results[:0])
