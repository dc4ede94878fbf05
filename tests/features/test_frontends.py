import math

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.features.frontends import LinearStft, LogMel, front_end_from_settings, mel_centres

FRONT_ENDS = [
    LogMel(sample_rate=16000, n_fft=512, hop_length=160, n_mels=40),
    LinearStft(sample_rate=16000, n_fft=512, hop_length=160),
]
by_kind = pytest.mark.parametrize("front_end", FRONT_ENDS, ids=lambda f: f.settings["kind"])


def tone(frequency, seconds=1.0, rate=16000):
    return torch.sin(2 * math.pi * frequency * torch.arange(int(seconds * rate)) / rate)


@by_kind
@pytest.mark.parametrize("frequency", [300.0, 1000.0, 5000.0])
def test_tone_is_loudest_in_the_bin_that_claims_its_frequency(front_end, frequency):
    loudest = front_end(tone(frequency)).mean(dim=1).argmax()
    nearest = (front_end.frequencies - frequency).abs().argmin()
    assert abs(int(loudest) - int(nearest)) <= 1


@by_kind
def test_click_is_loudest_in_the_frame_that_claims_its_time(front_end):
    waveform = torch.zeros(16000)
    waveform[9600] = 1.0
    values = front_end(waveform)
    loudest = front_end.times(values.shape[1])[values.mean(dim=0).argmax()]
    assert float(loudest) == pytest.approx(0.6, abs=0.005)


@by_kind
def test_batch_gives_what_single_recordings_give(front_end):
    waveforms = torch.randn(3, 8000, generator=torch.Generator().manual_seed(0))
    single = torch.stack([front_end(waveform) for waveform in waveforms])
    torch.testing.assert_close(front_end(waveforms), single, atol=1e-3, rtol=0)


@by_kind
def test_gradient_reaches_the_waveform(front_end):
    waveform = tone(440.0).requires_grad_()
    front_end(waveform).sum().backward()
    assert float(waveform.grad.abs().max()) > 0


@by_kind
def test_settings_rebuild_the_same_front_end(front_end):
    again = front_end_from_settings(front_end.settings)
    torch.testing.assert_close(again(tone(700.0)), front_end(tone(700.0)))


@by_kind
def test_dynamic_range_is_top_db_even_with_digital_silence(front_end):
    waveform = torch.cat([tone(1000.0), torch.zeros(16000)])
    values = front_end(waveform)
    assert float(values.max() - values.min()) == pytest.approx(80.0, abs=1e-3)


@by_kind
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
    filters = front_end.transform.mel_scale.fb
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


def test_unknown_kind_and_argument_are_refused():
    with pytest.raises(ValueError, match="kind must be one of"):
        front_end_from_settings({"kind": "gammatone"})
    with pytest.raises(ValueError, match="colour"):
        front_end_from_settings({"kind": "log_mel", "colour": "red"})


@by_kind
def test_same_values_on_an_accelerator(front_end, accelerator):
    there = front_end_from_settings(front_end.settings).to(accelerator)
    found = there(tone(700.0).to(accelerator))
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), front_end(tone(700.0)), atol=1e-2, rtol=0)


@by_kind
def test_the_dynamic_range_of_each_recording_of_a_batch_is_its_own(front_end):
    loud = tone(1000.0)
    batch = front_end(torch.stack([loud, 1e-3 * loud]))  # 60 dB apart, the range is 80
    for found, wave in zip(batch, (loud, 1e-3 * loud), strict=True):
        torch.testing.assert_close(found, front_end(wave), atol=1e-3, rtol=1e-4)
    assert float(batch[1].min()) < float(batch[0].min()) - 40
