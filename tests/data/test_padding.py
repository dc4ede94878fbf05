import itertools
import math

import numpy as np
import pytest
import soundfile
import torch

from daxaudio.containers import Recording
from daxaudio.data import padding
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.data.padding import NoisePadding

RATE = 8000


@pytest.fixture
def recording():
    times = torch.arange(12345) / RATE
    left = 0.3 * torch.sin(2 * math.pi * 440 * times)
    return Recording(torch.stack([left, 0.1 * left + 0.02]), RATE, "clip")


@pytest.fixture
def noise_folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "deep").mkdir()
    for name, n in {"a.wav": 60 * RATE, "b.flac": 3 * RATE, "deep/c.ogg": 4 * RATE}.items():
        soundfile.write(tmp_path / name, 0.1 * rng.standard_normal((n, 2)), RATE)
    (tmp_path / "readme.txt").write_text("no audio")
    return tmp_path


def decibels(power):
    return 10 * math.log10(power)


def ends(padded):
    waveform = padded.recording.waveform.double()
    return waveform[:, : padded.n_left], waveform[:, waveform.shape[1] - padded.n_right :]


@pytest.mark.parametrize("snr_db", [10.0, 0.0, -5.0, 40.0])
@pytest.mark.parametrize("noise", ["white", "pink", "file", "folder"])
def test_each_end_has_the_stated_ratio_to_the_recording(recording, noise_folder, noise, snr_db):
    source = {"file": noise_folder / "b.flac", "folder": noise_folder}.get(noise, noise)
    padded = NoisePadding(snr_db=snr_db, noise=source)(recording, seed=3)
    signal = decibels(recording.waveform.double().square().mean())
    for end in ends(padded):
        assert signal - decibels(end.square().mean()) == pytest.approx(snr_db, abs=1e-3)


@pytest.mark.parametrize("noise", ["white", "pink"])
def test_the_middle_is_the_original_bit_for_bit_and_the_event_is_exact(recording, noise):
    for seed in range(5):
        padded = NoisePadding(noise=noise)(recording, seed)
        n_left, n_samples = padded.n_left, recording.waveform.shape[1]
        middle = padded.recording.waveform[:, n_left : n_left + n_samples]
        assert torch.equal(middle, recording.waveform)
        assert padded.event.start == n_left / RATE
        assert padded.event.end == (n_left + n_samples) / RATE
        assert padded.recording.waveform.shape == (2, n_left + n_samples + padded.n_right)
        assert (padded.recording.recording_id, padded.recording.sample_rate) == ("clip", RATE)


def test_lengths_fill_the_range_evenly_and_each_end_has_its_own():
    short = Recording(torch.ones(1, 10), 100)
    pad = NoisePadding(min_duration=1, max_duration=5)
    lengths = np.array([(p.n_left, p.n_right) for p in (pad(short, seed) for seed in range(2000))])
    assert lengths.min() >= 100
    assert lengths.max() <= 500
    # mean of an even draw from 1 to 5 s is 3 s, its deviation 4 / sqrt(12) = 1.155 s
    assert lengths.mean(axis=0) / 100 == pytest.approx([3, 3], abs=0.1)
    assert lengths.std(axis=0) / 100 == pytest.approx([1.155, 1.155], abs=0.05)
    assert abs(np.corrcoef(lengths.T)[0, 1]) < 0.08


@pytest.mark.parametrize("noise", ["white", "pink", "folder"])
def test_seed_and_name_decide_and_nothing_global_is_touched(recording, noise_folder, noise):
    pad = NoisePadding(noise=noise_folder if noise == "folder" else noise)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again = pad(recording, 1), pad(recording, 1)
    other_seed = pad(recording, 2)
    other_name = pad(Recording(recording.waveform, RATE, "other"), 1)
    assert torch.equal(first.recording.waveform, again.recording.waveform)
    assert len({first.n_left, other_seed.n_left, other_name.n_left}) == 3
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_the_colour_of_the_noise_does_not_change_the_event(recording):
    events = {NoisePadding(noise=noise)(recording, 7).event for noise in ("white", "pink")}
    assert len(events) == 1


