"""`daxaudio explain` writes a page beside each explanation, with the recording's own sound."""

import json
import re

import pytest
from pages_of_tests import explained, sounds_with

from daxaudio.commands.pages import add_page
from daxaudio.data.audio import write_recording
from daxaudio.explainers.storage import save_explanation


def data_of(path):
    return json.loads(re.search(r'id="data">(.*?)</script>', path.read_text())[1])


@pytest.fixture
def stored(tmp_path):
    """The folder of an explanation, and its recording: two channels at their own rate."""
    audio = tmp_path / "a dog.wav"
    write_recording(sounds_with().original, audio)
    explanation = explained(recording_id="a dog")

    def store(**facts):
        save_explanation(explanation, tmp_path / "out", {"audio": str(audio), **facts})
        return tmp_path / "out", audio

    return store


def test_a_page_plays_the_recording_at_its_own_rate_with_its_channels(stored):
    folder, _ = stored()
    sounds = data_of(add_page(folder))["sounds"]
    assert (sounds["sample_rate"], sounds["channels"], sounds["samples"]) == (8000, 2, 32000)


def test_a_page_of_one_channel_plays_that_channel(stored):
    folder, _ = stored(channel=2)
    assert data_of(add_page(folder))["sounds"]["channels"] == 1


def test_a_page_has_no_sound_where_the_recording_is_gone_or_another(stored):
    folder, audio = stored()
    write_recording(sounds_with(duration=9.0).original, audio)
    assert data_of(add_page(folder))["sounds"] is None
    audio.unlink()
    assert data_of(add_page(folder))["sounds"] is None


def test_a_page_of_a_segment_plays_that_part_alone(stored):
    folder, audio = stored(segment=[3.0, 7.0], channel=1)
    write_recording(sounds_with(duration=9.0).original, audio)
    sounds = data_of(add_page(folder))["sounds"]
    assert (sounds["channels"], sounds["samples"]) == (1, 32000)


def test_a_page_plays_what_a_command_gives_where_commands_are_allowed(stored, tmp_path):
    folder, _ = stored(audio=f"cat '{tmp_path}/a dog.wav' |")
    assert data_of(add_page(folder))["sounds"] is None
    assert data_of(add_page(folder, allow_commands=True))["sounds"]["channels"] == 2


def test_the_stored_verdict_and_facts_are_on_the_page_but_no_second_time(stored):
    finding = {"name": "score", "value": 0.9, "good": True, "sentence": "It predicts dog."}
    folder, _ = stored(verdict={"summary": "Nothing against it.", "findings": [finding]})
    text = add_page(folder).read_text()
    assert text.count("It predicts dog.") == 1
    assert "Nothing against it." in text
    assert "versions.torch" in text
