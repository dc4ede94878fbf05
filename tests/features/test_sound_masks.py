"""Gains and masks on the axes of any spectrogram, made in the sound."""

import math

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.features import sound_masks
from daxaudio.features.frontends import Cqt, LinearStft, LogMel, Pcen, Vqt
from daxaudio.features.sound_masks import SoundMasks, split_by_mask, window_samples

RATES = (44100, 16000, 8000)
FRONT_ENDS = {
    "log_mel": lambda rate: LogMel(rate, 1024, 256, 40),
    "linear_stft": lambda rate: LinearStft(rate, 1024, 256),
    "cqt": lambda rate: Cqt(rate, 256, 110.0, 48),
    "vqt": lambda rate: Vqt(rate, 256, 110.0, 48),
    "pcen": lambda rate: Pcen(rate, 1024, 256, 40),
}
by_kind = pytest.mark.parametrize("kind", FRONT_ENDS)


def noise(*shape, seed=0):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tones(rate, *frequencies, seconds=1.0):
    times = torch.arange(round(seconds * rate)) / rate
    return sum(0.2 * torch.sin(2 * math.pi * f * times) for f in frequencies)[None]


def axes(kind, waveform, rate):
    """Frequencies and times of a front end's spectrogram of a waveform."""
    spectrogram = FRONT_ENDS[kind](rate).spectrogram(Recording(waveform, rate))
    return spectrogram.frequencies, spectrogram.times


def masks_of(kind, waveform, rate, **settings):
    return SoundMasks(waveform, rate, *axes(kind, waveform, rate), **settings)


