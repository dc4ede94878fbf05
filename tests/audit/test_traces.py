"""What the making of a recording leaves in it is found, each trace by what makes it."""

import math

import numpy as np
import pytest
import scipy.signal
import torch

from daxaudio import DataFolder, Event, Events, Recording, write_recording
from daxaudio.audit.traces import (
    KINDS,
    digest_of_audio,
    measure_traces,
    read_traces,
    traces_and_digest,
)

RATE = 16000
EVENTS = Events([Event(1.0, 2.0, "cough")])


OF_ALL_SAMPLES = ("background_db", "digital_silence", "bits")
"""Traces of these kinds that are no spectra; the first is against the loud frames."""


@pytest.fixture(scope="module")
def room():
    """Five seconds: a quiet room, and one second that is 46 dB louder."""
    random = np.random.default_rng(0)
    samples = 0.001 * random.normal(size=5 * RATE)
    samples[RATE : 2 * RATE] += 0.2 * random.normal(size=RATE)
    return samples


def changed(before, after):
    """Traces of which more than a twentieth, and more than half a dB or a per cent, is changed."""
    return {
        name
        for name, value in after.items()
        if abs(value - before[name]) > max(0.05 * abs(before[name]), 0.5 if "db" in name else 0.01)
    }


def kinds_of(names):
    return {KINDS[name] for name in names}


def test_every_trace_is_there_in_order(room):
    assert list(measure_traces([room], RATE, EVENTS)) == list(KINDS)


def test_a_gain_is_level_and_nothing_else(room):
    before, after = (measure_traces([g * room], RATE, EVENTS) for g in (1.0, 0.1))
    assert changed(before, after) == {"level_db", "peak_db"}
    assert after["level_db"] == pytest.approx(before["level_db"] - 20, abs=1e-4)


def test_a_hum_is_a_line_of_the_background(room):
    tone = 0.003 * np.sin(2 * np.pi * 300 * np.arange(len(room)) / RATE)
    before, after = (measure_traces([x], RATE, EVENTS) for x in (room, room + tone))
    assert kinds_of(changed(before, after)) == {"hum", "background"}
    assert before["line_db"] < 6 < 25 < after["line_db"]
    assert before["lines_share"] == 0 < after["lines_share"]


def test_a_low_pass_is_bandwidth(room):
    low = scipy.signal.sosfiltfilt(scipy.signal.butter(8, 3800, fs=RATE, output="sos"), room)
    before, after = (measure_traces([x], RATE, EVENTS) for x in (room, low))
    assert after["roll_off_hz"] == pytest.approx(3800, rel=0.05)
    assert after["highest_hz"] == pytest.approx(4800, rel=0.1)
    assert after["fall_db"] > 20 > 5 > before["fall_db"]
    assert after["top_band_db"] == -90
    assert "hum" not in kinds_of(changed(before, after))


def test_samples_cut_off_at_the_top_are_clipping(room):
    after = measure_traces([np.clip(room, -0.2, 0.2)], RATE, EVENTS)
    assert measure_traces([room], RATE, EVENTS)["clipped_share"] == 0 < after["clipped_share"]


def test_coarse_samples_and_digital_silence_are_seen(room):
    coarse = np.round(room * 128) / 128
    traces = measure_traces([coarse], RATE, EVENTS)
    assert traces["bits"] == 8
    assert traces["digital_silence"] > 0.7


def test_what_an_event_sounds_like_is_no_part_of_the_background(room):
    louder = room.copy()
    louder[RATE : 2 * RATE] += np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    before, after = (measure_traces([x], RATE, EVENTS) for x in (room, louder))
    for name, kind in KINDS.items():
        if kind in ("hum", "background", "bandwidth") and name not in OF_ALL_SAMPLES:
            assert after[name] == before[name]


def test_without_events_the_background_is_the_quietest_tenth(room):
    known, unknown = (measure_traces([room], RATE, events) for events in (EVENTS, None))
    assert unknown["background_db"] == pytest.approx(known["background_db"], abs=0.5)


