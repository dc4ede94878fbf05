"""RESULTS.md, pictures and report.html of one comparison, from the files that its stages left."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import soundfile

from daxaudio.containers import Events
from daxaudio.data.audio import read_recording
from daxaudio.experiments.paired import paired_tests
from daxaudio.experiments.predict import PREDICTIONS_FILE
from daxaudio.experiments.score import METRICS, RESULTS_FILE, SUMMARY_FILE, total_cost
from daxaudio.explainers.catalogue import METHODS, learned_masks, references
from daxaudio.explainers.storage import is_stored, load_explanation, load_facts
from daxaudio.plot import plot_comparison, plot_history, plot_summary
from daxaudio.report.model import Block, Picture, RecordingView, Report, Section, Sound, Table
from daxaudio.report.sentences import (
    ABOUT_METRICS,
    ABOUT_TESTS,
    below_the_references,
    warned_explanations,
)
from daxaudio.report.tables import (
    tabulate_comparisons,
    tabulate_cost,
    tabulate_environment,
    tabulate_summary,
)
from daxaudio.report.writing import write_markdown, write_page
from daxaudio.runs.files import whole_file
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.tables import read_table

MP3_RATE = 44100


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What a comparison left in its folder, and how to tell of it.

    Args:
        exp_dir: holds `results.csv`, `summary.csv` and `explanations/`.
        title: heading.
        command: the exact command that made it.
        text: what was done, a paragraph or more.
        events: true events by recording id.
        paper: the paper's value of `iou` by method; no column when empty.
        facts: further tables by heading, for instance accuracy by fold.
    """

    exp_dir: Path
    title: str
    command: str
    text: str
    events: Mapping[str, Events]
    paper: Mapping[str, str] = dataclasses.field(default_factory=dict)
    facts: Mapping[str, Table] = dataclasses.field(default_factory=dict)

    @property
    def explanations(self) -> Path:
        """Folder of the explanations, `METHOD/RECORDING_ID`."""
        return self.exp_dir / "explanations"

    @property
    def pictures(self) -> Path:
        """Folder of the pictures."""
        return self.exp_dir / "pictures"


def write_results(comparison: Comparison) -> list[Path]:
    """Write `RESULTS.md`, `report.html` and `pictures/`, each file whole or not at all.

    Args:
        comparison: what to tell.

    Returns:
        Paths of the Markdown file, the page and the pictures' folder.

    Raises:
        ValueError: when a stage before has not been run.
    """
    report = make_report(comparison)
    markdown = write_markdown(report, comparison.exp_dir / "RESULTS.md")
    return [markdown, write_page(report, comparison.exp_dir / "report.html"), comparison.pictures]


def make_report(comparison: Comparison) -> Report:
    """What `write_results` writes; draws the pictures.

    Raises:
        ValueError: when a stage before has not been run.
    """
    _, summary = _read(comparison)
    scores: list[Block] = [
        tabulate_summary(summary, paper=comparison.paper or None),
        ABOUT_METRICS,
        below_the_references(summary),
        warned_explanations(comparison.explanations),
    ]
    sections = [
        Section("Results", scores),
        *describe_explanations(comparison),
        Section("Environment", [tabulate_environment()]),
    ]
    return Report(comparison.title, sections, [comparison.text], comparison.command)


def describe_explanations(comparison: Comparison) -> list[Section]:
    """What is explained, how, and what it looks like, recording by recording; draws the pictures.

    Raises:
        ValueError: when a stage before has not been run.
    """
    results, summary = _read(comparison)
    pictures = _draw(comparison, results, summary)
    views = [_view(comparison, results, name) for name in results["recording_id"].unique()]
    predictions = read_table(comparison.explanations / PREDICTIONS_FILE)
    tests = tabulate_comparisons(paired_tests(results, ("iou", "frame_auc")))
    return [
        Section("Pictures", pictures),
        Section("Classifier on what is explained", [classification_counts(predictions)]),
        *(Section(title, [table]) for title, table in comparison.facts.items()),
        Section("Cost of explaining", [tabulate_cost(total_cost(comparison.explanations))]),
        Section("Recordings", views),
        Section("Paired tests of learned masks against the others", [tests, ABOUT_TESTS]),
        Section("Settings of the methods", [_settings(comparison)]),
    ]


