"""Which kinds of events a profile marks: IoU, share of its mass and of the time, event by event.

Conventions are those of `iou`: a time profile `[T]`, `times` `[T]` in seconds, frames belong to an
event when their centre lies in [start, end). Here labels do play a part: all events of one label
are a class (a phase of a cough, for instance), and its frames are those of any of its events.

Events of two classes may overlap. A shared frame then counts for both, in IoU, mass and chance
alike, so that the shares of one recording can sum to more than 1; a profile without information
still has a mass over chance of 1 in every class. Frames of no event are `unlabelled`.

| function | what it says | chance |
|---|---|---|
| `phase_iou` | frames above mean + std against the frames of a class | about `phase_share` |
| `phase_share` | share of the time of a class | - |
| `phase_mass` | share of the profile's sum in each class | `phase_share` |
| `mass_over_chance` | the one over the other | 1 |

What is undefined is NaN: everything of a class whose events hold no frame, and masses of a profile
that is 0 everywhere.

IoU and shares are in [0, 1]. A class that is not there is left out of means, not counted as 0:
where there is no cough, no cough can be found. The IoU of a profile that marks everything is the
class's share of the time, which is why this share stands as the row `chance` in tables.

Mass takes the profile's zero at its word. A mask that is scaled from its lowest to its highest
value has its zero at the lowest, so that a method whose values are spread around a high middle has
little mass anywhere in particular; IoU and ranking do not depend on this.

Time is the time of the frames that are there: silence that a front end deleted is in no share.

Malformed input raises `ValueError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from daxaudio.containers import Event, Events, Explanation
from daxaudio.metrics.events import Numbers, check_profile, event_frames
from daxaudio.metrics.iou import iou

if TYPE_CHECKING:
    import pandas as pd

UNLABELLED = "unlabelled"
"""Name of the time in no event."""

CHANCE = "chance"
"""Name of the row of tables that stands for a profile without information."""

MEASURES_OF_PHASES = ("iou", "mass", "mass_over_chance")
COLUMNS = ("recording_id", "target", "method", "phase", "metric", "value")


def phase_iou(profile: Numbers, times: Numbers, events: Sequence[Event], label: str) -> float:
    """1-D IoU of the frames above mean + std with the frames of one class of events.

    Source: DAX paper, Table VIII. It says neither what happens where a class does not occur nor
    whether the values are means over recordings; we leave such recordings out.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events of all classes.
        label: the class.

    Returns:
        In [0, 1]; NaN when no frame is in an event of the class.

    Raises:
        ValueError: when the profile or times are malformed.

    Example:
        >>> events = [Event(0, 1, "inhale"), Event(1, 3, "cough"), Event(4, 5, "cough")]
        >>> profile, times = [0, 9, 0, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
        >>> round(phase_iou(profile, times, events, "cough"), 2)  # 1 of 3 frames
        0.33
    """
    values, centres = check_profile(profile, times)
    own = Events(events).of(label)
    return iou(values, centres, own) if event_frames(own, centres).any() else float("nan")


def phase_share(times: Numbers, events: Sequence[Event], label: str) -> float:
    """Share of the time that a class takes: what chance is for IoU and mass.

    Args:
        times: `[T]` frame centres in seconds.
        events: true events of all classes.
        label: the class, or `UNLABELLED` for the time in no event.

    Returns:
        In [0, 1]; NaN when no frame is in an event of the class, 0 for no unlabelled frame.

    Raises:
        ValueError: when times are empty or not finite.

    Example:
        >>> phase_share([0.5, 1.5, 2.5, 3.5], [Event(1.0, 2.0, "cough")], "cough")
        0.25
    """
    if label == UNLABELLED:
        return float((~event_frames(events, times)).mean())
    frames = event_frames(Events(events).of(label), times)
    return float(frames.mean()) if frames.any() else float("nan")


def phase_mass(profile: Numbers, times: Numbers, events: Sequence[Event]) -> dict[str, float]:
    """Share of a profile's sum that lies in each class.

    As all bins of a frame are in the same events, this is the share of the mask's sum, too.

    Args:
        profile: `[T]`, at least 0.
        times: `[T]` frame centres in seconds, increasing.
        events: true events of all classes.

    Returns:
        By label in the order of the alphabet, `UNLABELLED` last; in [0, 1]. NaN for a label whose
        events hold no frame, and for all when the profile is 0 everywhere.

    Raises:
        ValueError: when the profile or times are malformed, the profile is negative somewhere, or
            a label is "unlabelled".

    Example:
        >>> events = [Event(0, 1, "inhale"), Event(1, 3, "cough")]
        >>> phase_mass([1, 2, 4, 1], [0.5, 1.5, 2.5, 3.5], events)
        {'cough': 0.75, 'inhale': 0.125, 'unlabelled': 0.125}
    """
    values, centres = check_profile(profile, times)
    if values.min() < 0:
        raise ValueError("profile holds negative values; scale the mask by scale_to_mask")
    return {
        label: float(values[frames].sum() / values.sum()) if possible and values.any() else np.nan
        for label, (frames, possible) in _frames_by_label(events, centres).items()
    }


def mass_over_chance(profile: Numbers, times: Numbers, events: Sequence[Event]) -> dict[str, float]:
    """`phase_mass` over the share of the time: how much denser the mask is in a class.

    Args:
        profile: `[T]`, at least 0.
        times: `[T]` frame centres in seconds, increasing.
        events: true events of all classes.

    Returns:
        By label as `phase_mass`; at least 0, 1 for a flat profile. NaN where a class has no frame.

    Raises:
        ValueError: as `phase_mass`.

    Example:
        >>> mass_over_chance([1, 2, 4, 1], [0.5, 1.5, 2.5, 3.5], [Event(1, 3, "cough")])
        {'cough': 1.5, 'unlabelled': 0.5}
    """
    shares = {label: phase_share(times, events, label) for label in _labels(events)}
    return {
        label: mass / shares[label] if shares[label] else float("nan")
        for label, mass in phase_mass(profile, times, events).items()
    }


def measure_phases(
    explanations: Iterable[Explanation], events: Mapping[str, Events]
) -> pd.DataFrame:
    """The measures of many explanations as one long table, and the chance of each recording.

    Args:
        explanations: of any recordings and methods; one is held at a time.
        events: true events of all classes by recording id.

    Returns:
        Columns `recording_id`, `target` (the class that was explained), `method`, `phase`, `metric`
        (one of `MEASURES_OF_PHASES`) and `value`. A recording has rows for the classes of its own
        events and for `UNLABELLED`, which has no IoU. Rows of the method `CHANCE` hold the share
        of the time as `iou` and `mass`, and 1 as `mass_over_chance`.

    Raises:
        ValueError: when a recording has no list of events, a method is named "chance", two
            explanations are of one recording and method, or a label is "unlabelled".

    Example:
        >>> import torch
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.zeros(1, 4), torch.ones(1), torch.arange(4) + 0.5, "a")
        >>> explanation = Explanation(torch.tensor([[0.0, 1.0, 0.0, 0.0]]), picture, "rise", "p")
        >>> table = measure_phases([explanation], {"a": [Event(1, 3, "cough")]})
        >>> table[table["metric"] == "iou"][["method", "phase", "value"]].to_numpy().tolist()
        [['rise', 'cough', 0.5], ['chance', 'cough', 0.5]]
    """
    rows: dict[tuple[str, str, str, str], tuple[str, float]] = {}
    for explanation in explanations:
        name, times = explanation.spectrogram.recording_id, explanation.spectrogram.times
        if name not in events:
            raise ValueError(f"the events name no recording {name!r}; leave it out or annotate it")
        if explanation.method == CHANCE:
            raise ValueError(f"{name!r}: a method cannot be named {CHANCE!r}; rename it")
        of_method = _measure(explanation.profile, times, events[name])
        for (phase, metric), value in of_method.items():
            key = (name, explanation.method, phase, metric)
            if key in rows:
                raise ValueError(f"{name!r} is there twice by {explanation.method!r}; remove one")
            rows[key] = (explanation.target, value)
        for (phase, metric), value in _chance(times, events[name]).items():
            rows.setdefault((name, CHANCE, phase, metric), (explanation.target, value))
    import pandas as pd  # takes a quarter of a second, for this table alone

    table = [
        (name, target, method, phase, metric, value)
        for (name, method, phase, metric), (target, value) in rows.items()
    ]
    return pd.DataFrame(table, columns=list(COLUMNS))


def _labels(events: Sequence[Event]) -> list[str]:
    labels = Events(events).labels
    if UNLABELLED in labels:
        raise ValueError(f"an event is labelled {UNLABELLED!r}, the name of the rest; rename it")
    return [*labels, UNLABELLED]


def _frames_by_label(
    events: Sequence[Event], centres: NDArray[np.float64]
) -> dict[str, tuple[NDArray[np.bool_], bool]]:
    """Frames `[T]` of each class, and whether it has a value: the rest has one without frames."""
    found = {}
    for label in _labels(events):
        rest = label == UNLABELLED
        frames = event_frames(events if rest else Events(events).of(label), centres)
        found[label] = (~frames, True) if rest else (frames, bool(frames.any()))
    return found


def _measure(
    profile: Numbers, times: Numbers, events: Sequence[Event]
) -> dict[tuple[str, str], float]:
    by_metric = {
        "iou": {
            label: phase_iou(profile, times, events, label)
            for label in _labels(events)
            if label != UNLABELLED
        },
        "mass": phase_mass(profile, times, events),
        "mass_over_chance": mass_over_chance(profile, times, events),
    }
    return {(phase, m): value for m, values in by_metric.items() for phase, value in values.items()}


def _chance(times: Numbers, events: Sequence[Event]) -> dict[tuple[str, str], float]:
    shares = {label: phase_share(times, events, label) for label in _labels(events)}
    found = {(label, "mass"): share for label, share in shares.items()}
    found |= {(label, "iou"): share for label, share in shares.items() if label != UNLABELLED}
    density = {label: 1.0 if share > 0 else float("nan") for label, share in shares.items()}
    return found | {(label, "mass_over_chance"): value for label, value in density.items()}
