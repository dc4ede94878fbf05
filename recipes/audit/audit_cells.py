"""The cells of the recipe: one made corpus, its classifier and its audit each, in one folder."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from daxaudio.commands.main import main as daxaudio
from daxaudio.engines.units import Outcome, Unit, Worker, one_by_one
from daxaudio.runs.files import read_text, write_text
from daxaudio_data_prep.synthetic.cough_nuisances import KINDS

HONEST = {"honest": "evenly", "chance": "by_chance"}
"""Corpora whose evidence is in the coughs, and how their nuisances are dealt."""

CORPORA = (*HONEST, *KINDS)

STAGES = ("data", "train", "audit")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One corpus of the recipe.

    Args:
        corpus: one of `CORPORA`.
        strength: of the confounder, above 0 and at most 1; 0 of an honest corpus.
        seed: of the corpus and the classifier.
    """

    corpus: str
    strength: float
    seed: int

    @property
    def name(self) -> str:
        """Names its folder.

        Example:
            >>> Cell("hum", 0.5, 3).name
            'hum-0.5-seed3'
        """
        return f"{self.corpus}-{self.strength:g}-seed{self.seed}"

    @classmethod
    def of(cls, name: str) -> Cell:
        """The cell of a name.

        Example:
            >>> Cell.of("hum-0.5-seed3") == Cell("hum", 0.5, 3)
            True
        """
        corpus, strength, seed = name.split("-")
        return cls(corpus, float(strength), int(seed.removeprefix("seed")))

    @property
    def asked(self) -> list[str]:
        """What `daxaudio prepare confounded_coughs` is asked for."""
        if self.corpus in HONEST:
            return ["--phase", "cough", "--dealing", HONEST[self.corpus]]
        return ["--phase", "none", "--confounder", self.corpus, "--strength", f"{self.strength:g}"]


def list_cells(
    corpora: Sequence[str], strengths: Sequence[float], seeds: Sequence[int], weak: Sequence[int]
) -> list[Cell]:
    """All cells: honest corpora and full strengths by `seeds`, lower strengths by `weak`.

    Raises:
        ValueError: when a corpus is unknown or a strength out of range.

    Example:
        >>> [cell.name for cell in list_cells(["honest", "hum"], [1, 0.5], [0, 1], [0])]
        ['honest-0-seed0', 'honest-0-seed1', 'hum-1-seed0', 'hum-1-seed1', 'hum-0.5-seed0']
    """
    for corpus in corpora:
        if corpus not in CORPORA:
            raise ValueError(f"corpus {corpus!r} is unknown; choose from {', '.join(CORPORA)}")
    for strength in strengths:
        if not 0 < strength <= 1:
            raise ValueError(f"strengths must lie in (0, 1], got {strength:g}")
    cells = []
    for corpus in corpora:
        for strength in [0.0] if corpus in HONEST else strengths:
            of_strength = seeds if corpus in HONEST or strength == 1 else weak
            cells += [Cell(corpus, strength, seed) for seed in of_strength]
    return cells


@dataclasses.dataclass(frozen=True)
class CellJob:
    """A stage of every cell, by the commands that anyone would give.

    Args:
        cells: folder of all cells.
        n_train: participants to train on.
        n_test: participants to audit.
        config: settings of the classifier.
        questions: of the audit.
        textgrids: folder of timings; None draws them.
    """

    cells: Path
    n_train: int
    n_test: int
    config: Path
    questions: Path
    textgrids: Path | None = None

    def open(self, device: str | None) -> Worker:
        """A worker; it has nothing to load, and keeps what it imports from cell to cell."""
        return one_by_one(self.do)

    def do(self, unit: Unit) -> Outcome:
        """Do a stage of a cell, unless it was done with the same settings."""
        cell, folder = Cell.of(unit.recording_id), self.cells / unit.recording_id
        files = {"data": [], "train": [self.config], "audit": [self.config, self.questions]}
        words = self.words(cell, unit.job)
        settings = "\n".join([*words, *(read_text(path) for path in files[unit.job])])
        done = folder / f"{unit.job}.done"
        if not done.is_file() or read_text(done) != settings:
            done.unlink(missing_ok=True)
            _run(words, folder / f"{unit.job}.log")
            write_text(settings, done)
        return Outcome(unit)

    def words(self, cell: Cell, stage: str) -> list[str]:
        """The words of a stage's command, without the program's name."""
        folder = self.cells / cell.name
        corpus, seed = folder / "corpus", ["--seed", str(cell.seed)]
        test, model = str(corpus / "test"), str(folder / "model")
        if stage == "data":
            timings = ["--textgrids", str(self.textgrids)] if self.textgrids else []
            sizes = ["--n_train", str(self.n_train), "--n_test", str(self.n_test)]
            made = ["prepare", "confounded_coughs", "--out", str(corpus)]
            return [*made, *cell.asked, *sizes, *timings, *seed]
        if stage == "train":
            settings = ["--test", test, "--config", str(self.config), "--out", model]
            return ["train", str(corpus / "train"), *settings, *seed]
        known = ["--events", f"{test}/events.tsv", "--table", str(corpus / "participants.csv")]
        asked = ["--questions", str(self.questions), "--out", str(folder / "audit"), *seed]
        # in single precision as it was trained, so that figures are those of any processor
        return ["audit", "--model", model, "--precision", "fp32", "--data", test, *known, *asked]


def _run(words: Sequence[str], log: Path) -> None:
    """Give a command in this process; what it prints goes into a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as file, _printed_to(file):
        code = daxaudio(words)
    if code:
        last = read_text(log).strip().splitlines()[-1:]
        raise ValueError(f"daxaudio {words[0]} ended with {code}: {''.join(last)} (see {log})")


@contextlib.contextmanager
def _printed_to(file: IO[str]) -> Iterator[None]:
    with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield
