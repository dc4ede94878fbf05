"""Silence deleted before analysis, and masks brought back to the time axis with it.

A front end that deletes silence puts what is left together and analyses that. Its frames know
their times in the recording as it was: times still increase by a hop within a stretch that was
kept, and jump where silence was deleted. Metrics that take `times` are right as they are; pictures
and whole recordings want the whole axis, which `expand_to` gives and `reduce_to` takes back.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.runs.config import build

_LONGEST = 3600.0  # seconds around or beside a sound
_LONGEST_FRAME = 1 << 17  # samples


@dataclasses.dataclass(frozen=True)
class EnergyVad:
    """Finds the samples of a recording that are not silence, by their power.

    A sample above the threshold keeps all samples within the margin around it; what stands at the
    very ends of the recording is deleted in any case, where microphones are switched.

    Source: the sound activity detection of the DiCOVA-2 baseline, which has these values. There a
    loud sample less than a margin after the start marks nothing (a slice that wraps around), which
    has no effect as the ends are deleted; here it marks what it should.

    Args:
        threshold: least power x^2 of a sample in [-1, 1] that is heard; above 0.
        margin: seconds kept on either side of it.
        ends: seconds deleted at the start and at the end.

    Raises:
        ValueError: when a number is out of range.

    Example:
        >>> loud = torch.zeros(1000)
        >>> loud[500] = 1.0
        >>> EnergyVad(margin=0.01)(loud, sample_rate=1000).nonzero().flatten()[[0, -1]]
        tensor([490, 510])
    """

    threshold: float = 1e-4
    margin: float = 0.05
    ends: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.threshold < math.inf:
            raise ValueError(f"vad: threshold must be above 0, got {self.threshold}")
        if not (0 <= self.margin <= _LONGEST and 0 <= self.ends <= _LONGEST):
            raise ValueError(
                f"vad: margin and ends must lie between 0 and {_LONGEST:g} seconds, got "
                f"{self.margin} and {self.ends}"
            )

    def __call__(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Which samples to keep.

        Args:
            waveform: `[S]`, normalised to a peak of 1 where the threshold is to mean the same for
                every recording.
            sample_rate: samples per second.

        Returns:
            `[S]` bool.
        """
        n_samples, margin = len(waveform), round(self.margin * sample_rate)
        n_loud = torch.cumsum(waveform.square() > self.threshold, dim=0)
        n_loud = torch.cat([n_loud.new_zeros(1), n_loud])  # before each sample
        places = torch.arange(n_samples, device=waveform.device)
        after = (places + margin + 1).clamp(max=n_samples)
        before = (places - margin).clamp(min=0)
        end = round(self.ends * sample_rate)
        inside = (places >= end) & (places < n_samples - end)
        return (n_loud[after] > n_loud[before]) & inside