def test_all_channels_get_the_same_noise(recording):
    for end in ends(NoisePadding()(recording, 0)):
        assert torch.equal(end[0], end[1])


def power_by_octave(samples, sample_rate, edges):
    spectrum = torch.fft.rfft(samples).abs().square()
    frequencies = torch.fft.rfftfreq(len(samples), 1 / sample_rate)
    return [
        decibels(spectrum[(frequencies >= low) & (frequencies < high)].mean())
        for low, high in itertools.pairwise(edges)
    ]


@pytest.mark.parametrize(("noise", "slope"), [("white", 0.0), ("pink", -3.01)])
def test_spectral_slope_in_db_per_octave(noise, slope):
    pad = NoisePadding(min_duration=60, max_duration=60, noise=noise)
    padded = pad(Recording(torch.ones(1, 100), 16000), 0)
    edges = [62.5 * 2**octave for octave in range(8)]
    for end in ends(padded):
        levels = power_by_octave(end[0], 16000, edges)
        assert np.polyfit(range(7), levels, 1)[0] == pytest.approx(slope, abs=0.15)


def test_pink_noise_has_next_to_nothing_below_20_hz():
    padded = NoisePadding(60, 60, noise="pink")(Recording(torch.ones(1, 100), 16000), 0)
    below, above = power_by_octave(ends(padded)[0][0], 16000, [0, 19, 40])
    assert above - below > 20


def test_noise_of_a_file_is_a_stretch_of_it_and_a_short_file_goes_round(recording, tmp_path):
    ramp = torch.arange(1, 4001) / 4000
    soundfile.write(tmp_path / "ramp.wav", ramp.numpy(), RATE, subtype="FLOAT")
    long_pad = NoisePadding(0.25, 0.25, noise=tmp_path / "ramp.wav")
    end = ends(long_pad(recording, 0))[0][0]
    step = end.diff()
    assert torch.allclose(step, step.mean().expand_as(step), rtol=1e-2)
    short_pad = NoisePadding(2.0, 2.0, noise=str(tmp_path / "ramp.wav"))
    end = ends(short_pad(recording, 0))[0][0]
    # 16000 samples go four times through 4000: it falls back four times, every 4000 samples
    falls = (end.diff() < 0).nonzero().flatten()
    assert len(falls) == 4
    assert falls.diff().tolist() == [4000] * 3


def test_a_folder_gives_every_file_its_turn(recording, noise_folder, monkeypatch):
    drawn = set()
    read = padding._read_noise
    monkeypatch.setattr(
        padding, "_read_noise", lambda path, rate: drawn.add(path.name) or read(path, rate)
    )
    for seed in range(30):
        NoisePadding(0.1, 0.2, noise=noise_folder)(recording, seed)
    assert drawn == {"a.wav", "b.flac", "c.ogg"}


@pytest.fixture
def data_folder(tmp_path):
    rng = np.random.default_rng(0)
    labels = {"clip": "dog", "d2": "dog", "r1": "rain", "s1": "sea", "q1": "quiet"}
    for name in labels:
        samples = 0.1 * rng.standard_normal(2 * RATE)
        if name == "q1":
            samples[: RATE + RATE // 2] = 0
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE)
    write_data_folder(
        DataFolder(
            {name: str(tmp_path / f"{name}.wav") for name in labels},
            labels,
            dict.fromkeys(labels, "s"),
            dict.fromkeys(labels, 2.0),
        ),
        tmp_path / "data",
    )
    return tmp_path / "data"


def names_drawn(monkeypatch, noise, recording, label=None):
    crop, used = padding._crop, set()
    monkeypatch.setattr(padding, "_crop", lambda *args: used.add(args[3].stem) or crop(*args))
    for seed in range(40):
        NoisePadding(0.1, 0.2, noise=noise)(recording, seed, label)
    return used


def test_a_data_folder_gives_recordings_of_other_classes(recording, data_folder, monkeypatch):
    # the id "clip" is a dog there; what is mostly silent is not used
    assert names_drawn(monkeypatch, data_folder, recording) == {"r1", "s1"}


