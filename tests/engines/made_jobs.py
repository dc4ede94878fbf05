"""Jobs whose units are made: they write a small file, and misbehave on order."""

import dataclasses
import os
import signal
import time
from pathlib import Path

import torch

from daxaudio.engines.units import EndsRun, Outcome, one_by_one
from daxaudio.runs.files import write_text


@dataclasses.dataclass(frozen=True)
class MadeJob:
    """Writes what each unit is called; units of some names are bad.

    `kills` ends its process, `once` does the first time, `raises` raises what nobody expects, `odd`
    has a problem, `hangs` sleeps, `ends` ends the run, `unsent` has an outcome that cannot be sent.
    """

    out: str
    seconds: float = 0.0

    def open(self, device):
        with open(Path(self.out) / "opened", "a") as file:
            file.write(f"{os.getpid()} {device or '-'} {torch.get_num_threads()}\n")
        return one_by_one(self.do)

    def do(self, unit):
        bad = {"kills": self.kill, "once": self.kill_once, "hangs": lambda unit: time.sleep(600)}
        name = unit.recording_id.split("-")[0]
        if name == "odd":
            raise ValueError("is odd")
        if name == "ends":
            raise EndsRun("the model is another one")
        if name == "unsent":
            return Outcome(unit, row={"made": lambda: None})
        if name == "raises":
            raise KeyError("a mistake")
        bad.get(name, lambda unit: None)(unit)
        path = unit.folder(self.out) / "made.txt"
        if path.is_file():
            return Outcome(unit)
        time.sleep(self.seconds)
        write_text(f"{unit.job} of {unit.recording_id}\n", path)
        return Outcome(unit, n_queries=3)

    def kill(self, unit):
        os.kill(os.getpid(), signal.SIGKILL)

    def kill_once(self, unit):
        mark = Path(self.out) / f"began-{unit.recording_id}"
        if not mark.exists():
            mark.touch()
            self.kill(unit)


@dataclasses.dataclass(frozen=True)
class MeetingJob(MadeJob):
    """Its units wait until so many workers have opened it."""

    n_workers: int = 1

    def do(self, unit):
        while len((Path(self.out) / "opened").read_text().splitlines()) < self.n_workers:
            time.sleep(0.01)
        return super().do(unit)


@dataclasses.dataclass(frozen=True)
class HangsAtOpening:
    """A job that no worker is done with opening."""

    def open(self, device):
        time.sleep(600)


@dataclasses.dataclass(frozen=True)
class NeverOpens:
    """A job that no worker can open."""

    error: type[Exception]

    def open(self, device):
        raise self.error("no model here")