@dataclasses.dataclass(frozen=True)
class SplitVad:
    """Finds the stretches of a recording that are not much quieter than its loudest frame.

    Source: `librosa.effects.split`. The threshold moves with the recording's own maximum, so that
    gain does not matter, and one loud click does. Differs in that the peak is brought to 1 first
    (librosa takes nothing for quieter than -100 dB, and keeps all of a recording that is not much
    louder), and in that digital silence is silent.

    Args:
        top_db: how far below the loudest frame a frame is silent, in dB; above 0.
        frame_length: samples whose mean power is looked at.
        hop_length: samples from one frame to the next; stretches begin and end at a multiple.

    Raises:
        ValueError: when a number is out of range.

    Example:
        >>> burst = torch.zeros(4000)
        >>> burst[1000:2000] = 0.5
        >>> kept = SplitVad(frame_length=200, hop_length=100)(burst, sample_rate=1000)
        >>> kept.nonzero().flatten()[[0, -1]]
        tensor([1000, 2099])
    """

    top_db: float = 60.0
    frame_length: int = 2048
    hop_length: int = 512

    def __post_init__(self) -> None:
        if not 0 < self.top_db < math.inf:
            raise ValueError(f"vad: top_db must be above 0, got {self.top_db}")
        if not 1 <= self.hop_length <= self.frame_length <= _LONGEST_FRAME:
            raise ValueError(
                f"vad: need 1 <= hop_length <= frame_length <= {_LONGEST_FRAME} samples, got "
                f"{self.hop_length} and {self.frame_length}"
            )

    def __call__(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Which samples to keep, `[S]` bool; see `EnergyVad`."""
        from librosa.effects import split  # slow to come

        kept, peak = torch.zeros_like(waveform, dtype=torch.bool), waveform.abs().max()
        if peak > 0:
            samples = (waveform / peak).detach().cpu().numpy()
            for start, end in split(samples, **dataclasses.asdict(self)):
                kept[start:end] = True
        return kept


Vad = EnergyVad | SplitVad
"""What finds the samples that are not silence."""

VadSettings = EnergyVad | SplitVad | Mapping[str, Any] | None
"""One that is made, or its settings, or none."""

VADS: Mapping[str, Callable[..., Vad]] = {"energy": EnergyVad, "split": SplitVad}
"""By kind."""


def make_vad(settings: VadSettings) -> Vad | None:
    """What deletes silence by its settings: `kind`, one of `VADS`, and its constructor's arguments.

    Raises:
        ValueError: when the kind is unknown, or an argument does not exist or does not fit.

    Example:
        >>> make_vad({"kind": "split", "top_db": 40}).top_db
        40.0
    """
    if not isinstance(settings, Mapping):
        return settings
    arguments = dict(settings)
    kind = arguments.pop("kind", "energy")
    if not isinstance(kind, str) or kind not in VADS:
        raise ValueError(f"section 'vad': kind must be one of {sorted(VADS)}, got {kind!r}")
    return build(VADS[kind], "vad", arguments)


def settings_of_vad(vad: Vad) -> dict[str, Any]:
    """What `make_vad` makes it of again."""
    (kind,) = (kind for kind, made in VADS.items() if type(vad) is made)
    return {"kind": kind, **dataclasses.asdict(vad)}


def frame_samples(kept: Tensor, hop_length: int, n_frames: int) -> Tensor:
    """The index map: for each frame of what was kept, the sample of the whole at its centre.

    Args:
        kept: `[S]` bool, as `EnergyVad` gives it.
        hop_length: samples of what was kept from one frame to the next; the first frame is centred
            at its first sample.
        n_frames: T.

    Returns:
        int64 `[T]`, increasing. A frame centred just behind the last sample stands just behind it.

    Example:
        >>> kept = torch.tensor([False, True, True, False, False, True, True])
        >>> frame_samples(kept, hop_length=2, n_frames=3)
        tensor([1, 5, 7])
    """
    places = kept.nonzero().flatten()
    places = torch.cat([places, places[-1:] + 1])
    return places[torch.arange(n_frames, device=kept.device) * hop_length]


def expand_to(whole: Spectrogram, explanation: Explanation) -> Explanation:
    """An explanation of what was kept on the axes of the whole recording, 0 in deleted silence.

    A frame of the whole takes what the frame of the explanation nearest to its centre has, where
    that one is at most half a hop away, and 0 where none is: there was silence, and the black box
    never heard it. Where a stretch of sound begins or ends, this may be wrong by one frame.

    The black box is to be asked about `explanation`, not about the result: the whole recording is
    another input, with the silence in it.

    Args:
        whole: the recording with its silence, as `FrontEnd.spectrogram(recording,
            keep_silence=True)` gives it: the same bins, evenly spaced times.
        explanation: of the spectrogram without.

    Returns:
        The explanation with mask, attribution, standard error and masks by epoch `[F, T]` of the
        whole.

    Raises:
        ValueError: when the two do not have the same bins, or a frame that was explained lies
            nowhere in the whole recording.

    Example:
        >>> whole = Spectrogram(torch.zeros(1, 5), torch.ones(1), torch.arange(5.0))
        >>> part = Spectrogram(torch.zeros(1, 2), torch.ones(1), torch.tensor([0.9, 4.1]))
        >>> expand_to(whole, Explanation(torch.tensor([[0.5, 1.0]]), part, "lime")).mask
        tensor([[0.0000, 0.5000, 0.0000, 0.0000, 1.0000]])
    """
    places, found = _nearest_frames(whole, explanation.spectrogram)

    def expand(values: Tensor) -> Tensor:
        return torch.where(found.to(values.device), values[:, places.to(values.device)], 0.0)

    history = dict(explanation.history)
    if "masks" in history:
        history["masks"] = [expand(torch.as_tensor(mask)).numpy() for mask in history["masks"]]
    return dataclasses.replace(_moved(explanation, whole, expand), history=history)


def reduce_to(part: Spectrogram, explanation: Explanation) -> Explanation:
    """The explanation that `expand_to` was given, from what it returned.

    Args:
        part: the spectrogram that was explained, without the silence.
        explanation: on the axes of the whole recording.

    Returns:
        The explanation with mask, attribution and standard error `[F, T]` of the part, and no masks
        by epoch. A frame of the part that lies nowhere in the whole (the last one may be centred
        behind its end) is 0.

    Raises:
        ValueError: as `expand_to`.

    Example:
        >>> whole = Spectrogram(torch.zeros(1, 5), torch.ones(1), torch.arange(5.0))
        >>> part = Spectrogram(torch.zeros(1, 2), torch.ones(1), torch.tensor([0.9, 4.1]))
        >>> mask = torch.tensor([[0.0, 0.5, 0.0, 0.0, 1.0]])
        >>> reduce_to(part, Explanation(mask, whole, "lime")).mask
        tensor([[0.5000, 1.0000]])
    """
    places, found = _nearest_frames(explanation.spectrogram, part)
    origins = torch.full((len(part.times),), -1)
    origins[places[found]] = found.nonzero().flatten()

    def reduce(values: Tensor) -> Tensor:
        own = origins.to(values.device)
        return torch.where(own >= 0, values[:, own.clamp(min=0)], 0.0)

    history = {name: rows for name, rows in explanation.history.items() if name != "masks"}
    return dataclasses.replace(_moved(explanation, part, reduce), history=history)


def _moved(
    explanation: Explanation, axes: Spectrogram, move: Callable[[Tensor], Tensor]
) -> Explanation:
    """Mask, attribution and standard error on the axes of another spectrogram."""
    attribution, error = explanation.attribution, explanation.standard_error
    return dataclasses.replace(
        explanation,
        mask=move(explanation.mask),
        spectrogram=axes,
        attribution=None if attribution is None else move(attribution),
        standard_error=None if error is None else move(error),
    )


def _nearest_frames(whole: Spectrogram, part: Spectrogram) -> tuple[Tensor, Tensor]:
    """For each frame of the whole the nearest one of the part, and whether it is near enough."""
    same = part.frequencies.shape == whole.frequencies.shape
    if not same or not torch.allclose(part.frequencies.double(), whole.frequencies.double()):
        raise ValueError(
            "the whole recording has other frequencies than the explanation; make both "
            "spectrograms with the same front end"
        )
    times, own = whole.times.double().cpu(), part.times.double().cpu()
    slack = whole.hop * 1e-6
    if own[0] < times[0] - whole.hop - slack or own[-1] > times[-1] + whole.hop + slack:
        raise ValueError(
            f"frames from {own[0]:.3f} to {own[-1]:.3f} s were explained, the whole recording goes "
            f"from {times[0]:.3f} to {times[-1]:.3f} s: give the recording that was explained"
        )
    after = torch.searchsorted(own, times).clamp(max=len(own) - 1)
    before = (after - 1).clamp(min=0)
    closer = (times - own[before]).abs() <= (own[after] - times).abs()
    places = torch.where(closer, before, after)
    return places, (times - own[places]).abs() <= whole.hop / 2 + slack
