"""A black box of three classes that reads its probabilities off three bins."""

import pytest
import torch

from daxaudio.metrics import (
    average_drop,
    average_gain,
    average_increase,
    faithfulness_measures,
)
from daxaudio.metrics.catalogue import GROUPS, MEASURES

VALUES, BACKGROUND = torch.tensor([[0.6, 0.3, 0.1, 9.0]]), torch.tensor([[0.2, 0.3, 0.5, 0.0]])


def reads_three_bins(inputs):
    return inputs[:, 0, :3]


def measures(*masks, index=0, ask=reads_three_bins, batch_size=64):
    masks = torch.tensor(masks)[:, None]
    return faithfulness_measures(masks, VALUES, BACKGROUND, ask, index=index, batch_size=batch_size)


def test_measures_by_hand():
    (found,) = measures([0.5, 0.0, 0.0, 0.0])
    # kept: half of the way from 0.2 to 0.6 is 0.4, beside 0.3 and 0.5; without: the rest, 0.4 too
    assert found == pytest.approx(
        {
            "average_drop": (0.6 - 0.4) / 0.6,
            "average_increase": 0,
            "average_gain": 0,
            "faithfulness": 0.6 - 0.4,
            "input_fidelity": 0,
        }
    )


def test_a_gain_by_hand():
    # explained is the third class: 0.1 in the input, 0.5 where its bin is masked off
    (found,) = measures([1.0, 1.0, 0.0, 1.0], index=2)
    assert found == pytest.approx(
        {
            "average_drop": 0,
            "average_increase": 1,
            "average_gain": (0.5 - 0.1) / (1 - 0.1),
            "faithfulness": 0,
            "input_fidelity": 1,
        }
    )


def test_a_mask_of_ones_loses_nothing_and_a_mask_of_zeros_is_the_background():
    everything, nothing = measures([1.0] * 4, [0.0] * 4)
    for name in ("average_drop", "average_increase", "average_gain"):
        assert everything[name] == 0
    assert everything["input_fidelity"] == 1
    assert everything["faithfulness"] == pytest.approx(0.6 - 0.2)
    assert nothing["average_drop"] == pytest.approx((0.6 - 0.2) / 0.6)
    assert nothing["faithfulness"] == pytest.approx(0, abs=1e-7)
    assert nothing["input_fidelity"] == 0


def test_the_part_that_the_black_box_does_not_read_is_worth_nothing():
    with_it, without_it = measures([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0])
    assert with_it == pytest.approx(without_it)


def test_right_mask_beats_its_opposite_in_every_measure(toy_spectrogram, toy_score_fn, toy_truth):
    def ask(inputs):
        score = toy_score_fn(inputs)
        return torch.stack([score, 1 - score], dim=1)

    truth, values = toy_truth.float(), toy_spectrogram.values
    background = values.min().expand_as(values)
    masks = torch.stack([truth, 1 - truth])
    right, wrong = faithfulness_measures(masks, values, background, ask, index=0)
    # the masked input is no better than the input, so there is nothing to gain
    for name in ("average_drop", "faithfulness", "input_fidelity"):
        sign = {"higher": 1, "lower": -1}[MEASURES[name].better]
        assert sign * right[name] > sign * wrong[name] + 0.5, name


def test_masks_together_are_as_each_alone_for_any_batch_size():
    masks = torch.rand(5, 4, generator=torch.Generator().manual_seed(0)).tolist()
    alone = [measures(mask)[0] for mask in masks]
    for batch_size in (1, 3, 1000):
        together = measures(*masks, batch_size=batch_size)
        for one, other in zip(alone, together, strict=True):
            assert one == pytest.approx(other, abs=1e-6)


def test_input_is_asked_once_for_all_masks_and_no_batch_is_too_large():
    sizes = []

    def ask(inputs):
        sizes.append(len(inputs))
        return reads_three_bins(inputs)

    measures(*[[0.5] * 4] * 5, ask=ask, batch_size=4)
    assert sizes == [4, 4, 3]


def test_probability_nought_and_one_leave_nothing_to_lose_and_to_gain():
    assert average_drop(0.0, 0.7) == 0
    assert average_gain(1.0, 0.7) == 0
    assert average_gain(0.0, 1.0) == average_drop(1.0, 0.0) == 1


def test_rounding_is_no_increase():
    assert average_increase(0.7, 0.7 + 1e-8) == 0
    assert average_increase(0.7, 0.7001) == 1


def test_values_have_the_names_and_ranges_of_the_catalogue():
    masks = torch.rand(20, 4, generator=torch.Generator().manual_seed(1)).tolist()
    for index in range(3):
        for found in measures(*masks, index=index):
            assert tuple(found) == GROUPS["faithfulness"]
            for name, value in found.items():
                assert MEASURES[name].low <= value <= MEASURES[name].high


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"masks": torch.ones(1, 4)}, r"masks must be \[M, F, T\]"),
        ({"masks": -torch.ones(1, 1, 4)}, r"masks leave \[0, 1\]"),
        ({"background": torch.ones(1, 3)}, "values and background must both be"),
        ({"index": 3}, "index must be a class from 0 to 2: 3"),
        ({"index": -1}, "index must be a class from 0 to 2: -1"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"class_probabilities": lambda inputs: inputs[:, 0, 0]}, r"must give \[n, C\]: 3 inputs"),
        (
            {"class_probabilities": lambda inputs: inputs[:, 0]},
            r"left \[0, 1\].* give it a softmax",
        ),
        ({"class_probabilities": lambda inputs: inputs[:, 0] * torch.nan}, "answered NaN"),
    ],
)
def test_malformed_input_is_refused(changed, reason):
    arguments = {
        "masks": torch.ones(1, 1, 4),
        "values": VALUES,
        "background": BACKGROUND,
        "class_probabilities": reads_three_bins,
        "index": 0,
    }
    with pytest.raises(ValueError, match=reason):
        faithfulness_measures(**{**arguments, **changed})
