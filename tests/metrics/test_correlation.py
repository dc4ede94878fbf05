"""Black boxes whose losses are known: linear in the bins, either of two parts, deaf."""

import numpy as np
import pytest
import torch

from daxaudio.metrics import (
    correlation_measures,
    faithfulness_correlation,
    infidelity,
    part_faithfulness,
)
from daxaudio.metrics.correlation import SHARE

N_BINS, N_FRAMES = 32, 64
ONES, ZEROS = torch.ones(N_BINS, N_FRAMES), torch.zeros(N_BINS, N_FRAMES)
CHANCE = {"faithfulness_correlation": 0, "band_faithfulness": 0, "window_faithfulness": 0}


def weights():
    """Relevance of a made recording: an event in the middle, higher in the upper bands."""
    bins = torch.linspace(-1, 1, N_BINS)[:, None]
    frames = torch.linspace(-3, 3, N_FRAMES)[None]
    return torch.exp(-(frames**2) - (bins - 0.5) ** 2)


def linear(inputs):
    return (inputs * weights() / weights().sum()).sum(dim=(1, 2))


def either_half(inputs):
    return torch.maximum(inputs[:, :, 10:16].mean((1, 2)), inputs[:, :, 48:54].mean((1, 2)))


def deaf(inputs):
    return torch.full((len(inputs),), 0.7)


def measures(*masks, score_fn=linear, **settings):
    return correlation_measures(torch.stack(masks), ONES, ZEROS, score_fn, **settings)


def test_relevance_of_a_linear_black_box_foretells_all():
    (found,) = measures(weights())
    expected = dict.fromkeys(CHANCE, 1) | {"infidelity": 0}
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("scale", "offset"), [(0.01, 0.0), (0.3, 0.6)])
def test_units_of_a_mask_do_not_count(scale, offset):
    plain, changed = measures(weights(), scale * weights() + offset)
    if offset:  # a least relevance is another explanation to infidelity alone, which adds it up
        assert changed.pop("infidelity") > plain.pop("infidelity")
    assert changed == pytest.approx(plain, abs=1e-6)


def test_the_opposite_foretells_the_opposite_and_nothing_of_the_size():
    (found,) = measures(1 - weights())
    assert [found[name] for name in CHANCE] == pytest.approx([-1] * 3, abs=1e-4)
    assert 0 < found["infidelity"] <= 1


@pytest.mark.parametrize("level", [0.3, 1.0])
def test_a_flat_mask_has_chance_and_not_nothing(level):
    found, nothing = measures(level * ONES, ZEROS)
    assert {name: found[name] for name in CHANCE} == CHANCE
    assert {name: nothing[name] for name in CHANCE} == CHANCE
    assert 0 < found["infidelity"] < nothing["infidelity"] == 1


def test_a_random_mask_is_as_good_as_a_flat_one():
    random = torch.rand(40, N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(0))
    flat, *found = measures(ONES, *random)
    for name in CHANCE:
        assert np.mean([one[name] for one in found]) == pytest.approx(0, abs=0.15)
    mean = np.mean([one["infidelity"] for one in found])
    assert mean == pytest.approx(flat["infidelity"], abs=0.02)


def test_of_a_black_box_that_hears_nothing_nothing_is_said():
    (found,) = measures(weights(), score_fn=deaf)
    assert all(np.isnan(value) for value in found.values())


def test_parts_of_which_either_suffices_are_lost_together_alone():
    both = ZEROS.clone()
    both[:, 10:16] = both[:, 48:54] = 1
    one = ZEROS.clone()
    one[:, 10:16] = 1
    for_both, for_one = measures(both, one, score_fn=either_half)
    # no window alone takes anything away; every band takes its share of both
    assert np.isnan(for_both["window_faithfulness"])
    assert for_both["faithfulness_correlation"] > for_one["faithfulness_correlation"] > 0
    assert for_both["infidelity"] < for_one["infidelity"]


def test_time_and_frequency_are_told_apart():
    right_in_time = weights().mean(dim=0, keepdim=True).expand(N_BINS, -1)
    right_in_frequency = weights().mean(dim=1, keepdim=True).expand(-1, N_FRAMES)
    in_time, in_frequency = measures(right_in_time, right_in_frequency)
    assert (in_time["band_faithfulness"], in_time["window_faithfulness"]) == (0, pytest.approx(1))
    assert in_frequency["window_faithfulness"] == 0
    assert in_frequency["band_faithfulness"] == pytest.approx(1)


def test_each_blob_takes_a_quarter_and_all_bins_are_as_likely():
    taken = []

    def notes(inputs):
        taken.append(inputs == 0)
        return inputs.mean(dim=(1, 2))

    measures(ONES, score_fn=notes, n_subsets=1000, n_parts=1)
    blobs = torch.cat(taken)[1:1001]
    assert (blobs.sum(dim=(1, 2)) == SHARE * N_BINS * N_FRAMES).all()
    # 0.25 of 1000 draws, deviation 0.014
    assert 0.18 < blobs.double().mean(dim=0).min() <= blobs.double().mean(dim=0).max() < 0.32
    # and they hang together: the next frame of what is taken is taken, far more often than 1 in 4
    again = (blobs & blobs.roll(1, dims=2)).sum() / blobs.sum()
    assert again > 0.6


