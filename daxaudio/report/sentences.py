"""What reports say in words: of measures and tests, and of what a comparison found."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from daxaudio.experiments.folder import WARNINGS_FILE
from daxaudio.experiments.paired import SIGNIFICANT, compare_methods, is_better
from daxaudio.experiments.score import count_warned
from daxaudio.explainers.catalogue import floors, order_methods, references
from daxaudio.metrics.catalogue import GROUPS
from daxaudio.metrics.sanity import ALIKE
from daxaudio.metrics.significance import holm

ABOUT_METRICS = (
    "`iou` is the paper's protocol: frames whose profile lies above mean + standard deviation. "
    "That threshold cannot be met by an event longer than half the recording: a perfect mask then "
    "scores 0, and the row `oracle` shows the ceiling. So `frame_auc` and `average_precision` rank "
    "the frames without a threshold, and `best_threshold_iou` is an upper bound over all "
    "thresholds. Values are means over recordings with the standard deviation in brackets."
)

ABOUT_TESTS = (
    "Each test is on the same recordings for both methods: a bootstrap interval of the mean "
    "difference over recordings, and a two-sided Wilcoxon signed-rank test. `p (Holm)`, where it "
    "stands, is corrected for all tests of its table. "
    "Of n recordings no p is below 2 / 2^n, and times the tests that may be a lot."
)

MAIN_MEASURES = ("iou", "frame_auc", "deletion_auc", "insertion_auc", "faithfulness")
"""By these a method is held against the references in words."""

ABOUT_MARKS = (
    "An arrow behind a measure says which way is better. Bold is the best mean of the methods that "
    f"are no references (references: {', '.join(references())}). Where n differs, means are "
    "over different recordings; the tests are on those that both sides have."
)

TITLES = {
    "localisation": "Localisation",
    "event_detection": "Masks as detectors of events",
    "focus": "One class among several",
    "evidence": "Evidence in time and frequency",
    "deletion": "Deletion and insertion",
    "srg": "Gain of the order, and of what is marked",
    "faithfulness": "Faithfulness",
    "correlation": "Losses foretold",
    "road": "Gain of the order, imputed",
    "form": "Form of the mask",
    "labels": "Sensitivity to the label",
    "wrongly_predicted": "Wrongly predicted recordings",
    "max_sensitivity": "Sensitivity to noise",
    "sanity": "Randomised model",
    "same_form": "All maps in one form",
}
"""Heading of each group of measures."""

TEXTS = {
    "localisation": ABOUT_METRICS,
    "event_detection": (
        "What a mask's profile finds above its mean + std: frame by frame, event by event, "
        "and (`psds`) over all thresholds and all recordings at once, which is one number a method "
        "and has no deviation."
    ),
    "focus": (
        "Recordings with events of several classes: the share of a mask that lies in events of the "
        "class that it was made for and not in those of the others. A mask that marks whatever "
        "stands out has the class's share of these frames."
    ),
    "evidence": (
        "Masks against evidence that is known in time and frequency, point by point. The row "
        "`oracle` knows the time of the event only, and so is no ceiling here."
    ),
    "deletion": (
        "The score of the class while the places that a mask marks most go first (deletion) or "
        "come first (insertion). `_frames` and `_events` change whole frames and whole stretches "
        "of time, `_noise` puts noise in their place. Both ends of a curve are the same for all "
        "methods; what counts is the way between them, and so the area."
    ),
    "srg": (
        "How much more of the score is left when the places go first that a mask marks least than "
        "when those go that it marks most (`srg`), which hangs little on what stands in their "
        "place; and how much more the score changes by the bins at half a mask's height or above "
        "than by as many of the same form elsewhere (`_at_area`). A mask at random has 0."
    ),
    "faithfulness": "What the black box says of the masked input, and of what the mask leaves.",
    "correlation": (
        "Whether a mask is high where the score loses much: a quarter of the bins is taken away, "
        "many times at random, or one band of frequencies, or one window of time. A mask at random "
        "has 0."
    ),
    "road": (
        "As `srg`, where what goes becomes what its neighbours have on average, so that its "
        "outline tells the black box nothing."
    ),
    "form": "These describe a mask; none of them is a merit by itself.",
    "labels": (
        "Each recording is explained again for a wrong class, drawn at random (`wrong_label`), "
        "and for the wrong class with the highest score (`runner_up`). A mask that depends on the "
        "class should not mark the event of the true one then. A reference that does not ask the "
        "black box has the same mask for every class."
    ),
    "wrongly_predicted": (
        "Recordings that the model gets wrong, explained for their true class. These are other "
        "recordings than above, so the two groups are compared unpaired: a bootstrap interval of "
        "the difference of their means, each group resampled by itself, and a two-sided "
        "Mann-Whitney test."
    ),
    "max_sensitivity": "How far a mask changes when noise is added that is hardly there.",
    "sanity": (
        "The model's layers are put at random from the output down to the input, and recordings "
        "are explained again. A mask that stays as it was shows the recording and not what the "
        "model has learned. The measures are those with all layers at random: the rank "
        "correlation, a mean over several classes, in which a mask of the opposite sign counts "
        "against one of the same; the same regardless of sign, which tells how few different masks "
        "a recording leaves room for; and the structural similarity. `randomisation_rise` compares "
        "no two maps: it is the rise of a map's complexity, 0 for one that shows the recording."
    ),
    "same_form": (
        "A control: what each method found, brought into the form of one and the same mask, DAX "
        "V4's or DAX V5's (without the bins that V5 asks for). Methods that differ in their own "
        "form only are equal here."
    ),
}
"""What stands below the heading."""


def describe_recordings(results: pd.DataFrame) -> str:
    """Counts recordings and methods in a sentence.

    Example:
        >>> rows = [("a", "rise", "iou"), ("b", "rise", "wrongly_predicted_iou")]
        >>> describe_recordings(pd.DataFrame(rows, columns=["recording_id", "method", "metric"]))
        '1 method on 1 recording, and on 1 that the model predicts wrongly.'
    """
    is_wrong = results["metric"].isin(GROUPS["wrongly_predicted"])
    n_methods = results["method"].nunique()
    n_right, n_wrong = (results["recording_id"][rows].nunique() for rows in (~is_wrong, is_wrong))
    counted = f"{_count(n_methods, 'method')} on {_count(n_right, 'recording')}"
    return counted + (f", and on {n_wrong} that the model predicts wrongly." if n_wrong else ".")


def describe_worse(results: pd.DataFrame) -> str:
    """Says which methods are worse than a reference on which of `MAIN_MEASURES`.

    The references are those that a method should beat (`catalogue.floors`). Worse is by the mean,
    in the measure's good direction, over the recordings that both have; in bold where the Wilcoxon
    p-value, corrected for all the tests that were made for it, is below 0.05 as well.

    Args:
        results: columns `recording_id`, `method`, `metric`, `value`.

    Returns:
        A sentence, or a list with a line a reference and measure; "" when neither reference nor
        measure is there.

    Example:
        >>> rows = [("rise", 0.1), ("lime", 0.4), ("energy", 0.2)]
        >>> results = pd.DataFrame(rows, columns=["method", "value"])
        >>> results = results.assign(recording_id="a", metric="iou")
        >>> print(describe_worse(results).splitlines()[-1])
        - Worse than `energy` on `iou`: rise.
    """
    names = [name for name in order_methods(results["method"]) if name not in references()]
    tests = [
        row
        for reference in floors()
        for metric in MAIN_MEASURES
        for row in compare_methods(results, reference, names, [metric])
    ]
    if not tests:
        return ""
    corrected = holm([row.result.p_value for row in tests])
    worse: dict[tuple[str, str], list[str]] = {}
    for row, p_holm in zip(tests, corrected, strict=True):
        if is_better(row):
            name = f"**{row.method_b}**" if p_holm < SIGNIFICANT else row.method_b
            worse.setdefault((row.method_a, row.metric), []).append(name)
    beaten = _join(dict.fromkeys(row.method_a for row in tests))
    metrics = _join(dict.fromkeys(row.metric for row in tests))
    if not worse:
        return f"No method is worse than {beaten} on {metrics}."
    intro = (
        f"Methods that are worse than {beaten} on {metrics}, by the mean over the recordings "
        "that both have; in bold where the Wilcoxon p-value, corrected by Holm for these "
        f"{len(tests)} tests, is below {SIGNIFICANT} as well:"
    )
    lines = [
        f"- Worse than `{reference}` on `{metric}`: {', '.join(found)}."
        for (reference, metric), found in worse.items()
    ]
    return intro + "\n\n" + "\n".join(lines)


def below_the_references(summary: pd.DataFrame) -> str:
    """A sentence for each metric that names the methods whose mean is below a reference.

    Args:
        summary: as `summary.csv` holds it.

    Example:
        >>> rows = [("dax_v1", "iou", 0.1), ("rise", "iou", 0.4), ("energy", "iou", 0.2)]
        >>> below_the_references(pd.DataFrame(rows, columns=["method", "metric", "mean"]))
        'Below energy by iou: dax_v1.'
    """
    sentences = []
    for metric in ("iou", "frame_auc"):
        means = summary[summary["metric"] == metric].set_index("method")["mean"]
        for reference in (name for name in floors() if name in means.index):
            below = [
                str(name)
                for name in means.index
                if name not in references() and means[name] < means[reference]
            ]
            if below:
                sentences.append(f"Below {reference} by {metric}: {', '.join(below)}.")
    return " ".join(sentences) or "No method is below a reference by iou or frame_auc."


def warned_explanations(explanations: Path) -> str:
    """A sentence with the number of explanations of each method that have warnings.

    Args:
        explanations: folder that `explain_folder` wrote.

    Returns:
        The sentence; "" when no explanation has a warning or the list of warnings is not there.
    """
    path = explanations / WARNINGS_FILE
    counts = count_warned(path) if path.is_file() else {}
    if not counts:
        return ""
    listed = ", ".join(f"{method} {count}" for method, count in counts.items())
    return f"Explanations with warnings (`{explanations.name}/{WARNINGS_FILE}`): {listed}."


def describe_left_out(problems: pd.DataFrame) -> str:
    """What could not be explained or measured, counted by method; "" where all could.

    Args:
        problems: `recording_id`, `method`, `part`, `problem`; may be empty.

    Example:
        >>> rows = [("a", "rise", "explanations", "Too short."), ("b", "rise", "sanity", "Flat.")]
        >>> columns = ["recording_id", "method", "part", "problem"]
        >>> describe_left_out(pd.DataFrame(rows, columns=columns))
        '**Left out** (reasons in `problems.csv`): rise 2.'
    """
    if problems.empty:
        return ""
    counts = problems["method"].value_counts(sort=False)
    listed = ", ".join(f"{method} {count}" for method, count in counts.items())
    return f"**Left out** (reasons in `problems.csv`): {listed}."


def describe_alike(randomisation: pd.DataFrame) -> str:
    """Says how many masks of each method stay alike when all layers are random.

    Args:
        randomisation: columns `recording_id`, `method`, `stage`, `correlation`.

    Example:
        >>> rows = [("a", "energy", 0, 1.0), ("a", "energy", 1, 0.9), ("a", "rise", 1, 0.1)]
        >>> columns = ["recording_id", "method", "stage", "correlation"]
        >>> describe_alike(pd.DataFrame(rows, columns=columns)).split(": ")[1]
        'energy 1 of 1.'
    """
    last = randomisation[randomisation["stage"] == randomisation["stage"].max()]
    alike = last["correlation"].abs() >= ALIKE
    counts = [
        f"{method} {int(alike[last['method'] == method].sum())} of {sum(last['method'] == method)}"
        for method in order_methods(last["method"][alike])
    ]
    return (
        f"Recordings whose mask counts as alike (rank correlation of {ALIKE} or more, or of "
        f"{-ALIKE} or less) with all layers at random: {', '.join(counts) or 'none'}."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _join(names: Iterable[str]) -> str:
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} or {last}" if others else last
