"""Steps of DAX V4 on numbers that are worked out by hand, or by another package."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from skimage.filters import threshold_otsu

from daxaudio.containers import Spectrogram
from daxaudio.explainers.dax.closed_form import DaxV4, when_and_where
from daxaudio.explainers.dax.shared_filters import SharedFilters
from daxaudio.explainers.dax.student import (
    correlate,
    expected_agreement,
    find_salience,
    halvings,
    mask_r2,
    split_in_two,
)
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.runs.seeds import generator


@dataclasses.dataclass(frozen=True, eq=False)
class GivenMasks:
    """Masks `[N, F, T]` that are written down."""

    given: torch.Tensor

    @property
    def kept(self):
        return self.given.flatten(1) > 0

    def __len__(self):
        return len(self.given)

    def masks(self, rows):
        return self.given[rows]


def neighbourhood(masks, scores, original=1.0):
    shape = masks.shape[1:]
    picture = Spectrogram(
        torch.rand(shape, generator=generator(0)), torch.arange(shape[0]), torch.arange(shape[1])
    )
    return Neighbourhood(
        picture,
        GivenMasks(masks),
        torch.zeros(shape),
        scores.float(),
        original_score=original,
        background_score=0.0,
    )


# how sure

STEP = torch.sigmoid(torch.tensor(10.0)) - torch.sigmoid(torch.tensor(-10.0))
"""Of two frames 0 and 1 apart, split in the middle with softness 0.05: both are 10 off."""

HERE, THERE = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])


def test_standard_error_of_two_halves_by_hand():
    # the variance of one half is half the square of the difference: 1 / sqrt(2) of it
    error, _ = DaxV4(n_splits=1)._compare_halves(torch.stack([HERE, THERE]), flat=False)
    torch.testing.assert_close(error, (STEP / math.sqrt(2)).expand(1, 2))


def test_standard_error_over_several_halvings_is_the_root_of_the_mean_square():
    halves = torch.stack([HERE, THERE, HERE, HERE, THERE, THERE, THERE, THERE])
    error, _ = DaxV4(n_splits=4)._compare_halves(halves, flat=False)
    torch.testing.assert_close(error, (STEP / math.sqrt(2 * 4)).expand(1, 2))


def test_standard_error_of_equal_halves_is_zero():
    error, reliability = DaxV4(n_splits=1)._compare_halves(torch.stack([HERE, HERE]), flat=False)
    assert error.tolist() == [[0, 0]]
    assert reliability == pytest.approx(1)


@pytest.mark.parametrize(
    ("correlations", "expected"),
    [
        ([0.5], 2 / 3),
        ([0.2, 0.6], 2 * 0.4 / 1.4),  # of the mean, not the mean of each
        ([-0.5], 0.0),
        ([-1.0], 0.0),
        ([1.0], 1.0),
        ([math.nan, 0.9], 0.0),
    ],
)
def test_reliability_is_that_of_spearman_and_brown(correlations, expected):
    assert expected_agreement(torch.tensor(correlations).unbind()) == pytest.approx(expected)


def test_correlation_is_that_of_numpy():
    first, second = torch.rand(2, 5, 7, generator=generator(1))
    right = np.corrcoef(first.flatten(), second.flatten())[0, 1]
    assert correlate(first, second) == pytest.approx(right)
    assert correlate(first, -second) == pytest.approx(-right)
    assert correlate(first, torch.ones(5, 7)).isnan()


def test_halves_are_of_one_size_and_leave_nothing_out():
    masks = torch.rand(41, 2, 3, generator=generator(2))
    parts = halvings(neighbourhood(masks, torch.rand(41)), 5, 0)
    assert parts.shape == (11, 41)
    assert torch.equal(parts[0], torch.ones(41))
    assert torch.equal(parts[1::2] + parts[2::2], torch.ones(5, 41))
    assert parts[1::2].sum(dim=1).tolist() == [20] * 5
    assert len({tuple(half.tolist()) for half in parts[1::2]}) == 5


def test_each_seed_has_its_own_halvings():
    blank = neighbourhood(torch.rand(40, 1, 3), torch.rand(40))
    first, again, other = (halvings(blank, 8, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


# the student, and the mask network


def halves_of(n_samples):
    """The first half's samples, and the second's, of the one halving of a neighbourhood."""
    blank = neighbourhood(torch.rand(n_samples, 1, 3), torch.rand(n_samples))
    parts = halvings(blank, 1, 0)
    return parts, parts[1].bool(), parts[2].bool()


def test_salience_is_how_much_the_mean_score_rises_where_a_bin_is_kept():
    # bin 0 adds 1 wherever it is kept, bin 1 takes 2 away, bin 2 does nothing
    masks = torch.tensor([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]).float()
    scores = masks @ torch.tensor([1.0, -2.0, 0.0])
    found = find_salience(neighbourhood(masks[:, None], scores), torch.ones(1, 8))
    torch.testing.assert_close(found[0], torch.tensor([[0.5, -1.0, 0.0]]))


def heard(n_samples=200):
    """A neighbourhood of masks of noise, whose score follows the first three frames."""
    masks = torch.rand(n_samples, 8, 12, generator=generator(8))
    return neighbourhood(masks, masks[:, :, :3].mean(dim=(1, 2)))


def test_attribution_is_the_mean_of_the_students_salience_and_the_networks_answer():
    given = heard()
    salience = find_salience(given, torch.ones(1, 200))
    network = SharedFilters().fit(given.spectrogram.values, salience, generator(3, "filters"))
    found = DaxV4(seed=3).fit(given).attribution
    torch.testing.assert_close(found, (salience + network)[0] / 2, atol=1e-5, rtol=1e-3)


def test_each_seed_has_its_own_filters():
    first, again, other = (DaxV4(seed=seed).fit(heard()).attribution for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("removed", "warns"), [(0.25, False), (0.5, True), (0.75, True)])
def test_frames_whose_removal_costs_nothing_are_warned_of(removed, warns):
    given = heard()
    explainer = DaxV4(lambda spectrogram, score_fn: given)
    answers = torch.tensor([0.5, removed])  # of the marked frames alone, and of all others
    explanation = explainer(given.spectrogram, lambda inputs: answers)
    assert explanation.findings["score_of_kept"] == 0.5
    assert explanation.findings["score_of_removed"] == removed
    assert any("is not below that of the marked" in one for one in explanation.warnings) == warns


def test_a_bin_that_a_half_never_kept_says_nothing():
    parts, first, _ = halves_of(40)
    masks = torch.rand(40, 1, 3, generator=generator(3))
    masks[~first, 0, 0] = 0.0
    found = find_salience(neighbourhood(masks, 5 + torch.rand(40, generator=generator(4))), parts)
    assert torch.isfinite(found).all()
    assert abs(float(found[2, 0, 0])) < 1e-4
    assert abs(float(found[1, 0, 0])) > 1e-4


@pytest.mark.parametrize(("half", "floor"), [(1, None), (2, 1e-2)])
def test_what_a_half_hardly_kept_counts_by_the_floor_of_its_sum(half, floor):
    # a second half is a difference of sums: where it kept all but nothing, rounding must not count
    parts, first, second = halves_of(40)
    chosen = first if half == 1 else second
    masks = torch.rand(40, 1, 3, generator=generator(3))
    kept = 1e-4
    masks[chosen, 0, 0] = 0.0
    one = int(chosen.nonzero()[0])
    masks[one, 0, 0] = kept
    scores = torch.rand(40, generator=generator(4))
    found = float(find_salience(neighbourhood(masks, scores), parts)[half, 0, 0])
    above = float(scores[one] - scores[chosen].mean())
    expected = above if floor is None else above * kept / floor
    assert found == pytest.approx(expected, rel=0.05)


# when, and where


def profiles():
    """Profiles whose parts are of unequal size, and some that are skewed without any parts."""
    random = np.random.default_rng(0)
    for share in (0.02, 0.1, 0.3, 0.5, 0.8, 0.97):
        for _ in range(5):
            high = random.random(120) < share
            yield np.where(high, random.normal(3, 0.8, 120), random.normal(0, 0.5, 120))
    for _ in range(10):
        yield random.lognormal(0, 1, 150)


@pytest.mark.parametrize("profile", [np.round(one, 2) for one in profiles()])
def test_the_split_in_two_is_that_of_scikit_image(profile):
    levels, counts = np.unique(profile, return_counts=True)
    threshold = threshold_otsu(hist=(counts, levels))
    frames = split_in_two(torch.from_numpy(profile), softness=1e-3)
    assert np.array_equal(frames.numpy() > 0.5, profile > threshold)


def test_the_step_is_logistic_about_the_middle_of_the_parts():
    profile = torch.tensor([0.0, 1.0, 5.0, 6.0])  # means 0.5 and 5.5: 5 apart, 3 between
    expected = torch.sigmoid((profile - 3) / (0.1 * 5))
    torch.testing.assert_close(split_in_two(profile, softness=0.1), expected)


@pytest.mark.parametrize("profile", [[2.0], [1.0, 1.0, 1.0]])
def test_a_profile_without_two_parts_marks_nothing(profile):
    assert not split_in_two(torch.tensor(profile), 0.05).any()


def test_bins_rank_within_their_frame_and_by_a_power():
    salience = torch.tensor([[[4.0, 10.0], [1.0, 12.0], [3.0, 11.0]]])
    mask = when_and_where(salience, softness=1e-3, sharpness=2.0)[0]
    torch.testing.assert_close(mask[:, 1], torch.tensor([1 / 9, 1.0, 4 / 9]))
    assert not mask[:, 0].any()


def test_bins_below_the_median_do_not_make_up_for_those_above():
    # frame 0: one salient bin, and one far below the median; frame 1 and 2: all at the median
    salience = torch.tensor([[[3.0, 0.0, 0.0], [-9.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    profile = when_and_where(salience)[0].mean(dim=0)
    assert profile.argmax() == 0


# how much of the score follows from the mask


def share_neighbourhood(make_scores, n_samples=4000):
    masks = (torch.rand(n_samples, 4, 6, generator=generator(5)) > 0.5).float()
    mask = torch.rand(4, 6, generator=generator(6))
    marked = (masks * mask).sum(dim=(1, 2)) / mask.sum()
    rest = (masks * (1 - mask)).sum(dim=(1, 2)) / (1 - mask).sum()
    return neighbourhood(masks, make_scores(marked, rest)), mask


NOISE = torch.randn(4000, generator=generator(7))


@pytest.mark.parametrize(
    "make_scores",
    [
        lambda marked, rest: marked,
        lambda marked, rest: rest,
        lambda marked, rest: -2 * marked,
        lambda marked, rest: 100 + marked - 3 * rest,
    ],
)
def test_mask_r2_is_1_for_a_score_that_is_linear_in_the_kept_shares(make_scores):
    assert mask_r2(*share_neighbourhood(make_scores)) == pytest.approx(1, abs=1e-3)


def test_mask_r2_is_about_0_for_noise():
    assert abs(mask_r2(*share_neighbourhood(lambda marked, rest: NOISE))) < 0.005


def test_mask_r2_is_the_share_of_the_variance():
    def half(marked, rest):
        return (marked - marked.mean()) / marked.std() + NOISE / NOISE.std()

    assert mask_r2(*share_neighbourhood(half)) == pytest.approx(0.5, abs=0.03)


def test_mask_r2_of_a_constant_score_is_0():
    assert mask_r2(*share_neighbourhood(lambda marked, rest: torch.ones(4000))) == 0
