"""What each ablation varies, and what the paper found."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from daxaudio.explainers.catalogue import METHODS
from daxaudio.explainers.dax.joint import Counterfactual, SparseMatching

NAMES = ("queries_and_lambda", "bases", "students", "convergence")
DEFAULT_QUERIES = (500, 1000, 2000)
EPOCHS = 15
"""Of "convergence"; the paper says that fewer than ten are enough."""
SHOWN_EPOCHS = (1, 2, 3, 5, 8, 10, 12, 15)

PAPER_V1 = {
    (4000, 0.001, 0.01): "28.5",
    (4000, 0.001, 0.02): "29.7",
    (4000, 0.001, 0.04): "29.5",
    (6000, 0.001, 0.02): "31.4",
    (6000, 0.01, 0.02): "30.9",
    (6000, 0.0001, 0.02): "29.2",
}
"""Table IV: IoU in % by Q, lambda_1 and lambda_2."""
PAPER_V2 = {(4000, 0.1): "28.3", (4000, 0.5): "30.8", (6000, 0.5): "32.5"}
"""Table IV: IoU in % by Q and lambda_3."""
PAPER_BASES = {"base1": "31.6 / 31.3", "base2": "29.1 / 26.4", "dax_v2": "34.7 / 32.5"}
PAPER_STUDENTS = {"2cnn_1fc": "34.8 / 31.9", "2fc": "35.5 / 33.7", "2cnn_2fc": "36.9 / 34.1"}

TABLE_IV = """\
The column `paper` is the paper's Table IV (ViT-b16), which asks 4000 or 6000 times: rows of other Q
have no figure there. Each row learns from the first Q answers, whatever `at_most` says below. The
epochs are the same at every Q, so a larger Q also means more steps."""
TABLE_V = "The column `paper` is the paper's Table V (ResNet-101 / ViT-b16)."
TABLE_VI = "The column `paper` is the paper's Table VI (ResNet-101 / ViT-b16)."
FIGURE_5 = """\
The paper's Figure 5 shows one picture, a strawberry, whose mask converges within 10 epochs; it
gives no figures. `checked` turns all epochs of a recording as its last mask needs it. Each row
learns for 15 epochs, whatever `epochs` says below."""


@dataclasses.dataclass(frozen=True)
class Ablation:
    """One question of the paper.

    Args:
        title: heading.
        text: which figures of the paper stand beside ours.
        settings: method and changed fields of its explainer, by the label of tables.
        paper: the paper's figure by label.
        by_epoch: score the mask after each epoch.
    """

    title: str
    text: str
    settings: Mapping[str, tuple[str, Mapping[str, Any]]]
    paper: Mapping[str, str] = dataclasses.field(default_factory=dict)
    by_epoch: bool = False


def make_ablation(name: str, queries: Sequence[int] = DEFAULT_QUERIES) -> Ablation:
    """The ablation of a name; `queries` are the Q of "queries_and_lambda", increasing."""
    if name == "bases":
        found = [m for m in ("base1", "base2", "dax_v1", "dax_v2", "dax_v5") if m in METHODS]
        settings = {method: (method, {}) for method in found}
        return Ablation("Student and RISE, student and LIME, DAX", TABLE_V, settings, PAPER_BASES)
    if name == "students":
        settings = {student: ("dax_v2", {"student": student}) for student in PAPER_STUDENTS}
        return Ablation("Students of DAX V2", TABLE_VI, settings, PAPER_STUDENTS)
    if name == "convergence":
        settings = {method: (method, {"epochs": EPOCHS}) for method in ("dax_v1", "dax_v2")}
        return Ablation("Masks and losses by epoch", FIGURE_5, settings, by_epoch=True)
    v2 = [(n, weight) for n in queries for weight in (0.1, 0.5)]
    middle = queries[len(queries) // 2]
    v1 = list(dict.fromkeys((middle, *lambdas) for _, *lambdas in PAPER_V1))
    settings = {_label_v2(*key): ("dax_v2", _changes_v2(*key)) for key in v2}
    settings.update({_label_v1(*key): ("dax_v1", _changes_v1(*key)) for key in v1})
    paper = {_label_v2(*key): value for key, value in PAPER_V2.items()}
    paper.update({_label_v1(*key): value for key, value in PAPER_V1.items()})
    return Ablation("Number of queries and weights of the losses", TABLE_IV, settings, paper)


def _label_v1(queries: int, lambda_l1: float, lambda_kl: float) -> str:
    return f"dax_v1, Q {queries}, lambda_1 {lambda_l1:g}, lambda_2 {lambda_kl:g}"


def _label_v2(queries: int, weight: float) -> str:
    return f"dax_v2, Q {queries}, lambda_3 {weight:g}"


def _changes_v1(queries: int, lambda_l1: float, lambda_kl: float) -> dict[str, Any]:
    return {"at_most": queries, "loss": SparseMatching(lambda_l1, lambda_kl)}


def _changes_v2(queries: int, weight: float) -> dict[str, Any]:
    return {"at_most": queries, "loss": Counterfactual(weight)}
