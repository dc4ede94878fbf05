import json
import math

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.features.frontends import Cqt, LinearStft, LogMel, Pcen, Vqt, make_front_end
from daxaudio.features.mel import mel_centres

OF_TORCH = [
    LogMel(sample_rate=16000, n_fft=512, hop_length=160, n_mels=40),
    LinearStft(sample_rate=16000, n_fft=512, hop_length=160),
]
OF_LIBROSA = [
    Cqt(sample_rate=16000, hop_length=160, f_min=110.0, n_bins=72),
    Vqt(sample_rate=16000, hop_length=160, f_min=110.0, n_bins=72),
]
IN_DECIBELS = OF_TORCH + OF_LIBROSA
FRONT_ENDS = [*IN_DECIBELS, Pcen(sample_rate=16000, n_fft=512, hop_length=160, n_mels=40)]


def by_kind(front_ends):
    return pytest.mark.parametrize("front_end", front_ends, ids=lambda f: f.settings["kind"])


def tone(frequency, seconds=1.0, rate=16000):
    return torch.sin(2 * math.pi * frequency * torch.arange(int(seconds * rate)) / rate)


@by_kind(FRONT_ENDS)
@pytest.mark.parametrize("frequency", [300.0, 1000.0, 5000.0])
def test_tone_is_loudest_in_the_bin_that_claims_its_frequency(front_end, frequency):
    loudest = front_end(tone(frequency)).mean(dim=1).argmax()
    nearest = (front_end.frequencies - frequency).abs().argmin()
    assert abs(int(loudest) - int(nearest)) <= 1


@by_kind(FRONT_ENDS)
def test_click_is_loudest_in_the_frame_that_claims_its_time(front_end):
    waveform = torch.zeros(16000)
    waveform[9600] = 1.0
    values = front_end(waveform)
    assert values.shape[1] == 1 + 16000 // 160
    loudest = front_end.times(values.shape[1])[values.mean(dim=0).argmax()]
    # PCEN is greatest where a sound begins, one frame before that whose centre is at the click
    within = 0.005 if front_end.unit == "dB" else 0.0101
    assert float(loudest) == pytest.approx(0.6, abs=within)


@by_kind(FRONT_ENDS)
def test_batch_gives_what_single_recordings_give(front_end):
    waveforms = torch.randn(3, 8000, generator=torch.Generator().manual_seed(0))
    single = torch.stack([front_end(waveform) for waveform in waveforms])
    torch.testing.assert_close(front_end(waveforms), single, atol=1e-3, rtol=0)


@by_kind(OF_TORCH)
def test_gradient_reaches_the_waveform(front_end):
    waveform = tone(440.0).requires_grad_()
    front_end(waveform).sum().backward()
    assert float(waveform.grad.abs().max()) > 0


@by_kind(FRONT_ENDS)
def test_settings_rebuild_the_same_front_end(front_end):
    again = make_front_end(front_end.settings)
    torch.testing.assert_close(again(tone(700.0)), front_end(tone(700.0)))


@by_kind(IN_DECIBELS)
def test_dynamic_range_is_top_db_even_with_digital_silence(front_end):
    waveform = torch.cat([tone(1000.0), torch.zeros(16000)])
    values = front_end(waveform)
    assert float(values.max() - values.min()) == pytest.approx(80.0, abs=1e-3)


@by_kind(IN_DECIBELS)
def test_ten_times_the_amplitude_is_20_db(front_end):
    waveform = torch.randn(16000, generator=torch.Generator().manual_seed(0))
    difference = front_end(10 * waveform) - front_end(waveform)
    torch.testing.assert_close(difference, torch.full_like(difference, 20.0), atol=1e-2, rtol=0)


def test_resampling_and_channels_keep_a_tone_in_its_bin():
    stereo = torch.stack([tone(1000.0, rate=44100), tone(1000.0, rate=44100)])
    spectrogram = FRONT_ENDS[1].spectrogram(Recording(stereo, 44100, "tone"))
    loudest = spectrogram.frequencies[spectrogram.values.mean(dim=1).argmax()]
    assert float(loudest) == pytest.approx(1000.0, abs=16000 / 512)
    assert spectrogram.recording_id == "tone"
    assert float(spectrogram.times[-1]) == pytest.approx(1.0, abs=0.01)


