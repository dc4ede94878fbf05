"""Somebody else's classifier as a model: what it hears, what it is asked and what it answers."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from daxaudio.containers import Recording, Spectrogram
from daxaudio.features.front_end import FrontEnd
from daxaudio.features.frontends import make_front_end
from daxaudio.features.sound_masks import SoundMasks
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.inputs import as_heard, laid_out
from daxaudio.models.foreign.runner import Runner
from daxaudio.models.foreign.scores import activated, doubt, in_frames, pooled
from daxaudio.models.foreign.targets import (
    SoundScore,
    Target,
    TargetScore,
    frames_between,
    read_target,
)
from daxaudio.models.foreign.windows import Windows
from daxaudio.models.model import Model
from daxaudio.models.module_score import best_other
from daxaudio.runs.provenance import digest

logger = logging.getLogger(__name__)

_AT_ONCE = 2**22
"""Samples, or bins, that are handed to a runner at once where any number of inputs goes."""

_MOST_AT_ONCE = 32
"""Inputs of these: more are not faster, and a service would wait long for an answer."""

_SAME = 1e-3
"""Probabilities of the same sound may differ by so much; other numbers by this share."""


class ForeignModel(Model):
    """A classifier that somebody else made, asked as it is.

    One that takes spectrograms is asked about those of its front end. One that takes waveforms is
    asked about a recording (see `about`): what is changed in its spectrogram is changed in the
    sound, by gains on the complex short-time Fourier transform.

    Args:
        runner: runs it.
        description: how it is asked and what its answers mean.
        device: where sounds are masked.
        source: the file, folder or address that it was read from.

    Attributes:
        seconds: spent so far in the model itself ("model") and in masking sounds ("sound").

    Example:
        >>> class Loudness:
        ...     described = {}
        ...     def __call__(self, inputs):
        ...         return inputs.abs().mean(dim=1, keepdim=True)
        ...     def digest(self):
        ...         return "loudness"
        >>> heard = Description(["loud"], 8000, output="regression")
        >>> model = ForeignModel(Loudness(), heard)
        >>> asked = model.about(Recording(torch.ones(1, 8000), 8000))
        >>> round(float(asked.probabilities(asked.spectrogram.values[None])), 3)
        1.0
    """

    def __init__(
        self,
        runner: Runner,
        description: Description,
        *,
        device: torch.device | str = "cpu",
        source: str = "",
    ) -> None:
        self.runner, self.description = runner, description
        self.device, self.source = device, source
        self.class_names = description.classes
        self.front_end = _front_end(description)
        self.masks_sound = description.input == "waveform"
        self.channels = description.channels
        self.exclusive = description.output in ("logits", "probabilities")
        self.n_queries, self._answered = 0, False
        self.checked = set[str]()  # recordings, by what is heard of them
        self.seconds = {"model": 0.0, "sound": 0.0}

    def about(self, recording: Recording) -> Model:
        """The model as it is asked about one recording; itself where it takes spectrograms.

        Raises:
            ValueError: when the recording has other channels than the model takes, is too short for
                the front end, or the model answers twice differently about it.
        """
        return AboutRecording(self, recording) if self.masks_sound else self

    def outputs(self, spectrograms: Tensor) -> Tensor:
        """Scores `[N, L, K]` by frame of spectrograms `[N, F, T]`."""
        if self.masks_sound:
            raise ValueError(
                "a classifier of waveforms is asked about a recording: model.about(recording)"
            )
        self.n_queries += len(spectrograms)
        return self.answers(spectrograms)

    def pool(self, outputs: Tensor) -> Tensor:
        """Scores `[N, K]` of the whole recording, of scores by frame `[N, L, K]`."""
        return pooled(outputs, self.description)

    def score_fn(self, target: str, ask: Callable[[Tensor], Tensor] | None = None) -> TargetScore:
        """The score of one target: `CLASS`, `CLASS@START-END`, or either with `:falls`."""
        wanted = read_target(target, self.class_names)
        pick = functools.partial(self._pick, wanted, self._centres)
        rival = self._rival_of(wanted)
        return TargetScore(target, pick, ask or self.outputs, self.masks_sound, rival)

    def class_index(self, name: str) -> int:
        """Position of the class of a target among `class_names`."""
        return self.class_names.index(read_target(name, self.class_names).name)

    def digest(self) -> str:
        """Hash, 16 hexadecimal digits, of all that the scores depend on."""
        told = dataclasses.asdict(self.description)
        del told["service"], told["batch_size"]  # how it is asked changes no answer, see `_check`
        facts = [self.runner.digest(), self.front_end.settings, told]
        text = json.dumps(facts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def describe(self) -> str:
        """What it is taken for, in a line; `daxaudio model inspect` tells all of it."""
        told, names = self.description, self.class_names
        kind = f"{self.front_end.settings['kind']} spectrograms"
        taken = "waveforms" if self.masks_sound else kind
        number = names[0] if len(names) == 1 else f"{len(names)} classes"
        cut = f" in windows of {told.seconds:g} s" if told.seconds else ""
        return (
            f"model: takes {taken} at {told.sample_rate} Hz{cut}, answers {told.output} of {number}"
        )

    def describe_cost(self) -> str:
        """What asking it has cost so far, in a line; "" before it was asked."""
        model, sound = self.seconds["model"], self.seconds["sound"]
        if not self.n_queries:
            return ""
        each = 1000 * model / self.n_queries
        masked = f", {100 * sound / model:.0f} % on top for masking the sound" if sound else ""
        return f"asked {self.n_queries} times, {each:.3g} ms each{masked}"

    def facts(self) -> Mapping[str, Any]:
        """What was known of it when it was asked."""
        return {"description": dataclasses.asdict(self.description)}

    def windows(self, length: int) -> Windows:
        """What is asked about in one input of so many samples, or frames of its spectrogram."""
        front_end = self.front_end
        frame_rate = None if self.masks_sound else front_end.sample_rate / front_end.hop_length
        return Windows.over(length, self.description, frame_rate)

    def n_windows(self, seconds: float) -> int:
        """How many inputs the model is given for one query about a recording."""
        n_samples = max(1, round(seconds * self.description.sample_rate))
        if self.masks_sound:
            return self.windows(n_samples).n
        return self.windows(1 + n_samples // self.front_end.hop_length).n

    def answers(self, inputs: Tensor) -> Tensor:
        """Scores `[N, L, K]` of inputs `[N, C, S]` or `[N, F, T]` as the model takes them.

        Not counted as queries. A recording longer than the model's window is cut into windows,
        whose frames follow each other.
        """
        began = time.perf_counter()
        windows = self.windows(inputs.shape[-1])
        inputs = windows.cut(inputs)
        size = self.description.batch_size or min(
            _MOST_AT_ONCE, max(1, _AT_ONCE // math.prod(inputs.shape[1:]))
        )
        found = torch.cat([self._run(part) for part in inputs.split(size)])
        found = found.unflatten(0, (-1, windows.n)).flatten(1, 2)
        if not self._answered and (reason := doubt(found, self.description)):
            logger.warning("%s: %s", self.source or "the model", reason)
        self._answered = True
        scores = activated(found, self.description)
        self.seconds["model"] += time.perf_counter() - began
        return scores

    def _run(self, inputs: Tensor) -> Tensor:
        numbers = self.runner(laid_out(inputs, self.description))
        return in_frames(numbers, len(inputs), self.description).to(self.device)

    def _rival_of(self, target: Target) -> Callable[[Tensor], Tensor] | None:
        """The best other class of answers `[N, L, K]`, where the target is a class among others."""
        if not self.exclusive or target.between or target.falls or len(self.class_names) < 2:
            return None
        index = self.class_names.index(target.name)
        return lambda outputs: best_other(self.pool(outputs), index)

    def _pick(
        self,
        target: Target,
        centres: Callable[[int, int], Tensor],
        outputs: Tensor,
        inputs: Tensor,
    ) -> Tensor:
        """Scores `[N]` of a target, of scores by frame `[N, L, K]` of what was asked about."""
        if target.between:
            times = centres(outputs.shape[1], inputs.shape[-1])
            inside = frames_between(times, target.between, str(target))
            outputs = outputs[:, inside.to(outputs.device)]
        scores = self.pool(outputs)[:, self.class_names.index(target.name)]
        if not target.falls:
            return scores
        return -scores if self.description.output == "regression" else 1 - scores

    def _centres(self, n_frames: int, length: int) -> Tensor:
        """Times of the frames of answers about spectrograms of `length` frames."""
        windows = self.windows(length)
        return windows.centres(n_frames // windows.n, self.description)


class AboutRecording(Model):
    """A model of waveforms, asked about one recording.

    Args:
        model: takes waveforms.
        recording: any sample rate.

    Attributes:
        recording: as it was given.
        spectrogram: of the recording, which explanations lie on.
        waveform: `[C, S]`, as the model hears it.
    """

    masks_sound = True

    def __init__(self, model: ForeignModel, recording: Recording) -> None:
        self.model, self.recording = model, recording
        self.class_names, self.front_end = model.class_names, model.front_end
        self.device, self.source = model.device, model.source
        self.exclusive, self.channels = model.exclusive, model.channels
        self.waveform = as_heard(recording, model.description).to(model.device)
        self.spectrogram = model.front_end.spectrogram(recording).to(model.device)
        self.windows = model.windows(self.waveform.shape[-1])
        axes = self.spectrogram.frequencies, self.spectrogram.times
        self._sound = SoundMasks(self.waveform, model.description.sample_rate, *axes)
        self._heard = digest(self.waveform)

    @property
    def n_queries(self) -> int:  # type: ignore[override]
        """Inputs that the model scored so far, about any recording."""
        return self.model.n_queries

    def about(self, recording: Recording) -> Model:
        """The model about another recording."""
        return self if recording is self.recording else self.model.about(recording)

    def sounds(self, spectrograms: Tensor) -> Tensor:
        """Waveforms `[N, C, S]` of changed spectrograms `[N, F, T]`, at the model's rate."""
        original = self.spectrogram.values
        return self._sound.apply(self.front_end.gains(spectrograms.to(original.device), original))

    def outputs(self, spectrograms: Tensor) -> Tensor:
        """Scores `[N, L, K]` by frame of changed spectrograms `[N, F, T]`."""
        began = time.perf_counter()
        sounds = self.sounds(spectrograms)
        self.model.seconds["sound"] += time.perf_counter() - began
        return self.outputs_of(sounds)

    def outputs_of(self, waveforms: Tensor) -> Tensor:
        """Scores `[N, L, K]` by frame of waveforms `[N, C, S]` at the model's rate."""
        if self._heard not in self.model.checked:
            self._check()
        return self._answers(waveforms)

    def _answers(self, waveforms: Tensor) -> Tensor:
        self.model.n_queries += len(waveforms)
        return self.model.answers(waveforms)

    def pool(self, outputs: Tensor) -> Tensor:
        """Scores `[N, K]` of the whole recording, of scores by frame `[N, L, K]`."""
        return self.model.pool(outputs)

    def score_fn(self, target: str, ask: Callable[[Tensor], Tensor] | None = None) -> TargetScore:
        """The score of one target: `CLASS`, `CLASS@START-END`, or either with `:falls`."""
        wanted = read_target(target, self.class_names)
        if wanted.between:
            self._check_time(wanted)
        pick = functools.partial(self.model._pick, wanted, self._centres)
        rate, name = self.model.description.sample_rate, self.recording.recording_id
        return SoundScore(
            target,
            pick,
            ask or self.outputs,
            self.masks_sound,
            self.model._rival_of(wanted),
            sound=Recording(self.waveform, rate, name),
            hear=getattr(ask, "outputs_of", self.outputs_of),  # an `AskOnce` remembers both
        )

    def class_index(self, name: str) -> int:
        """Position of the class of a target among `class_names`."""
        return self.model.class_index(name)

    def predict(self, spectrogram: Spectrogram) -> tuple[str, float]:
        """The class with the highest score, and that score (one query).

        Of a regression the first number; `:falls` is behind its name where the recording lowers it:
        where it is below that of the recording with everything masked off (two queries).
        """
        if self.model.description.output != "regression":
            return super().predict(spectrogram)
        values = spectrogram.values.to(self.device)
        ends = torch.stack([values, values.min().expand_as(values)])
        heard, silent = self.probabilities(ends)[:, 0].tolist()
        name = self.class_names[0]
        return (name, heard) if heard >= silent else (f"{name}:falls", -heard)

    def digest(self) -> str:
        """Hash of all that the scores depend on, but for the recording."""
        return self.model.digest()

    def describe(self) -> str:
        """What the model is taken for, in a line."""
        return self.model.describe()

    def facts(self) -> Mapping[str, Any]:
        """What was known of the model when it was asked."""
        return self.model.facts()

    def _centres(self, n_frames: int, length: int) -> Tensor:
        return self.windows.centres(n_frames // self.windows.n, self.model.description)

    def _check_time(self, target: Target) -> None:
        duration = self.waveform.shape[-1] / self.model.description.sample_rate
        if target.between and target.between[0] >= duration:
            raise ValueError(
                f"target '{target}' begins at {target.between[0]:g} s, but the recording "
                f"{self.recording.recording_id!r} ends at {duration:.3f} s"
            )

    def _check(self) -> None:
        """See that the model hears the recording as it is, and answers the same when asked again.

        Raises:
            ValueError: says what does not hold.
        """
        own = self.spectrogram.values
        name = self.recording.recording_id or "recording"
        same = self.sounds(own[None])[0]
        if not torch.allclose(same, self.waveform, rtol=0, atol=1e-6 * float(same.abs().max())):
            raise ValueError(f"{name}: the sound is not given back by a mask of ones")
        beside = torch.stack([same, same.flip(-1)])
        alone, among = self._answers(self.waveform[None])[0], self._answers(beside)[0]
        probable = self.model.description.output != "regression"
        allowed = _SAME * (1.0 if probable else float(alone.abs().max()))
        difference = float((alone - among).abs().max())
        if difference > allowed:
            raise ValueError(
                f"{name}: the model answers differently when it is asked twice about the same "
                f"sound (scores differ by {difference:.2g}): it draws at random, keeps a state "
                "(name its `state` or `reset` in model.yaml), or its answers depend on what else "
                "is in a batch (write `batch_size: 1`)"
            )
        self.model.checked.add(self._heard)


def _front_end(description: Description) -> FrontEnd:
    """What is shown and perturbed: as described, or a log-mel of windows of about 64 ms."""
    rate = description.sample_rate
    n_fft = 2 ** max(4, round(math.log2(0.064 * rate)))
    usual = {"sample_rate": rate, "n_fft": n_fft, "hop_length": n_fft // 4, "n_mels": 64}
    told = description.front_end
    settings = usual if told is None else {"sample_rate": rate, **told}
    front_end = make_front_end(settings)
    if description.input == "waveform" and front_end.vad is not None:
        raise ValueError(
            "front_end: vad deletes silence, which a model of waveforms hears; leave it out"
        )
    return front_end
