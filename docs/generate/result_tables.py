"""Tables of results, from the files that runs left: `docs/results/*.csv` and `sources.yaml`.

A page names a table by a line that holds a link to its file,

    [table esc10_white](esc10_white.csv "iou frame_auc")

with the columns to show, all when none are named; and what a run was by `[run NAME](sources.yaml)`.
On a page of the repository such a line leads to the file.

Files have one value a row (`method`, `metric`, `mean`, `std`, `n`, `p_value`, as the `summary.csv`
of a comparison), or are tables as they stand.
"""

import csv
import functools
import re
import runpy
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"

_TABLE = re.compile(r'^\[table (\w+)\]\(\S+?(?: "([^"]*)")?\)$', re.MULTILINE)
_RUN = re.compile(r"^\[run (\w+)\]\(\S+\)$", re.MULTILINE)

HEADINGS = {
    "iou": "IoU",
    "best_threshold_iou": "best-threshold IoU",
    "frame_auc": "frame AUC",
    "deletion_auc": "deletion AUC (lower)",
    "insertion_auc": "insertion AUC (higher)",
    "wrong_label_iou": "IoU for a wrong class (lower)",
    "runner_up_iou": "for the runner-up (lower)",
    "runner_up_correlation": "correlation with it",
    "wrongly_predicted_iou": "IoU where the model errs (lower)",
    "fall": "fall (higher)",
    "deletion_auc_frames": "deletion, frames",
    "insertion_auc_frames": "insertion, frames",
    "deletion_auc_events": "deletion, events",
    "insertion_auc_events": "insertion, events",
    "deletion_auc_noise": "deletion, noise",
    "insertion_auc_noise": "insertion, noise",
    "average_increase": "increase",
    "average_gain": "gain",
    "max_sensitivity": "max-sensitivity (lower)",
    "randomisation_correlation": "random model: correlation",
    "randomisation_absolute": "regardless of sign",
    "randomisation_ssim": "SSIM",
    "mask_auc": "mask AUC, time and frequency",
    "mask_iou": "mask IoU",
    "rise_in_form": "RISE in the form of DAX V4",
    "held_out_r2": "held-out R2 of the student",
    "paper:iou": "Table VII, paper",
    "paper:deletion_auc": "Table III, paper",
    "paper:wrong_label_iou": "Table II, paper",
    "paper:wrongly_predicted_iou": "Table IX, paper",
}
"""Columns whose heading is more than their name."""


def with_results(markdown, folder=RESULTS):
    """A text whose lines of tables and runs are what these files hold.

    Args:
        markdown: of a page.
        folder: of the files.

    Raises:
        ValueError: when a table is not among the sources, or a column not in its file.
    """
    sources = read_sources(folder)
    markdown = _RUN.sub(lambda match: describe_run(sources["runs"][match[1]]), markdown)

    def put(match):
        name, columns = match[1], (match[2] or "").split()
        if name not in sources["tables"]:
            raise ValueError(f"{folder}/sources.yaml says nothing of the table {name!r}")
        run = sources["runs"][sources["tables"][name]]
        facts = f"`{name}.csv`, commit {run['commit']} of {run['date']}"
        return f"{to_markdown(read_rows(folder / f'{name}.csv'), columns)}\n\n*{facts}.*"

    return _TABLE.sub(put, markdown)


def read_sources(folder=RESULTS):
    """`runs` (command, commit, date, machine) by name, and the run of each of the `tables`."""
    return yaml.safe_load((folder / "sources.yaml").read_text(encoding="utf-8"))


def describe_run(run):
    """The command, and which version of the code on which machine it ran."""
    return (
        f"```\n{run['command'].strip()}\n```\n\n"
        f"*Ran at commit {run['commit']} of {run['date']} on {run['machine']}.*"
    )


def read_rows(path):
    """The rows of a file as texts, so that figures keep their digits."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def to_markdown(rows, columns=()):
    """A table in Markdown.

    Args:
        rows: of a file, see above.
        columns: measures to show, or columns of a table as it stands; all when there are none.
            `paper:MEASURE` is what the paper has.

    Example:
        >>> row = {"method": "rise", "metric": "iou", "mean": "0.52", "std": "0.11"}
        >>> print(to_markdown([row | {"n": "40", "p_value": ""}]))
        | method | IoU |
        |---|---|
        | `rise` | 0.52 (0.11) |
    """
    if "metric" in rows[0] and "mean" in rows[0]:
        heads, lines = _by_method(rows, list(columns))
    else:
        heads = list(columns) or list(rows[0])
        lines = [[_named(head, row[head]) for head in heads] for row in rows]
    titles = [_title(head) for head in heads]
    return "\n".join(f"| {' | '.join(line)} |" for line in [titles, *lines]).replace(
        "\n", f"\n|{'---|' * len(titles)}\n", 1
    )


def _title(head):
    return HEADINGS.get(head, "paper" if head.startswith("paper:") else head.replace("_", " "))


def _named(head, value):
    return f"`{value}`" if head in ("method", "padding") else (value or "-")


def _by_method(rows, columns):
    """One line a method, one column a measure, `p` behind those that were tested."""
    values = {(row["method"], row["metric"]): row for row in rows}
    columns = columns or list(dict.fromkeys(row["metric"] for row in rows))
    known = {row["metric"] for row in rows}
    heads, cells = ["method"], []
    for column in columns:
        if column.startswith("paper:"):
            heads.append(column)
            found = _paper()[column.removeprefix("paper:")]
            cells.append(lambda method, found=found: found.get(method, "-").split(" (")[0])
            continue
        if column not in known:
            raise ValueError(f"no measure {column!r} here, only {', '.join(sorted(known))}")
        heads.append(column)
        cells.append(lambda method, column=column: _value(values.get((method, column))))
        if any(row["p_value"] for row in rows if row["metric"] == column):
            heads.append("p")
            cells.append(lambda method, column=column: values[method, column]["p_value"] or "-")
    counts: dict[str, set[str]] = {}
    for row in rows:
        if row["metric"] in columns:
            counts.setdefault(row["method"], set()).add(row["n"])
    if len({n for own in counts.values() for n in own}) > 1:
        heads.append("n")
        cells.append(lambda method: "/".join(sorted(counts[method])) or "-")
    return heads, [[f"`{method}`", *(cell(method) for cell in cells)] for method in counts]


def _value(row):
    if row is None or not row["mean"]:
        return "-"
    return f"{row['mean']} ({row['std']})" if row["std"] else row["mean"]


@functools.cache
def _paper():
    esc10, coswara = (
        runpy.run_path(str(ROOT / "recipes" / name))
        for name in ("esc10/paper.py", "coswara/paper_phases.py")
    )
    return {**esc10["PAPER"], **coswara["TABLE_VIII"]}
