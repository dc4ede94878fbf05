"""What can be asked of every classifier, ours or somebody else's."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from daxaudio.containers import Recording, ScoreFn, Spectrogram
from daxaudio.features.front_end import FrontEnd


class Model(abc.ABC):
    """A classifier that is asked about spectrograms of one recording.

    Attributes:
        class_names: C names, in the order of its scores; of a regression, of its numbers.
        front_end: makes the spectrograms that are shown and perturbed.
        device: where those go.
        source: the folder, file or address that it was read from, "" where it was made otherwise.
        n_queries: inputs scored so far.
        masks_sound: a change of the spectrogram is made in the sound, which the classifier hears
            (see `about`); otherwise it takes the spectrogram itself.
        channels: of the audio that it takes; 1 is the average of all.
        exclusive: its classes exclude each other, and their scores sum to 1.
    """

    class_names: Sequence[str]
    front_end: FrontEnd
    device: torch.device | str
    source: str
    n_queries: int
    masks_sound: bool = False
    channels: int = 1
    exclusive: bool = True

    @abc.abstractmethod
    def outputs(self, spectrograms: Tensor) -> Tensor:
        """All that is kept of the answers to spectrograms `[N, F, T]`; `pool` makes scores of it.

        Where scores are of the whole recording, they themselves, `[N, C]`.
        """

    def outputs_of(self, waveforms: Tensor) -> Tensor:
        """The same of waveforms `[N, C, S]`, where the model is asked about a recording.

        Raises:
            ValueError: when it takes spectrograms.
        """
        raise ValueError("the model takes spectrograms: ask outputs(spectrograms)")

    def pool(self, outputs: Tensor) -> Tensor:
        """Scores `[N, C]` of what `outputs` gave."""
        return outputs

    def probabilities(self, spectrograms: Tensor) -> Tensor:
        """Scores of every class; of a regression, its numbers.

        Args:
            spectrograms: `[N, F, T]`.

        Returns:
            float32 `[N, C]` on the model's device.

        Raises:
            RuntimeError: when not even one input fits into memory.
        """
        return self.pool(self.outputs(spectrograms))

    @abc.abstractmethod
    def score_fn(self, target: str, ask: Callable[[Tensor], Tensor] | None = None) -> ScoreFn:
        """The score of one target, as explainers take it; it names the target in `target`.

        Args:
            target: one of the class names, or what else the model can be asked about.
            ask: asked in place of `outputs`; an `AskOnce`, say.
        """

    @abc.abstractmethod
    def digest(self) -> str:
        """Hash, 16 hexadecimal digits, of all that the scores depend on."""

    @abc.abstractmethod
    def describe(self) -> str:
        """How it runs, in a line."""

    @abc.abstractmethod
    def facts(self) -> Mapping[str, Any]:
        """How it runs, as it is stored beside explanations."""

    def about(self, recording: Recording) -> Model:
        """The model as it is asked about one recording, by spectrograms of its front end.

        Args:
            recording: any sample rate, any number of channels.
        """
        return self

    def class_index(self, name: str) -> int:
        """Position of a class among `class_names`, and so of its score.

        Raises:
            ValueError: when the class is unknown; lists the known ones.
        """
        if name not in self.class_names:
            raise ValueError(
                f"class {name!r} is unknown to this model; it knows {', '.join(self.class_names)}"
            )
        return list(self.class_names).index(name)

    def predict(self, spectrogram: Spectrogram) -> tuple[str, float]:
        """The class with the highest score of one spectrogram, and that score (one query).

        Args:
            spectrogram: of the model's own front end.

        Raises:
            ValueError: when the scores are not finite.
        """
        scores = self.probabilities(spectrogram.values[None])[0]
        if not bool(scores.isfinite().all()):
            raise ValueError(
                f"{spectrogram.recording_id or 'spectrogram'}: the model's probabilities are NaN; "
                "its weights or this input are too large for it"
            )
        best = int(scores.argmax())
        return self.class_names[best], float(scores[best])
