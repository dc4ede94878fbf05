"""What the groups of measures find of explanations, and how often they ask the black box for it."""

from pathlib import Path

import pytest
import torch
from torch import nn

from daxaudio.containers import Event, Events, Explanation, Spectrogram
from daxaudio.data.kaldi import DataFolder
from daxaudio.experiments.explaining_run import ExplainingRun
from daxaudio.experiments.measure import Measuring
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.frontends import LogMel
from daxaudio.metrics.catalogue import GROUPS
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.blackbox import BlackBox

N_BINS, N_FRAMES = 16, 40
SETTINGS = MeasureSettings(n_steps=4, n_placements=5, n_subsets=20, n_parts=8)


class HearsTheMiddle(nn.Module):
    """Two classes: level in the upper bands of the frames 10 to 19, or none."""

    def forward(self, spectrograms):
        level = spectrograms[:, 8:, 10:20].mean((1, 2))
        return torch.stack([level, 2.4 - level], dim=1)


def explained():
    """The right mask, one at random, and a flat one, of the same recording."""
    random = torch.Generator().manual_seed(0)
    values = torch.rand(N_BINS, N_FRAMES, generator=random)
    values[8:, 10:20] += 2
    spectrogram = Spectrogram(
        values, torch.arange(float(N_BINS)), torch.arange(float(N_FRAMES)), "one"
    )
    right = torch.zeros(N_BINS, N_FRAMES)
    right[8:, 10:20] = 1
    masks = {"dax_v4": right, "random": torch.rand(right.shape, generator=random)}
    masks["all_ones"] = torch.ones_like(right)
    return [Explanation(mask, spectrogram, name, target="heard") for name, mask in masks.items()]


def measuring_of(fill="floor", events=(), out=Path()):
    """What measures the explanations of the recording "one", and its black box."""
    box = BlackBox(HearsTheMiddle(), LogMel(8000, 512, 256, N_BINS), ["heard", "nothing"])
    known, none = {"one": Events(events)}, DataFolder({}, {}, {}, {})
    run = ExplainingRun(box, none, ("dax_v4",), events=known, settings=MethodSettings(fill=fill))
    return Measuring(run, SETTINGS, out), box


def measure(groups, explanations, fill="floor"):
    """Values of each explanation, and how many inputs the black box was asked about."""
    measuring, box = measuring_of(fill)
    ask = AskOnce(box)
    values = [{} for _ in explanations]
    for group in groups:
        for own, found in zip(values, measuring.find(group, explanations, ask), strict=True):
            own |= found["values"]
    return values, box.n_queries


@pytest.fixture(scope="module")
def found():
    values, _ = measure(("deletion", "srg", "correlation", "road"), explained())
    return dict(zip(("right", "random", "flat"), values, strict=True))


@pytest.mark.parametrize("group", ["srg", "correlation", "road"])
def test_each_measure_of_a_group_is_found(found, group):
    assert set(GROUPS[group]) <= set(found["right"])


def test_the_right_mask_gains_and_one_that_knows_nothing_has_chance(found):
    for name in (*GROUPS["srg"], *GROUPS["correlation"], *GROUPS["road"]):
        if name == "infidelity":
            assert found["right"][name] < 0.5 * found["random"][name]
        else:
            assert found["right"][name] > 0.15
            assert found["random"][name] < 0.5 * found["right"][name]
    exactly = ("deletion_at_area", "insertion_at_area", "faithfulness_correlation")
    assert [found["flat"][name] for name in exactly] == [0, 0, 0]


@pytest.mark.parametrize("end", ["", "_frames", "_noise"])
def test_gain_of_the_order_is_the_difference_of_the_areas(found, end):
    for own in found.values():
        difference = own[f"insertion_auc{end}"] - own[f"deletion_auc{end}"]
        assert own[f"srg{end}"] == pytest.approx(difference, abs=1e-9)


def test_gain_of_the_order_asks_for_no_curve_again():
    explanations = explained()
    asked = {
        groups: measure(groups, explanations)[1]
        for groups in (("deletion",), ("srg",), ("deletion", "srg"))
    }
    n_moved = 3 * 2 * (5 + 1)  # masks, without and alone, places and its own
    assert asked["deletion", "srg"] == asked["deletion",] + n_moved
    assert asked["srg",] == asked["deletion", "srg"]  # alone, it asks for the curves


def test_what_is_taken_away_is_asked_about_once_for_all_masks():
    explanations = explained()
    assert measure(("correlation",), explanations)[1] == 1 + 20 + 8 + 8
    assert measure(("correlation",), explanations[:1])[1] == 1 + 20 + 8 + 8


def test_with_noise_as_the_fill_its_gain_is_named_once():
    values, _ = measure(("srg",), explained()[:1], fill="noise")
    assert "srg" in values[0]
    assert "srg_noise" not in values[0]


def test_masks_measured_together_are_as_each_alone():
    explanations = explained()
    together, _ = measure(("srg", "correlation", "road"), explanations)
    for explanation, own in zip(explanations, together, strict=True):
        (alone,), _ = measure(("srg", "correlation", "road"), [explanation])
        assert own == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize("group", ["deletion", "same_form"])
def test_events_that_are_now_those_of_the_class_are_measured_anew(tmp_path, group):
    right = explained()[:1]

    def known(*events):
        return measuring_of(events=events, out=tmp_path)

    measuring, box = known(Event(10, 20, "heard"), Event(30, 35, "nothing"))
    assert not measuring.measure(group, right, AskOnce(box))
    assert measuring.stored(group, right[0])
    assert known(Event(10, 20, "heard"), Event(1, 2, "others"))[0].stored(group, right[0])
    assert not known(Event(10, 20, "heard"), Event(30, 35, "heard"))[0].stored(group, right[0])
