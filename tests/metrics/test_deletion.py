"""A score that is the mean of a rectangle falls in a straight line, so areas are known by hand."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from daxaudio.containers import Event
from daxaudio.metrics import Curve, frames_to_events, perturbation_curves

N_BINS, N_FRAMES = 4, 10
ONES, ZEROS = torch.ones(N_BINS, N_FRAMES), torch.zeros(N_BINS, N_FRAMES)
TIMES = torch.arange(N_FRAMES) + 0.5
DIRECTIONS = ["deletion", "insertion"]


def rectangle():
    """8 of 40 bins: the top two of frames 3 to 6."""
    truth = torch.zeros(N_BINS, N_FRAMES)
    truth[2:, 3:7] = 1
    return truth


def mean_inside(inputs):
    return inputs[:, 2:, 3:7].mean(dim=(1, 2))


def curve_of(mask, direction="deletion", score_fn=mean_inside, **settings):
    settings = {"direction": direction, "n_steps": 40, **settings}
    return perturbation_curves(mask[None], ONES, ZEROS, score_fn, **settings)[0]


def line(text):
    """One digit a frame, as a mask whose bins of one frame are the same."""
    return torch.tensor([float(character) for character in text]).expand(N_BINS, -1) / 9


def events_in(text):
    return frames_to_events([character == "#" for character in text], TIMES)


class Noting:
    """Notes every input that the black box gets."""

    def __init__(self, score_fn):
        self.score_fn, self.batches = score_fn, []

    def __call__(self, inputs):
        self.batches.append(inputs.clone())
        return self.score_fn(inputs)


# By hand: the score is linear while the 8 bins go, and flat before or after. One fifth of the x
# axis is one triangle of area 0.1; the rest is all 1 or all 0.
@pytest.mark.parametrize(
    ("direction", "best_first", "best_last"),
    [("deletion", 0.1, 0.9), ("insertion", 0.9, 0.1)],
)
def test_area_of_the_right_mask_and_of_its_opposite_by_hand(direction, best_first, best_last):
    truth = rectangle()
    assert curve_of(truth, direction).auc == pytest.approx(best_first)
    assert curve_of(1 - truth, direction).auc == pytest.approx(best_last)


@pytest.mark.parametrize("seed", range(5))
def test_right_mask_beats_random_and_random_beats_the_opposite(seed):
    random = torch.rand(N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(seed))
    truth = rectangle()
    low, middle, high = (curve_of(mask).auc for mask in (truth, random, 1 - truth))
    assert low < middle - 0.1
    assert middle < high - 0.1
    high, middle, low = (curve_of(mask, "insertion").auc for mask in (truth, random, 1 - truth))
    assert low < middle - 0.1
    assert middle < high - 0.1


def test_the_same_holds_for_a_black_box_that_is_not_linear(
    toy_spectrogram, toy_score_fn, toy_truth
):
    truth = toy_truth.float()
    random = torch.rand(truth.shape, generator=torch.Generator().manual_seed(0))
    background = toy_spectrogram.values.mean().expand_as(truth)
    masks = torch.stack([truth, random, 1 - truth])
    asked = (masks, toy_spectrogram.values, background, toy_score_fn)
    low, middle, high = (curve.auc for curve in perturbation_curves(*asked, direction="deletion"))
    assert low < middle < high
    high, middle, low = (curve.auc for curve in perturbation_curves(*asked, direction="insertion"))
    assert low < middle < high


@pytest.mark.parametrize("unit", ["bins", "frames", "events"])
def test_ends_are_the_input_and_the_background(unit):
    where = {"unit": unit, "events": [Event(3, 7)], "times": TIMES}
    score_fn = Noting(lambda inputs: 0.25 + inputs.mean(dim=(1, 2)) / 2)
    deletion = curve_of(rectangle(), "deletion", score_fn, **where)
    insertion = curve_of(rectangle(), "insertion", score_fn, **where)
    assert (deletion.scores[0], deletion.scores[-1]) == (0.75, 0.25)
    assert (insertion.scores[0], insertion.scores[-1]) == (0.25, 0.75)
    for curve in (deletion, insertion):
        assert (curve.shares[0], curve.shares[-1]) == (0, 1)
    assert {tuple(batch.unique().tolist()) for batch in score_fn.batches} == {(0, 1)}


def test_every_bin_changes_once_and_stays_changed():
    score_fn = Noting(mean_inside)
    mask = torch.rand(N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(1))
    curve = curve_of(mask, "deletion", score_fn, n_steps=7)
    steps = torch.cat(score_fn.batches[1:])
    gone = (1 - steps).flatten(1)
    # 40 bins in 7 steps: 5.7, 11.4, 17.1, 22.9, 28.6, 34.3, rounded
    assert gone.sum(dim=1).tolist() == [6, 11, 17, 23, 29, 34]
    assert curve.shares.tolist() == [k / 40 for k in (0, 6, 11, 17, 23, 29, 34, 40)]
    assert (gone.diff(dim=0) >= 0).all()
    for row in gone.bool():
        assert mask.flatten()[row].min() > mask.flatten()[~row].max()


def test_an_insertion_is_the_deletion_with_input_and_background_exchanged():
    mask = torch.rand(N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(2))
    deletion = perturbation_curves(mask[None], ONES, ZEROS, mean_inside, direction="deletion")[0]
    insertion = perturbation_curves(mask[None], ZEROS, ONES, mean_inside, direction="insertion")[0]
    assert deletion.scores.tolist() == insertion.scores.tolist()


def test_whole_frames_go_in_order_of_the_profile():
    score_fn = Noting(mean_inside)
    mask = line("0129475386")
    curve = curve_of(mask, "deletion", score_fn, unit="frames", n_steps=5)
    gone = 1 - torch.cat(score_fn.batches[1:])
    assert (gone == gone[:, :1]).all()
    #    0129475386
    assert ["".join("x" if frame else "." for frame in row) for row in gone[:, 0].tolist()] == [
        "...x....x.",
        "...x.x..xx",
        "...xxxx.xx",
        "..xxxxxxxx",
    ]
    # of the event's frames 3 to 6 one, two, four are gone
    assert curve.scores.tolist() == [1, 0.75, 0.5, 0, 0, 0]
    assert curve.auc == pytest.approx(0.2 * (1 / 2 + 0.75 + 0.5))


def test_recording_is_cut_at_the_borders_of_events():
    score_fn = Noting(mean_inside)
    #    0123456789
    reference = ".##..####."
    mask = line("1570388892")  # stretches: 1 | 6 | 1.5 | 8.25 | 2
    curve = curve_of(
        mask, "deletion", score_fn, unit="events", events=events_in(reference), times=TIMES
    )
    gone = 1 - torch.cat(score_fn.batches[1:])
    assert (gone == gone[:, :1]).all()
    assert ["".join("x" if frame else "." for frame in row) for row in gone[:, 0].tolist()] == [
        ".....xxxx.",
        ".xx..xxxx.",
        ".xx..xxxxx",
        ".xxxxxxxxx",
    ]
    assert curve.shares.tolist() == [0, 0.4, 0.6, 0.7, 0.9, 1]
    # the black box listens to frames 3 to 6; two of them go at first, two at last but one
    assert curve.scores.tolist() == [1, 0.5, 0.5, 0.5, 0, 0]
    assert curve.auc == pytest.approx(0.4 * 0.75 + 0.3 * 0.5 + 0.2 * 0.25)


def test_overlapping_events_are_cut_at_every_border():
    overlapping = [Event(1, 6), Event(4, 8), Event(4.1, 4.2)]  # the last holds no frame centre
    # stretches of 1, 3, 2, 2, 2 frames, from the left the best
    curve = curve_of(line("9888664422"), unit="events", events=overlapping, times=TIMES)
    assert curve.shares.tolist() == [0, 0.1, 0.4, 0.6, 0.8, 1]


def test_a_frame_on_a_border_belongs_to_what_begins_there():
    # centres at 0, 1, ... 9: an event of [2, 5) holds the frames 2, 3 and 4
    curve = curve_of(line("0099900000"), unit="events", events=[Event(2, 5)], times=TIMES - 0.5)
    assert curve.shares[1] == 0.3
    assert curve.scores[1] == 0.5  # frames 3 and 4 of the 3 to 6 that the black box listens to


def test_each_mask_has_its_own_shares_of_events():
    masks = torch.stack([line("9990000000"), line("0009999999")])
    curves = perturbation_curves(
        masks,
        ONES,
        ZEROS,
        mean_inside,
        direction="deletion",
        unit="events",
        events=[Event(0, 3)],
        times=TIMES,
    )
    assert [curve.shares.tolist() for curve in curves] == [[0, 0.3, 1], [0, 0.7, 1]]
    assert [curve.scores.tolist() for curve in curves] == [[1, 1, 0], [1, 0, 0]]


def test_an_event_that_is_the_whole_recording_gives_a_straight_line():
    curve = curve_of(rectangle(), unit="events", events=[Event(0, 10)], times=TIMES)
    assert (curve.shares.tolist(), curve.scores.tolist(), curve.auc) == ([0, 1], [1, 0], 0.5)


@pytest.mark.parametrize("unit", ["bins", "frames", "events"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_masks_together_are_as_each_alone_for_any_batch_size(unit, direction):
    masks = torch.rand(5, N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(3))
    masks[0], masks[1] = rectangle(), 0
    where = {"unit": unit, "events": [Event(1, 2), Event(4, 9)], "times": TIMES, "n_steps": 7}
    alone = [curve_of(mask, direction, **where) for mask in masks]
    for batch_size in (1, 3, 1000):
        score_fn = Noting(mean_inside)
        together = perturbation_curves(
            masks, ONES, ZEROS, score_fn, direction=direction, batch_size=batch_size, **where
        )
        assert max(map(len, score_fn.batches[1:])) <= batch_size
        assert len(together) == 5
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
            assert one.shares.tolist() == other.shares.tolist()


def test_ends_are_asked_once_for_all_masks():
    masks = torch.rand(3, N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(4))
    score_fn = Noting(mean_inside)
    perturbation_curves(masks, ONES, ZEROS, score_fn, direction="deletion", n_steps=8)
    assert sum(map(len, score_fn.batches)) == 3 * 7 + 2


@pytest.mark.parametrize("unit", ["bins", "frames"])
def test_a_flat_mask_is_a_random_one_wherever_the_event_lies(unit):
    def listens_to_the_first_frames(inputs):
        return inputs[:, :, :2].mean(dim=(1, 2))

    flat = torch.full((N_BINS, N_FRAMES), 0.1)
    areas = [
        curve_of(flat, "deletion", listens_to_the_first_frames, unit=unit, seed=seed).auc
        for seed in range(200)
    ]
    # by position it would be 0.1 (first frames first) or 0.9
    assert np.mean(areas) == pytest.approx(0.5, abs=0.05)


def test_order_of_ties_is_the_same_for_every_mask_and_given_by_the_seed():
    flat = torch.full((N_BINS, N_FRAMES), 0.3)
    masks = torch.stack([flat, 0 * flat, flat + 0.5])
    noted = [Noting(mean_inside) for _ in range(3)]
    for score_fn, seed in zip(noted, (0, 0, 1), strict=True):
        perturbation_curves(
            masks, ONES, ZEROS, score_fn, direction="deletion", n_steps=4, seed=seed
        )
    first, again, other = (torch.cat(score_fn.batches[1:]).view(3, 3, -1) for score_fn in noted)
    assert (first == first[:1]).all()
    assert (first == again).all()
    assert not (first == other).all()


@pytest.mark.parametrize("level", [0.1, 0.3, 0.7])
def test_stretches_of_one_level_are_a_tie_whatever_their_length(level):
    # in float64, a level summed up over 1, 3 and 6 frames and divided is not quite itself
    flat = torch.full((N_BINS, N_FRAMES), level, dtype=torch.float64)
    where = {"unit": "events", "events": [Event(1, 4)], "times": TIMES}
    first_shares = {curve_of(flat, **where, seed=seed).shares[1] for seed in range(30)}
    assert first_shares == {0.1, 0.3, 0.6}


def test_only_ties_are_drawn():
    mask = torch.rand(N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(5))
    first, second = (curve_of(mask, seed=seed) for seed in (0, 1))
    assert first.scores.tolist() == second.scores.tolist()


def test_nothing_is_changed_and_no_global_state_is_drawn_from():
    mask, values, background = rectangle(), ONES.clone(), ZEROS.clone()
    state = torch.get_rng_state()
    perturbation_curves(mask[None], values, background, mean_inside, direction="deletion")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(mask, rectangle())
    assert torch.equal(values, ONES)
    assert torch.equal(background, ZEROS)


def test_drop_is_the_mean_loss_of_the_curve():
    deletion, insertion = curve_of(rectangle()), curve_of(rectangle(), "insertion")
    assert deletion.drop == pytest.approx(1 - 0.1)
    assert insertion.drop == pytest.approx(1 - 0.9)


def test_curve_says_in_json_what_it_is():
    curve = curve_of(rectangle(), n_steps=2, fill="global_mean")
    document = json.loads(json.dumps(curve.as_dict()))
    assert document == {
        "direction": "deletion",
        "unit": "bins",
        "fill": "global_mean",
        "shares": [0, 0.5, 1],
        "scores": [1, 0, 0],
        "auc": 0.25,
    }
    again = Curve(np.array(document["scores"]), np.array(document["shares"]), "deletion", "bins")
    assert again.auc == curve.auc


def test_uneven_steps_weigh_by_their_width():
    curve = Curve(np.array([1.0, 0.0, 0.0]), np.array([0, 0.1, 1.0]), "deletion", "events")
    assert curve.auc == pytest.approx(0.05)


def test_masks_on_the_cpu_and_input_on_the_device_go_together(accelerator):
    mask = torch.rand(N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(6))
    on_device = perturbation_curves(
        mask[None],
        ONES.to(accelerator),
        ZEROS.to(accelerator),
        mean_inside,
        direction="deletion",
        n_steps=40,
    )[0]
    np.testing.assert_allclose(on_device.scores, curve_of(mask).scores, atol=1e-6)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"masks": torch.zeros(N_BINS, N_FRAMES)}, r"masks must be \[M, F, T\].* got shape \(4, 1"),
        ({"masks": torch.zeros(0, N_BINS, N_FRAMES)}, "M at least 1"),
        ({"masks": torch.zeros(1, N_FRAMES, N_BINS)}, r"got shape \(1, 10, 4\)"),
        ({"masks": torch.full((1, N_BINS, N_FRAMES), 1.5)}, r"masks leave \[0, 1\]"),
        ({"masks": torch.full((1, N_BINS, N_FRAMES), torch.nan)}, "or hold NaN"),
        ({"background": torch.zeros(2, 2)}, r"both be \[F, T\], got shapes \(4, 10\) and \(2, 2\)"),
        ({"direction": "up"}, "direction must be one of deletion, insertion, got 'up'"),
        ({"unit": "words"}, "unit must be one of bins, frames, events, got 'words'"),
        ({"n_steps": 0}, "n_steps must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"unit": "events"}, "needs events and times"),
        ({"unit": "events", "events": [Event(0, 1)]}, "needs events and times"),
        ({"unit": "events", "events": [Event(0, 1)], "times": [0.5]}, r"times must be \[T\] with"),
        ({"score_fn": lambda inputs: inputs}, "one score per input: 2 inputs, got shape"),
        ({"score_fn": lambda inputs: mean_inside(inputs) / 0}, "NaN or infinite scores"),
    ],
)
def test_malformed_input_is_refused(changed, reason):
    arguments = {
        "masks": rectangle()[None],
        "values": ONES,
        "background": ZEROS,
        "score_fn": mean_inside,
        "direction": "deletion",
    }
    with pytest.raises(ValueError, match=reason):
        perturbation_curves(**{**arguments, **changed})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"scores": np.ones(3)}, r"got shapes \(3,\) and \(2,\)"),
        ({"shares": np.array([0.0, 0.9])}, "shares must increase from 0 to 1"),
        ({"scores": np.ones(3), "shares": np.array([0.0, 0.0, 1.0])}, "shares must increase"),
        ({"scores": np.array([1.0, np.nan])}, "scores hold NaN"),
    ],
)
def test_malformed_curve_is_refused(changed, reason):
    curve = Curve(np.array([1.0, 0.0]), np.array([0.0, 1.0]), "deletion", "bins")
    with pytest.raises(ValueError, match=reason):
        dataclasses.replace(curve, **changed)
