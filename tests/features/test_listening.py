"""What an explanation sounds like: what was marked, and the rest."""

import base64
import io
import math
import re

import pytest
import scipy.io.wavfile
import soundfile
import torch

from daxaudio.containers import Event, Events, Explanation, Recording
from daxaudio.data.audio import read_recording
from daxaudio.experiments.explain import explain
from daxaudio.features.frontends import LogMel
from daxaudio.features.listening import Listening, cut_out, listen, louder_copy, with_clicks
from daxaudio.models.blackbox import BlackBox

FRONT_END = LogMel(16000, 512, 256, 20)


def sounding(rate=44100, channels=2, seconds=1.0):
    """16-bit noise, as a file would hold it."""
    shape = channels, round(rate * seconds)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return Recording((1000 * noise).round() / 32768, rate, "a")


def explained(sound, mask=None, **facts):
    spectrogram = FRONT_END.spectrogram(sound)
    if mask is None:
        mask = torch.zeros_like(spectrogram.values)
        mask[:, 20:40] = 1.0
    return Explanation(mask, spectrogram, "rise", "dog", **facts)


def test_it_is_at_the_rate_of_the_recording_with_its_channels_and_adds_up_to_it():
    recording = sounding()
    listening = explained(recording, recording=recording).listen()
    assert listening.original is recording
    for part in (listening.kept, listening.removed):
        assert (part.sample_rate, part.waveform.shape) == (44100, recording.waveform.shape)
    total = listening.kept.waveform + listening.removed.waveform
    torch.testing.assert_close(total, recording.waveform, atol=1e-6, rtol=0)
    inside = slice(round(0.4 * 44100), round(0.56 * 44100))
    kept, own = listening.kept.waveform[:, inside], recording.waveform[:, inside]
    torch.testing.assert_close(kept, own, atol=1e-6, rtol=0)


def test_a_recording_is_taken_from_the_caller_where_the_explanation_knows_none():
    recording = sounding(16000, 1)
    explanation = explained(recording)
    with pytest.raises(ValueError, match=r"explanation\.listen\(read_recording\(path\)\)"):
        explanation.listen()
    assert explanation.listen(recording).original is recording


def test_explaining_a_recording_keeps_it_to_be_heard():
    class Loud(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.settings = {"kind": "resnet", "n_classes": 2}

        def forward(self, spectrograms):
            level = spectrograms.mean((1, 2)) / 50
            return torch.stack([level, -level], dim=1)

    recording = sounding(16000, 2, 0.5)
    black_box = BlackBox(Loud(), FRONT_END, ["a", "b"])
    explanation = explain(recording, black_box, "rise", queries=20)
    assert explanation.recording is recording
    assert "recording" not in repr(explanation).replace("recording_id", "")
    assert (
        explain(FRONT_END.spectrogram(recording), black_box, "rise", queries=20).recording is None
    )


@pytest.mark.parametrize(("threshold", "factor"), [(None, 0.5), (0.5, 1.0), (0.51, 0.0)])
def test_a_threshold_keeps_all_or_nothing(threshold, factor):
    recording = sounding(16000, 1)
    half = torch.full_like(FRONT_END.spectrogram(recording).values, 0.5)
    kept = listen(explained(recording, half), recording, threshold=threshold).kept
    torch.testing.assert_close(kept.waveform, factor * recording.waveform, atol=1e-6, rtol=0)


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5, math.nan])
def test_thresholds_out_of_range_are_refused(threshold):
    recording = sounding(16000, 1)
    with pytest.raises(ValueError, match=r"threshold must lie in \(0, 1\]"):
        listen(explained(recording), recording, threshold=threshold)


def test_a_recording_too_short_for_what_was_explained_is_refused():
    explanation = explained(sounding(16000, 1))
    with pytest.raises(ValueError, match=r"a: lasts 0\.500 s, and 0\.992 s were explained"):
        explanation.listen(sounding(16000, 1, 0.5))


def test_files_are_exact_16_bits_at_the_level_of_the_recording(tmp_path):
    recording = sounding(16000)
    written = explained(recording).listen(recording).save(tmp_path / "new")
    assert {path.name for path in written} == {"original.wav", "kept.wav", "removed.wav"}
    for path in written:
        assert soundfile.info(str(path)).subtype == "PCM_16"
    samples, rate = soundfile.read(tmp_path / "new/original.wav", dtype="float32")
    assert rate == 16000
    torch.testing.assert_close(torch.from_numpy(samples.T), recording.waveform, atol=0, rtol=0)
    parts = [soundfile.read(tmp_path / f"new/{name}.wav")[0] for name in ("kept", "removed")]
    assert abs(sum(parts) - samples).max() <= 1.5 / 32768


