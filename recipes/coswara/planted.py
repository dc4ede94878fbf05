"""Whether the explainers find the phase that evidence was planted in, where that is known."""

from pathlib import Path

import numpy as np
import pandas as pd

from daxaudio.explainers.catalogue import order_methods
from daxaudio.metrics.phases import CHANCE
from daxaudio.report.model import Table
from daxaudio.report.tables import number
from daxaudio.runs.tables import write_table
from daxaudio_data_prep.synthetic.cough_files import Truth, fold_label, read_truth

TITLE = "Planted evidence: which phase comes first"
TRUTH_FILE, FOUND_FILE = "planted.csv", "planted_found.csv"
_TIE = 1e-4  # of densities whose parts are rounded to 6 digits


def planted_tables(corpus: Path, values: pd.DataFrame, out: Path) -> dict[str, Table]:
    """The table of a planted corpus, and `planted_found.csv`; nothing for any other corpus."""
    if not (corpus / TRUTH_FILE).is_file():
        return {}
    planted = {row.participant: expected_phase(row) for row in read_truth(corpus / TRUTH_FILE)}
    found = find_planted(values, planted)
    write_table(found, out / FOUND_FILE)
    return {TITLE: tabulate_planted(found)} if len(found) else {}


def expected_phase(row: Truth) -> str:
    """Where the evidence is: a hum alone lies under all, and is heard where nothing else sounds."""
    hum_alone = row.phase == "none" and row.confounder != "none"
    return "background" if hum_alone else row.phase


def find_planted(values: pd.DataFrame, planted: dict[str, str]) -> pd.DataFrame:
    """The phase with the highest mass over chance in each positive recording, by each method.

    Args:
        values: as `score_phases` gives them.
        planted: phase by participant, "none" where no evidence is planted.

    Returns:
        `recording_id`, `method`, `planted`, `first` ("nothing" where no phase alone is densest),
        `found` (0 or 1; NaN where nothing is planted), `mass_over_chance` in the planted phase,
        `n_phases` of the recording.

    Raises:
        ValueError: when a recording is of nobody in `planted`.
    """
    positive = values[(values["metric"] == "mass") & (values["target"] == "p")]
    # phases as they are planted: noise, silence and what nobody labelled are the background
    folded = positive.assign(phase=positive["phase"].map(fold_label))
    masses = folded.groupby(["recording_id", "method", "phase"])["value"].sum().unstack()
    rows = []
    for name, of_method in masses.groupby("recording_id"):
        own = of_method.droplevel("recording_id").dropna(axis=1)
        participant = str(name).rsplit("_", 1)[0]
        if participant not in planted:
            raise ValueError(f"{TRUTH_FILE} of the corpus names no participant {participant!r}")
        phase = planted[participant]
        for method, mass in own.drop(index=CHANCE).iterrows():
            density = (mass / own.loc[CHANCE]).dropna()
            # a mask without information is as dense everywhere
            alike = (density > density.max() - _TIE).sum() > 1
            first = "nothing" if alike or density.max() <= 0 else density.idxmax()
            found = float(first == phase) if phase != "none" else np.nan
            row = (name, method, phase, first, found, density.get(phase, np.nan), len(density))
            rows.append(row)
    columns = ["recording_id", "method", "planted", "first", "found", "mass_over_chance"]
    return pd.DataFrame(rows, columns=[*columns, "n_phases"]).round(6)


def tabulate_planted(found: pd.DataFrame) -> Table:
    """How often the planted phase comes first, and which phases do; one row a method, and chance.

    Args:
        found: as `find_planted` gives it.
    """
    firsts = sorted(set(found["first"]), key=lambda name: (name == "nothing", name))
    header = ("method", "planted phase first", "mass over chance there", *firsts, "n")
    rows = []
    for method in order_methods(found["method"]):
        own = found[found["method"] == method]
        density = own["mass_over_chance"].mean()
        counts = own["first"].value_counts()
        shares = (f"{counts.get(name, 0) / len(own):.2f}" for name in firsts)
        row = (method, count_found(found, method), number(density, 2), *shares, str(len(own)))
        rows.append(row)
    one = found.dropna(subset="found").drop_duplicates("recording_id")
    by_luck = number((1 / one["n_phases"]).mean(), 2)
    rows.append((CHANCE, by_luck, "1.00", *("" for _ in firsts), str(len(one))))
    return Table(header, tuple(rows))


def count_found(found: pd.DataFrame, method: str) -> str:
    """In how many recordings a method puts the planted phase first, such as `0.75 (3 of 4)`."""
    known = found.loc[found["method"] == method, "found"].dropna()
    return f"{known.mean():.2f} ({int(known.sum())} of {len(known)})" if len(known) else "-"