def level(waveform, rate, frequency):
    """Amplitude in dB of a tone, over the middle of it."""
    middle = waveform[0, rate // 4 : rate // 4 + rate // 2].double()
    times = torch.arange(len(middle), dtype=torch.float64) / rate
    waves = torch.exp(-2j * math.pi * frequency * times) * torch.hann_window(len(middle)).double()
    return 20 * math.log10(abs(complex((middle * waves).sum())) + 1e-12)


@by_kind
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("extra", [0, 1, 777])
def test_a_mask_of_ones_gives_every_sample_back(kind, rate, extra):
    waveform = noise(2, rate + extra)
    frequencies, times = axes(kind, waveform, rate)
    ones = torch.ones(len(frequencies), len(times))
    recording = Recording(waveform, rate, "a")
    for threshold in (None, 0.5):
        kept, removed = split_by_mask(recording, ones, frequencies, times, threshold=threshold)
        torch.testing.assert_close(kept.waveform, waveform, atol=0, rtol=0)
        assert (kept.sample_rate, kept.recording_id) == (rate, "a")
        assert float(removed.waveform.abs().max()) == 0


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("n_samples", [1, 100, 5000, 8001])
def test_equal_gains_multiply_every_sample_up_to_the_ends(rate, n_samples):
    waveform = noise(1, n_samples)
    masks = SoundMasks(waveform, rate, torch.tensor([500.0, 2000.0]), torch.tensor([0.0, 0.4]))
    found = masks.apply(torch.full((1, 2, 2), -20.0))[0]
    torch.testing.assert_close(found, 0.1 * waveform, atol=1e-6, rtol=0)


@by_kind
@pytest.mark.parametrize("rate", RATES)
def test_a_mask_of_one_tone_of_two_leaves_that_tone(kind, rate):
    low, high = 300.0, 1200.0
    waveform = tones(rate, low, high)
    frequencies, times = axes(kind, waveform, rate)
    mask = (frequencies > 700).float()[:, None].expand(-1, len(times))
    recording = Recording(waveform, rate)
    kept, removed = split_by_mask(recording, mask, frequencies, times)
    for part, there, gone in ((kept, high, low), (removed, low, high)):
        before, after = level(waveform, rate, there), level(part.waveform, rate, there)
        assert after == pytest.approx(before, abs=0.1)
        assert level(part.waveform, rate, gone) < before - 30
    torch.testing.assert_close(kept.waveform + removed.waveform, waveform, atol=1e-6, rtol=0)


@by_kind
def test_a_mask_in_time_leaves_what_lies_in_it(kind):
    waveform = noise(1, 16000)
    frequencies, times = axes(kind, waveform, 16000)
    mask = ((times >= 0.3) & (times < 0.6)).float().expand(len(frequencies), -1)
    kept, _ = split_by_mask(Recording(waveform, 16000), mask, frequencies, times)
    inside = slice(round(0.35 * 16000), round(0.55 * 16000))
    torch.testing.assert_close(kept.waveform[:, inside], waveform[:, inside], atol=1e-6, rtol=0)
    assert float(kept.waveform[:, :3500].abs().max()) < 1e-6
    assert float(kept.waveform[:, -5000:].abs().max()) < 1e-6


def test_a_threshold_makes_a_mask_of_all_or_nothing():
    waveform = noise(1, 8000)
    frequencies, times = axes("log_mel", waveform, 8000)
    mask = torch.full((len(frequencies), len(times)), 0.4)
    recording = Recording(waveform, 8000)
    soft, _ = split_by_mask(recording, mask, frequencies, times)
    torch.testing.assert_close(soft.waveform, 0.4 * waveform, atol=1e-6, rtol=0)
    all_of_it, _ = split_by_mask(recording, mask, frequencies, times, threshold=0.4)
    torch.testing.assert_close(all_of_it.waveform, waveform, atol=0, rtol=0)
    nothing, rest = split_by_mask(recording, mask, frequencies, times, threshold=0.41)
    assert float(nothing.waveform.abs().max()) < 1e-6
    torch.testing.assert_close(rest.waveform, waveform, atol=1e-6, rtol=0)


@by_kind
@pytest.mark.parametrize("n_samples", [4000, 4001, 6143])
def test_gains_of_at_most_0_db_add_no_energy(kind, n_samples):
    waveform = noise(1, n_samples + 4000)
    masks = masks_of(kind, waveform, 16000)
    generator = torch.Generator().manual_seed(1)
    gains = -80 * torch.rand(16, *masks.shape, generator=generator)
    gains[:8] = -80 * (gains[:8] < -40).float()
    energy = masks.apply(gains).double().square().sum(dim=(1, 2))
    assert float(energy.max()) <= float(waveform.double().square().sum())


def test_no_energy_is_added_at_the_ends():
    waveform = torch.zeros(1, 1000)
    waveform[0, -1] = waveform[0, 0] = 1.0
    masks = SoundMasks(waveform, 8000, torch.tensor([500.0, 3000.0]), torch.tensor([0.0, 0.1]))
    gains = -60 * torch.rand(32, 2, 2, generator=torch.Generator().manual_seed(0))
    assert float(masks.apply(gains).square().sum(dim=(1, 2)).max()) <= 2.0


@by_kind
def test_how_many_are_made_at_once_changes_nothing_beyond_rounding(kind, monkeypatch):
    waveform = noise(2, 9001)
    masks = masks_of(kind, waveform, 16000)
    gains = 40 * torch.rand(5, *masks.shape, generator=torch.Generator().manual_seed(1)) - 40
    together = masks.apply(gains)
    alone = torch.cat([masks.apply(one[None]) for one in gains])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    monkeypatch.setattr(sound_masks, "_MOST_VALUES", 7000)  # blocks of some frames
    monkeypatch.setattr(sound_masks, "_MOST_KEPT", 0)
    in_blocks = masks_of(kind, waveform, 16000).apply(gains)
    torch.testing.assert_close(in_blocks, together, atol=1e-6, rtol=0)
    assert masks.apply(gains[:0]).shape == (0, 2, 9001)


def test_gains_and_recording_are_left_as_they_are():
    waveform = noise(1, 4000)
    masks = masks_of("log_mel", waveform, 8000)
    gains = -20 * torch.rand(3, *masks.shape)
    before = gains.clone(), waveform.clone()
    masks.apply(gains)
    masks.scale(gains.abs())
    torch.testing.assert_close((gains, waveform), before, atol=0, rtol=0)


@by_kind
def test_a_change_of_one_frame_of_a_display_is_heard_however_fine_it_is(kind):
    rate, waveform = 16000, noise(1, 16000)
    frequencies, _ = axes(kind, waveform, rate)
    times = torch.arange(0, 1, 0.002, dtype=torch.float64)
    masks = SoundMasks(waveform, rate, frequencies, times)
    gains = torch.zeros(9, len(frequencies), len(times))
    for i in range(9):
        gains[i, :, 200 + i] = -60
    changed = (masks.apply(gains) - waveform).square().sum(dim=(1, 2))
    assert float(changed.min()) > 0.3 * float(changed.max()) > 0


def test_axes_that_agree_are_taken_as_they_are():
    rate, n_fft = 16000, window_samples(16000)
    waveform = noise(1, 8000)
    front_end = LinearStft(rate, n_fft, n_fft // 4)
    spectrogram = front_end.spectrogram(Recording(waveform, rate))
    masks = SoundMasks(waveform, rate, spectrogram.frequencies, spectrogram.times)
    gains = torch.zeros(1, *spectrogram.values.shape)
    gains[0, 40, 12] = -80.0
    change = (waveform - masks.apply(gains)[0])[0]
    # one bin of one frame: nothing outside its window, and the tone of its bin in it
    outside = torch.ones(8000, dtype=torch.bool)
    outside[11 * 256 - 256 : 15 * 256] = False
    outside[8 * 256 : 16 * 256] = False
    assert float(change[outside].abs().max()) < 1e-7
    spectrum = torch.fft.rfft(change[10 * 256 : 14 * 256] * torch.hann_window(1024)).abs()
    assert int(spectrum.argmax()) == 40


@pytest.mark.parametrize("kind", ["log_mel", "cqt", "linear_stft"])
def test_where_times_jump_nothing_is_changed_and_nothing_kept(kind):
    rate, waveform = 16000, noise(1, 32000)
    frequencies, times = axes(kind, waveform, rate)
    heard = times[(times > 0.4) & (times < 0.8) | (times > 1.2) & (times < 1.6)]
    masks = SoundMasks(waveform, rate, frequencies, heard)
    deleted = [slice(0, 4000), slice(14500, 17500), slice(27500, 32000)]
    quiet = masks.apply(torch.full((1, *masks.shape), -80.0))[0]
    kept = masks.scale(torch.ones(1, *masks.shape))[0]
    for part in deleted:
        torch.testing.assert_close(quiet[:, part], waveform[:, part], atol=1e-6, rtol=0)
        assert float(kept[:, part].abs().max()) < 1e-6
    assert float(quiet[:, 8500:11500].abs().max()) < 1e-4
    torch.testing.assert_close(kept[:, 8500:11500], waveform[:, 8500:11500], atol=1e-6, rtol=0)


def test_what_does_not_fit_is_said():
    masks = SoundMasks(noise(1, 100), 8000, torch.tensor([100.0, 200.0]), torch.tensor([0.0]))
    with pytest.raises(ValueError, match=r"gains must be \[N, 2, 1\].* got shape \(2, 1\)"):
        masks.apply(torch.zeros(2, 1))
    with pytest.raises(ValueError, match="n_fft must be a multiple of 4 from 8 on, got 10"):
        SoundMasks(noise(1, 100), 8000, torch.ones(1), torch.zeros(1), n_fft=10)