def test_what_16_bits_would_clip_is_written_as_floats(tmp_path):
    recording = Recording(3 * torch.rand(1, 16000), 16000, "a")
    listening = Listening(recording, recording, recording)
    (path, *_) = listening.save(tmp_path)
    assert soundfile.info(str(path)).subtype == "FLOAT"
    found = read_recording(path).waveform
    torch.testing.assert_close(found, recording.waveform, atol=0, rtol=0)


def test_louder_copies_say_by_how_much_and_leave_the_others_as_they_are(tmp_path):
    recording = sounding(16000, 1)
    listening = explained(recording).listen(recording)
    written = listening.save(tmp_path, louder=True)
    for name in ("kept", "removed"):
        plain = read_recording(tmp_path / f"{name}.wav").waveform
        loud = read_recording(tmp_path / f"{name}_louder.wav").waveform
        assert float(loud.abs().max()) == pytest.approx(10 ** (-1 / 20), abs=1e-4)
        said = float(re.search(r"([\d.]+) dB louder", written[tmp_path / f"{name}_louder.wav"])[1])
        ratio = 20 * math.log10(float(loud.abs().max() / plain.abs().max()))
        assert said == pytest.approx(ratio, abs=0.1)


def test_silence_and_what_is_loud_get_no_louder_copy(tmp_path):
    silence = Recording(torch.zeros(1, 800), 8000)
    loud = Recording(torch.full((1, 800), 0.95), 8000)
    written = Listening(loud, silence, loud).save(tmp_path, louder=True)
    assert len(written) == 3
    assert louder_copy(silence)[1] == 0


def test_clicks_stand_where_events_begin_and_end():
    silence = Recording(torch.zeros(2, 16000), 16000)
    clicked = with_clicks(silence, [Event(0.25, 0.5), Event(0.75, 1.0)]).waveform
    loud = clicked[0].abs() > 0.1
    starts = [int(place) for place in loud.nonzero().flatten()]
    for time in (0.25, 0.5, 0.75):
        assert any(abs(place / 16000 - time) < 0.001 for place in starts)
    assert bool(loud[-250:].any())  # that of the end is heard, too
    assert not bool(loud[:3900].any())
    torch.testing.assert_close(clicked[0], clicked[1])
    assert float(silence.waveform.abs().max()) == 0


def test_clicks_and_clips_are_written_for_what_is_marked_and_for_true_events(tmp_path):
    recording = sounding(16000, 1)
    listening = explained(recording).listen(recording)
    (event,) = listening.marked
    options = {"clicks": True, "events": [Event(0.1, 0.2)], "margin": 0.1}
    names = {path.name for path in listening.save(tmp_path, **options)}
    assert names - {"original.wav", "kept.wav", "removed.wav"} == {
        "clicks.wav",
        "clicks_at_events.wav",
        "marked_1.wav",
    }
    clip = read_recording(tmp_path / "marked_1.wav")
    assert clip.duration == pytest.approx(event.duration + 0.2, abs=1e-4)
    first = round((event.start - 0.1) * 16000)
    own = recording.waveform[:, first : first + clip.waveform.shape[1]]
    torch.testing.assert_close(clip.waveform, own, atol=0, rtol=0)


def test_a_clip_ends_with_the_recording():
    recording = sounding(16000, 1)
    assert cut_out(recording, Event(0.0, 1.0), 5.0).duration == 1.0
    assert cut_out(recording, Event(0.95, 1.2), 0.05).duration == pytest.approx(0.1, abs=1e-4)
    with pytest.raises(ValueError, match="behind the end"):
        cut_out(recording, Event(2.0, 3.0), 0.1)
    with pytest.raises(ValueError, match="margin must be at least 0"):
        cut_out(recording, Event(0.0, 1.0), -1.0)


def test_a_notebook_plays_three_sounds_with_these_samples():
    recording = sounding(16000, 2)
    explanation = explained(recording, recording=recording)
    shown = explanation._repr_html_()
    players = re.findall(r'<audio controls src="data:audio/wav;base64,([^"]+)"', shown)
    assert len(players) == 3
    rate, samples = scipy.io.wavfile.read(io.BytesIO(base64.b64decode(players[0])))
    assert rate == 16000
    found = torch.from_numpy(samples.T.copy()).float() / 32768
    torch.testing.assert_close(found, recording.waveform, atol=0, rtol=0)
    assert "<audio" not in explained(recording)._repr_html_()


def test_a_notebook_is_not_filled_by_a_long_recording():
    long = Recording(torch.zeros(1, 2**23 + 1), 16000)
    shown = Listening(long, long, long, Events())._repr_html_()
    assert "524 s are too long to be played here" in shown
    assert "<audio" not in shown