def _read(comparison: Comparison) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Results and their summary: localisation alone, of recordings whose class is explained."""
    for name in (RESULTS_FILE, SUMMARY_FILE, "explanations"):
        if not (comparison.exp_dir / name).exists():
            raise ValueError(f"{comparison.exp_dir}: no {name} here; run the stages before")
    tables = (read_table(comparison.exp_dir / name) for name in (RESULTS_FILE, SUMMARY_FILE))
    results, summary = (table[table["metric"].isin(METRICS)] for table in tables)
    return results, summary


def classification_counts(predictions: pd.DataFrame, by: pd.Series | None = None) -> Table:
    """Recordings, and how many are classified correctly, by class or another grouping.

    Args:
        predictions: as `predictions.csv` holds them.
        by: group of each row; the class when None.

    Returns:
        One row a group, and one for all; recordings with a problem count as `left out`.
    """
    group = predictions["label"] if by is None else by
    rows = []
    for name, part in [*predictions.groupby(group), ("all", predictions)]:
        readable = part[part["problem"] == ""]
        correct = int(readable["correct"].sum())
        share = f"{correct / len(readable):.3f}" if len(readable) else "-"
        rows.append(
            (str(name), str(len(readable)), str(correct), share, str(len(part) - len(readable)))
        )
    return Table((str(group.name), "recordings", "correct", "accuracy", "left out"), tuple(rows))


def _settings(comparison: Comparison) -> Table:
    """Settings of each method that has any, as its first explanation stores them."""
    rows = []
    for method in (name for name in METHODS if name not in references()):
        folders = sorted((comparison.explanations / method).glob("*/explanation.json"))
        if folders:
            settings = load_facts(folders[0].parent)["settings"]
            text = ", ".join(f"{k}={_flat(v)}" for k, v in settings.items() if k != "name")
            rows.append((method, text))
    return Table(("method", "settings"), tuple(rows))


def _flat(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    inside = ", ".join(f"{k}={_flat(v)}" for k, v in value.items() if k != "name")
    return f"{value.get('name', '')}({inside})"


def _draw(comparison: Comparison, results: pd.DataFrame, summary: pd.DataFrame) -> list[Picture]:
    captions = {"iou": "IoU in the paper's protocol", "frame_auc": "Frame AUC (0.5 is chance)"}
    pictures = [
        Picture(
            plot_summary(summary, comparison.pictures / f"{metric}.png", metric, references()),
            caption,
        )
        for metric, caption in captions.items()
    ]
    names = list(results["recording_id"].unique())
    for name in progress_bar(names, "pictures"):
        plot_comparison(
            [load_explanation(folder) for folder in _folders(comparison, name)],
            comparison.pictures / "recordings" / f"{name}.png",
            comparison.events[name],
        )
    for method in reversed(learned_masks()):
        folder = comparison.explanations / method / names[0]
        if is_stored(folder) and "masks" in (found := load_explanation(folder)).history:
            path = plot_history(found, comparison.pictures / "history.png")
            pictures.append(Picture(path, f"{method} on {names[0]}: masks and losses by epoch"))
            break
    return pictures


def _view(comparison: Comparison, results: pd.DataFrame, name: str) -> RecordingView:
    folders = _folders(comparison, name)
    facts = load_facts(folders[0])
    events = ", ".join(f"{e.start:.2f} to {e.end:.2f} s" for e in comparison.events[name])
    scores = results[results["recording_id"] == name].pivot(
        index="method", columns="metric", values="value"
    )
    metrics = list(results["metric"].unique())
    rows = tuple(
        (method, *(f"{scores.loc[method, metric]:.2f}" for metric in metrics))
        for method in METHODS
        if method in scores.index
    )
    picture = comparison.pictures / "recordings" / f"{name}.png"
    warnings = tuple(
        f"{folder.parent.name}: {warning}"
        for folder in folders
        for warning in load_facts(folder).get("warnings", ())
    )
    return RecordingView(
        name,
        f"Class {facts['target']}, score {facts['score']:.3f}; true event {events}.",
        (Picture(picture, f"{name}: spectrogram, and what each method marked"),),
        (Sound(_small_copy(comparison, Path(facts["audio"]), name), "what the classifier heard"),),
        Table(("method", *metrics), rows),
        warnings,
    )


def _small_copy(comparison: Comparison, audio: Path, name: str) -> Path:
    """The recording as MP3, so that the page stays small."""
    path = comparison.exp_dir / "sounds" / f"{name}.mp3"
    recording = read_recording(audio, sample_rate=MP3_RATE)
    with whole_file(path) as temporary:
        soundfile.write(temporary, recording.waveform[0].numpy(), MP3_RATE, format="MP3")
    return path


def _folders(comparison: Comparison, name: str) -> list[Path]:
    folders = (comparison.explanations / method / name for method in METHODS)
    return [folder for folder in folders if is_stored(folder)]
