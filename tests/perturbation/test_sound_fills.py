"""Stretches of the sound itself are replaced: what is heard, without clicks, and by any method."""

import dataclasses
import math
from types import MappingProxyType

import pytest
import torch

from daxaudio.containers import Recording, Spectrogram
from daxaudio.experiments.explain import explain
from daxaudio.explainers.catalogue import METHODS
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.perturbation.fills import FILLS
from daxaudio.perturbation.query import ask_masked
from daxaudio.perturbation.sampling import MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid, TimeBands
from daxaudio.perturbation.sound_fills import FADE, SoundInTime
from daxaudio.runs.config import build

RATE, SECONDS, N_FRAMES = 8000, 2.0, 100
TIMES = (torch.arange(N_FRAMES) + 0.5) * SECONDS / N_FRAMES
IN_SOUND = [fill for fill, row in FILLS.items() if row.in_sound]
EVENT = slice(40, 60)  # frames, 0.8 to 1.2 s


def noise(n_channels=1, level=1.0, seed=0):
    random = torch.Generator().manual_seed(seed)
    return level * torch.randn(n_channels, int(RATE * SECONDS), generator=random)


def samples(frames):
    return slice(*(round(at * SECONDS / N_FRAMES * RATE) for at in (frames.start, frames.stop)))


def masks_of(frames, n_bins=6):
    masks = torch.ones(1, n_bins, N_FRAMES)
    masks[:, :, frames] = 0
    return masks


class HearsOneStretch:
    """The level in the event; no score of a spectrogram."""

    target = "event"
    masks_sound = True

    def __init__(self, waveform):
        self.sound = Recording(waveform, RATE, "a")
        self.sizes = []

    def of_sounds(self, waveforms):
        self.sizes.append(len(waveforms))
        return waveforms[:, :, samples(EVENT)].square().mean(dim=(1, 2)).sqrt()

    def __call__(self, spectrograms):
        raise AssertionError("the sound is to be changed, not the spectrogram")


@pytest.fixture
def event():
    waveform = noise(level=0.01)
    waveform[:, samples(EVENT)] += noise()[:, samples(EVENT)]
    values = torch.full((6, N_FRAMES), -60.0) + torch.randn(6, N_FRAMES).clamp(-1, 1)
    values[:, EVENT] += 40
    picture = Spectrogram(values, torch.arange(6.0), TIMES, "a")
    return picture, HearsOneStretch(waveform)


@pytest.mark.parametrize("fill", IN_SOUND)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_what_is_kept_is_the_recording_and_all_of_it_with_ones(fill, n_channels):
    sound = Recording(noise(n_channels), RATE, "a")
    masked = SoundInTime(sound, TIMES, fill)
    whole, cut = masked(torch.cat([torch.ones(1, 6, N_FRAMES), masks_of(EVENT)]))
    torch.testing.assert_close(whole, sound.waveform, atol=1e-6, rtol=0)
    gap, half = samples(EVENT), round(FADE / 2 * RATE) + 1
    for kept in (slice(0, gap.start - half), slice(gap.stop + half, None)):
        torch.testing.assert_close(cut[:, kept], sound.waveform[:, kept], atol=1e-6, rtol=0)
    inside = slice(gap.start + half, gap.stop - half)
    assert float((cut - sound.waveform)[:, inside].square().mean()) > 0.5


@pytest.mark.parametrize("fill", IN_SOUND)
def test_nothing_of_what_is_masked_off_is_heard(fill):
    waveform, gap, half = noise(level=0.01), samples(EVENT), round(FADE / 2 * RATE) + 1
    waveform[:, gap] *= 10  # the quiet level of the recording lies elsewhere
    other = waveform.clone()
    other[:, gap.start + half : gap.stop - half] = (
        0.1 * noise(seed=1)[:, : gap.stop - gap.start - 2 * half]
    )
    heard = [
        SoundInTime(Recording(w, RATE, "a"), TIMES, fill)(masks_of(EVENT))
        for w in (waveform, other)
    ]
    torch.testing.assert_close(*heard)


