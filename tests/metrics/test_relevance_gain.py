"""A score that is the mean of a rectangle falls in a straight line, so areas are known by hand."""

import numpy as np
import pytest
import torch

from daxaudio.metrics import Curve, perturbation_curves, road, symmetric_relevance_gain
from daxaudio.metrics.relevance_gain import ROAD_STEPS

N_BINS, N_FRAMES = 4, 10
ONES, ZEROS = torch.ones(N_BINS, N_FRAMES), torch.zeros(N_BINS, N_FRAMES)


def rectangle():
    """8 of 40 bins: the top two of frames 3 to 6."""
    truth = torch.zeros(N_BINS, N_FRAMES)
    truth[2:, 3:7] = 1
    return truth


def mean_inside(inputs):
    return inputs[:, 2:, 3:7].mean(dim=(1, 2))


def either_half(inputs):
    """Half of the rectangle is enough."""
    return torch.stack([inputs[:, 2:, 3:5].mean((1, 2)), inputs[:, 2:, 5:7].mean((1, 2))]).amax(0)


def deaf(inputs):
    return torch.full((len(inputs),), 0.7)


def curves(mask, score_fn=mean_inside, **settings):
    settings = {"n_steps": 40, **settings}
    return [
        perturbation_curves(mask[None], ONES, ZEROS, score_fn, direction=direction, **settings)[0]
        for direction in ("deletion", "insertion")
    ]


def srg(*arguments, **settings):
    return symmetric_relevance_gain(*curves(*arguments, **settings))


def area_without_the_worst(mask, score_fn):
    """The curve of the reverse order as a paper would draw it: bin by bin, worst first."""
    inputs = [ONES.clone()]
    for place in mask.flatten().argsort().tolist():
        one = inputs[-1].clone()
        one.view(-1)[place] = 0
        inputs.append(one)
    return np.trapezoid(score_fn(torch.stack(inputs)), dx=1 / 40)


# Best first: one fifth of the axis is a triangle of area 0.1. Worst first: four fifths of height 1,
# and the triangle.
def test_gain_of_the_right_mask_and_of_its_opposite_by_hand():
    assert srg(rectangle()) == pytest.approx(0.9 - 0.1)
    assert srg(1 - rectangle()) == pytest.approx(0.1 - 0.9)


@pytest.mark.parametrize("score_fn", [mean_inside, either_half])
def test_insertion_is_the_deletion_of_the_worst_first_read_backwards(score_fn):
    mask = torch.rand(N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(0))
    _, insertion = curves(mask, score_fn)
    assert insertion.auc == pytest.approx(area_without_the_worst(mask, score_fn))


def test_a_mask_of_one_half_gains_by_what_it_keeps_though_nothing_is_lost_without_it():
    half = torch.zeros(N_BINS, N_FRAMES)
    half[2:, 3:5] = 1
    deletion, insertion = curves(half, either_half)
    # the first half is gone after a tenth: the score stays at 1 until the other begins to go
    assert deletion.scores[4] == insertion.scores[4] == 1
    assert symmetric_relevance_gain(deletion, insertion) > 0.2


@pytest.mark.parametrize("unit", ["bins", "frames"])
def test_a_flat_mask_gains_nothing_on_average_over_the_order_of_ties(unit):
    flat = torch.full((N_BINS, N_FRAMES), 0.3)
    gains = [srg(flat, unit=unit, seed=seed) for seed in range(200)]
    assert np.mean(gains) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("mask", [rectangle(), 1 - rectangle()])
def test_a_black_box_that_hears_nothing_gives_no_gain(mask):
    assert srg(mask, deaf) == pytest.approx(0)


def test_what_the_fill_does_to_any_input_is_no_gain():
    """A fill that harms whatever it replaces moves both areas, and not their difference."""

    def harmed(inputs):
        return mean_inside(inputs) - 0.5 * (inputs == 0).any(dim=(1, 2))

    plain, filled = curves(rectangle()), curves(rectangle(), harmed)
    assert filled[0].auc < plain[0].auc - 0.4
    assert symmetric_relevance_gain(*filled) == pytest.approx(symmetric_relevance_gain(*plain))


def test_gap_of_road_by_hand():
    # after 10 % 4 of the 8 bins are gone or left, from 20 % on all of them
    deletion, insertion = curves(rectangle(), n_steps=ROAD_STEPS)
    assert road(deletion, insertion) == pytest.approx((8 + 0.5) / 9 - 0.5 / 9)


def test_one_bin_has_no_order():
    one = torch.ones(1, 1)
    both = [
        perturbation_curves(
            one[None], one, 0 * one, lambda inputs: inputs[:, 0, 0], direction=direction
        )[0]
        for direction in ("deletion", "insertion")
    ]
    assert np.isnan(road(*both))
    assert symmetric_relevance_gain(*both) == 0


@pytest.mark.parametrize("measure", [symmetric_relevance_gain, road])
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"direction": "deletion"}, "deletion, then that of an insertion, got deletion and del"),
        ({"unit": "frames"}, "must have one unit, got 'bins' and 'frames'"),
        ({"fill": "noise"}, "must have one fill, got '' and 'noise'"),
    ],
)
def test_curves_that_are_no_pair_are_refused(measure, changed, reason):
    scores, shares = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    other = {"direction": "insertion", "unit": "bins", "fill": "", **changed}
    with pytest.raises(ValueError, match=reason):
        measure(Curve(scores, shares, "deletion", "bins"), Curve(scores, shares, **other))
