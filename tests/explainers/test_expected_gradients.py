"""Expected gradients: exact where the score is linear, and what others give in the mean."""

import pytest
import torch
from captum import attr as captum
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.explainers.expected_gradients import ExpectedGradients
from daxaudio.explainers.gradient import IntegratedGradients
from daxaudio.models.module_score import ModuleScore
from daxaudio.perturbation.fills import make_background
from daxaudio.runs.seeds import derive_seed

SHAPE = (6, 9)


def clip(name="a"):
    values = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    return Spectrogram(values, *(torch.arange(float(size)) for size in SHAPE), name)


def score_of(module):
    return ModuleScore(module, 1, lambda inputs: module(inputs).softmax(dim=-1))


@pytest.fixture
def bent():
    """A network whose gradient differs along the way."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(54, 16), nn.Tanh(), nn.Linear(16, 3)).eval()


def test_of_a_linear_score_it_is_the_weight_times_what_lies_above_the_mean_background():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(54, 3))
    found = ExpectedGradients(n_samples=7, seed=4)(clip(), score_of(module)).attribution
    backgrounds = [
        make_background(clip(), fill, seed=derive_seed(4, "background", index))
        for index, fill in enumerate(["noise", "global_mean"] * 3 + ["noise"])
    ]
    expected = module[1].weight[1].view(SHAPE) * (clip().values - torch.stack(backgrounds).mean(0))
    torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-6)


def test_with_one_background_it_is_integrated_gradients(bent):
    one = ExpectedGradients(n_samples=400, fills=("global_mean",))(clip(), score_of(bent))
    exact = IntegratedGradients(n_steps=50)(clip(), score_of(bent))
    torch.testing.assert_close(one.attribution, exact.attribution, rtol=0, atol=2e-3)
    assert float(exact.attribution.abs().max()) > 0.1


def test_attributions_sum_up_to_what_the_input_scores_above_the_backgrounds(bent):
    explainer = ExpectedGradients(n_samples=2000)
    found = explainer(clip(), score_of(bent)).attribution
    backgrounds = [explainer._background(clip(), index) for index in range(2000)]
    above = score_of(bent).values(clip().values[None]) - score_of(bent).values(
        torch.stack(backgrounds)
    )
    assert float(found.sum()) == pytest.approx(float(above.mean()), abs=0.02)
    assert abs(float(above.mean())) > 0.1


def test_the_mean_of_many_samples_agrees_with_captum(bent):
    explainer = ExpectedGradients(n_samples=4000, fills=("noise",))
    backgrounds = torch.stack([explainer._background(clip(), index) for index in range(500)])
    torch.manual_seed(0)
    theirs = captum.GradientShap(bent).attribute(
        clip().values[None], backgrounds, n_samples=4000, stdevs=0.0, target=1
    )[0]
    found = explainer(clip(), score_of(bent)).attribution
    # each of them is a mean of 4000 draws, and theirs of 500 backgrounds
    torch.testing.assert_close(found, theirs.detach().float(), rtol=0, atol=0.01)
    assert float(found.abs().max()) > 0.1


def test_each_sample_has_a_background_of_its_own(bent):
    explainer = ExpectedGradients()
    drawn = [explainer._background(clip(), index) for index in range(4)]
    assert not torch.equal(drawn[0], drawn[2])  # noise
    assert torch.equal(drawn[1], drawn[3])  # the mean
    assert float(drawn[1].std()) == 0


def test_places_are_one_in_each_part_of_the_way():
    parts = (ExpectedGradients(n_samples=40)._places("a") * 40).floor().long()
    assert sorted(parts.tolist()) == list(range(40))
    assert parts.tolist() != list(range(40))


def test_draws_depend_on_seed_and_recording_alone(bent):
    score = score_of(bent)
    first, again, other = (ExpectedGradients(seed=seed)(clip(), score) for seed in (0, 0, 1))
    assert torch.equal(first.attribution, again.attribution)
    assert not torch.equal(first.attribution, other.attribution)
    elsewhere = ExpectedGradients()(clip("b"), score)
    assert not torch.equal(first.attribution, elsewhere.attribution)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1"),
        ({"fills": ()}, "fills need one or more of floor, quiet"),
        ({"fills": ("segment_mean",)}, "fill must be one of floor, .* got 'segment_mean'"),
        ({"fills": ("noise", "zeros")}, "fill must be one of floor, .* got 'zeros'"),
        ({"sign": "both"}, "sign must be"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ExpectedGradients(**settings)
