"""FreqRISE: what is heard of the sound, what is marked, and that only waveforms will do."""

import math

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.experiments.explain import check_askable, explain
from daxaudio.explainers.freq_rise import FreqRise
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.perturbation.stft_grids import StftGridSampler
from daxaudio.runs.config import build

RATE, SECONDS = 8000, 2.0
MOMENTS = torch.arange(round(RATE * SECONDS)) / RATE
START, END, HERTZ = 0.8, 1.2, 1000.0


class HearsATone:
    """The level of a tone in the sound, at one frequency and from one time to another."""

    described = {}  # noqa: RUF012

    def __call__(self, inputs):
        inside = (MOMENTS >= START) & (MOMENTS < END)
        wave = torch.exp(2j * math.pi * HERTZ * MOMENTS) * inside
        return (inputs.to(wave) @ wave).abs()[:, None].float() / inside.sum() * 2

    def digest(self):
        return "tone"


@pytest.fixture
def asked():
    """A model of waveforms about a recording: the tone, one that does not count, and noise."""
    random = torch.Generator().manual_seed(0)
    waveform = 0.01 * torch.randn(1, len(MOMENTS), generator=random)
    waveform += torch.cos(2 * math.pi * HERTZ * MOMENTS) * (MOMENTS >= 0.8) * (MOMENTS < 1.2)
    waveform += 2 * torch.cos(2 * math.pi * 3000 * MOMENTS) * (MOMENTS >= 0.1) * (MOMENTS < 0.5)
    model = ForeignModel(HearsATone(), Description(["tone"], RATE, output="regression"))
    return model.about(Recording(waveform, RATE, "a"))


def freq_rise(n_samples=300, **settings):
    return FreqRise(StftGridSampler(n_samples, **{"cells": (8, 8), **settings}))


def test_the_tone_is_found_in_time_and_frequency(asked):
    found = freq_rise(600)(asked.spectrogram, asked.score_fn("tone"))
    frequencies, times = asked.spectrogram.frequencies, asked.spectrogram.times
    place = found.mask.argmax()
    bin_, frame = divmod(int(place), len(times))
    assert float(frequencies[bin_]) == pytest.approx(HERTZ, abs=500)  # a cell is 500 Hz high
    assert float(times[frame]) == pytest.approx(1.0, abs=0.25)
    inside = (times >= START) & (times < END)
    other = (times >= 0.1) & (times < 0.5)
    assert float(found.profile[inside].mean()) > float(found.profile[other].mean()) + 0.1


def test_the_whole_recording_is_kept_by_ones_and_nothing_by_zeros(asked):
    score_fn = asked.score_fn("tone")
    drawn = StftGridSampler(5)(asked.spectrogram, score_fn)
    whole = float(score_fn(asked.spectrogram.values[None]))
    assert drawn.original_score == pytest.approx(whole, rel=1e-5)
    assert drawn.background_score == 0


class Notes:
    """Notes what is heard."""

    target = "tone"

    def __init__(self, waveform):
        self.sound, self.heard = Recording(waveform, RATE, "a"), []

    def of_sounds(self, waveforms):
        self.heard += [waveforms.clone()]
        return waveforms.square().mean(dim=(1, 2))

    def __call__(self, spectrograms):
        raise AssertionError("the sound is to be masked, not the spectrogram")


@pytest.mark.parametrize("n_channels", [1, 2])
def test_one_column_of_cells_is_a_filter_of_the_sound(asked, n_channels):
    random = torch.Generator().manual_seed(1)
    heard = Notes(torch.randn(n_channels, len(MOMENTS), generator=random))
    drawn = StftGridSampler(12, cells=(4, 1))(asked.spectrogram, heard)
    sounds = torch.cat(heard.heard)[2:]
    power = torch.fft.rfft(sounds).abs().square().mean(dim=1)  # [12, frequencies]
    whole = torch.fft.rfft(heard.sound.waveform).abs().square().mean(dim=0)
    for index in (3, 20, 40, 60):  # bins of the display
        here = round(float(asked.spectrogram.frequencies[index]) * SECONDS)
        near = slice(here - 20, here + 21)
        gain = (power[:, near].sum(dim=1) / whole[near].sum()).sqrt()
        masks = drawn.perturbation.masks(slice(None))[:, index]
        torch.testing.assert_close(gain, masks.mean(dim=1), atol=0.06, rtol=0)


def test_the_map_is_the_mean_score_weighted_by_the_masks(asked):
    drawn = StftGridSampler(60)(asked.spectrogram, asked.score_fn("tone"))
    masks = drawn.perturbation.masks(slice(None)).double()
    expected = (masks * drawn.scores[:, None, None]).sum(0) / masks.sum(0)
    found = FreqRise().fit(drawn)
    torch.testing.assert_close(found.attribution, expected.float(), rtol=1e-4, atol=1e-6)
    assert torch.equal(found.attribution, Rise().fit(drawn).attribution)


@pytest.mark.parametrize("rows", [slice(2, 9), torch.tensor([7, 0])], ids=str)
def test_some_masks_are_what_they_are_among_all(asked, rows):
    drawn = StftGridSampler(10)(asked.spectrogram, asked.score_fn("tone")).perturbation
    assert torch.equal(drawn.masks(rows), drawn.masks(slice(None))[rows])


def test_draws_and_answers_depend_on_seed_alone(asked):
    score_fn = asked.score_fn("tone")
    first, again, other = (
        freq_rise(40, seed=seed, batch_size=size)(asked.spectrogram, score_fn)
        for seed, size in ((0, 1), (0, 7), (1, 7))
    )
    torch.testing.assert_close(first.attribution, again.attribution, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(first.attribution, other.attribution, rtol=1e-2)


def test_every_query_is_counted_and_the_class_is_named(asked):
    before = asked.n_queries
    settings = build(MethodSettings, "explain", {"queries": 50, "freq_rise": {"cells": [5, 7]}})
    found = explain(asked.recording, asked, "freq_rise", target="tone", settings=settings)
    assert (found.method, found.target, found.n_queries) == ("freq_rise", "tone", 52)
    assert asked.n_queries == before + 52 + 3  # those of the model's check
    assert found.settings["sampler"]["cells"] == [5, 7]


def test_a_model_of_spectrograms_is_refused_in_one_line_before_it_is_asked():
    front_end = LogMel(sample_rate=16000, n_fft=512, hop_length=320, n_mels=16)
    module = SpectrogramResNet(2, depth=10, mean=-40.0, std=15.0, width=8)
    box = BlackBox(module, front_end, ["a", "b"])
    with pytest.raises(ValueError, match=r"freq_rise masks the sound itself.* such as dax_v5"):
        check_askable(["rise", "freq_rise"], box)
    clip = front_end.spectrogram(Recording(torch.randn(1, 8000), 16000))
    with pytest.raises(ValueError, match=r"mask the sound itself.* as rise does"):
        freq_rise()(clip, box.score_fn("a"))


def test_methods_that_ask_explain_models_of_waveforms(asked):
    check_askable(["freq_rise", "rise", "forest"], asked)
    with pytest.raises(ValueError, match="gradient looks into the module"):
        check_askable(["gradient"], asked)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1"),
        ({"cells": (0, 4)}, "cells must be at least 1"),
        ({"keep": 1.0}, "keep must lie between 0 and 1"),
        ({"window": 0.0}, "window must be above 0 s"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        StftGridSampler(**settings)


def test_a_grid_finer_than_the_transform_is_refused(asked):
    with pytest.raises(ValueError, match="finer than the transform of the sound"):
        freq_rise(cells=(8, 5000))(asked.spectrogram, asked.score_fn("tone"))
