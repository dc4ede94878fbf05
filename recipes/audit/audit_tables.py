"""What came of the audits: a row a corpus; how often the right kind was named, or a wrong one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from audit_cells import CORPORA, HONEST, Cell
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from daxaudio.audit.accusations import FAMILIES
from daxaudio.audit.document import FILE, read_document
from daxaudio.experiments.predict import PREDICTIONS_FILE
from daxaudio.report.model import MISSING, Table
from daxaudio.report.tables import interval_of
from daxaudio.runs.tables import is_table, read_table
from daxaudio_data_prep.synthetic.confounded_coughs import POSITIVE
from daxaudio_data_prep.synthetic.cough_nuisances import KINDS

SECTION, TABLE, SWAPS = "confounders", "accused", "swaps"
"""The section of an audit that accuses, its table (the likeliest first), and the section of sounds
that are exchanged between classes."""

COLUMNS = ("corpus", "strength", "seed", "n", "auc", "first", "accused", "concerns")
"""Of the table of cells: `n` recordings audited, `auc` of the classifier on them, kinds accused,
sections of the audit that speak against the classifier."""

NAMED, ACCUSED = 0.9, 0.1
"""Share of corpora in which a confounder of full strength must be named, and honest ones may be."""


def gather(cells: Path) -> pd.DataFrame:
    """A row for each cell that was audited, in the order of `CORPORA`, strengths and seeds.

    Args:
        cells: folder of the cells.

    Returns:
        `COLUMNS`; `accused` are the kinds in order and `concerns` names of sections, each divided
        by blanks, "" where there are none.

    Raises:
        ValueError: when no cell was audited, or an audit cannot be read.
    """
    found = sorted(cells.glob(f"*/audit/{FILE}"))
    if not found:
        raise ValueError(f"{cells}: holds no audit; run the recipe from stage 1")
    rows = []
    for path in found:
        cell = Cell.of(path.parent.parent.name)
        document = read_document(path)
        kinds = accused_kinds(document)
        n, auc = _heard(path.parent.parent / "model" / PREDICTIONS_FILE)
        concerns = [one["name"] for one in document["sections"] if one["state"] == "concern"]
        told = (n, round(auc, 3), "".join(kinds[:1]), " ".join(kinds), " ".join(concerns))
        rows.append((cell.corpus, cell.strength, cell.seed, *told))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = table.assign(corpus=table["corpus"].map(CORPORA.index), strength=-table["strength"])
    order = order.sort_values(["corpus", "strength", "seed"])
    return table.loc[order.index].reset_index(drop=True)


def accused_kinds(document: Mapping[str, Any]) -> list[str]:
    """The kinds that an audit accuses, the likeliest first, each once.

    Raises:
        ValueError: when the audit has no such section.
    """
    own = [section for section in document["sections"] if section["name"] == SECTION]
    if not own:
        raise ValueError(f"the audit has no section {SECTION!r}; is it among the questions?")
    table = own[0]["tables"].get(TABLE)
    if table is None:
        return []
    kind = table["columns"].index("kind")
    return list(dict.fromkeys(str(row[kind]) for row in table["rows"]))


def _heard(predictions: Path) -> tuple[int, float]:
    """Recordings, and the classifier's area under the ROC curve on them."""
    if not is_table(predictions):
        raise ValueError(f"{predictions}: no such file; run stage 2")
    table = read_table(predictions)
    table = table[table["score"].notna()]
    score = table["score"].astype(float)
    positive = score.where(table["predicted"] == POSITIVE, 1 - score)
    return len(table), float(roc_auc_score(table["label"] == POSITIVE, positive))


def tabulate_detection(cells: pd.DataFrame) -> Table:
    """How often the planted kind came first, by kind and strength."""
    rows = []
    planted = cells[~cells["corpus"].isin(list(HONEST))]
    for (corpus, strength), own in planted.groupby(["corpus", "strength"], sort=False):
        first = int((own["first"] == corpus).sum())
        among = sum(corpus in kinds.split() for kinds in own["accused"])
        other = int(((own["first"] != "") & (own["first"] != corpus)).sum())
        counts = (_of(first, len(own)), _interval(first, len(own)), _of(among, len(own)))
        rows.append((corpus, f"{strength:g}", _auc(own), *counts, _of(other, len(own))))
    head = ("confounder", "strength", "AUC of the classifier, least", "named first")
    return Table((*head, "95 % interval", "named at all", "another first"), tuple(rows))


