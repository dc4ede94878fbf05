"""One explanation as a page to look at and to listen to: one HTML file that needs nothing else.

The page holds everything in itself and may load nothing: a policy in its head forbids all but its
own scripts, told by their digests, and what is written into it. Names and labels are escaped.
Waveform, cursor, zoom and selection are drawn by wavesurfer.js, which is in `vendor/` with its
licence.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from daxaudio.containers import Event, Events, Explanation, Recording
from daxaudio.explainers.catalogue import METHODS
from daxaudio.metrics import marking_threshold
from daxaudio.metrics.phase_events import heard_stretches
from daxaudio.report.offline import nonce_of, policy_of, script_json, source_of
from daxaudio.report.page_pictures import picture_of
from daxaudio.report.page_sounds import MOST_SAMPLES, sounds_of
from daxaudio.report.writing import render
from daxaudio.runs.files import write_text
from daxaudio.runs.provenance import without_nan

PAGE_FILE = "explanation.html"

_VENDORED = "vendor/wavesurfer-7.12.12"
_SCRIPTS = (
    *(f"{_VENDORED}/{name}.min.js" for name in ("wavesurfer", "regions", "timeline")),
    *("templates/explanation_sound.js", "templates/explanation.js"),
)
_COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#8C6D00", "#56738C", "#7F3C8D")
"""Of labels of events, in the order of the alphabet; told apart with any colour vision."""


@dataclasses.dataclass(frozen=True)
class Sounds:
    """What a page plays.

    Args:
        original: the recording, at its own rate and with its own channels.
        kept: what the mask keeps of it.
        removed: the rest.
    """

    original: Recording
    kept: Recording
    removed: Recording


def write_explanation_page(
    explanation: Explanation,
    path: str | os.PathLike[str],
    *,
    events: Sequence[Event] = (),
    verdict: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    sounds: Sounds | None = None,
) -> Path:
    """Write a page of an explanation, whole or not at all.

    It shows the spectrogram with the mask over it, the profile over time and what it marks at any
    threshold, the true events, and what speaks for the explanation and against it; it plays the
    recording, what was kept of it and what was removed. A clip of 10 s in stereo at 44.1 kHz takes
    less than 5 MB.

    Args:
        explanation: what to show.
        path: the .html file; folders above it are made.
        events: true events and phases, if known; those that overlap stand in rows of their own.
        verdict: as `Verdict.as_dict` gives it and explanations are stored with it; None where
            nothing was checked.
        facts: what else is known of it by name, such as settings and versions; folded away.
        sounds: what is played; without it the page says that it has no sound.

    Returns:
        The path.

    Raises:
        ValueError: when the sounds are not alike.

    Example:
        >>> import tempfile, torch
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.rand(8, 20), torch.arange(1, 9) * 500.0, torch.arange(20.0))
        >>> explanation = Explanation(torch.rand(8, 20), picture, "rise", "<dog>")
        >>> path = write_explanation_page(explanation, tempfile.mkdtemp() + "/a.html")
        >>> "&lt;dog&gt;" in path.read_text(), "<dog>" in path.read_text()
        (True, False)
    """
    silent = _why_silent(sounds)
    scripts = [source_of(name) for name in _SCRIPTS]
    style = source_of("templates/explanation.css")
    nonce = nonce_of(style)
    playable = sounds if sounds and not silent else None
    written = playable and sounds_of(playable.original, playable.kept, playable.removed)
    data = {"nonce": nonce, "sounds": written, **_data(explanation, events, sounds)}
    text = render(
        "explanation.html.j2",
        explanation=explanation,
        about=_about(explanation, sounds),
        verdict=verdict,
        facts=_flat(without_nan(dict(facts or {}))),
        silent=silent,
        data=script_json(data),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        policy=policy_of(scripts, nonce),
        nonce=nonce,
    )
    write_text(text, path)
    return Path(path)


def _why_silent(sounds: Sounds | None) -> str:
    """Why a page has no players; "" where it has some."""
    if sounds is None:
        return "This page has no sound: the recording was not at hand when it was written."
    if sounds.original.waveform.numel() > MOST_SAMPLES:
        return (
            f"This page has no sound: {sounds.original.duration / 60:.0f} minutes are more than a "
            "page can hold. daxaudio listen writes audio files."
        )
    return ""


def _data(
    explanation: Explanation, events: Sequence[Event], sounds: Sounds | None
) -> dict[str, Any]:
    """What the scripts of a page are told."""
    profile = explanation.profile.detach().cpu().double().numpy()
    stretches = heard_stretches(explanation.spectrogram.times)
    picture = picture_of(explanation)
    duration = sounds.original.duration if sounds else 0.0
    return {
        "duration": max(duration, float(stretches[-1, 1])) or 1.0,
        "picture": picture,
        "profile": _base64(profile),
        "starts": _base64(stretches[:, 0]),
        "ends": _base64(stretches[:, 1]),
        "threshold": marking_threshold(profile),
        "lanes": event_rows(events),
    }


def _base64(values: NDArray[np.float64]) -> str:
    """Numbers to the last bit."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode("ascii")


def event_rows(
    events: Sequence[Event], labels: Sequence[str] | None = None
) -> list[list[dict[str, Any]]]:
    """Events in as few rows as hold them without overlap, each with its label's colour.

    Args:
        events: of one recording.
        labels: all that have a colour, so that it is the same in several recordings; those of the
            events when None.
    """
    listed = Events(events)
    names = listed.labels if labels is None else labels
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)}
    rows: list[list[dict[str, Any]]] = []
    for event in listed:
        row = next((row for row in rows if row[-1]["end"] <= event.start), None)
        if row is None:
            rows.append(row := [])
        row.append({**dataclasses.asdict(event), "colour": colours[event.label]})
    return rows


def _about(explanation: Explanation, sounds: Sounds | None) -> list[tuple[str, str]]:
    """What was explained, in words."""
    row = METHODS.get(explanation.method)
    cost = f"{explanation.n_queries} questions to the classifier"
    if explanation.n_gradients:
        cost += f", {explanation.n_gradients} gradients"
    score = f"{explanation.score:.3f}" if math.isfinite(explanation.score) else ""
    known = [
        ("recording", explanation.spectrogram.recording_id),
        ("explained class", explanation.target),
        ("its score", score),
        ("method", explanation.method + (f": {row.text}" if row else "")),
        ("cost", cost),
        ("audio", _describe(sounds.original) if sounds else ""),
    ]
    return [(name, text) for name, text in known if text]


def _describe(recording: Recording) -> str:
    """How long a recording is, and in which form."""
    n_channels = len(recording.waveform)
    channels = {1: "1 channel", 2: "2 channels"}.get(n_channels, f"{n_channels} averaged to one")
    return f"{recording.duration:.2f} s, {recording.sample_rate} Hz, {channels}"


def _flat(facts: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Facts and those within them, a name and a text each."""
    found: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{above}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            found.append((f"{above}{name}", text if len(text) <= 500 else f"{text[:500]} ..."))
    return found
