"""Controls: what was planted must be found where it is, and what cannot be heard must not matter.

Into a copy of a few recordings of each class a steady tone is planted, into the positive ones
alone, and the model is wrapped so that half of its score is whether the tone is there. The same
changes and the same method must then name the hum and mark the tone. Beside that a tone that the
model cannot hear is put under all of a recording: neither score nor mask may change.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from daxaudio.audit.answers import Answering
from daxaudio.audit.asking import scores_of
from daxaudio.audit.sound_parts import frame_levels
from daxaudio.containers import Explanation, Recording, ScoreFn, Spectrogram
from daxaudio.data.kaldi import DataFolder, read_source
from daxaudio.experiments.explain import explain, for_model
from daxaudio.experiments.predict import read_for
from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.front_end import FrontEnd
from daxaudio.models.model import Model

JOB, FILE = "controls", "controls.json"

_LEVELS = (-36.0, -30.0, -24.0, -18.0, -12.0, -6.0)
"""dB against the loudest frames, from which the first one is taken that is clearly seen."""

_CLEAR = 1.0  # standard deviations of all bins of the spectrogram
_PLACE = 0.6  # of the bins, from the lowest
_ROOM = 0.85  # of the file's band that the model hears, at most, for a tone to have room above it
_BESIDE = 1  # bins on either side of the tone that are marked rightly, too


@dataclasses.dataclass(frozen=True, eq=False)
class Listener:
    """Hears one steady tone in spectrograms.

    Args:
        place: bin of the tone.
        middle: excess of the bin over the median bin at which it is undecided.
        half: what the excess is above or below that with and without the tone.
        beside: level that the bin is compared with; None for the median bin of each input. Where
            parts of one recording are masked off it must stay as it is: what fills them would
            change the median, and all bins would count.
    """

    place: int
    middle: float
    half: float
    beside: float | None = None

    def __call__(self, spectrograms: Tensor) -> Tensor:
        """Scores `[N]` of spectrograms `[N, F, T]`: near 1 with the tone, near 0 without."""
        if self.beside is None:
            excess = excess_of(spectrograms, self.place)
        else:
            excess = spectrograms[:, self.place].mean(dim=1) - self.beside
        return torch.sigmoid(4 * (excess - self.middle) / self.half)


def excess_of(spectrograms: Tensor, place: int) -> Tensor:
    """How far the mean of one bin stands above the median bin's, `[N]`, in the values' unit.

    Example:
        >>> excess_of(torch.tensor([[[0.0, 0.0], [3.0, 5.0], [0.0, 0.0]]]), 1)
        tensor([4.])
    """
    means = spectrograms.mean(dim=2)
    return means[:, place] - means.median(dim=1).values


def add_tone(recording: Recording, hertz: float, level: float) -> Recording:
    """A recording with a steady tone.

    Args:
        recording: any.
        hertz: frequency, below half the rate.
        level: root mean square of the tone in dB below full scale.
    """
    times = torch.arange(recording.waveform.shape[-1], dtype=torch.float64) / recording.sample_rate
    tone = math.sqrt(2) * 10 ** (level / 20) * torch.sin(2 * math.pi * hertz * times)
    return dataclasses.replace(recording, waveform=recording.waveform + tone.float())


@dataclasses.dataclass(frozen=True, eq=False)
class Controlling:
    """Plants controls into recordings and looks whether they are found.

    Args:
        answering: about the corpus as it is.
        method: that explains.
        settings: of the methods.
    """

    answering: Answering
    method: str
    settings: MethodSettings

    def control(self, name: str) -> dict[str, Any]:
        """All controls of one recording, asked now.

        Returns:
            `tone_hz`, `tone_share` and `tone_chance` of the mask in its bins, `answers` (rows as
            of `Answering`) and `heard`, `outside_hz`, `outside_score_change`,
            `outside_mask_change` and `outside_problem`.

        Raises:
            ValueError: when the recording cannot be read, or the front end hides a steady tone.
        """
        return {
            "recording_id": name,
            "label": self.answering.data.text[name],
            **self._inside(name),
            **self._outside(name),
        }

    @property
    def _model(self) -> Model:
        return self.answering.model

    def _inside(self, name: str) -> dict[str, Any]:
        front_end = self._model.front_end
        hertz = tone_of(front_end)
        plain = read_for(self._model, self.answering.data, name)
        listener, level = fit_listener(plain, front_end, hertz)
        heard = add_tone(plain, hertz, loud_level(plain) + level)
        found = self._explain_wrapped(heard, listener)
        bins = slice(max(0, listener.place - _BESIDE), listener.place + _BESIDE + 1)
        total = float(found.mask.sum())
        share = float(found.mask[bins].sum()) / total if total else math.nan
        asked = dataclasses.replace(
            self.answering, planted=self._plant(hertz), ask=_wrapped(listener, self._index)
        )
        answers = asked.rows(name)
        return {
            "tone_hz": round(hertz, 3),
            "tone_share": _rounded(share),
            "tone_chance": _rounded(len(found.mask[bins]) / len(found.mask)),
            "answers": answers["rows"],
            "heard": {name: self.answering.input_of(name) for name in answers["heard"]},
        }

    @property
    def _index(self) -> int:
        return self._model.class_index(self.answering.positive)

    def _plant(self, hertz: float) -> Callable[[str, Recording], Recording]:
        front_end = self._model.front_end

        def plant(name: str, recording: Recording) -> Recording:
            if self.answering.data.text[name] != self.answering.positive:
                return recording
            _, level = fit_listener(recording, front_end, hertz)
            return add_tone(recording, hertz, loud_level(recording) + level)

        return plant

    def _explain_wrapped(self, heard: Recording, listener: Listener) -> Explanation:
        spectrogram = self._model.front_end.spectrogram(heard).to(self._model.device)
        own = self._model.about(heard).score_fn(self.answering.positive)
        beside = float(spectrogram.values.mean(dim=1).median())
        listener = dataclasses.replace(listener, beside=beside)

        def score(spectrograms: Tensor) -> Tensor:
            return (own(spectrograms) + listener(spectrograms)) / 2

        return self._explain(spectrogram, score)

    def _explain(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        settings = for_model(self.settings, self._model)
        seed = self.answering.seed
        return explain(spectrogram, score_fn, self.method, settings=settings, seed=seed)

    def _outside(self, name: str) -> dict[str, Any]:
        nothing = {"outside_hz": None, "outside_score_change": None, "outside_mask_change": None}
        sounding = read_whole(self.answering.data, name)
        hertz = unheard(sounding.sample_rate, self._model)
        if hertz is None:
            return {**nothing, "outside_problem": "the model hears all that is in the file"}
        pair = (sounding, add_tone(sounding, hertz, loud_level(sounding) - 20))
        scores = scores_of(self._model, pair)[:, self._index]
        masks = []
        for one in pair:
            spectrogram = self._model.front_end.spectrogram(one).to(self._model.device)
            score_fn = self._model.about(one).score_fn(self.answering.positive)
            masks.append(self._explain(spectrogram, score_fn).mask)
        return {
            "outside_hz": round(hertz, 3),
            "outside_score_change": _rounded(float((scores[1] - scores[0]).abs())),
            "outside_mask_change": _rounded(float((masks[1] - masks[0]).abs().mean())),
            "outside_problem": "",
        }


def tone_of(front_end: FrontEnd) -> float:
    """Frequency of the tone that is planted: that of a bin, at six tenths of the bins."""
    return float(front_end.frequencies[round(_PLACE * (len(front_end.frequencies) - 1))])


def fit_listener(recording: Recording, front_end: FrontEnd, hertz: float) -> tuple[Listener, float]:
    """A listener for a tone in one recording, and how loud the tone must be.

    Returns:
        The listener, and the level in dB against the recording's loudest frames.

    Raises:
        ValueError: when the front end hides a steady tone however loud it is.
    """
    place = int((front_end.frequencies - hertz).abs().argmin())
    values = front_end.spectrogram(recording).values[None]
    without, spread = float(excess_of(values, place)), float(values.std())
    for level in _LEVELS:
        louder = add_tone(recording, hertz, loud_level(recording) + level)
        there = float(excess_of(front_end.spectrogram(louder).values[None], place))
        if there - without >= _CLEAR * spread > 0:
            return Listener(place, (there + without) / 2, (there - without) / 2), level
    name = recording.recording_id or "recording"
    raise ValueError(f"{name}: the front end hides a steady tone of {hertz:.0f} Hz")


def unheard(file_rate: int, model: Model) -> float | None:
    """A frequency that a file can hold and the model cannot hear; None where there is none.

    That is above half the model's rate; or, of a model of spectrograms, above the highest frequency
    of its front end.

    Example:
        >>> from daxaudio.features.mel import LogMel
        >>> from daxaudio.models.blackbox import BlackBox
        >>> from daxaudio.models.resnet import SpectrogramResNet
        >>> network = SpectrogramResNet(2, depth=10, width=4)
        >>> model = BlackBox(network, LogMel(8000, n_fft=256, n_mels=16), ["cat", "dog"])
        >>> unheard(16000, model), unheard(8000, model)
        (6000.0, None)
    """
    highest = model.front_end.sample_rate / 2
    told = model.front_end.settings.get("f_max")
    if told and not model.masks_sound:
        highest = min(highest, float(told))
    return (highest + file_rate / 2) / 2 if highest <= _ROOM * file_rate / 2 else None


def read_whole(data: DataFolder, name: str) -> Recording:
    """A recording at its file's own rate; with all its channels, where none is chosen."""
    part = data.segment(name)
    segment = None if data.segments is None else (part.start, part.end)
    # a folder holds commands only where they were allowed
    source = data.wav_scp[part.recording_id]
    return read_source(source, name, segment, channel=data.channel, allow_commands=True)


def loud_level(recording: Recording) -> float:
    """Level in dB of the loudest twentieth of the frames."""
    return float(np.percentile(frame_levels(recording), 95))


def _wrapped(listener: Listener, index: int) -> Callable[[Model, Sequence[Recording]], Tensor]:
    def ask(model: Model, recordings: Sequence[Recording]) -> Tensor:
        scores = scores_of(model, recordings).clone()
        for place, recording in enumerate(recordings):
            if bool(scores[place].isfinite().all()):
                values = model.front_end.spectrogram(recording).values[None].cpu()
                heard = float(listener(values))
                scores[place] = scores[place] / 2
                scores[place, index] += heard / 2
        return scores

    return ask


def _rounded(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
