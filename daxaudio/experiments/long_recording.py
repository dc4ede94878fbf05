"""Explain a recording of hours: windows are scored, some explained, and stitched on one time axis.

Nothing is held that grows with the length, but for one row a window in a table: windows are read,
scored and explained one after the other, and the stitched explanation has a bound of its own. Each
window is a unit, whole or absent, with a seed from its name; what is there already is kept.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from daxaudio.containers import Event, Events
from daxaudio.data.audio import duration_of
from daxaudio.data.formats.annotated import AnnotatedRecording, Tier
from daxaudio.data.formats.catalogue import write_annotations
from daxaudio.engines.engine import HERE, Engine
from daxaudio.experiments.explain import check_askable, facts_of_run, for_model
from daxaudio.experiments.folder import explain_folder
from daxaudio.experiments.predict import opener_for
from daxaudio.experiments.stitch import Stitched, stitch
from daxaudio.experiments.verdict import Level
from daxaudio.experiments.window_scores import ScoreJob, blocks_of, score_windows
from daxaudio.experiments.windows import Window, Windowing, choose_windows, cut_windows, data_of
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import (
    ARRAYS_FILE,
    FACTS_FILE,
    check_alike,
    is_stored,
    save_explanation,
)
from daxaudio.models.foreign.targets import read_target
from daxaudio.models.model import Model
from daxaudio.runs.seconds import clock
from daxaudio.runs.tables import write_csv, write_table

WINDOWS_FILE = "windows.csv"
WINDOWS_FOLDER = "windows"
MARKED_FILE, TEXTGRID_FILE, LABELS_FILE = "marked.csv", "marked.TextGrid", "marked.txt"

MARKED_COLUMNS = ("from", "to", "start", "end", "label", "salience", "window_score")
"""Of the table of marked stretches: times as h:mm:ss and in seconds, the class, the mean of the
profile, and the highest score of an explained window that the stretch touches."""


@dataclasses.dataclass(frozen=True, eq=False)
class LongExplained:
    """What is known of a recording when its windows are explained.

    Args:
        recording_id: its id.
        duration: seconds.
        target: the class.
        windowing: how it was cut.
        table: one row a window: `recording_id` of the window, `start`, `end`, `score`, `level_db`,
            `explained` (0 or 1) and `problem`.
        stitched: by method; without those that could explain no window, empty where no window was
            to be explained.
        places: folder of the stitched explanation of each method.
        events: true events of the windows, each on its own time axis, by the id of the window.
    """

    recording_id: str
    duration: float
    target: str
    windowing: Windowing
    table: pd.DataFrame
    stitched: Mapping[str, Stitched]
    places: Mapping[str, Path]
    events: Mapping[str, Events]

    @property
    def explained(self) -> pd.DataFrame:
        """Rows of the windows that are explained, in order of time."""
        return self.table[self.table["explained"] == 1]

    @property
    def stretches(self) -> Events:
        """The time in an explained window."""
        rows = self.explained[["start", "end"]].itertuples(index=False)
        return Events(Event(float(start), float(end)) for start, end in rows).union("explained")


def explain_long(
    model: Model,
    source: str | os.PathLike[str],
    methods: Sequence[str],
    out: str | os.PathLike[str],
    *,
    recording_id: str,
    target: str,
    windowing: Windowing,
    channel: int | None = None,
    events: Events | None = None,
    settings: MethodSettings | None = None,
    seed: int = 0,
    level: Level | None = None,
    engine: Engine = HERE,
    open_model: Callable[[str | None], Model] | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> LongExplained:
    """Explain a recording of any length for a class, in windows; what is stored is kept.

    Args:
        model: the classifier.
        source: an audio file, of which windows alone are read.
        methods: names as in `METHODS`.
        out: `windows.csv`, and below `windows/` scores and explanations of windows; the stitched
            explanation with its marked stretches lies in `out`, or in `out/METHOD` of several.
        recording_id: names the whole.
        target: the class.
        windowing: how it is cut, and which windows are explained.
        channel: the only one that is heard, counted from 1; None for what the model takes.
        events: true events of the recording.
        settings: of the methods.
        seed: of the run.
        level: how each window's explanation is checked; None for not at all.
        engine: does the windows.
        open_model: opens the classifier in another process; see `explain_folder`.
        tell: is told in a line what was found and what comes next.

    Raises:
        ValueError: when the file cannot be read, a window is shorter than the front end allows, no
            window can be heard, none could be explained, or `out` holds explanations of another
            model, seed or other settings.
    """
    settings = for_model(settings or MethodSettings(), model)
    check_askable(methods, model)
    _check_target(model, target)
    duration, frame = _lengths(model, source, windowing)
    windows = cut_windows(recording_id, duration, windowing, frame)
    data, below = data_of(windows, source, channel), Path(out) / WINDOWS_FOLDER
    places = {method: Path(out) / (method if len(methods) > 1 else "") for method in methods}
    own = {"recording_id": recording_id, "target": target, "model_digest": model.digest()}
    for place in places.values():
        check_alike(place, own)
    own_events = _events_of(windows, events or Events())
    opener, facts = opener_for(model, engine, open_model), _facts(model, source)
    blocks = blocks_of(windows)
    job = ScoreJob(opener, data, blocks, target, os.fspath(below), facts=facts)
    table = score_windows(windows, job, engine)
    if table["score"].isna().all():
        raise ValueError(f"{source}: no window can be heard; {table['problem'].iloc[0]}")
    chosen = choose_windows(table, windowing)
    tell(_in_words(table, chosen, windowing, target))
    if chosen:
        explain_folder(
            model,
            data,
            methods,
            below,
            recording_ids=chosen,
            events=own_events,
            settings=settings,
            seed=seed,
            targets=dict.fromkeys(chosen, target),
            level=level,
            engine=engine,
            open_model=opener,
        )
    done = [w for w in windows if w.name in set(chosen) and _is_done(below, methods, w.name)]
    table["explained"] = table["recording_id"].isin([w.name for w in done]).astype(int)
    write_table(table, Path(out) / WINDOWS_FILE)
    what = (recording_id, duration, target, windowing)
    whole = LongExplained(*what, table, stitched={}, places=places, events=own_events)
    facts = {
        **facts_of_run(model, settings, seed),
        "audio": os.fspath(source),
        **({} if channel is None else {"channel": channel}),
        "windowing": dataclasses.asdict(windowing),
        "events": [[event.start, event.end] for event in events or ()],
    }
    found = {}
    for method, place in places.items():
        parts = [(w, below / method / w.name) for w in done if is_stored(below / method / w.name)]
        if parts:
            stitched = stitch(parts, recording_id, frame)
            found[method] = _described(stitched, whole, len(parts))
            marked = [[event.start, event.end] for event in found[method].marked]
            save_explanation(found[method].explanation, place, {**facts, "marked": marked})
            write_marked(found[method], whole, place)
        else:
            _remove_stale(place)
    return dataclasses.replace(whole, stitched=found)


def _lengths(
    model: Model, source: str | os.PathLike[str], windowing: Windowing
) -> tuple[float, float]:
    """Seconds of a file, and from one frame of the front end to the next."""
    front_end, duration = model.front_end, duration_of(source)
    shortest = min(windowing.seconds, duration)
    if shortest < front_end.min_duration:
        raise ValueError(
            f"{source}: a window of {shortest:g} s is shorter than one analysis window of the "
            f"model, {front_end.min_duration:.3f} s; take longer ones"
        )
    return duration, front_end.hop_length / front_end.sample_rate


def _is_done(below: Path, methods: Sequence[str], name: str) -> bool:
    return any(is_stored(below / method / name) for method in methods)


def _remove_stale(place: Path) -> None:
    """Remove what an earlier run stitched, of windows that are no longer asked for."""
    files = (FACTS_FILE, ARRAYS_FILE, MARKED_FILE, TEXTGRID_FILE, LABELS_FILE)
    for name in files:
        (place / name).unlink(missing_ok=True)


def _check_target(model: Model, target: str) -> None:
    model.class_index(target)
    if target not in model.class_names and read_target(target, model.class_names).between:
        name = read_target(target, model.class_names).name
        raise ValueError(
            f"target {target!r} names a time, and every window has its own; name the class alone, "
            f"{name}"
        )


def _facts(model: Model, source: str | os.PathLike[str]) -> dict[str, Any]:
    """Of scores: those of another model, or of a file that was changed, are not these."""
    about = Path(source).stat()
    return {"model_digest": model.digest(), "bytes": about.st_size, "mtime_ns": about.st_mtime_ns}


def _events_of(windows: Sequence[Window], events: Events) -> dict[str, Events]:
    """True events of each window, on its own time axis."""
    found = {}
    for window in windows if events else ():
        found[window.name] = Events(
            dataclasses.replace(one, start=one.start - window.start, end=one.end - window.start)
            for one in events.crop(window.start, window.end)
        )
    return found


def _in_words(table: pd.DataFrame, chosen: Sequence[str], windowing: Windowing, target: str) -> str:
    """How many windows there are, and which are explained."""
    heard = table[table["score"].notna()].sort_values("score", ascending=False, kind="stable")
    counts, (best, at) = (
        f"{len(table)} windows, {len(heard)} heard",
        heard[["score", "start"]].iloc[0],
    )
    if not chosen:
        return (
            f"{counts}; none scores {windowing.threshold:g} for {target}, the highest is "
            f"{best:.3f} at {clock(float(at))}"
        )
    lowest = heard["score"].iloc[len(chosen) - 1]  # those chosen have the highest scores
    return (
        f"{counts}; explaining {len(chosen)} for {target}, whose scores are {lowest:.3f} to "
        f"{best:.3f}"
    )


def _described(stitched: Stitched, whole: LongExplained, n_windows: int) -> Stitched:
    """A stitched explanation that says what it was stitched of."""
    table, together = whole.table, stitched.together
    warnings = []
    if stitched.warned:
        warnings.append(
            f"The explanations of {len(stitched.warned)} of {n_windows} windows have warnings "
            f"(first: {stitched.warned[0]}); see {WINDOWS_FOLDER}/warnings.csv."
        )
    unheard = table[table["problem"] != ""]
    if len(unheard):
        warnings.append(
            f"{len(unheard)} of {len(table)} windows could not be heard (first: "
            f"{clock(float(unheard['start'].iloc[0]))}, {unheard['problem'].iloc[0]})."
        )
    findings = {
        "windows": len(table),
        "windows_explained": n_windows,
        "share_explained": round(whole.stretches.duration / whole.duration, 6),
        "frames_together": together,
    }
    settings = {
        **stitched.explanation.settings,
        "window": whole.windowing.seconds,
        "window_step": whole.windowing.step,
    }
    described = dataclasses.replace(
        stitched.explanation, findings=findings, settings=settings, warnings=tuple(warnings)
    )
    return dataclasses.replace(stitched, explanation=described)


def write_marked(stitched: Stitched, whole: LongExplained, place: Path) -> None:
    """Write the marked stretches of a stitched explanation as a table and for other programs."""
    write_csv(marked_table(stitched, whole.explained), place / MARKED_FILE)
    marked = stitched.marked
    end = max(whole.duration, marked.end)
    tiers = (
        Tier(stitched.explanation.method, tuple(marked)),
        Tier("explained", tuple(whole.stretches)),
    )
    annotated = AnnotatedRecording(whole.recording_id, tiers, end)
    write_annotations([annotated], place / TEXTGRID_FILE)
    write_annotations([annotated.only(1)], place / LABELS_FILE, "audacity")


def marked_table(stitched: Stitched, explained: pd.DataFrame) -> pd.DataFrame:
    """The marked stretches of a stitched explanation in order of time; see `MARKED_COLUMNS`.

    Args:
        stitched: on the axis of the whole recording.
        explained: `start`, `end` and `score` of the windows that it was stitched of.
    """
    explanation = stitched.explanation
    profile, times = explanation.profile.numpy(), explanation.spectrogram.times.numpy()
    rows = []
    for event in stitched.marked:
        inside = (times >= event.start) & (times < event.end)
        near = explained[(explained["start"] < event.end) & (explained["end"] > event.start)]
        rows.append(
            (
                clock(event.start, 1),
                clock(event.end, 1),
                round(event.start, 3),
                round(event.end, 3),
                event.label,
                round(float(profile[inside].mean()), 4),
                float(near["score"].max()),
            )
        )
    return pd.DataFrame(rows, columns=list(MARKED_COLUMNS))
