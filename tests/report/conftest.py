"""A small audit with everything in it: a model that hears a hum, errors, a table of people."""

import dataclasses
import datetime
import functools

import pytest
from made_coughs import EVENTS, made, open_ears, write_corpus

from daxaudio.audit.questions import Questions
from daxaudio.audit.run import Corpus, audit
from daxaudio.commands.audit import hear_from
from daxaudio.data.audio import write_recording
from daxaudio.report.audit import write_audit_page

ASKED = Questions(
    positive="p",
    subgroups=("sex",),
    match_on=("site",),
    smallest_cell=3,
    n_explained=3,
    n_donors=2,
    n_controls=1,
    n_errors=2,
    queries=40,
    n_bootstrap=100,
    n_permutations=199,
    method="occlusion",
)
WRONG = {"r05": True, "r08": False}
"""A negative with the hum, and a positive without."""


@dataclasses.dataclass(frozen=True)
class Audited:
    """An audit and its page."""

    found: object
    data: object
    out: object
    page: object


@pytest.fixture(scope="session")
def audited(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited")
    data = write_corpus(folder, {}, n=24)
    for k, name in enumerate(data.ids):
        hum = WRONG.get(name, data.text[name] == "p")
        write_recording(made(name, seed=k, hum=0.01 if hum else 0.0), data.wav_scp[name])
    rows = [f"s{n},{'fm'[k // 2 % 2]},{20 + k},{'AB'[k % 3 == 0]}" for k, n in enumerate(data.ids)]
    table = folder / "known.csv"
    table.write_text("\n".join(["participant,sex,age,site", *rows]) + "\n")
    hears_hum = functools.partial(open_ears, low=290, high=310, threshold=-23.5)
    corpus = Corpus(data, "made coughs", dict.fromkeys(data.ids, EVENTS), table)
    found = audit(hears_hum, corpus, folder / "out", ASKED)
    date = datetime.date(2026, 11, 27)
    hear = functools.partial(hear_from, data)
    page = write_audit_page(folder / "out", hear=hear, date=date)
    return Audited(found, data, folder / "out", page)
