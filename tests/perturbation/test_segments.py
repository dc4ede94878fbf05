import dataclasses
from collections.abc import Callable

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.explainers.lime import Lime
from daxaudio.perturbation.masks import SegmentMasks
from daxaudio.perturbation.sampling import SegmentSampler
from daxaudio.perturbation.segments import (
    Grid,
    QuickShift,
    Slic,
    TimeBands,
    renumber,
    segment_means,
)
from daxaudio.perturbation.sound_segments import Agglomerative, HarmonicPercussive

SEGMENTERS = [
    QuickShift(),
    Slic(n_segments=20),
    Grid(3, 5),
    TimeBands(n_bands=7),
    TimeBands(duration=0.25),
    HarmonicPercussive(3, 5, kernel_size=9),
    Agglomerative(3, 5),
]


def make_spectrogram(values: torch.Tensor) -> Spectrogram:
    n_bins, n_frames = values.shape
    return Spectrogram(values, torch.arange(n_bins) * 50.0, torch.arange(n_frames) * 0.02, "a")


@pytest.fixture
def noisy() -> Spectrogram:
    values = torch.randn(33, 101, generator=torch.Generator().manual_seed(1)) * 5 - 40
    values[8:20, 30:70] += 30
    return make_spectrogram(values)


@pytest.fixture
def rectangle() -> Spectrogram:
    values = torch.full((64, 200), -70.0)
    values[20:44, 60:140] = -10.0
    return make_spectrogram(values)


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=str)
def test_every_bin_has_a_label_and_labels_are_consecutive(segmenter, noisy):
    segments = segmenter(noisy)
    assert segments.shape == noisy.values.shape
    assert segments.dtype == torch.int64
    assert segments.unique().tolist() == list(range(int(segments.max()) + 1))
    assert segments.max() >= 1


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=str)
def test_the_same_spectrogram_gives_the_same_labels(segmenter, noisy):
    torch.manual_seed(0)
    first = segmenter(noisy)
    state = torch.get_rng_state()
    assert torch.equal(first, segmenter(noisy))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=str)
def test_the_input_is_left_untouched(segmenter, noisy):
    before = noisy.values.clone()
    segmenter(noisy)
    assert torch.equal(noisy.values, before)


@pytest.mark.parametrize("segmenter", [QuickShift(), Slic(20)], ids=str)
def test_a_bright_rectangle_shares_no_segment_with_dark_ground(segmenter, rectangle):
    segments = segmenter(rectangle)
    inside = segments[22:42, 62:138].unique()
    ground = torch.cat([segments[:18].flatten(), segments[46:].flatten()]).unique()
    assert not torch.isin(inside, ground).any()


@pytest.mark.parametrize("segmenter", [QuickShift(), Slic(20)], ids=str)
def test_levels_in_other_units_give_the_same_segments(segmenter, rectangle):
    other = make_spectrogram(rectangle.values / 64 + 3)
    assert torch.equal(segmenter(rectangle), segmenter(other))


def test_a_higher_ratio_makes_segments_follow_the_levels(noisy):
    def unexplained(ratio: float) -> float:
        segments = QuickShift(ratio=ratio)(noisy)
        return float((noisy.values - segment_means(noisy.values, segments)).var())

    assert unexplained(40.0) < 0.9 * unexplained(0.2)


def test_wider_kernels_give_fewer_segments(noisy):
    assert QuickShift(kernel_size=6)(noisy).max() < QuickShift(kernel_size=2)(noisy).max()


@pytest.mark.parametrize(
    "segmenter", [QuickShift(), Slic(), HarmonicPercussive(), Agglomerative()], ids=str
)
def test_a_flat_spectrogram_is_refused(segmenter):
    with pytest.raises(ValueError, match=r"'a' is flat .* use Grid or TimeBands"):
        segmenter(make_spectrogram(torch.full((20, 30), -80.0)))


def test_one_segment_is_refused_with_what_to_change():
    values = torch.zeros(4, 4)
    values[0, 0] = 1e-3
    with pytest.raises(ValueError, match=r"one segment .* lower kernel_size \(now 30\)"):
        QuickShift(kernel_size=30, max_dist=1000, ratio=0.001)(make_spectrogram(values))


def test_grid_cells_of_odd_sizes_differ_by_one_bin():
    segments = Grid(2, 3)(make_spectrogram(torch.zeros(3, 7)))
    assert segments[0].tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert segments[:, 0].tolist() == [0, 0, 3]


def test_grid_cuts_a_flat_spectrogram():
    assert Grid(2, 2)(make_spectrogram(torch.zeros(2, 2))).tolist() == [[0, 1], [2, 3]]


def test_a_grid_finer_than_the_bins_is_refused():
    with pytest.raises(ValueError, match=r"n_frequency_bands is 4 .* only 3 frequency bins"):
        Grid(4, 2)(make_spectrogram(torch.zeros(3, 7)))


def test_time_bands_do_not_depend_on_frequency():
    segments = TimeBands(n_bands=2)(make_spectrogram(torch.zeros(3, 4)))
    assert segments.tolist() == [[0, 0, 1, 1]] * 3


def test_duration_is_rounded_to_equal_bands():
    # 100 frames of 0.02 s are 2 s; bands of about 0.6 s are three
    segments = TimeBands(duration=0.6)(make_spectrogram(torch.zeros(1, 100)))
    assert segments[0].bincount().tolist() == [34, 33, 33]