def test_mel_centres_agree_with_the_filters_of_torchaudio():
    front_end = LogMel(sample_rate=16000, n_fft=4096, hop_length=1024, n_mels=20, f_min=0.0)
    filters = front_end.transform.transform.mel_scale.fb
    bins = torch.arange(filters.shape[0]) * 16000 / 4096
    peaks = bins[filters.argmax(dim=0)].double()
    torch.testing.assert_close(peaks, mel_centres(20, 0.0, 8000.0), atol=4.0, rtol=0)


def test_recording_shorter_than_a_window_is_named():
    with pytest.raises(
        ValueError, match=r"short_one: 0\.010 s is shorter than one analysis window"
    ):
        FRONT_ENDS[0].spectrogram(Recording(torch.ones(1, 160), 16000, "short_one"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_fft": 0}, "n_fft must be positive"),
        ({"f_max": 30000.0}, "f_max"),
        ({"f_min": 9000.0, "f_max": 8000.0}, "f_min"),
        ({"n_fft": 256, "n_mels": 128}, "narrower than one FFT bin"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LogMel(**{"sample_rate": 44100, **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "cqt", "n_bins": 120}, r"bins is at 31608 Hz .* lower n_bins or f_min"),
        ({"kind": "cqt", "n_bins": 4000}, "n_bins must be at most 20 octaves, 240 with 12"),
        ({"kind": "cqt", "n_bins": 200}, r"bins is at 3\.21121e\+06 Hz and reaches"),
        ({"kind": "cqt", "n_bins": 1}, "n_bins must be at least 2"),
        ({"kind": "cqt", "f_min": 0.1}, "window of the lowest bin"),
        ({"kind": "vqt", "gamma": -1.0}, "gamma must be at least 0 Hz"),
        ({"kind": "vqt", "bins_per_octave": 0}, "bins_per_octave must be positive"),
        ({"kind": "pcen", "gain": 1.5}, r"gain must lie in \[0, 1\]"),
        ({"kind": "pcen", "power": 0}, "power must be above 0"),
        ({"kind": "pcen", "time_constant": -1}, "time_constant must lie in"),
        ({"kind": "pcen", "time_constant": 1e-300}, "time_constant must lie in"),
        ({"kind": "pcen", "time_constant": 1e200}, "time_constant must lie in"),
        ({"kind": "cqt", "n_bins": 100_000}, "n_bins must be at most 20 octaves, 240 with 12"),
        ({"kind": "cqt", "hop_length": 10**9}, "hop_length must be at most 131072 samples"),
        ({"kind": "log_mel", "hop_length": 10**9}, "hop_length must be at most 131072 samples"),
        ({"kind": "pcen", "n_fft": 256, "n_mels": 128}, "narrower than one FFT bin"),
    ],
)
def test_settings_of_other_kinds_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_front_end(settings)


@by_kind(FRONT_ENDS)
@pytest.mark.parametrize("n_samples", [16000, 15999, 12347])
def test_any_length_has_a_frame_a_hop_and_the_same_values_again(front_end, n_samples):
    wave = torch.randn(n_samples, generator=torch.Generator().manual_seed(0))
    spectrogram = front_end.spectrogram(Recording(wave[None], 16000, "odd"))
    assert spectrogram.values.shape == (len(front_end.frequencies), 1 + n_samples // 160)
    assert torch.equal(
        front_end.spectrogram(Recording(wave[None], 16000)).values, spectrogram.values
    )
    assert spectrogram.unit == ("PCEN" if front_end.settings["kind"] == "pcen" else "dB")


@by_kind(FRONT_ENDS)
def test_what_is_shorter_than_a_window_is_refused_whatever_the_front_end(front_end):
    n_samples = front_end.window - 1
    short = Recording(torch.ones(1, n_samples), 16000, "short_one")
    with pytest.raises(ValueError, match=r"short_one: .* shorter than one analysis window"):
        front_end.spectrogram(short)
    long = Recording(torch.rand(1, front_end.window), 16000)
    assert front_end.spectrogram(long).values.isfinite().all()
    assert long.duration == pytest.approx(front_end.min_duration)


@by_kind(OF_LIBROSA)
@pytest.mark.parametrize("place", [0, 7, 24, 60, 71])
def test_a_tone_at_the_centre_of_a_bin_of_octaves_is_loudest_there(front_end, place):
    frequency = float(front_end.frequencies[place])
    assert int(front_end(tone(frequency)).mean(dim=1).argmax()) == place


def test_low_bins_hear_in_less_time_at_variable_q():
    wave = torch.zeros(16000)
    wave[8000] = 1.0
    lengths = [float((f(wave)[0] > f(wave)[0].max() - 20).sum()) for f in OF_LIBROSA]
    assert lengths[1] < 0.8 * lengths[0]


@pytest.mark.parametrize(("gain", "most"), [(1.0, 1e-4), (0.98, 0.06)])
def test_pcen_is_the_same_at_any_gain_from_the_first_frame(gain, most):
    front_end = Pcen(16000, 512, 160, 40, gain=gain)
    wave = torch.randn(16000, generator=torch.Generator().manual_seed(0))
    quiet, loud = front_end(0.01 * wave), front_end(0.1 * wave)
    torch.testing.assert_close(loud, quiet, rtol=most, atol=1e-4)


def test_pcen_takes_steady_noise_away_and_leaves_a_burst_in_it():
    wave = 0.1 * torch.randn(32000, generator=torch.Generator().manual_seed(0))
    wave[16000:17600] *= 10
    values = FRONT_ENDS[-1](wave).mean(dim=0)
    before, burst = values[:95], values[101:104]
    assert float(burst.min()) > 2 * float(before.max())
    assert float(before[:50].mean()) == pytest.approx(float(before[50:].mean()), rel=0.1)


def test_silence_is_0_and_nothing_is_less_in_pcen():
    front_end = FRONT_ENDS[-1]
    assert not front_end(torch.zeros(16000)).any()
    assert float(front_end(tone(700.0)).min()) >= 0


@by_kind(FRONT_ENDS)
def test_any_front_end_deletes_silence(front_end):
    wave = torch.cat([0 * tone(700.0), tone(700.0, 2.0), 0 * tone(700.0)])
    heard = make_front_end({**front_end.settings, "vad": {"kind": "split", "hop_length": 160}})
    times = heard.spectrogram(Recording(wave[None], 16000)).times
    assert float(times[0]) == pytest.approx(1.0, abs=0.08)
    assert float(times[-1]) == pytest.approx(3.0, abs=0.08)
    again = make_front_end(heard.settings)
    assert again.settings == heard.settings
    assert again.vad == heard.vad


def test_unknown_kind_and_argument_are_refused():
    with pytest.raises(ValueError, match="kind must be one of"):
        make_front_end({"kind": "gammatone"})
    with pytest.raises(ValueError, match="colour"):
        make_front_end({"kind": "log_mel", "colour": "red"})


@by_kind(FRONT_ENDS)
def test_same_values_on_an_accelerator(front_end, accelerator):
    there = make_front_end(front_end.settings).to(accelerator)
    found = there(tone(700.0).to(accelerator))
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), front_end(tone(700.0)), atol=1e-2, rtol=0)


@by_kind(IN_DECIBELS)
def test_the_dynamic_range_of_each_recording_of_a_batch_is_its_own(front_end):
    loud = tone(1000.0)
    batch = front_end(torch.stack([loud, 1e-2 * loud]))  # 40 dB apart, the range is 80
    for found, wave in zip(batch, (loud, 1e-2 * loud), strict=True):
        torch.testing.assert_close(found, front_end(wave), atol=1e-3, rtol=1e-4)
    assert float(batch[1].min()) < float(batch[0].min()) - 30


@pytest.mark.parametrize(
    "front_end",
    [
        LogMel(16000, f_min=50, top_db=80),
        LinearStft(16000, top_db=80),
        Pcen(16000, f_min=50, gain=1, bias=2, time_constant=1),
        Cqt(16000, f_min=110, n_bins=60, top_db=80),
        Vqt(16000, f_min=110, n_bins=60, gamma=20),
    ],
    ids=lambda f: f.settings["kind"],
)
def test_whole_numbers_are_stored_as_they_are_read_so_that_the_digest_stays(front_end):
    again = make_front_end(front_end.settings)
    assert json.dumps(again.settings) == json.dumps(front_end.settings)
