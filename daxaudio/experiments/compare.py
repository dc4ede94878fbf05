"""Compare methods on a data folder: explain, measure, and write the tables; resumable."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from daxaudio.containers import Event, Events, Explanation
from daxaudio.data.evidence import Evidence
from daxaudio.data.kaldi import DataFolder
from daxaudio.experiments.against_events import Sets, against_events, with_sets
from daxaudio.experiments.explaining_run import ExplainingRun, describe_problem
from daxaudio.experiments.folder import (
    PROBLEMS_FILE,
    WARNINGS_FILE,
    list_problems,
)
from daxaudio.experiments.groups import DEFAULT_GROUPS, Truth, check_groups, fitting_groups
from daxaudio.experiments.measure import AGAIN_GROUPS, ASKING_GROUPS, Measuring
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.experiments.predict import (
    PREDICTIONS_FILE,
    Which,
    choose_recordings,
    describe_none,
    predict_folder,
)
from daxaudio.experiments.score import (
    RESULTS_FILE,
    SUMMARY_FILE,
    find_beyond_end,
    score_evidence,
    summarise,
)
from daxaudio.experiments.tables import Gathered
from daxaudio.explainers.catalogue import check_methods
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import is_stored, load_explanation
from daxaudio.metrics import (
    complexity,
    marked_share,
    rank_correlation,
    sparseness,
)
from daxaudio.metrics.iou import iou
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.model import Model
from daxaudio.runs.files import write_text
from daxaudio.runs.progress import WorkProgress
from daxaudio.runs.provenance import versions
from daxaudio.runs.seeds import derive_seed
from daxaudio.runs.tables import remove_table, write_csv, write_table

logger = logging.getLogger(__name__)

EXPLANATIONS = "explanations"
WRONG_LABEL = "explanations_wrong_label"
RUNNER_UP = "explanations_runner_up"
WRONGLY_PREDICTED = "explanations_wrongly_predicted"
"""Folders of explanations: for the true class, a random wrong one, the most probable wrong one,
and for the true class of recordings that the model gets wrong."""

CURVES_FILE = "curves.csv"
COST_FILE = "cost.csv"
RANDOMISATION_FILE = "randomisation.csv"
SETTINGS_FILE = "settings.json"
LONG_TABLES = (RESULTS_FILE, CURVES_FILE, RANDOMISATION_FILE)
"""Those that programs read: as Parquet, too (see `daxaudio.runs.tables`)."""

WRITTEN = (
    *(RESULTS_FILE, SUMMARY_FILE, COST_FILE, CURVES_FILE, RANDOMISATION_FILE, SETTINGS_FILE),
    PROBLEMS_FILE,
)
"""Files that `compare_folder` may write into its folder."""


def draw_wrong_label(class_names: Sequence[str], label: str, recording_id: str, seed: int) -> str:
    """A class other than the true one, at random, each as likely (the paper's sensitivity).

    Args:
        class_names: the model's classes.
        label: the true one.
        recording_id: each recording has its own draw, whatever the order of work.
        seed: of the run.
    """
    others = [name for name in class_names if name != label]
    return others[derive_seed(seed, "wrong label", recording_id) % len(others)]


@dataclasses.dataclass(frozen=True, eq=False)
class ComparingRun:
    """Explanations of a data folder by several methods, and their measures.

    Args:
        run: the classifier, the recordings, the methods and their settings.
        out: folder of everything that is written.
        groups: of measures, names of `GROUPS`.
        settings: of the measures.
        n_recordings: at most so many recordings, and so many wrongly predicted ones; None for all.
        which: recordings to explain for their label: those that the model classifies correctly, or
            all, where its highest score says nothing (several things are heard at once).
        evidence: what is known in time and frequency, by recording id.
    """

    run: ExplainingRun
    out: Path
    _: dataclasses.KW_ONLY
    groups: tuple[str, ...]
    settings: MeasureSettings
    n_recordings: int | None = None
    which: Which = "correct"
    evidence: Mapping[str, Sequence[Evidence]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        check_methods(self.run.methods)
        check_groups(self.groups)
        for method in self.settings.again_of:
            check_methods([method])

    def __call__(self) -> None:
        """Do what is not done yet, and write the tables.

        Raises:
            ValueError: when `out` holds explanations of another run, when there is no recording to
                explain, when no recording has events that fit it, or when nothing could
                be explained.
        """
        predictions = predict_folder(
            self.run.black_box,
            self.run.data,
            self.out / EXPLANATIONS / PREDICTIONS_FILE,
        )
        known = predictions[predictions["problem"] == ""]
        chosen = choose_recordings(known, self.n_recordings, self.run.seed, self.which)
        if not chosen:
            names, sources = self.run.black_box.class_names, list(self.run.data.wav_scp.values())
            reason = describe_none(predictions, self.which, names, sources)
            path = self.out / EXPLANATIONS / PREDICTIONS_FILE
            raise ValueError(f"nothing to explain: {reason}; see {path}")
        wrong: list[str] = []
        if "wrongly_predicted" in self.groups:
            wrong = choose_recordings(predictions, self.n_recordings, self.run.seed, "wrong")
        unfit = self._unfit([*chosen, *wrong])
        chosen, wrong = ([n for n in names if n not in unfit] for names in (chosen, wrong))
        if not chosen:
            raise ValueError(f"no recording has events that fit it: {next(iter(unfit.values()))}")
        problems = [
            describe_problem(name, "every method", "events", ValueError(text))
            for name, text in unfit.items()
        ]
        problems += self._work(chosen, wrong)
        list_problems(problems, self.out)
        tables = self.tables(chosen, wrong)
        if tables[RESULTS_FILE].empty:
            raise ValueError(f"nothing could be explained: see {self.out / PROBLEMS_FILE}")
        for name in (CURVES_FILE, RANDOMISATION_FILE):  # of an earlier call with other groups
            if name not in tables:
                remove_table(self.out / name)
        for name, table in tables.items():
            (write_table if name in LONG_TABLES else write_csv)(table, self.out / name)
        self._write_settings()

    def _unfit(self, names: Sequence[str]) -> dict[str, str]:
        """Why events do not fit their recording, by the recordings of which it is so."""
        found, durations = {}, self.run.data.utt2dur
        for name in names:
            times = [Event(part.start, part.end) for part in self.evidence.get(name, ())]
            times += self.run.events.get(name, ())
            found[name] = find_beyond_end(times, name, durations[name])
        return {name: problem for name, problem in found.items() if problem}

    def _write_settings(self) -> None:
        facts = self.run.facts
        document = {
            **{key: facts[key] for key in ("seed", "model", "model_digest")},
            **self.run.black_box.facts(),
            "n_recordings": self.n_recordings,
            "which": self.which,
            "metrics": list(self.groups),
            "explain": facts["run_settings"],
            "compare": dataclasses.asdict(self.settings),
            "versions": versions(),
        }
        write_text(json.dumps(document, indent=2) + "\n", self.out / SETTINGS_FILE)

    def _work(self, chosen: Sequence[str], wrong: Sequence[str]) -> list[dict[str, str]]:
        problems: list[dict[str, str]] = []
        measuring = Measuring(self.run, self.settings, self.out)
        n_steps = self._n_steps(len(chosen), len(wrong))
        with WorkProgress("comparing", n_steps, lambda: measuring.n_evaluations) as progress:
            advance = progress.advance
            for place, name in enumerate(chosen):
                try:
                    ask = AskOnce(self.run.about(name))
                    cases = self._cases(name, ask)
                except ValueError as error:  # it could be read when it was classified
                    problems.append(describe_problem(name, "every method", EXPLANATIONS, error))
                    continue
                for folder, label in cases.items():
                    problems += self.run.explain(
                        name, label, self.out / folder, ask=ask, advance=advance
                    )
                explanations = self._load(EXPLANATIONS, name)
                for group in (group for group in self.groups if group in ASKING_GROUPS):
                    due = [e for e in explanations if self._is_due(group, e.method, place)]
                    if due:
                        problems += measuring.measure(group, due, ask, advance)
            for name in wrong:
                label, out = self.run.data.text[name], self.out / WRONGLY_PREDICTED
                problems += self.run.explain(name, label, out, advance=advance)
        return problems

    def _n_steps(self, n_chosen: int, n_wrong: int) -> int:
        methods = self.run.methods
        n_cases = 3 if "labels" in self.groups else 1
        measured = sum(
            self._is_due(group, method, place)
            for group in self.groups
            if group in ASKING_GROUPS
            for method in methods
            for place in range(n_chosen)
        )
        return (n_cases * n_chosen + n_wrong) * len(methods) + measured

    def _is_due(self, group: str, method: str, place: int) -> bool:
        if group not in AGAIN_GROUPS:
            return True
        return place < self.settings.again_of.get(method, self.settings.again)

    def _cases(self, name: str, ask: AskOnce) -> dict[str, str]:
        """Classes to explain a recording for, by folder."""
        label, names = self.run.data.text[name], self.run.black_box.class_names
        cases = {EXPLANATIONS: label}
        if "labels" in self.groups:
            scores = ask.probabilities(self.run.spectrogram(name).values[None])[0].tolist()
            others = dict(zip(names, scores, strict=True))
            del others[label]
            cases[WRONG_LABEL] = draw_wrong_label(names, label, name, self.run.seed)
            cases[RUNNER_UP] = max(others, key=lambda other: others[other])
        return cases

    def _load(self, folder: str, name: str) -> list[Explanation]:
        folders = (self.out / folder / method / name for method in self.run.methods)
        return [load_explanation(path) for path in folders if is_stored(path)]

    def tables(self, chosen: Sequence[str], wrong: Sequence[str]) -> dict[str, pd.DataFrame]:
        """The tables of what is stored, by file name.

        Args:
            chosen: recordings that the model gets right.
            wrong: recordings that it gets wrong.
        """
        gathered, sets = Gathered(), Sets()
        measuring = Measuring(self.run, self.settings, self.out)
        for place, name in enumerate(chosen):
            explanations = self._load(EXPLANATIONS, name)
            asked = self.run.as_asked(explanations)
            others = {
                folder: {e.method: e for e in self._load(folder, name)}
                for folder in (WRONG_LABEL, RUNNER_UP)
                if "labels" in self.groups
            }
            for explanation, heard in zip(explanations, asked, strict=True):
                values = self._from_stored(explanation, heard)
                values |= self._of_labels(heard, others)
                for group in (group for group in self.groups if group in ASKING_GROUPS):
                    found = measuring.stored(group, explanation)
                    if found is not None and self._is_due(group, explanation.method, place):
                        values |= found["values"]
                        gathered.add_curves(explanation, found)
                gathered.add(explanation, values)
                gathered.add_facts(explanation)
                if "event_detection" in self.groups and name in self.run.events:
                    sets.add(explanation, self.run.events[name])
        for name in wrong:
            for explanation in self._load(WRONGLY_PREDICTED, name):
                value = self._iou(explanation)
                if value is not None:
                    gathered.add(explanation, {"wrongly_predicted_iou": value})
        results = gathered.results()
        tables = {
            RESULTS_FILE: results,
            SUMMARY_FILE: with_sets(summarise(results), sets.summary()),
            f"{EXPLANATIONS}/{WARNINGS_FILE}": gathered.warning_table(),
            COST_FILE: gathered.cost_table(),
        }
        if "deletion" in self.groups:
            tables[CURVES_FILE] = gathered.curve_table()
        if "sanity" in self.groups:
            tables[RANDOMISATION_FILE] = gathered.stage_table()
        return tables

    def _from_stored(self, explanation: Explanation, heard: Explanation) -> dict[str, float]:
        """Measures that need no black box; the form of a mask is that of what was heard."""
        values: dict[str, float] = {}
        name = explanation.spectrogram.recording_id
        if events := self.run.events.get(name):
            values |= against_events(explanation, events, self.groups)
        if "evidence" in self.groups:
            values |= score_evidence(explanation, self.evidence.get(name, ()))
        if "form" in self.groups:
            values["sparseness"] = sparseness(heard.mask)
            values["complexity"] = complexity(heard.mask)
            values["marked_share"] = marked_share(heard.mask)
        return values

    def _of_labels(
        self, heard: Explanation, others: Mapping[str, Mapping[str, Explanation]]
    ) -> dict[str, float]:
        values: dict[str, float] = {}
        for folder, prefix in ((WRONG_LABEL, "wrong_label"), (RUNNER_UP, "runner_up")):
            other = others.get(folder, {}).get(heard.method)
            if other is None:
                continue
            value = self._iou(other)
            if value is not None:
                values[f"{prefix}_iou"] = value
            # deleted silence is 0 in both, and would make any two masks alike
            (own,) = self.run.as_asked([other])
            values[f"{prefix}_correlation"] = rank_correlation(heard.mask, own.mask)
        return values

    def _iou(self, explanation: Explanation) -> float | None:
        """Against the events of the true class, whichever was explained."""
        name = explanation.spectrogram.recording_id
        events = Events(self.run.events.get(name, ())).for_class(self.run.data.text[name])
        return iou(explanation.profile, explanation.spectrogram.times, events) if events else None


def compare_folder(
    black_box: Model,
    data: DataFolder,
    methods: Sequence[str],
    out: str | os.PathLike[str],
    *,
    groups: Sequence[str] = DEFAULT_GROUPS,
    events: Mapping[str, Events] | None = None,
    evidence: Mapping[str, Sequence[Evidence]] | None = None,
    settings: MethodSettings | None = None,
    measure_settings: MeasureSettings | None = None,
    n_recordings: int | None = None,
    which: Which = "correct",
    seed: int = 0,
) -> None:
    """Explain recordings by several methods, measure the explanations and write tables.

    Recordings are explained for their true class. What is
    stored in `out` is kept, so that a stopped run can be started again.

    Args:
        black_box: the classifier.
        data: the recordings and their labels.
        methods: names as in `METHODS`.
        out: `results.csv`, `summary.csv`, `cost.csv`, `curves.csv`, `randomisation.csv`,
            `problems.csv` and the explanations go here.
        groups: of measures, names as in `daxaudio.metrics.catalogue.GROUPS`, or "all".
        events: true events by recording id; without them, what needs them is left out.
        evidence: what is known in time and frequency, by recording id, alike.
        settings: of the methods.
        measure_settings: of the measures.
        n_recordings: at most so many; None for all.
        which: as of `ComparingRun`.
        seed: of the run.

    Raises:
        ValueError: when a name is unknown, `out` holds another run's explanations, there is no
            recording to explain, or nothing could be explained.
    """
    run = ExplainingRun(
        black_box,
        data,
        tuple(check_methods(methods)),
        events=events or {},
        settings=settings or MethodSettings(),
        seed=seed,
    )
    truths: dict[Truth, object] = {"events": events, "evidence": evidence}
    known = [name for name, given in truths.items() if given]
    ComparingRun(
        run,
        Path(out),
        groups=tuple(fitting_groups(groups, black_box, known)),
        settings=measure_settings or MeasureSettings(),
        n_recordings=n_recordings,
        which=which,
        evidence=evidence or {},
    )()