def test_the_class_may_be_told(recording, data_folder, monkeypatch):
    assert names_drawn(monkeypatch, data_folder, recording, "rain") == {"clip", "d2", "s1"}


def test_a_data_folder_of_one_class_is_refused(recording, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.ones(RATE) * 0.1, RATE)
    folder = DataFolder({"a": str(tmp_path / "a.wav")}, {"a": "dog"}, {"a": "s"}, {"a": 1.0})
    write_data_folder(folder, tmp_path / "one")
    with pytest.raises(ValueError, match="no recording of another class than 'dog'"):
        NoisePadding(0.1, 0.2, noise=tmp_path / "one")(recording, 0, "dog")


def test_a_data_folder_of_silence_is_refused(recording, tmp_path):
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", np.eye(1, RATE)[0], RATE)
    folder = DataFolder(
        {name: str(tmp_path / f"{name}.wav") for name in "ab"},
        {"a": "dog", "b": "dog"},
        {"a": "s", "b": "s"},
        {"a": 1.0, "b": 1.0},
    )
    write_data_folder(folder, tmp_path / "silent")
    with pytest.raises(ValueError, match="mostly silent"):
        NoisePadding(0.1, 0.2, noise=tmp_path / "silent")(recording, 0, "rain")


def test_noise_of_another_rate_is_resampled(tmp_path):
    times = np.arange(44100) / 44100
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 1000 * times), 44100)
    pad = NoisePadding(1.0, 1.0, noise=tmp_path / "tone.wav")
    end = ends(pad(Recording(torch.ones(1, 9), 16000), 0))[0][0]
    assert int(torch.fft.rfft(end).abs().argmax()) == 1000


def test_ends_of_no_length_leave_the_recording_as_it_is(recording):
    padded = NoisePadding(0, 0)(recording, 0)
    assert torch.equal(padded.recording.waveform, recording.waveform)
    assert padded.event.start == 0


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"min_duration": -1.0}, "got min_duration=-1.0, max_duration=5.0"),
        ({"min_duration": 6.0}, "got min_duration=6.0, max_duration=5.0"),
        ({"max_duration": math.inf}, "max_duration=inf"),
        ({"snr_db": math.nan}, "snr_db must lie between -200 and 200 dB, got nan"),
        ({"snr_db": 1e9}, "snr_db must lie between -200 and 200 dB, got 1000000000.0"),
        ({"max_duration": 1e12}, "max_duration <= 3600 in seconds.*max_duration=1000000000000.0"),
        ({"noise": ""}, "noise is empty"),
        ({"noise": "brown"}, 'noise must be "white", "pink".* got \'brown\''),
    ],
)
def test_settings_out_of_range_are_refused(settings, reason):
    with pytest.raises(ValueError, match=reason):
        NoisePadding(**settings)


def test_a_folder_without_audio_is_refused(tmp_path):
    (tmp_path / "._a.wav").write_bytes(b"what macOS leaves")
    with pytest.raises(ValueError, match="holds no audio"):
        NoisePadding(noise=tmp_path)


def test_a_silent_recording_is_refused():
    with pytest.raises(ValueError, match="recording 'quiet' is silent"):
        NoisePadding()(Recording(torch.zeros(1, 100), RATE, "quiet"), 0)


def test_noise_that_is_almost_all_silence_is_refused(recording, tmp_path):
    click = np.zeros(RATE * 600, dtype=np.float32)
    click[0] = 1.0
    soundfile.write(tmp_path / "click.wav", click, RATE)
    pad = NoisePadding(0.01, 0.01, noise=tmp_path / "click.wav")
    with pytest.raises(ValueError, match=r"click\.wav: 20 stretches of 80 samples"):
        pad(recording, 0)


def test_noise_that_no_memory_holds_is_refused_before_it_is_made(recording, monkeypatch):
    monkeypatch.setattr("daxaudio.runs.memory.total_memory", lambda: 1000)
    with pytest.raises(ValueError, match=r"samples need .* of memory .*max_duration"):
        NoisePadding()(recording, 0)
