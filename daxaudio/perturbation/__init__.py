"""Spectrogram to neighbourhood: segments, masks, how they are drawn, what was answered."""

from typing import TYPE_CHECKING

from daxaudio.runs.lazy import lazily

if TYPE_CHECKING:
    from daxaudio.perturbation.neighbourhood import Neighbourhood as Neighbourhood
    from daxaudio.perturbation.quasi_random import (
        QuasiRandomSampler as QuasiRandomSampler,
        ReplicatedSampler as ReplicatedSampler,
    )
    from daxaudio.perturbation.sampling import (
        GridSampler as GridSampler,
        MultiGridSampler as MultiGridSampler,
        SegmentSampler as SegmentSampler,
    )
    from daxaudio.perturbation.segments import (
        Grid as Grid,
        QuickShift as QuickShift,
        Slic as Slic,
        TimeBands as TimeBands,
    )
    from daxaudio.perturbation.sound_segments import (
        Agglomerative as Agglomerative,
        HarmonicPercussive as HarmonicPercussive,
    )
    from daxaudio.perturbation.stft_grids import StftGridSampler as StftGridSampler
    from daxaudio.perturbation.storage import (
        load_neighbourhood as load_neighbourhood,
        save_neighbourhood as save_neighbourhood,
    )
    from daxaudio.perturbation.time_runs import RunSampler as RunSampler

if not TYPE_CHECKING:  # type checkers would take any misspelt name for granted
    __getattr__, __dir__, __all__ = lazily(__name__)
