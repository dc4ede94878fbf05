import logging

import numpy as np
import pytest
import soundfile
import torch

from daxaudio.data.audio import read_recording
from daxaudio.data.kaldi import DataFolder, RecordingSegment, read_utterance

RATE = 16000


def tone(seconds=0.5):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)


def write(path, *channels, subtype="PCM_16"):
    soundfile.write(path, np.stack(channels, axis=1), RATE, subtype=subtype)
    return path


def test_channels_that_cancel_to_rounding_noise_are_warned_of(tmp_path, caplog):
    # at 16 bit the average of x and -x is not all zeros: both are rounded
    left = tone() + 1e-5 * np.random.default_rng(0).normal(size=len(tone()))
    audio = write(tmp_path / "a.wav", left, -0.99999 * left, subtype="PCM_24")
    with caplog.at_level(logging.WARNING):
        recording = read_recording(audio)
    assert recording.waveform.abs().max() < 1e-4
    (record,) = caplog.records
    assert "a.wav: its 2 channels cancel when averaged" in record.getMessage()
    assert "--channel 1 (the loudest)" in record.getMessage()


def test_the_loudest_channel_is_named(tmp_path, caplog):
    read_recording(write(tmp_path / "a.wav", tone(), -1.05 * tone()))
    assert "--channel 2 (the loudest)" in caplog.text


@pytest.mark.parametrize("n_channels", [2, 8])
def test_unrelated_or_silent_channels_are_not_warned_of(tmp_path, caplog, n_channels):
    noise = 0.1 * np.random.default_rng(0).normal(size=(n_channels, RATE))
    read_recording(write(tmp_path / "noise.wav", *noise))
    read_recording(write(tmp_path / "one.wav", tone(), *(0 * tone() for _ in noise[1:])))
    assert not caplog.records


def test_one_channel_is_taken_where_asked_for(tmp_path, caplog):
    audio = write(tmp_path / "a.wav", tone(), -tone(), subtype="FLOAT")
    for channel, sign in ((1, 1), (2, -1)):
        taken = read_recording(audio, channel=channel).waveform
        assert torch.equal(taken, torch.from_numpy(sign * tone()).float()[None])
    assert not caplog.records


def test_all_zeros_of_opposite_channels_name_the_way_out(tmp_path):
    audio = write(tmp_path / "a.wav", tone(), -tone(), subtype="FLOAT")
    with pytest.raises(ValueError, match=r"cancel when averaged; all zeros .* --channel 1"):
        read_recording(audio)


@pytest.mark.parametrize("channel", [0, 3, -1])
def test_a_channel_that_is_not_there_is_refused(tmp_path, channel):
    with pytest.raises(ValueError, match=rf"a\.wav: has 2 channels, there is no channel {channel}"):
        read_recording(write(tmp_path / "a.wav", tone(), tone()), channel=channel)


def test_a_silent_channel_is_refused(tmp_path):
    with pytest.raises(ValueError, match="channel 2 is silent"):
        read_recording(write(tmp_path / "a.wav", tone(), 0 * tone()), channel=2)


@pytest.mark.parametrize("segments", [None, {"u": RecordingSegment("u", 0.1, 0.3)}])
def test_a_data_folder_reads_the_channel_that_it_names(tmp_path, segments):
    audio = write(tmp_path / "a.wav", tone(), -tone(), subtype="FLOAT")
    tables = {"u": str(audio)}, {"u": "dog"}, {"u": "u"}, {"u": 0.2}, segments
    part = read_utterance(DataFolder(*tables, channel=2), "u").waveform
    expected = -tone() if segments is None else -tone()[1600:4800]
    assert torch.equal(part, torch.from_numpy(expected).float()[None])