def test_without_a_gap_nothing_is_said_of_the_background(room):
    traces = measure_traces([room], RATE, Events([Event(0.0, 5.0, "cough")]))
    assert math.isnan(traces["background_db"])
    assert math.isnan(traces["line_db"])
    ignored = measure_traces([room], RATE, Events([Event(0.0, 5.0, "noise")]))
    assert not math.isnan(ignored["background_db"])


def test_blocks_make_no_difference(room):
    long = np.tile(room, 26)  # two blocks of a minute and a rest
    long[:100] = 0.0
    at_once = measure_traces([long], RATE, EVENTS)
    assert measure_traces(np.array_split(long, 17), RATE, EVENTS) == at_once
    assert at_once["duration_s"] == 130


@pytest.mark.parametrize("samples", [np.zeros(16000), np.zeros(1), np.ones(1), np.ones(5000)])
def test_silence_and_tiny_files_have_traces_as_far_as_there_are_any(samples):
    for events in (None, EVENTS):
        traces = measure_traces([samples], RATE, events)
        assert not any(math.isinf(value) for value in traces.values())
        assert traces["duration_s"] == pytest.approx(len(samples) / RATE)
    assert traces["level_db"] >= -120


def test_low_rates_have_traces(room):
    for rate in (100, 300, 1000, 2000):
        assert not any(math.isinf(v) for v in measure_traces([room], rate).values())


def test_nothing_has_no_traces():
    with pytest.raises(ValueError, match="without samples"):
        measure_traces([], RATE)


def test_files_and_segments_are_read(room, tmp_path):
    from daxaudio.data.kaldi import RecordingSegment

    path = tmp_path / "a.wav"
    long = np.tile(room, 15).astype(np.float32)
    write_recording(Recording(torch.from_numpy(long)[None], RATE), path)
    data = DataFolder({"a": str(path)}, {"a": "ill"}, {"a": "p"}, {"a": 75.0})
    assert read_traces(data, "a", EVENTS) == measure_traces([long], RATE, EVENTS)
    part = {"u": RecordingSegment("a", 1.0, 2.0)}
    cut = DataFolder({"a": str(path)}, {"u": "ill"}, {"u": "p"}, {"u": 1.0}, part)
    assert read_traces(cut, "u") == measure_traces([long[RATE : 2 * RATE]], RATE)


def test_a_silent_minute_of_a_long_file_is_no_fault(room, tmp_path):
    path = tmp_path / "a.wav"
    samples = np.concatenate([room, np.zeros(70 * RATE), room]).astype(np.float32)
    write_recording(Recording(torch.from_numpy(samples)[None], RATE), path)
    data = DataFolder({"a": str(path)}, {"a": "ill"}, {"a": "p"}, {"a": 80.0})
    assert read_traces(data, "a")["duration_s"] == 80


def test_traces_are_known_by_the_samples_on_which_they_were_measured(room, tmp_path):
    data = DataFolder({"a": str(tmp_path / "a.wav")}, {"a": "ill"}, {"a": "p"}, {"a": 5.0})
    samples = torch.from_numpy(np.tile(room, 14).astype(np.float32))[None]
    found = []
    for sound, rate in ((samples, RATE), (0.5 * samples, RATE), (samples, 2 * RATE)):
        write_recording(Recording(sound, rate), tmp_path / "a.wav")
        traces, digest = traces_and_digest(data, "a", EVENTS)
        assert traces == read_traces(data, "a", EVENTS)
        assert digest == digest_of_audio(data, "a")
        found.append(digest)
    assert len(set(found)) == 3


def test_what_cannot_be_read_is_named(tmp_path):
    data = DataFolder({"a": str(tmp_path / "no.wav")}, {"a": "x"}, {"a": "p"}, {"a": 1.0})
    with pytest.raises(ValueError, match=r"no\.wav"):
        read_traces(data, "a")
