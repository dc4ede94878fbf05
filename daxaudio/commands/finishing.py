"""What a command makes of explanations when they are stored: sounds, pictures and pages."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from daxaudio.commands.events import TrueEvents
from daxaudio.commands.listen import write_all_sounds
from daxaudio.commands.pages import add_pages
from daxaudio.engines.engine import Engine
from daxaudio.engines.progress import UnitProgress
from daxaudio.engines.units import Outcome, Unit, Worker, one_by_one
from daxaudio.explainers.storage import PICTURE_FILE, is_stored, is_up_to_date, load_explanation
from daxaudio.plot import plot_explanation


@dataclasses.dataclass(frozen=True)
class FinishJob:
    """Makes what is not there yet, or is older than its explanation.

    Args:
        out: folder of the explanations.
        events: true events, which are drawn.
        sounds: write what was marked as sound.
        pictures: draw.
        pages: write pages to look at and to listen to.
        allow_commands: run the commands that give recordings.
    """

    out: str
    events: TrueEvents
    sounds: bool = False
    pictures: bool = True
    pages: bool = True
    allow_commands: bool = False

    def open(self, device: str | None) -> Worker:
        """Nothing is loaded; see `Job`."""
        return one_by_one(self._finish)

    def _finish(self, unit: Unit) -> Outcome:
        folder = unit.folder(self.out)
        if self.sounds:
            write_all_sounds([folder], self.allow_commands)
        if self.pictures and is_stored(folder) and not is_up_to_date(folder, PICTURE_FILE):
            own = self.events.of(unit.recording_id)
            picture = folder / PICTURE_FILE
            plot_explanation(load_explanation(folder), picture, events=own, brief=True)
        if self.pages:
            add_pages([folder], self.events, self.allow_commands)
        return Outcome(unit)


def finish(units: Sequence[Unit], job: FinishJob, engine: Engine) -> None:
    """Make sounds, pictures and pages of explanations; what cannot be made is said.

    Args:
        units: those that are not stored are left out.
        job: what is made.
        engine: does it.
    """
    if not (job.sounds or job.pictures or job.pages):
        return
    stored = [unit for unit in units if is_stored(unit.folder(Path(job.out)))]
    with UnitProgress("pictures and pages", len(stored)) as progress:
        outcomes = engine.run(stored, job, heard=progress.heard)
    for outcome in outcomes:
        if outcome.state != "done":
            what = f"{outcome.unit.job} of {outcome.unit.recording_id}"
            text = f"daxaudio explain: warning: {what} has no picture or page: {outcome.problem}"
            print(text, file=sys.stderr)
