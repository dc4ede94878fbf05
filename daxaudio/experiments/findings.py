"""What a verdict on an explanation is made of, and how it is shown."""

from __future__ import annotations

import dataclasses
import html
from typing import Any


@dataclasses.dataclass(frozen=True)
class Finding:
    """One number about an explanation, and what it says.

    Args:
        name: short name, the same in every verdict.
        value: the number; NaN where there is none.
        good: whether it speaks for the explanation; None where it speaks neither for nor against.
        sentence: the number in plain words.
        n_queries: black-box evaluations that finding it out took.
        n_gradients: forward and backward passes that it took.
    """

    name: str
    value: float
    good: bool | None
    sentence: str
    n_queries: int = 0
    n_gradients: int = 0


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What speaks for an explanation and what against it.

    Args:
        findings: in the order of reading.

    Example:
        >>> score = Finding("score", 0.9, True, "The classifier predicts dog.")
        >>> Verdict((score,)).summary
        'None of 1 findings speaks against this explanation; that is no proof of it.'
    """

    findings: tuple[Finding, ...]

    @property
    def summary(self) -> str:
        """One sentence."""
        for finding in self.findings:
            if finding.name == "reference":
                return "A reference to compare methods with, not an explanation."
        judged = [finding for finding in self.findings if finding.good is not None]
        against = [finding.name for finding in judged if not finding.good]
        if not against:
            return (
                f"None of {len(judged)} findings speaks against this explanation; "
                "that is no proof of it."
            )
        verb = "speaks" if len(against) == 1 else "speak"
        return (
            f"{len(against)} of {len(judged)} findings {verb} against this explanation: "
            f"{', '.join(against)}."
        )

    @property
    def n_queries(self) -> int:
        """Black-box evaluations of all checks, the randomised classifier's included."""
        return sum(finding.n_queries for finding in self.findings)

    @property
    def n_gradients(self) -> int:
        """Forward and backward passes of all checks."""
        return sum(finding.n_gradients for finding in self.findings)

    def _repr_html_(self) -> str:
        """How a notebook shows it: the summary, and each finding with its mark."""
        marks = {True: "+", False: "&minus;", None: "&middot;"}
        rows = (
            f"<tr><td>{marks[one.good]}</td><td>{html.escape(one.name)}</td>"
            f"<td style='text-align:left'>{html.escape(one.sentence)}</td></tr>"
            for one in self.findings
        )
        return f"<p><b>{html.escape(self.summary)}</b></p><table>{''.join(rows)}</table>"

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "summary": self.summary,
            "queries": self.n_queries,
            "gradients": self.n_gradients,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }
