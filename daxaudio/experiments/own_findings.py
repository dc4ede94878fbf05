"""What an explanation says of itself: what it cost, and what its method knows of its own fit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from daxaudio.containers import Explanation
from daxaudio.experiments.findings import Finding

HALF = 0.5
"""A score, a share of variance or a correlation below it speaks against an explanation."""

SLIGHT = 0.1
"""Share of the score, or of the complexity of a map, up to which a difference says nothing. Maps of
one method by query, of one recording and model, differ by that much in complexity."""

_NOTHING = re.compile(r"[:;]?\s*nothing is marked:?\s*")
"""Stands in the warning of a method that leaves a mask empty, before or after the reason."""


def marks_nothing(explanation: Explanation) -> bool:
    """Whether the mask is the same everywhere."""
    return float(explanation.mask.max()) == float(explanation.mask.min())


def what_it_cost(explanation: Explanation) -> Finding:
    """Queries and gradients of the mask; speaks neither for nor against it."""
    sentence = f"The mask cost {_count(explanation.n_queries, 'query', 'queries')}"
    if explanation.n_gradients:
        sentence += f" and {_count(explanation.n_gradients, 'gradient', 'gradients')}"
    return Finding("cost", explanation.n_queries, None, f"{sentence}.")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def what_it_knows(explanation: Explanation) -> Iterator[Finding]:
    """What the method knows of itself; each finding where it has it.

    Of a mask that marks nothing: why, as the method's warning tells, and nothing of a marked part.
    """
    found = {name: math.nan if v is None else v for name, v in explanation.findings.items()}
    warnings = [" ".join(warning.split()) for warning in explanation.warnings]
    empty = marks_nothing(explanation)
    if empty:
        reasons = [warning for warning in warnings if _NOTHING.search(warning)]
        warnings = [warning for warning in warnings if warning not in reasons]
        reason = "; ".join(_NOTHING.sub("", reason) for reason in reasons) or "no bin stands out"
        yield Finding("mask", 0.0, False, f"The mask marks nothing: {reason}.")
    if "student_r2" in found:
        yield _student(float(found["student_r2"]))
    if "reliability" in found:
        yield _agreement(float(found["reliability"]), "map" if empty else "mask")
    elif warnings:  # a method that knows its reliability warns of no more than that
        sentence = f"The method itself warns: {'; '.join(warnings)}."
        yield Finding("warnings", len(warnings), False, sentence)
    if "mask_r2" in found and not empty:
        share = float(found["mask_r2"])
        sentence = (
            f"How much a perturbed input keeps of the marked part explains {_percent(share)} of "
            "the variance of the score."
        )
        yield Finding("marked_part", share, None, sentence)
    if {"score_of_kept", "score_of_removed"} <= found.keys() and not empty:
        yield _marked_frames(
            explanation.score, float(found["score_of_kept"]), float(found["score_of_removed"])
        )


def _student(share: float) -> Finding:
    sentence = (
        f"The small network that stands for the classifier predicts {_percent(share)} of the "
        "variance of its score on perturbed inputs that were held out."
    )
    return Finding("student", share, share >= HALF, sentence)


def _agreement(reliability: float, what: str) -> Finding:
    same = "much the same" if reliability >= HALF else "another"
    sentence = (
        f"As many other queries would give {same} {what}: expected correlation {reliability:.2f}."
    )
    return Finding("agreement", reliability, reliability >= HALF, sentence)


def _marked_frames(score: float, kept: float, removed: float) -> Finding:
    sentence = f"The marked frames alone score {kept:.2f}, the others alone {removed:.2f}"
    slight = SLIGHT * max(abs(score), abs(kept), abs(removed))
    good = None if abs(kept - removed) <= slight else kept > removed
    sentence += "." if good is not None else ": too little apart to tell."
    return Finding("marked_frames", kept - removed, good, sentence)


def _percent(share: float) -> str:
    return f"{100 * max(0.0, share):.0f} %"
