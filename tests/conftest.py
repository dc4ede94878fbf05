"""A toy black box whose right mask is known; a corpus of a few real clips for the recipes."""

import dataclasses
import os
import shutil
from pathlib import Path

import pytest
import torch
from pretended_device import pretended_device

from daxaudio.commands.main import main
from daxaudio.containers import Event, Spectrogram
from daxaudio.perturbation.masks import SegmentMasks
from daxaudio.perturbation.neighbourhood import Neighbourhood

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the commands that tests start
torch.set_num_threads(1)  # as many processes as cores run tests; small networks gain nothing

DATA = Path(os.environ.get("DAXAUDIO_DATA", "../shared/data"))
"""Real recordings, for the tests that want them and skip where they are absent."""

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder."""

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
            original_score=original,
            background_score=background,
            settings=settings,
        )

    return make


SMALL = (12, 20)
"""Bins and frames of the input that ours and other projects' methods explain alike."""


@pytest.fixture
def small_spectrogram():
    """Levels about 0 without any pattern."""
    values = torch.randn(SMALL, generator=torch.Generator().manual_seed(0))
    return Spectrogram(values, *(torch.arange(float(size)) for size in SMALL))


@dataclasses.dataclass(frozen=True)
class Patches:
    """Segments of irregular outline: each pixel goes to the nearest of K centres."""

    n_parts: int

    def __call__(self, spectrogram):
        places = torch.cartesian_prod(*(torch.arange(float(size)) for size in SMALL))
        drawn = torch.randperm(len(places), generator=torch.Generator().manual_seed(3))
        return torch.cdist(places, places[drawn[: self.n_parts]]).argmin(dim=1).view(SMALL)


def entangled(inputs):
    """A score in float64 in which every pair of patches counts together.

    Each input is summed by itself, so that the batch size changes no bit: what differs between two
    explainers is their own arithmetic.
    """
    random = torch.Generator().manual_seed(4)
    weights = torch.randn(2, *SMALL, generator=random, dtype=torch.float64)
    a, b = ((inputs.double() * weight).flatten(1).cumsum(1)[:, -1] / 20 for weight in weights)
    return torch.sigmoid(a + 2 * a * b - b**2)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Two classes of real ESC-10 clips, three a fold; only to be read."""
    source = DATA / "esc10"
    if not source.is_dir():
        pytest.skip(f"no ESC-10 audio at {source}; set DAXAUDIO_DATA")
    target = tmp_path_factory.mktemp("esc10")
    for name in ("002 - Rain", "009 - Rooster"):
        (target / name).mkdir()
        for fold in "14":
            for clip in sorted((source / name).glob(f"{fold}-*.ogg"))[:3]:
                shutil.copy(clip, target / name)
    return target


def finish(process, code=0):
    """Waits for a recipe's shell script; gives what it printed."""
    output = process.communicate()[0]
    assert process.returncode == code, output
    return output


@pytest.fixture(
    params=[
        "pretended",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
            ],
        ),
    ]
)
def accelerator(request):
    """A device that is not the processor: a real one, and one that refuses what a real one would.

    Every test that needs a GPU takes this fixture, so that it runs everywhere.
    """
    if request.param == "cuda":
        # TF32 keeps three digits of every product, and gradients of deep networks fewer
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield torch.device("cuda")
    else:
        with pretended_device() as device:
            yield device


@pytest.fixture
def figures(monkeypatch):
    """Each figure that a test saves."""
    from matplotlib.figure import Figure  # slow to come, and few tests draw

    saved, save = [], Figure.savefig

    def keep(figure, *arguments, **settings):
        saved.append(figure)
        return save(figure, *arguments, **settings)

    monkeypatch.setattr(Figure, "savefig", keep)
    return saved


def prepare_command(corpus):
    """`daxaudio prepare CORPUS` as a function of the words that follow; gives the exit code."""

    def run(words):
        return main(["prepare", corpus, *map(str, words)])

    return run
