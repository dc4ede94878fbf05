"""Reference rows: masks that owe nothing to the black box, which tell what a measure's values mean.

Each asks it one query, for the score of the input.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import torch

from daxaudio.containers import Event, Events, Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import explain_by_mask
from daxaudio.perturbation.neighbourhood import check_spectrogram
from daxaudio.runs.real_numbers import scale_to_mask
from daxaudio.runs.seeds import generator


@dataclasses.dataclass(frozen=True)
class RandomMask:
    """Each pixel uniform in [0, 1], on its own. A method that does not beat it shows nothing.

    Args:
        seed: seed of the draw; each recording has its own from it and its id.

    Example:
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> RandomMask()(picture, lambda inputs: inputs[:, 0, 0]).n_queries
        1
    """

    seed: int = 0

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Draw the mask; 1 query."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        random = generator(self.seed, spectrogram.recording_id, "random")
        mask = torch.rand(spectrogram.values.shape, generator=random)
        seconds = time.perf_counter() - began
        return explain_by_mask(
            spectrogram, score_fn, mask, "random", explainer=self, seconds=seconds, seed=self.seed
        )


@dataclasses.dataclass(frozen=True)
class Energy:
    """The spectrogram itself, scaled to [0, 1]: what a black box that follows loudness would use.

    The attribution is the spectrogram in its own unit.

    Example:
        >>> picture = Spectrogram(2 * torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> Energy()(picture, lambda inputs: inputs[:, 0, 0]).mask
        tensor([[1., 0.],
                [0., 1.]])
    """

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Scale the spectrogram; 1 query."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        values = spectrogram.values.clone()
        mask = scale_to_mask(values)
        seconds = time.perf_counter() - began
        return explain_by_mask(
            spectrogram,
            score_fn,
            mask,
            "energy",
            explainer=self,
            seconds=seconds,
            attribution=values,
        )


@dataclasses.dataclass(frozen=True)
class OnsetStrength:
    """How much louder the bins of a frame become, at all frequencies alike, scaled to [0, 1].

    What a black box that waits for sounds to begin would use. Harder to beat than `Energy` where
    noise is loud, which that one marks: on 80 ESC-10 clips between white noise at 10 dB it ranks
    the frames of the clip with an AUC of 0.47, near chance, and `Energy` with 0.24.

    Source: `librosa.onset.onset_strength` of the spectrogram, the mean over bins of what rises from
    one frame to the next. The attribution is that mean, in the spectrogram's unit.

    Example:
        >>> steps = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 6.0, 6.0]])
        >>> picture = Spectrogram(steps, torch.arange(2.0), torch.arange(4.0))
        >>> OnsetStrength()(picture, lambda inputs: inputs[:, 0, 0]).attribution[0]
        tensor([0., 0., 4., 0.])
    """

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Measure how the spectrogram rises; 1 query."""
        from librosa.onset import onset_strength  # slow to come

        check_spectrogram(spectrogram)
        began = time.perf_counter()
        values = spectrogram.values.detach().float().cpu()
        strength = torch.zeros(values.shape[1])
        if len(strength) > 1:  # nothing begins in a single frame
            # frames are centred already: what rises from one to the next stands at the next
            strength = torch.from_numpy(onset_strength(S=values.numpy(), center=False)).float()
        spread = strength.expand_as(values).clone()
        mask, seconds = scale_to_mask(spread), time.perf_counter() - began
        return explain_by_mask(
            spectrogram,
            score_fn,
            mask,
            "onset_strength",
            explainer=self,
            seconds=seconds,
            attribution=spread,
        )


@dataclasses.dataclass(frozen=True)
class AllOnes:
    """Every pixel salient: what a metric gives for no localisation at all.

    Example:
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> AllOnes()(picture, lambda inputs: inputs[:, 0, 0]).profile
        tensor([1., 1.])
    """

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Mark everything; 1 query."""
        check_spectrogram(spectrogram)
        mask = torch.ones(spectrogram.values.shape)
        return explain_by_mask(spectrogram, score_fn, mask, "all_ones", explainer=self, seconds=0.0)


@dataclasses.dataclass(frozen=True)
class Oracle:
    """The true events as mask: what a metric gives for perfect localisation in time.

    The mask is 1 over all frequencies in each frame whose centre lies in [start, end) of an event.

    Args:
        events: the true events; none gives a mask of zeros.

    Example:
        >>> picture = Spectrogram(torch.zeros(2, 4), torch.arange(2.0), torch.arange(4.0))
        >>> Oracle([Event(1.0, 3.0)])(picture, lambda inputs: inputs[:, 0, 0]).profile
        tensor([0., 1., 1., 0.])
    """

    events: Sequence[Event]

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Mark the events; 1 query."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        inside = Events(self.events).at(spectrogram.times)
        mask = torch.from_numpy(inside).float().expand(spectrogram.values.shape).clone()
        seconds = time.perf_counter() - began
        return explain_by_mask(
            spectrogram, score_fn, mask, "oracle", explainer=self, seconds=seconds
        )