def test_bands_and_windows_take_each_bin_once():
    taken = []

    def notes(inputs):
        taken.append(inputs == 0)
        return inputs.mean(dim=(1, 2))

    correlation_measures(
        torch.ones(1, 7, 10), torch.ones(7, 10), torch.zeros(7, 10), notes, n_subsets=2, n_parts=3
    )
    parts = torch.cat(taken)[3:]
    bands, windows = parts[:3], parts[3:]
    assert (bands.sum(dim=0) == 1).all()
    assert (windows.sum(dim=0) == 1).all()
    assert bands[:, :, 0].sum(dim=1).tolist() == [3, 2, 2]
    assert windows[:, 0].sum(dim=1).tolist() == [4, 3, 3]


def test_any_number_of_masks_costs_the_same_queries():
    sizes = []

    def counts(inputs):
        sizes.append(len(inputs))
        return linear(inputs)

    for n_masks in (1, 5):
        sizes.clear()
        measures(*[weights()] * n_masks, score_fn=counts, n_subsets=20, n_parts=8)
        assert sum(sizes) == 1 + 20 + 8 + 8


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_masks_together_are_as_each_alone_for_any_batch_size(batch_size):
    masks = torch.rand(3, N_BINS, N_FRAMES, generator=torch.Generator().manual_seed(1))
    few = {"n_subsets": 12, "n_parts": 5}
    together = measures(*masks, batch_size=batch_size, **few)
    for mask, found in zip(masks, together, strict=True):
        assert found == pytest.approx(measures(mask, **few)[0], abs=1e-4)


def test_draws_are_those_of_the_seed_and_no_global_state_is_drawn_from():
    state = torch.get_rng_state()
    first, again, other = (measures(weights() ** 3, seed=seed)[0] for seed in (0, 0, 1))
    assert first == again
    assert first["infidelity"] != other["infidelity"]
    assert torch.equal(torch.get_rng_state(), state)


def test_fewer_bins_than_parts_and_an_input_of_one_row():
    row = torch.tensor([[0.1, 0.9, 0.3]])

    def reads(inputs):
        return inputs[:, 0, 1]

    (found,) = correlation_measures(row[None], torch.ones(1, 3), torch.zeros(1, 3), reads)
    assert np.isnan(found["band_faithfulness"])
    assert found["window_faithfulness"] > 0.8  # 1, 3, 2 against the tied 1.5, 3, 1.5


def test_it_is_the_same_on_another_device(accelerator):
    def on_device(inputs):
        return (inputs * weights().to(inputs) / weights().sum()).sum(dim=(1, 2))

    there = correlation_measures(
        weights()[None] ** 2, ONES.to(accelerator), ZEROS.to(accelerator), on_device
    )
    assert there[0] == pytest.approx(measures(weights() ** 2)[0], abs=1e-3)


def test_numbers_by_hand():
    sums, drops = [1, 2, 3, 4], [0.1, 0.3, 0.2, 0.4]
    assert faithfulness_correlation(sums, drops) == pytest.approx(0.8)
    assert part_faithfulness(sums, drops) == pytest.approx(0.8)
    # sums * drops is 2.9; the squares are 30 and 0.3
    assert infidelity(sums, drops) == pytest.approx(1 - 2.9**2 / 9)
    assert infidelity([-1, -2], [0.1, 0.3]) == 1  # no scale of at least 0 helps
    assert part_faithfulness([1, 1, 2, 2], [0.1, 0.1, 0.2, 0.2]) == pytest.approx(1)


@pytest.mark.parametrize("measure", [faithfulness_correlation, part_faithfulness])
def test_rounding_is_no_order(measure):
    assert measure([0.3, 0.3 + 1e-15, 0.3 - 1e-15], [0.1, 0.3, 0.2]) == 0
    assert np.isnan(measure([1, 2, 3], [0.1, 0.1 + 1e-8, 0.1 - 1e-8]))


@pytest.mark.parametrize("measure", [faithfulness_correlation, part_faithfulness, infidelity])
def test_lists_of_other_lengths_are_refused(measure):
    with pytest.raises(ValueError, match=r"two lists of one length, got shapes \(2,\) and \(3,\)"):
        measure([1, 2], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"n_subsets": 1}, "n_subsets must be at least 2, got 1"),
        ({"n_parts": 0}, "n_parts must be at least 1, got 0"),
        ({"masks": ONES}, r"masks must be \[M, F, T\]"),
        ({"score_fn": lambda inputs: inputs}, "one score per input"),
    ],
)
def test_malformed_input_is_refused(changed, reason):
    arguments = {"masks": ONES[None], "values": ONES, "background": ZEROS, "score_fn": linear}
    with pytest.raises(ValueError, match=reason):
        correlation_measures(**{**arguments, **changed})
