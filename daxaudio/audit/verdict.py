"""What stands on top of an audit: what was found, in words that say no more than that."""

from __future__ import annotations

from collections.abc import Sequence

from daxaudio.audit.document import Verdict
from daxaudio.audit.gather import Evidence
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section

NOT_THE_PATIENT = "This is about the classifier, not about any patient."


def conclude(sections: Sequence[Section], evidence: Evidence, questions: Questions) -> Verdict:
    """The verdict of some sections.

    What the classifier listens to is told by the sections `listening` and `swaps`, whatever their
    state; against it are all sections of the state "concern".

    Args:
        sections: of the audit.
        evidence: that they rest on.
        questions: `positive`.
    """
    against = [section for section in sections if section.state == "concern"]
    untested = [section for section in sections if section.state == "not tested"]
    heard = [one.answer for one in sections if one.name in ("listening", "swaps")]
    heard = [one for one in heard if not one.startswith("Not tested")]
    n_tested = len(sections) - len(untested)
    n_asked = int(evidence.recordings["score"].notna().sum())
    what = f"the classifier's score of {questions.positive} on {n_asked} recordings"
    if against:
        names = ", ".join(one.name for one in against)
        summary = (
            f"{len(against)} of {n_tested} questions speak against {what}: {names}. Until that is "
            f"cleared up, the score should not be taken for evidence of {questions.positive}."
        )
    elif n_tested:
        summary = (
            f"None of {n_tested} questions speaks against {what}. That nothing was found is no "
            "proof that nothing is there."
        )
    else:
        summary = f"Nothing could be tested of {what}."
    return Verdict(
        f"{summary} {NOT_THE_PATIENT}",
        tuple(heard),
        tuple(f"{one.name}: {one.answer}" for one in against),
        tuple(f"{one.name}: {one.answer}" for one in untested),
    )
