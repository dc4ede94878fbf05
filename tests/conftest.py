"""A toy black box whose right mask is known."""

import os
from pathlib import Path

import pytest
import torch

from daxaudio.containers import Event, Neighbourhood, Spectrogram
from daxaudio.perturbation import SegmentMasks

DATA = Path(os.environ.get("DAXAUDIO_DATA", "../shared/data"))
"""Real recordings, for the tests that want them and skip where they are absent."""

N_BINS, N_FRAMES, HOP = 24, 60, 0.02
BINS, FRAMES = slice(8, 16), slice(20, 35)


class RectangleScore:
    """Sigmoid of the mean level inside the rectangle; notes how many inputs came at a time."""

    def __init__(self):
        self.sizes = []

    def __call__(self, inputs):
        self.sizes.append(len(inputs))
        levels = inputs[:, BINS, FRAMES].mean(dim=(1, 2))
        return torch.sigmoid((levels + 45) / 5)


@pytest.fixture
def toy_spectrogram():
    """Noise at -60 dB, the event at -35 dB, and a louder distractor that the black box ignores."""
    noise = torch.randn(N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(0))
    values = 3 * noise - 60
    values[BINS, FRAMES] += 25
    values[1:6, 42:54] += 35
    return Spectrogram(
        values, 100.0 * torch.arange(N_BINS), HOP * (torch.arange(N_FRAMES) + 0.5), "toy"
    )


@pytest.fixture
def toy_score_fn():
    return RectangleScore()


@pytest.fixture
def toy_truth():
    """`[F, T]` bool: the rectangle that the toy black box looks at."""
    truth = torch.zeros(N_BINS, N_FRAMES, dtype=torch.bool)
    truth[BINS, FRAMES] = True
    return truth


@pytest.fixture
def toy_event():
    """The rectangle in time."""
    return Event(FRAMES.start * HOP, FRAMES.stop * HOP, "toy")


@pytest.fixture
def neighbourhood_of():
    """Makes a neighbourhood by hand: K segments of one bin each, `[N, K]` kept, `[N]` scores."""

    def make(kept, scores, original=1.0, background=0.0, **settings):
        kept = torch.as_tensor(kept, dtype=torch.bool)
        places = torch.arange(kept.shape[1])
        line = Spectrogram(places[None].float(), torch.zeros(1), places.float())
        return Neighbourhood(
            line,
            SegmentMasks(places[None], kept),
            torch.zeros_like(line.values),
            torch.as_tensor(scores, dtype=torch.float32),
            original,
            background,
            settings=settings,
        )

    return make
