import pytest
import torch
from torch import nn

from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.frontends import LogMel
from daxaudio.models import passes
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.passes import PassSize
from daxaudio.runs.batches import (
    AUTO_BATCH,
    AUTO_BINS,
    MOST_BINS_ON_DEVICE,
    check_batch_size,
    fit_batch,
)

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16)
SHAPE = (16, 20)


class NotesSizes(nn.Module):
    """Logits are the mean levels of both halves; notes the batches, and has no memory for more."""

    def __init__(self, most=10**9):
        super().__init__()
        self.most, self.sizes = most, []
        self.nothing = nn.Parameter(torch.zeros(1))

    def forward(self, spectrograms):
        if len(spectrograms) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        self.sizes.append(len(spectrograms))
        return torch.stack([spectrograms[:, :8], spectrograms[:, 8:]], 1).mean((2, 3))


class Clock:
    """Time passes as a device of a certain speed lets it: a batch takes `seconds(n)`."""

    def __init__(self, seconds):
        self.now, self.seconds = 0.0, seconds

    def perf_counter(self):
        return self.now

    def ran(self, n):
        self.now += self.seconds(n)


@pytest.fixture
def box_on(monkeypatch, accelerator):
    """Makes a black box on an accelerator whose passes take the seconds that are given."""

    def make(seconds=lambda n: n, most=10**9):
        clock, module = Clock(seconds), NotesSizes(most)
        module.register_forward_hook(lambda part, inputs, output: clock.ran(len(inputs[0])))
        monkeypatch.setattr(passes, "time", clock)
        box = BlackBox(module, FRONT_END, ["low", "high"], device=accelerator, precision="fp32")
        return box, module

    return make


def inputs(n, shape=SHAPE):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(0))


# auto on a processor


def test_auto_depends_on_the_shape_alone_on_a_processor():
    module = NotesSizes()
    box = BlackBox(module, FRONT_END, ["low", "high"])
    box.probabilities(inputs(80))
    assert module.sizes == [32, 32, 16]
    assert fit_batch("auto", SHAPE) == AUTO_BATCH == 32
    assert fit_batch("auto", SHAPE, on_processor=128) == 128
    module.sizes.clear()
    box.probabilities(inputs(30, (16, 1920)))
    assert module.sizes == [12, 12, 6]
    assert 12 * 16 * 1920 <= AUTO_BINS < 13 * 16 * 1920
    assert fit_batch("auto", (64, 10 * AUTO_BINS)) == 1


def test_less_memory_than_auto_wants_halves_it_on_a_processor():
    module = NotesSizes(most=20)
    box = BlackBox(module, FRONT_END, ["low", "high"])
    box.probabilities(inputs(40))
    assert box.passes.of(SHAPE) == 16
    assert module.sizes[-1] == 8


# auto on an accelerator


def test_batches_grow_until_the_throughput_stops_growing(box_on):
    # a launch takes as long as 200 inputs, and from 256 on memory is the limit
    box, module = box_on(lambda n: 200 + n if n <= 256 else 3 * n)
    box.probabilities(inputs(3000))
    assert module.sizes == [64, 64, 128, 128, 256, 256, 512, 512, *[256] * 4, 56]
    assert box.passes.size == 256
    box.probabilities(inputs(300))
    assert module.sizes[-2:] == [256, 44]


def test_backward_passes_do_not_grow(box_on):
    box, _ = box_on(lambda n: 200 + n)
    box.probabilities(inputs(3000))
    assert box.passes.size > 64 == box.score_fn("low").batch_size


def test_batches_grow_on_passes_that_are_asked_for_anyway(box_on):
    box, module = box_on(lambda n: 1.0)
    box.probabilities(inputs(500))
    assert sum(module.sizes) == 500 == box.n_queries


def test_batches_stop_growing_where_memory_ends(box_on):
    box, module = box_on(lambda n: 1.0, most=200)
    scores = box.probabilities(inputs(1000))
    assert max(module.sizes) == 128
    assert box.passes.size == 128
    expected = BlackBox(NotesSizes(), FRONT_END, ["low", "high"], precision="fp32")
    torch.testing.assert_close(scores.cpu(), expected.probabilities(inputs(1000)))


def test_what_was_found_holds_for_other_shapes_by_their_bins(box_on):
    box, module = box_on(lambda n: 1.0 if n <= 128 else n)
    box.probabilities(inputs(1500))
    assert box.passes.size == 128
    module.sizes.clear()
    box.probabilities(inputs(200, (16, 40)))
    assert module.sizes == [64, 64, 64, 8]


def test_a_number_stays_what_it_is_on_an_accelerator(accelerator):
    module = NotesSizes()
    box = BlackBox(module, FRONT_END, ["low", "high"], device=accelerator, batch_size=100)
    box.probabilities(inputs(250))
    assert module.sizes == [100, 100, 50]


def test_inputs_made_at_once_fill_an_accelerator_and_its_memory_alone():
    size = fit_batch("auto", (64, 480), "cuda")
    assert size == 1024
    assert size * 64 * 480 <= MOST_BINS_ON_DEVICE
    assert fit_batch("auto", (64, 10 * MOST_BINS_ON_DEVICE), "cuda") == 1
    assert fit_batch(64, (64, 480), "cuda") == 64


# bad numbers


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "64", "large", True, None])
def test_wrong_batch_sizes_are_refused_wherever_they_enter(wrong):
    for refuse in (
        check_batch_size,
        lambda size: PassSize(size, torch.device("cpu")),
        lambda size: MethodSettings(batch_size=size),
        lambda size: BlackBox(NotesSizes(), FRONT_END, ["low", "high"], batch_size=size),
    ):
        with pytest.raises(ValueError, match="batch_size must be"):
            refuse(wrong)
