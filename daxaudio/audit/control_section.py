"""Was what was planted found: the section over all controls."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from daxaudio.audit.gather import Evidence
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State
from daxaudio.audit.swaps import interventions
from daxaudio.metrics.clusters import cluster_bootstrap
from daxaudio.runs.seeds import derive_seed

QUESTION = "Would this audit have found a planted confounder?"

_SAME = 0.01
"""Change of a score, and mean change of a mask, that counts as none: resampling lets a trace of
any tone through, and half precision rounds."""

_METHOD = (
    "Into copies of recordings, {n} of each class, a steady tone is planted, into the positive "
    "ones alone, as loud as needed to be clearly seen by the front end; half of the score of a "
    "wrapped model is whether it is there. The changes of section swaps must then move the score "
    "most by hum, by {least:g} or more, and the masks of {method} must be denser than chance in "
    "the three bins of the tone, with an interval above 1 (masks that mark nothing left out, at "
    "most half). A tone that the model cannot hear, 20 dB below the loudest frames, must change "
    "neither score nor mask by more than {same}."
)


def control_section(evidence: Evidence, questions: Questions) -> Section:
    """The section; a concern where a control was not found: then nothing else can be relied on."""
    method = _METHOD.format(
        n=questions.n_controls,
        method=questions.method,
        same=_SAME,
        least=questions.least_effect,
    )
    controls = evidence.controls
    if controls.empty:
        why = "n_controls is 0" if not questions.n_controls else "no control could be planted"
        why += "".join(f" ({text})" for text in _problems(evidence)[:1])
        return Section("controls", QUESTION, f"Not tested: {why}.", "not tested", {}, method)
    planted = dataclasses.replace(evidence, answers=evidence.control_answers)
    kinds = interventions(planted, questions)
    rows = [_named(kinds, questions), _marked(evidence, questions), *_unheard(controls)]
    table = pd.DataFrame(rows, columns=["control", "found", "expected", "passed"])
    failed = table[table["passed"] == "no"]
    state: State = "concern" if len(failed) else "fine"
    told = "; ".join(f"{row.control}: {row.found}" for row in table.itertuples())
    answer = "Every control that could be made was passed."
    if len(failed):
        names = ", ".join(failed["control"])
        answer = f"Not passed: {names}. Sections that rest on it may miss what is there."
    tables = {"results": table, "interventions": kinds, "recordings": controls}
    return Section("controls", QUESTION, f"{answer} In detail: {told}.", state, tables, method)


def _named(kinds: pd.DataFrame, questions: Questions) -> tuple[str, str, str, str]:
    """Whether hum moves the score most, and as far as the audit asks of a confounder."""
    control = "planted tone is named by the swaps"
    expected = f"hum moves the score most, by {questions.least_effect:g} or more"
    rest = kinds[~kinds["kind"].isin(["background"])]  # which holds the hum, too
    if rest.empty:
        return control, "no donors", expected, "not tested"
    row = rest.iloc[int(rest["effect"].to_numpy().argmax())]
    enough = row["effect"] >= questions.least_effect
    passed = "yes" if row["kind"] == "hum" and enough and row["effect"] > 0 else "no"
    return control, f"{row['kind']}, {row['effect']:.2f}", expected, passed


def _marked(evidence: Evidence, questions: Questions) -> tuple[str, str, str, str]:
    """Whether masks that mark anything are surely denser in the bins of the tone than flat ones."""
    table = evidence.controls.merge(evidence.recordings[["recording_id", "participant"]])
    control, expected = "planted tone is marked", "denser than chance, interval above 1"
    n_empty, n_all = int(table["tone_share"].isna().sum()), len(table)
    table = table[table["tone_share"].notna()]
    if table.empty:
        return control, f"{n_empty} of {n_all} masks mark nothing", expected, "no"
    share = table["tone_share"].to_numpy(dtype=np.float64)
    chance = table["tone_chance"].to_numpy(dtype=np.float64)
    (interval,) = cluster_bootstrap(
        lambda weights: (weights @ share) / (weights @ chance),
        table["participant"].to_numpy(),
        questions.n_bootstrap,
        derive_seed(questions.seed, "controls"),
        confidence=questions.confidence,
    )
    density = share.mean() / chance.mean()
    found = f"{density:.1f} [{interval.low:.1f}, {interval.high:.1f}] times chance"
    if n_empty:
        found += f", {n_empty} of {n_all} masks mark nothing"
    passed = "yes" if interval.low > 1 and n_empty <= n_all / 2 else "no"
    return control, found, expected, passed


def _unheard(controls: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    there = controls[controls["outside_hz"].notna()]
    rows = []
    for what in ("score", "mask"):
        control = f"tone that cannot be heard changes no {what}"
        if there.empty:
            reason = next(iter(controls["outside_problem"]), "")
            rows.append((control, reason, f"at most {_SAME}", "not tested"))
            continue
        most = float(there[f"outside_{what}_change"].max())
        passed = "yes" if most <= _SAME else "no"
        rows.append((control, f"at most {most:.2g}", f"at most {_SAME}", passed))
    return rows


def _problems(evidence: Evidence) -> list[str]:
    own = evidence.left_out[evidence.left_out["job"] == "controls"]
    return [str(text) for text in own["problem"]]
