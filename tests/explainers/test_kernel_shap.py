import itertools

import pytest
import torch

from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.perturbation.masks import draw_coalitions, draw_kept


def every_subset(n_parts):
    return (torch.arange(2**n_parts)[:, None] >> torch.arange(n_parts)) & 1


def game(kept):
    """Not additive: parts 0 and 1 only count together, part 2 counts twice without part 3."""
    kept = torch.as_tensor(kept).float()
    together = 3 * kept[:, 0] * kept[:, 1]
    return 0.5 + together + kept[:, 2] * (2 - kept[:, 3]) + 0.25 * kept[:, 4]


def mean_gain_over_all_orders(n_parts):
    orders = list(itertools.permutations(range(n_parts)))
    gains = torch.zeros(n_parts)
    for order in orders:
        kept = torch.zeros(n_parts + 1, n_parts)
        for step, part in enumerate(order):
            kept[step + 1 :, part] = 1
        gains[list(order)] += game(kept).diff()
    return gains / len(orders)


# parts 0 and 1 share 3; part 2 gives 2, or 1 when part 3 came before it; part 5 gives nothing
SHAPLEY_VALUES = torch.tensor([1.5, 1.5, 1.5, -0.5, 0.25, 0.0])


@pytest.fixture
def shapley_values(neighbourhood_of):
    """What KernelSHAP finds on the game, `[K]`."""

    def find(kept, **settings):
        original, background = (float(game(torch.full((1, 6), value))) for value in (1, 0))
        drawn = neighbourhood_of(kept, game(kept), original, background, **settings)
        return KernelShap().fit(drawn).attribution[0]

    return find


def test_kernel_shap_is_exact_when_every_subset_was_asked(shapley_values):
    kept = every_subset(6)
    found = shapley_values(kept, sampling="bernoulli", keep=0.5)
    torch.testing.assert_close(found, mean_gain_over_all_orders(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(found, SHAPLEY_VALUES, atol=1e-5, rtol=0)


def test_kernel_shap_comes_close_with_subsets_drawn_as_the_kernel_weighs_them(shapley_values):
    kept = draw_coalitions(2000, 6, torch.Generator().manual_seed(0))
    found = shapley_values(kept, sampling="shapley")
    torch.testing.assert_close(found, SHAPLEY_VALUES, atol=0.03, rtol=0)


@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_kernel_shap_corrects_for_how_bernoulli_samples_were_drawn(keep, shapley_values):
    kept = draw_kept(60000, 6, keep, torch.Generator().manual_seed(0))
    found = shapley_values(kept, sampling="bernoulli", keep=keep)
    uncorrected = shapley_values(kept, sampling="shapley")
    torch.testing.assert_close(found, SHAPLEY_VALUES, atol=0.08, rtol=0)
    assert (uncorrected - SHAPLEY_VALUES).abs().max() > 0.4


@pytest.mark.parametrize("sampling", ["shapley", "bernoulli"])
def test_kernel_shap_is_exact_on_a_linear_score_with_few_samples(sampling, neighbourhood_of):
    worth = torch.tensor([3.0, -1.0, 0.5, 0.0, 2.0, 1.0, -2.0, 0.25])
    kept = draw_kept(20, 8, 0.5, torch.Generator().manual_seed(0))
    drawn = neighbourhood_of(
        kept, kept.float() @ worth + 7, worth.sum().item() + 7, 7.0, sampling=sampling, keep=0.5
    )
    torch.testing.assert_close(KernelShap().fit(drawn).attribution[0], worth, atol=1e-5, rtol=0)


def test_kernel_shap_stays_as_equal_as_too_few_samples_allow(neighbourhood_of):
    # 4 parts sum to 4; part 0 alone gives 2.5; nothing tells the other three apart.
    drawn = neighbourhood_of([[1, 0, 0, 0]], [2.5], original=4.0, sampling="shapley")
    found = KernelShap().fit(drawn).attribution[0]
    torch.testing.assert_close(found, torch.tensor([2.5, 0.5, 0.5, 0.5]))


def test_kernel_shap_skips_samples_that_keep_all_or_nothing(neighbourhood_of):
    # Scores that contradict the two ends would show if these rows had any weight.
    drawn = neighbourhood_of(
        [[1, 1], [0, 0]], [9.0, -9.0], original=3.0, background=1.0, sampling="bernoulli", keep=0.5
    )
    assert KernelShap().fit(drawn).attribution.tolist() == [[1.0, 1.0]]


def test_kernel_shap_shares_out_exactly_the_gain_over_the_background(neighbourhood_of):
    kept = draw_kept(30, 50, 0.5, torch.Generator().manual_seed(0))
    scores = torch.rand(30, generator=torch.Generator().manual_seed(1))
    drawn = neighbourhood_of(kept, scores, 0.9, 0.2, sampling="bernoulli", keep=0.5)
    assert KernelShap().fit(drawn).attribution.sum() == pytest.approx(0.7, abs=1e-5)


def test_kernel_shap_bears_hundreds_of_segments(neighbourhood_of):
    kept = draw_kept(400, 600, 0.1, torch.Generator().manual_seed(0))
    drawn = neighbourhood_of(kept, torch.linspace(0, 1, 400), sampling="bernoulli", keep=0.1)
    assert bool(torch.isfinite(KernelShap().fit(drawn).attribution).all())


def test_kernel_shap_wants_to_know_how_samples_were_drawn(neighbourhood_of):
    with pytest.raises(ValueError, match="settings must hold sampling"):
        KernelShap().fit(neighbourhood_of([[1, 0]], [0.5]))
