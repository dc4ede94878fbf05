"""Black boxes that listen to known frames: what moved masks of the same form score is counted."""

import numpy as np
import pytest
import torch

from daxaudio.metrics import marked_bins, marked_share, scores_at_area

N_BINS, N_FRAMES = 4, 8
ONES, ZEROS = torch.ones(N_BINS, N_FRAMES), torch.zeros(N_BINS, N_FRAMES)


def line(text):
    """One digit a frame, as a mask whose bins of one frame are the same."""
    return torch.tensor([float(character) for character in text]).expand(N_BINS, -1) / 9


def hears(*frames):
    return lambda inputs: inputs[:, :, list(frames)].mean(dim=(1, 2))


def hears_either(first, second):
    return lambda inputs: torch.maximum(inputs[:, :, first].mean(1), inputs[:, :, second].mean(1))


def gains(mask, score_fn, **settings):
    # as many places as frames: whole frames are moved to each place once
    settings = {"n_placements": N_FRAMES, **settings}
    (found,) = scores_at_area(mask[None], ONES, ZEROS, score_fn, **settings)
    return found["deletion_at_area"], found["insertion_at_area"]


def test_marked_are_the_bins_at_half_the_height_or_above():
    #                             half-way from 2 to 8 is 5
    assert marked_bins(line("23456782")[:1]).tolist() == [[False] * 3 + [True] * 4 + [False]]
    assert marked_share(line("23456782")) == 0.5


@pytest.mark.parametrize(("scale", "offset"), [(0.01, 0.0), (0.5, 0.5), (0.2, 0.7)])
def test_scale_and_offset_of_a_mask_change_nothing_that_it_marks(scale, offset):
    mask = torch.rand(N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(0))
    assert torch.equal(marked_bins(scale * mask + offset), marked_bins(mask))


def test_a_flat_mask_marks_all_and_a_mask_of_zeros_nothing():
    assert marked_share(0.3 * ONES) == 1
    assert marked_share(ZEROS) == 0


@pytest.mark.parametrize("mask", [ONES, 0.3 * ONES, ZEROS])
def test_who_marks_all_or_nothing_gains_nothing(mask):
    assert gains(mask, hears(2, 3)) == (0, 0)


# Of 8 places of two neighbouring frames one is the event's, two hold half of it, five none: moved,
# it keeps a quarter of the score on average. That is its area.
def test_gain_of_the_right_place_and_of_a_wrong_one_by_hand():
    assert gains(line("00990000"), hears(2, 3)) == pytest.approx((1 - 0.25, 1 - 0.25))
    assert gains(line("00000990"), hears(2, 3)) == pytest.approx((-0.25, -0.25))
    assert gains(line("00099000"), hears(2, 3)) == pytest.approx((0.5 - 0.25, 0.5 - 0.25))


def test_more_is_marked_than_is_heard_costs_what_chance_would_have_had():
    assert gains(line("09999000"), hears(2, 3)) == pytest.approx((1 - 0.5, 1 - 0.5))


def test_one_of_two_parts_that_each_suffice_is_a_gain_alone_and_none_without():
    # moved, one frame meets either part in 2 of 8 places, and leaves the other part everywhere
    assert gains(line("00900000"), hears_either(2, 6)) == pytest.approx((0, 1 - 0.25))
    # both: moved, both are hidden in 2 of 8 places (at home and half-way round), so is it alone
    assert gains(line("00900090"), hears_either(2, 6)) == pytest.approx((1 - 0.25, 1 - 0.25))


def test_a_black_box_that_hears_nothing_gives_no_gain():
    assert gains(line("00990000"), lambda inputs: torch.full((len(inputs),), 0.7)) == (0, 0)


def test_a_black_box_that_hears_the_form_and_not_the_place_gives_no_gain():
    """It answers to any hole of two neighbouring frames, wherever it is."""

    def sees_holes(inputs):
        gone = (inputs == 0).all(dim=1)
        return (gone & gone.roll(1, dims=1)).any(dim=1).float()

    assert gains(line("00990000"), sees_holes) == (0, 0)
    assert gains(line("90000009"), sees_holes) == (0, 0)  # moved around the borders


def test_the_place_in_frequency_counts_too():
    mask = torch.zeros(N_BINS, N_FRAMES)
    mask[1] = 1

    def hears_second_bin(inputs):
        return inputs[:, 1].mean(dim=1)

    # 8 places over 4 bins: two at each
    assert gains(mask, hears_second_bin) == pytest.approx((0.75, 0.75))
    assert gains(mask.roll(1, dims=0), hears_second_bin) == pytest.approx((-0.25, -0.25))


def test_every_place_is_as_likely():
    where = torch.zeros(N_BINS, N_FRAMES)

    def notes(inputs):
        where.add_(inputs[3::2].sum(dim=0))  # after the mask's own two, what is kept when moved
        return inputs.mean(dim=(1, 2))

    one = torch.zeros(N_BINS, N_FRAMES)
    one[0, 0] = 1
    for seed in range(400):
        scores_at_area(one[None], ONES, ZEROS, notes, n_placements=2, seed=seed, batch_size=99)
    assert where.sum() == 800
    assert 8 < where.min() <= where.max() < 50  # 25 on average, 5 deviations


@pytest.mark.parametrize("batch_size", [1, 5, 1000])
def test_masks_together_are_as_each_alone_for_any_batch_size(batch_size):
    masks = torch.rand(3, N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(1))
    score_fn = hears(1, 5)
    together = scores_at_area(masks, ONES, ZEROS, score_fn, batch_size=batch_size)
    for mask, found in zip(masks, together, strict=True):
        (alone,) = scores_at_area(mask[None], ONES, ZEROS, score_fn)
        assert found == pytest.approx(alone, abs=1e-6)


def test_black_box_is_asked_as_often_as_is_said():
    sizes = []

    def counts(inputs):
        sizes.append(len(inputs))
        return inputs.mean(dim=(1, 2))

    scores_at_area(torch.rand(3, N_BINS, N_FRAMES), ONES, ZEROS, counts, n_placements=5)
    assert sum(sizes) == 2 * 3 * (5 + 1)


def test_gain_is_the_same_on_another_device(accelerator):
    found = scores_at_area(
        line("00990000")[None], ONES.to(accelerator), ZEROS.to(accelerator), hears(2, 3)
    )
    expected = scores_at_area(line("00990000")[None], ONES, ZEROS, hears(2, 3))
    np.testing.assert_allclose(list(found[0].values()), list(expected[0].values()), atol=1e-6)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"n_placements": 0}, "n_placements must be at least 1, got 0"),
        ({"masks": ONES}, r"masks must be \[M, F, T\]"),
        ({"masks": 2 * ONES[None]}, r"masks leave \[0, 1\]"),
    ],
)
def test_malformed_input_is_refused(changed, reason):
    arguments = {"masks": ONES[None], "values": ONES, "background": ZEROS, "score_fn": hears(0)}
    with pytest.raises(ValueError, match=reason):
        scores_at_area(**{**arguments, **changed})