def test_zeros_are_silence_and_never_add_energy():
    waveform = noise()
    masks = (torch.rand(8, 1, N_FRAMES, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    found = SoundInTime(Recording(waveform, RATE), TIMES, "zeros")(masks.expand(-1, 6, -1))
    assert bool((found.abs() <= waveform.abs()).all())
    nothing = SoundInTime(Recording(waveform, RATE), TIMES, "zeros")(torch.zeros(1, 6, N_FRAMES))
    assert float(nothing.abs().max()) == 0


def test_noise_has_the_quiet_level_of_the_recording():
    waveform = noise(level=0.01)
    waveform[:, samples(slice(20, 100))] *= 100
    found = SoundInTime(Recording(waveform, RATE, "a"), TIMES, "white_noise")(masks_of(EVENT))
    inside = found[0, 0, samples(slice(42, 58))]
    assert float(inside.square().mean().sqrt()) == pytest.approx(0.01, rel=0.1)
    again = SoundInTime(Recording(waveform, RATE, "a"), TIMES, "white_noise")(masks_of(EVENT))
    assert torch.equal(found, again)


def test_surroundings_go_from_what_was_before_to_what_comes_after():
    waveform = noise(level=0.01)
    waveform[:, samples(slice(60, 100))] *= 100
    waveform[:, samples(EVENT)] = 5.0
    found = SoundInTime(Recording(waveform, RATE, "a"), TIMES, "surroundings")(masks_of(EVENT))
    levels = [
        float(found[0, 0, samples(slice(at, at + 4))].square().mean().sqrt()) for at in (41, 48, 55)
    ]
    assert levels == sorted(levels)
    assert levels[0] < 0.4 < 0.8 < levels[2] < 1.1
    nothing = torch.zeros(1, 6, N_FRAMES)
    silent = SoundInTime(Recording(waveform, RATE, "a"), TIMES, "surroundings")(nothing)
    assert float(silent.abs().max()) == 0


@pytest.mark.parametrize("frames", [slice(0, 30), slice(70, 100), slice(10, 11)])
def test_surroundings_of_gaps_at_the_ends_come_from_the_other_side(frames):
    waveform = noise(level=0.3)
    waveform[:, samples(frames)] = 9.0
    found = SoundInTime(Recording(waveform, RATE), TIMES, "surroundings")(masks_of(frames))
    gap, half = samples(frames), round(FADE / 2 * RATE) + 1
    start = gap.start + half if gap.start else 0
    inside = found[0, 0, start : gap.stop - half if gap.stop < waveform.shape[1] else None]
    assert float(inside.abs().max()) < 3
    assert float(inside.square().mean().sqrt()) == pytest.approx(0.3, rel=0.4)


def share_above(waveform, frequency):
    power = torch.fft.rfft(waveform * torch.hann_window(waveform.shape[-1])).abs().square()
    return float(
        power[..., torch.fft.rfftfreq(waveform.shape[-1], 1 / RATE) > frequency].sum() / power.sum()
    )


@pytest.mark.parametrize("fill", ["zeros", "surroundings"])
def test_borders_do_not_click(fill):
    # a tone that is cut at its crests: a step would spread over all frequencies
    moments = torch.arange(int(RATE * SECONDS)) / RATE
    tone = torch.cos(2 * math.pi * 200 * moments)[None]
    masked = SoundInTime(Recording(tone, RATE), TIMES, fill)(masks_of(EVENT))[0]
    hard = tone.clone()
    hard[:, samples(EVENT)] = 0
    assert share_above(hard, 1000) > 1e-4
    assert share_above(masked, 1000) < 1e-6


CONFIG = {
    "queries": 120,
    "segmenter": {"kind": "time_bands", "duration": 0.1},
    "rise": {"cells": [1, 20]},
    "hsic": {"cells": [1, 20]},
    "sobol": {"cells": [1, 10]},
    "dax_v4": {"grids": [[1, 10], [1, 20]]},
    "dax_v5": {"grids": [[1, 10], [1, 20]]},
    "occlusion": {"window": [8, 10]},
    "dax": {"epochs": 2},
}
PERTURBING = [name for name, row in METHODS.items() if "fill" in row.settings and not row.gradients]


@pytest.mark.parametrize("fill", IN_SOUND)
@pytest.mark.parametrize("method", PERTURBING)
def test_every_method_that_perturbs_asks_about_the_sound(method, fill, event):
    picture, heard = event
    settings = build(MethodSettings, "explain", {**CONFIG, "fill": fill})
    found = explain(picture, heard, method, settings=settings)
    assert found.score == pytest.approx(1.0, rel=0.1)
    assert sum(heard.sizes) == found.n_queries
    if not METHODS[method].trains:
        profile = found.profile
        assert float(profile[EVENT].mean()) > 2 * float(profile[:35].mean())


def test_the_same_scores_at_any_batch_size(event):
    picture, heard = event
    sampler = SegmentSampler(30, TimeBands(duration=0.1), fill="surroundings", batch_size=7)
    one, other = (
        sampler(picture, heard),
        dataclasses.replace(sampler, batch_size=30)(picture, heard),
    )
    assert torch.equal(one.scores, other.scores)
    assert one.background_score == 0


def test_what_is_cut_in_frequency_is_refused_in_one_line(event):
    picture, heard = event
    for sampler in (
        SegmentSampler(10, Grid(2, 5), fill="zeros"),
        MultiGridSampler(10, fill="zeros"),
    ):
        with pytest.raises(ValueError, match=r"stretches of time.*segmenter: \{kind: time_bands"):
            sampler(picture, heard)


def test_a_classifier_of_spectrograms_is_refused_in_one_line(event):
    picture, _ = event
    drawn = SegmentSampler(10, TimeBands(duration=0.1), fill="zeros")
    with pytest.raises(ValueError, match=r"changes the sound itself.* choose floor, quiet"):
        drawn(picture, lambda inputs: inputs.mean(dim=(1, 2)))
    with pytest.raises(ValueError, match="changes the sound itself"):
        ask_masked(drawn.draw(picture), torch.ones(1, 6, N_FRAMES), lambda x: x.mean((1, 2)))


class EnergyOfStretches:
    """Of a waveform the level in the event and in all else, by its own ears."""

    described = MappingProxyType({})

    def __call__(self, inputs):
        whole, event = inputs.square().sum(-1), inputs[:, samples(EVENT)].square().sum(-1)
        return torch.stack([event, whole - event], dim=1).sqrt()

    def digest(self):
        return "stretches"


def test_a_model_of_waveforms_hears_cut_sound_and_several_targets_cost_no_more(event):
    _, heard = event
    about = Description(["event", "rest"], RATE, output="regression")
    model = ForeignModel(EnergyOfStretches(), about)
    asked = model.about(Recording(heard.sound.waveform, RATE, "a"))
    once, found = AskOnce(asked), {}
    settings = build(MethodSettings, "explain", {**CONFIG, "fill": "zeros"})
    for target in ("event", "rest"):
        found[target] = explain(asked.spectrogram, once.score_fn(target), "lime", settings=settings)
        assert model.n_queries <= found["event"].n_queries + 3  # and those of its check
    times = asked.spectrogram.times
    inside = (times > 0.85) & (times < 1.15)
    profiles = {target: one.attribution.mean(dim=0) for target, one in found.items()}
    assert float(profiles["event"][inside].min()) > 10 * float(
        profiles["event"][~inside].abs().median()
    )
    assert float(profiles["rest"][inside].max()) < float(profiles["rest"][~inside].median())


class NamesAStretch(EnergyOfStretches):
    """Three classes: loud in the event, loud in the last quarter, neither."""

    def __call__(self, inputs):
        stretches = (samples(EVENT), samples(slice(75, 100)))
        heard = [inputs[:, part].square().mean(-1).sqrt() for part in stretches]
        return torch.stack([*heard, torch.full_like(heard[0], 0.3)], dim=1) * 10


@pytest.mark.parametrize("fill", ["zeros", "white_noise"])  # surroundings make any stretch loud
def test_dax_v5_asks_of_cut_sound_which_class_it_is_named(event, fill):
    _, heard = event
    model = ForeignModel(NamesAStretch(), Description(["event", "end", "neither"], RATE))
    asked = model.about(Recording(heard.sound.waveform, RATE, "a"))
    settings = build(MethodSettings, "explain", {**CONFIG, "fill": fill})
    found = {}
    for target in ("event", "end"):
        before = model.n_queries
        found[target] = explain(
            asked.spectrogram, asked.score_fn(target), "dax_v5", settings=settings
        )
        assert found[target].n_queries == 120 + 6
        assert model.n_queries - before - 126 in (0, 3)  # the model's own check, once
        assert found[target].findings["share_of_bins"] == 1  # no bin can be cut out of a frame
    assert "nothing is marked" in found["end"].warnings[-1]
    assert not found["end"].mask.any()
    profile, times = found["event"].profile, asked.spectrogram.times
    assert float(profile[(times > 0.85) & (times < 1.15)].min()) > 0.5
    assert float(profile[(times < 0.7) | (times > 1.3)].max()) < 0.5


def test_a_trained_model_of_spectrograms_refuses_before_anything_is_asked(event):
    picture, _ = event
    with pytest.raises(ValueError, match="'zeros' changes the sound itself"):
        explain(
            picture,
            lambda inputs: pytest.fail("asked"),
            settings=MethodSettings(fill="zeros"),
        )


def test_fades_longer_than_a_frame_go_on_over_several():
    times = (torch.arange(1000) + 0.5) * 0.002  # frames of 2 ms
    masks = torch.ones(2, 1, 1000)
    masks[0, :, 500:], masks[1, :, 499:501] = 0, 0
    masked = SoundInTime(Recording(torch.ones(1, 16000), RATE), times, "zeros")
    step, notch = masked(masks)[:, 0]
    assert bool((step.diff() <= 0).all())
    assert step[[7967, 8000, 8033]].tolist() == pytest.approx([1, 0.5, 0], abs=0.01)
    assert 0.2 < float(notch.min()) < 0.6  # of a gap shorter than the fade something is left
    assert float(notch.diff().abs().max()) < 0.05
