"""Segments along what sounds do, on pictures whose right cut is known."""

import dataclasses
import itertools

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.catalogue import make_explainer
from daxaudio.explainers.settings import MethodSettings
from daxaudio.perturbation.fills import make_background
from daxaudio.perturbation.sampling import SegmentSampler
from daxaudio.perturbation.segmenters import SEGMENTERS, make_segmenter
from daxaudio.perturbation.segments import QuickShift
from daxaudio.perturbation.sound_segments import Agglomerative, HarmonicPercussive


def picture_of(values, unit="dB"):
    n_bins, n_frames = values.shape
    return Spectrogram(
        values, 50.0 * torch.arange(1, n_bins + 1), 0.02 * torch.arange(n_frames), "a", unit
    )


@pytest.fixture
def tone_and_clicks():
    """A tone in bins 10 and 11, clicks at frames 25 and 75, quiet noise around."""
    values = -70 + torch.randn(40, 100, generator=torch.Generator().manual_seed(0))
    values[10:12] = -10.0
    values[:, [25, 75]] = -10.0
    return picture_of(values)


@pytest.mark.parametrize("unit", ["dB", "PCEN"])
def test_a_tone_and_a_click_are_in_different_segments_of_one_cell(tone_and_clicks, unit):
    values = tone_and_clicks.values if unit == "dB" else (tone_and_clicks.values + 80) / 30
    segments = HarmonicPercussive(1, 2, kernel_size=15)(picture_of(values, unit))
    assert segments.max() == 3
    tone, click = segments[10, :20].unique(), segments[20:, 25].unique()
    assert len(tone) == len(click) == 1
    assert tone != click
    later = segments[10, 80:].unique()
    assert tone < later  # the two halves of the time are apart


def test_every_part_of_a_grid_is_cut_by_itself(tone_and_clicks):
    segments = HarmonicPercussive(4, 5, kernel_size=15)(tone_and_clicks)
    for label in segments.unique():
        bins, frames = (segments == label).nonzero().T
        assert len({int(number) * 4 // 40 for number in bins}) == 1
        assert len({int(number) * 5 // 100 for number in frames}) == 1
    assert 20 < segments.max() + 1 <= 40


def test_stretches_begin_where_the_sound_changes():
    borders = [0, 13, 40, 41, 88, 100]
    values = torch.empty(12, 100)
    for number, (start, end) in enumerate(itertools.pairwise(borders)):
        level = torch.randn(12, generator=torch.Generator().manual_seed(number))
        values[:, start:end] = 30 * level[:, None]
    values += 0.1 * torch.randn(12, 100, generator=torch.Generator().manual_seed(9))
    segments = Agglomerative(n_frequency_bands=3, n_time_bands=5)(picture_of(values))
    changes = 1 + segments[0].diff().nonzero().flatten()
    assert changes.tolist() == borders[1:-1]
    assert segments[:, 0].unique_consecutive().tolist() == [0, 5, 10]


@pytest.mark.parametrize("segmenter", [HarmonicPercussive(), Agglomerative()], ids=str)
def test_what_is_smaller_than_the_grid_is_refused(segmenter):
    values = torch.randn(3, 100, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match=r"n_frequency_bands is 4 .* only 3 frequency bins"):
        segmenter(picture_of(values))
    with pytest.raises(ValueError, match=r"n_time_bands is 12 .* only 3 frames"):
        segmenter(picture_of(values.T[:10, :3]))


@pytest.mark.parametrize(
    "segmenter", [HarmonicPercussive(2, 5), Agglomerative(2, 5)], ids=["hpss", "agglomerative"]
)
def test_queries_are_drawn_on_such_segments(segmenter, tone_and_clicks):
    asked = SegmentSampler(20, segmenter)(tone_and_clicks, lambda inputs: inputs.mean(dim=(1, 2)))
    assert asked.settings["n_segments"] == int(segmenter(tone_and_clicks).max()) + 1


def test_noise_is_never_quieter_than_silence_in_pcen():
    values = torch.rand(8, 200, generator=torch.Generator().manual_seed(0)) ** 4
    in_pcen = picture_of(values, "PCEN")
    assert float(make_background(in_pcen, "noise").min()) == float(values.min())
    as_levels = dataclasses.replace(in_pcen, unit="dB")
    assert float(make_background(as_levels, "noise").min()) < float(values.min())


@pytest.mark.parametrize("kind", SEGMENTERS)
def test_any_segmenter_can_be_named_in_a_configuration(kind, tone_and_clicks):
    arguments = {"n_bands": 4} if kind == "time_bands" else {}
    settings = MethodSettings(queries=20, segmenter=make_segmenter({"kind": kind, **arguments}))
    lime = make_explainer("lime", tone_and_clicks, settings)
    found = lime(tone_and_clicks, lambda inputs: inputs.mean(dim=(1, 2)))
    assert found.settings["sampler"]["segmenter"]["name"] == SEGMENTERS[kind].__name__
    assert make_segmenter({"max_dist": "5"}) == QuickShift(max_dist=5.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "watershed"}, r"kind must be one of \['agglomerative', 'grid'"),
        ({"kind": "slic", "max_dist": 5}, "section 'segmenter': unknown key 'max_dist'"),
        ({"kind": "grid", "n_time_bands": 1.5}, "n_time_bands must be a whole number"),
    ],
)
def test_a_segmenter_that_does_not_exist_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_segmenter(settings)
