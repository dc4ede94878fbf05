"""What stands on top of an audit: what was found, in words that say no more than that."""

from __future__ import annotations

from collections.abc import Sequence

from daxaudio.audit.document import Verdict
from daxaudio.audit.gather import Evidence
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section

OF_THE_AUDIT = ("controls", "trust", "limits")
"""Sections whose concern is not the classifier, but how far this audit goes."""

NOT_THE_PATIENT = "This is about the classifier, not about any patient."


def conclude(sections: Sequence[Section], evidence: Evidence, questions: Questions) -> Verdict:
    """The verdict of some sections.

    What the classifier listens to is told by the sections `listening` and `swaps`, whatever their
    state; against it are the sections of the state "concern", but for those `OF_THE_AUDIT`: their
    concern is a doubt about the audit.

    Args:
        sections: of the audit.
        evidence: that they rest on.
        questions: `positive`.
    """
    concerns = [section for section in sections if section.state == "concern"]
    against = [one for one in concerns if one.name not in OF_THE_AUDIT]
    doubtful = [one for one in concerns if one.name in OF_THE_AUDIT]
    untested = [section for section in sections if section.state == "not tested"]
    heard = [one.answer for one in sections if one.name in ("listening", "swaps")]
    heard = [one for one in heard if not one.startswith("Not tested")]
    tested = [one for one in sections if one.state in ("fine", "concern")]
    n_tested = sum(one.name not in OF_THE_AUDIT for one in tested)
    n_asked = int(evidence.recordings["score"].notna().sum())
    what = f"the classifier's score of {questions.positive} on {n_asked} recordings"
    if against:
        names = ", ".join(one.name for one in against)
        verb = "speaks" if len(against) == 1 else "speak"
        summary = (
            f"{len(against)} of {n_tested} questions {verb} against {what}: {names}. Until that is "
            f"cleared up, the score should not be taken for evidence of {questions.positive}."
        )
    elif n_tested:
        summary = (
            f"None of {n_tested} questions speaks against {what}. That nothing was found is no "
            "proof that nothing is there."
        )
    else:
        summary = f"Nothing could be tested of {what}."
    if doubtful:
        names = " and ".join(one.name for one in doubtful)
        summary += f" The audit itself is in doubt: see {names}."
    return Verdict(
        f"{summary} {NOT_THE_PATIENT}",
        tuple(heard),
        against=_answers(against),
        not_tested=_answers(untested),
        doubtful=_answers(doubtful),
    )


def _answers(sections: Sequence[Section]) -> tuple[str, ...]:
    return tuple(f"{one.name}: {one.answer}" for one in sections)
