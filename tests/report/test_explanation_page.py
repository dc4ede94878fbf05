"""The page of an explanation as a file; what a browser makes of it is in the tests beside this."""

import json
import re

import numpy as np
import pytest
import soundfile
import torch
from pages_of_tests import RATE, explained, sounds_with

from daxaudio import Event, Events, Explanation, Recording, Spectrogram
from daxaudio.metrics.phase_events import heard_stretches
from daxaudio.report.explanation_page import Sounds, write_explanation_page
from daxaudio.report.page_pictures import frequency_ticks
from daxaudio.report.page_sounds import sounds_of


def data_of(path):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text())
    return json.loads(found[1])


def decode(text):
    import base64
    import io

    return soundfile.read(io.BytesIO(base64.b64decode(text)), dtype="int16", always_2d=True)[0]


def test_names_are_escaped_wherever_they_stand(tmp_path):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    explanation = explained(recording_id=evil, target=evil, warnings=(evil,))
    verdict = {"summary": evil, "findings": [{"good": False, "sentence": evil}]}
    facts = {evil: {evil: evil}}
    events = [Event(0, 1, evil)]
    path = write_explanation_page(
        explanation, tmp_path / "a.html", events=events, verdict=verdict, facts=facts
    )
    text = path.read_text()
    assert "<script>alert" not in text
    assert "<img" not in text
    assert data_of(path)["lanes"][0][0]["label"] == evil


def test_a_clip_of_ten_seconds_in_stereo_takes_less_than_five_megabytes(tmp_path):
    generator = torch.Generator().manual_seed(0)
    loud = (torch.rand((2, 441_000), generator=generator) * 2 - 1).clamp(-0.99, 0.99)
    original = Recording((loud * 32768).round() / 32768, 44_100)
    kept = Recording(original.waveform * 0.7, 44_100)
    removed = Recording(original.waveform - kept.waveform, 44_100)
    explanation = explained(n_frames=1000, n_bins=128, duration=10.0)
    sounds = Sounds(original, kept, removed)
    path = write_explanation_page(explanation, tmp_path / "a.html", sounds=sounds)
    assert path.stat().st_size < 5_000_000


@pytest.mark.parametrize("gain", [1.0, 1 / 64])
def test_samples_of_sixteen_bits_are_written_exactly(gain):
    samples = np.arange(-20000, 20001, 7, dtype=np.float32)[None] / 32768 * gain
    original = Recording(torch.from_numpy(samples), 16_000)
    kept = Recording(original.waveform * 0.3, 16_000)
    removed = Recording(original.waveform - kept.waveform, 16_000)
    sounds = sounds_of(original, kept, removed)
    scale = 2.0 ** -(15 + sounds["exponent"])
    assert np.array_equal(decode(sounds["original"])[:, 0] * scale, samples[0])
    step = scale / 2 + 1e-9
    assert np.abs(decode(sounds["kept"])[:, 0] * scale - kept.waveform[0].numpy()).max() <= step
    assert sounds["removed"] is None


def test_what_was_removed_is_written_where_it_is_not_the_difference():
    one = Recording(torch.full((1, 100), 0.5), 8000)
    assert sounds_of(one, one, one)["removed"] is not None


def test_sounds_that_are_not_alike_are_refused():
    one, short = Recording(torch.zeros(1, 100), 8000), Recording(torch.zeros(1, 99), 8000)
    with pytest.raises(ValueError, match=r"removed is \(1, 99\) at 8000 Hz"):
        sounds_of(one, one, short)


def test_silence_and_samples_beyond_full_scale_can_be_written():
    silent = Recording(torch.zeros(1, 50), 8000)
    assert sounds_of(silent, silent, silent)["exponent"] == 0
    loud = Recording(torch.tensor([[3.0, -4.0, 1.0]]), 8000)
    none = Recording(torch.zeros(1, 3), 8000)
    sounds = sounds_of(loud, loud, none)
    assert sounds["exponent"] == -3
    assert (decode(sounds["original"])[:, 0] * 2.0**-12).tolist() == [3.0, -4.0, 1.0]


def test_more_channels_than_two_are_averaged_to_one():
    one = Recording(torch.tensor([[0.25], [0.5], [0.0]]), 8000)
    none = Recording(torch.zeros(3, 1), 8000)
    sounds = sounds_of(one, one, none)
    assert (sounds["channels"], sounds["averaged"]) == (1, True)


def test_rows_hold_events_without_overlap(tmp_path):
    events = [Event(0, 2, "a"), Event(1, 3, "b"), Event(2, 4, "c"), Event(2.5, 5, "d")]
    path = write_explanation_page(explained(), tmp_path / "a.html", events=events)
    rows = [[event["label"] for event in row] for row in data_of(path)["lanes"]]
    assert rows == [["a", "c"], ["b"], ["d"]]


def test_marked_stretches_meet_where_frames_do_and_end_where_silence_was_deleted():
    times = torch.tensor([0.5, 1.5, 4.5, 5.5])
    stretches = heard_stretches(times)
    shown = Spectrogram(torch.zeros(1, 4), torch.ones(1), times)
    whole = Explanation(torch.tensor([[0.9, 0.8, 0.7, 0.1]]), shown, "made").events(0.5)
    assert whole == Events([Event(0, 2), Event(4, 5)])
    assert (stretches[1, 0], stretches[1, 1], stretches[2, 0]) == (1.0, 2.0, 4.0)


def test_the_threshold_of_an_explanation_is_mean_and_deviation_unless_told():
    explanation = explained()
    whole = explanation.events(0.0)
    assert whole.duration > explanation.events().duration > explanation.events(0.99).duration


@pytest.mark.parametrize(
    ("frequencies", "frequency"),
    [
        (np.arange(201) * 40.0, 4000),
        (55.0 * 2 ** (np.arange(84) / 12), 1000),
        (700 * (10 ** (np.linspace(20, 2840, 64) / 2595) - 1), 1000),
    ],
)
def test_ticks_stand_beside_the_bins_of_their_frequency(frequencies, frequency):
    ticks = dict(frequency_ticks(frequencies))
    nearest = np.abs(frequencies - frequency).argmin()
    share = ticks[f"{frequency // 1000} kHz"]
    assert abs(share * len(frequencies) - (nearest + 0.5)) <= 0.6


def test_a_page_without_the_recording_says_that_it_has_no_sound(tmp_path):
    path = write_explanation_page(explained(), tmp_path / "a.html")
    assert "This page has no sound" in path.read_text()
    assert data_of(path)["sounds"] is None
    other = write_explanation_page(explained(), tmp_path / "b.html", sounds=sounds_with())
    assert "This page has no sound" not in other.read_text()
    assert data_of(other)["sounds"]["sample_rate"] == RATE