def test_a_spectrogram_shorter_than_two_bands_is_refused():
    with pytest.raises(ValueError, match=r"2\.00 s .* lower duration to at most 1\.00 s"):
        TimeBands(duration=1.5)(make_spectrogram(torch.zeros(1, 100)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: QuickShift(kernel_size=0.5), "kernel_size must be at least 1, got 0.5"),
        (lambda: QuickShift(max_dist=0), "max_dist must be above 0"),
        (lambda: QuickShift(ratio=float("nan")), "ratio must be above 0, got nan"),
        (lambda: QuickShift(sigma=-1), "sigma must be at least 0"),
        (lambda: Slic(n_segments=1), "n_segments must be at least 2"),
        (lambda: Slic(compactness=0), "compactness must be above 0"),
        (lambda: Grid(1, 1), "at least two cells"),
        (lambda: Grid(0, 5), "n_frequency_bands must be at least 1"),
        (lambda: TimeBands(), "either n_bands or duration"),
        (lambda: TimeBands(3, 0.5), "either n_bands or duration"),
        (lambda: TimeBands(n_bands=1), "n_bands must be at least 2"),
        (lambda: HarmonicPercussive(kernel_size=30), "kernel_size must be odd, got 30"),
        (lambda: HarmonicPercussive(kernel_size=1), "kernel_size must be at least 3"),
        (lambda: HarmonicPercussive(0, 3), "n_frequency_bands must be at least 1"),
        (lambda: Agglomerative(1, 1), "at least two cells"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_segment_means_are_worked_by_hand():
    values = torch.tensor([[1.0, 3.0], [10.0, -4.0]])
    segments = torch.tensor([[0, 0], [1, 0]])
    assert segment_means(values, segments).tolist() == [[0.0, 0.0], [10.0, 0.0]]


def test_segment_means_keep_the_sum(noisy):
    means = segment_means(noisy.values, QuickShift()(noisy))
    torch.testing.assert_close(means.sum(), noisy.values.sum())


def test_segment_means_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="must have one shape"):
        segment_means(torch.zeros(2, 3), torch.zeros(3, 2, dtype=torch.int64))


@dataclasses.dataclass(frozen=True)
class OwnLabels:
    """A grid whose labels are made into something else."""

    change: Callable

    def __call__(self, spectrogram):
        return self.change(Grid(1, 4)(spectrogram))


WORTH = torch.tensor([1.0, 2.0, 4.0, 8.0])
"""Of the four bands: the Shapley values of `worth_of_bands`."""


def worth_of_bands(inputs):
    return (inputs[:, 1:].mean(dim=1).unflatten(1, (4, 10)).mean(dim=-1) * WORTH).sum(dim=1)


def bands():
    values = torch.ones(4, 40)
    values[0] = 0.0  # the floor
    return Spectrogram(values, torch.arange(4.0), torch.arange(40.0) / 100, "bands")


CHANGES = {
    "as they are": lambda labels: labels,
    "from 1": lambda labels: labels + 1,
    "gaps": lambda labels: 100 * labels,
    "below 0": lambda labels: 7 * labels - 30,
    "NumPy": lambda labels: labels.numpy() * 3,
    "int16": lambda labels: (5 * labels).short(),
    "beyond 2^32": lambda labels: labels * 2**40,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("sampling", ["shapley", "bernoulli"])
def test_labels_of_any_whole_numbers_give_the_same_shapley_values(change, sampling):
    sampler = SegmentSampler(200, OwnLabels(change), sampling=sampling, fill="floor")
    explanation = KernelShap(sampler)(bands(), worth_of_bands)
    torch.testing.assert_close(explanation.attribution[1, ::10], WORTH, atol=1e-4, rtol=0)
    assert explanation.settings["sampler"]["n_segments"] == 4


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_labels_of_any_whole_numbers_give_the_same_lime(change):
    right, found = (
        Lime(SegmentSampler(60, segmenter, fill="floor"))(bands(), worth_of_bands)
        for segmenter in (Grid(1, 4), OwnLabels(change))
    )
    assert torch.equal(found.attribution, right.attribution)


def test_merged_labels_are_renumbered_in_their_order():
    labels = torch.tensor([[3, 3, 9], [0, 9, 3]])
    shown = make_spectrogram(torch.zeros(2, 3))
    assert renumber(labels, shown).tolist() == [[1, 1, 2], [0, 2, 1]]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda labels: labels.float(), TypeError, "labels must be whole numbers, got torch.float"),
        (lambda labels: labels[:, 1:], ValueError, r"labels are \(4, 39\), the spectrogram is"),
        (lambda labels: labels * 0, ValueError, "came out as one segment"),
    ],
)
def test_labels_that_are_no_segments_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        Lime(SegmentSampler(9, OwnLabels(change)))(bands(), worth_of_bands)


def test_masks_of_parts_that_are_nowhere_are_refused():
    with pytest.raises(ValueError, match="1 of 3 columns of kept have no segment"):
        SegmentMasks(torch.tensor([[0, 2]]), torch.ones(2, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="from label -1 up to label 1"):
        SegmentMasks(torch.tensor([[-1, 0, 1]]), torch.ones(2, 2, dtype=torch.bool))
