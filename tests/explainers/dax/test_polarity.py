import pytest
import torch

from daxaudio.explainers.dax.polarity import SHARES, check_polarity


def kept_of(mask, n_bins=3):
    """Which frames the black box saw: `[2, 9, T]` bool, of the high and of the low end."""
    seen = []

    def score_fn(inputs):
        seen.append(inputs.clone())
        return torch.zeros(len(inputs))

    values = torch.full((n_bins, mask.shape[1]), 7.0)
    check_polarity(mask, values, torch.zeros_like(values), score_fn)
    (inputs,) = seen
    kept = inputs == 7
    assert torch.equal(kept.any(dim=1), kept.all(dim=1))  # whole frames
    return kept.any(dim=1).unflatten(0, (2, len(SHARES)))


@pytest.mark.parametrize("n_frames", [1, 2, 5, 7, 10, 33, 60])
def test_as_many_frames_are_kept_at_the_high_end_as_at_the_low_end(n_frames):
    mask = torch.rand(3, n_frames, generator=torch.Generator().manual_seed(0))
    high, low = kept_of(mask).sum(dim=2).tolist()
    assert high == low == [max(1, round(share * n_frames)) for share in SHARES]


def test_the_highest_and_the_lowest_frames_are_kept():
    profile = torch.tensor([0.5, 0.1, 0.9, 0.3, 0.7, 0.0, 1.0, 0.2, 0.8, 0.4])
    high, low = kept_of(profile[None].expand(3, 10))
    order = profile.argsort()
    for row, size in enumerate(range(1, 10)):
        assert set(high[row].nonzero().flatten().tolist()) == set(order[10 - size :].tolist())
        assert set(low[row].nonzero().flatten().tolist()) == set(order[:size].tolist())


def test_a_frame_ranks_by_the_mean_of_its_mask_over_frequency():
    mask = torch.tensor([[0.9, 0.5], [0.0, 0.5], [0.0, 0.5]])  # one bright bin, an even frame
    high, low = kept_of(mask)
    assert high[0].tolist() == [False, True]
    assert low[0].tolist() == [True, False]


def test_what_is_not_kept_is_the_background():
    values, background = torch.full((2, 10), 5.0), torch.rand(2, 10)
    seen = []

    def score_fn(inputs):
        seen.append(inputs)
        return torch.zeros(len(inputs))

    check_polarity(torch.rand(2, 10), values, background, score_fn)
    assert bool(((seen[0] == values) | (seen[0] == background)).all())


def test_the_scores_of_both_ends_are_means_over_nine_sizes():
    mask = torch.linspace(1, 0, 10).expand(2, 10)
    values = torch.zeros(2, 10)
    values[:, :5] = 1.0  # evidence, where the mask is high

    def score_fn(inputs):
        return inputs.sum(dim=(1, 2)) / 10

    found = check_polarity(mask, values, torch.zeros_like(values), score_fn)
    assert found.score_of_high == pytest.approx((1 + 2 + 3 + 4 + 5 * 5) / 5 / 9)
    assert found.score_of_low == pytest.approx((1 + 2 + 3 + 4) / 5 / 9)
    assert (found.upright, found.n_queries) == (True, 18)
    assert not check_polarity(1 - mask, values, torch.zeros_like(values), score_fn).upright


def test_a_tie_is_upright():
    found = check_polarity(
        torch.rand(2, 10), torch.ones(2, 10), torch.zeros(2, 10), lambda x: torch.ones(len(x))
    )
    assert found.upright
    assert found.score_of_high == found.score_of_low == 1
