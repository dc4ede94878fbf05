"""FreqRISE: RISE with masks on the sound's own short-time Fourier transform."""

from __future__ import annotations

import dataclasses
import time

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import mean_score_of_kept, to_explanation
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.stft_grids import StftGridSampler


@dataclasses.dataclass(frozen=True)
class FreqRise:
    """The mean score of the sounds, weighted by how far a mask kept each bin of their transform.

    For classifiers of waveforms. `Rise` on such a classifier draws grids on the display's axes, mel
    bands as a rule, and changes levels in dB between what is kept and the fill; here cells are
    equally many hertz high, and amplitudes are multiplied by the mask, down to silence. The map is
    read at the display's bins and frames.

    Source: Bruesch et al. 2025, in the domain of the short-time Fourier transform (one column of
    cells is their domain of frequencies). It differs from their code, which divides by the number
    of masks and by the probability of keeping a cell; dividing by the sum of the masks itself takes
    out by how much chance kept one bin oftener than another, and the two meet as N grows. Their
    grids are square (as many cells in frequency as in time, for 3000 masks or more), shifted by up
    to as many bins as they have cells, and mirrored at the borders; here they are shifted by up to
    a cell and go on flat. Their transform has windows of 57 ms and hops of 4 ms, ours 64 and 16 ms.
    Draws have a seed, theirs the global one.

    Args:
        sampler: draws grids and masks the sound.
    """

    sampler: StftGridSampler = dataclasses.field(default_factory=StftGridSampler)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; Q + 2 queries."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: drawn by a `StftGridSampler`.

        Returns:
            The explanation; its attribution is the mean score of what kept each bin.
        """
        began = time.perf_counter()
        attribution = mean_score_of_kept(neighbourhood)
        return to_explanation(neighbourhood, attribution, "freq_rise", self, began=began)