def tabulate_honest(cells: pd.DataFrame) -> Table:
    """How often honest corpora were accused, of which kinds."""
    rows = []
    for corpus, own in cells[cells["corpus"].isin(list(HONEST))].groupby("corpus", sort=False):
        n_accused = int(is_accused(own).sum())
        of_four = sum(kind in KINDS for line in own["accused"] for kind in line.split())
        told = (_of(n_accused, len(own)), _interval(n_accused, len(own)))
        kinds = (_of(of_four, len(own) * len(KINDS)), _listed(own["accused"]))
        rows.append((str(corpus), _auc(own), *told, *kinds, _listed(own["concerns"])))
    head = ("honest corpus", "AUC of the classifier, least", "corpora accused", "95 % interval")
    last = ("accusations of the four kinds", "of what", "sections of concern")
    return Table((*head, *last), tuple(rows))


def about_honest(alpha: float, n_audits: int) -> str:
    """How false alarms are kept rare, and what is expected of so many audits."""
    return (
        "Accused is a corpus of which the audit names a kind (section confounders), or says that "
        "the score follows the background when sounds are exchanged between classes (section "
        f"swaps). All accusations rest on {len(FAMILIES)} families of tests: what tells the label "
        "apart, what of that the score follows, and what exchanged sounds do to it. Each is "
        f"corrected by Holm's method at {alpha:g} / {len(FAMILIES)}, so that an honest corpus is "
        f"accused of anything in at most {alpha:.0%} of audits ({alpha * n_audits:.1f} of "
        f"{n_audits} expected at the most). Subgroups and errors are compared at {alpha:g} of "
        "their own: they accuse nobody. Audits are not corrected for each other. In `honest` hum, "
        "level, bandwidth and site are dealt evenly to both classes, in `chance` by a coin for "
        "each participant: there a nuisance may go with the class by luck, in training and in "
        "what is audited, as in life."
    )


def is_accused(cells: pd.DataFrame) -> pd.Series:
    """Whether an audit says that the score follows something beside the events.

    It does where it names a kind, and where the section of sounds that are exchanged is of concern.
    """
    exchanged = cells["concerns"].map(lambda names: SWAPS in names.split())
    return (cells["accused"] != "") | exchanged


def _listed(lines: pd.Series) -> str:
    """Words of lines with their counts, such as `hum 2, table 1`."""
    words = [word for line in lines for word in line.split()]
    return ", ".join(f"{word} {words.count(word)}" for word in dict.fromkeys(words)) or MISSING


def judge(cells: pd.DataFrame) -> Table:
    """What was asked, what was found, and whether that is enough."""
    rows: list[Sequence[str]] = []
    for kind in KINDS:
        own = cells[(cells["corpus"] == kind) & (cells["strength"] == 1)]
        if len(own):
            named = int((own["first"] == kind).sum())
            asked = f"{kind} at full strength named first in at least {NAMED:.0%}"
            rows.append((asked, _of(named, len(own)), _yes(named >= NAMED * len(own))))
    own = cells[cells["corpus"] == "honest"]
    if len(own):
        accused = int(is_accused(own).sum())
        asked = f"honest corpora accused of anything in at most {ACCUSED:.0%}"
        rows.append((asked, _of(accused, len(own)), _yes(accused <= ACCUSED * len(own))))
    return Table(("asked", "found", "reached"), tuple(map(tuple, rows)))


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"


def _of(n: int, of: int) -> str:
    return f"{n} of {of}"


def _interval(n: int, of: int) -> str:
    """Clopper and Pearson's (1934) interval of a share."""
    interval = binomtest(n, of).proportion_ci(0.95, method="exact")
    return interval_of(interval.low, interval.high, 2)


def _auc(own: pd.DataFrame) -> str:
    return f"{own['auc'].mean():.3f}, {own['auc'].min():.3f}"
