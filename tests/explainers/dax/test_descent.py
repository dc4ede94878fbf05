import dataclasses

import pytest
import torch
from conftest import RectangleScore
from pretended_device import WAITS, pretended_device
from torch import nn

from daxaudio.explainers.dax.descent import Descent, recorder
from daxaudio.explainers.dax.distillation import Examples, descend
from daxaudio.explainers.dax.joint import Counterfactual, Dax, SparseMatching
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid

INPUTS = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))


class Line:
    """Regression on `INPUTS`, learnt by a `Descent`."""

    def __init__(self, record=None):
        self.weight = nn.Parameter(torch.zeros(3))
        self.descent = Descent(
            self.loss_of, [self.weight], learning_rate=0.1, batch_size=4, record=record
        )

    def loss_of(self, chosen):
        return (INPUTS[chosen] @ self.weight - 1).square().mean()

    def learn(self):
        for chosen in torch.arange(20).repeat(2)[:38].split(4):  # nine of 4, then one of 2
            self.descent.step(chosen)
        return self.weight.detach().clone()


def test_recorded_steps_learn_the_same():
    recorded = []

    def record(work):
        recorded.append(work)
        return work

    line = Line(record)
    assert torch.equal(line.learn(), Line().learn())
    assert len(recorded) == 1
    assert line.descent.n_steps == 9


def test_a_record_uses_the_same_tensors_each_time():
    places = []
    line = Line(lambda work: work)
    plain = line.loss_of
    line.descent.loss_of = lambda chosen: places.append(chosen.data_ptr()) or plain(chosen)
    line.learn()
    assert len(set(places[:9])) == 1 != len(set(places))


def test_mean_loss_is_that_of_the_examples_since_it_was_asked():
    line = Line()
    expected = line.loss_of(torch.arange(4)).item() * 4
    line.descent.step(torch.arange(4))
    expected += line.loss_of(torch.tensor([5])).item() * 1
    line.descent.step(torch.tensor([5]))
    assert line.descent.mean_loss() == pytest.approx(expected / 5)
    assert line.descent.mean_loss() == 0


def test_steps_are_recorded_on_cuda_alone():
    assert recorder(torch.device("cpu")) is None


@pytest.mark.parametrize("loss", [SparseMatching(), Counterfactual()], ids=["v1", "v2"])
@pytest.mark.parametrize(
    "sampler",
    [SegmentSampler(60, Grid(4, 12)), GridSampler(60), MultiGridSampler(60)],
    ids=lambda sampler: type(sampler).__name__,
)
def test_no_step_waits_for_the_device(loss, sampler, toy_spectrogram):
    with pretended_device() as device:
        drawn = sampler(toy_spectrogram.to(device), RectangleScore())
        counts = []
        for batch_size in (27, 6):
            WAITS.clear()
            Dax(loss, epochs=2, batch_size=batch_size, precision="fp32").fit(drawn)
            counts.append(len(WAITS))
    assert counts[0] == counts[1]


def test_accelerator_learns_what_the_processor_learns(toy_spectrogram, toy_score_fn, accelerator):
    # a recorded step, on a real device
    drawn = SegmentSampler(60, Grid(4, 12))(toy_spectrogram, toy_score_fn)
    there = dataclasses.replace(
        drawn,
        spectrogram=drawn.spectrogram.to(accelerator),
        background=drawn.background.to(accelerator),
        perturbation=dataclasses.replace(
            drawn.perturbation,
            segments=drawn.perturbation.segments.to(accelerator),
            kept=drawn.perturbation.kept.to(accelerator),
        ),
    )
    dax = Dax(epochs=2, batch_size=6, precision="fp32")
    here, found = dax.fit(drawn), dax.fit(there)
    torch.testing.assert_close(found.mask, here.mask, atol=2e-2, rtol=0)
    assert found.history["train_loss"] == pytest.approx(here.history["train_loss"], abs=1e-2)


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples(toy_spectrogram, toy_score_fn):
    drawn = SegmentSampler(20, Grid(4, 12))(toy_spectrogram, toy_score_fn)
    examples = Examples.split(drawn)
    weight = nn.Parameter(torch.zeros(1))

    def loss_of(batch):
        _, scores, _ = batch
        return (scores - weight).square().mean()

    train, held_out = next(
        iter(
            descend(
                loss_of,
                [weight],
                examples,
                epochs=1,
                batch_size=18,
                learning_rate=0.1,
                precision="fp32",
            )
        )
    )
    assert train == pytest.approx(float(drawn.scores[examples.training].square().mean()))
    after = (drawn.scores[examples.validation] - weight.detach()).square().mean()
    assert held_out == pytest.approx(float(after))
