"""`daxaudio listen` and `explain --listen`: the sounds of stored explanations."""

import numpy as np
import pytest
import soundfile
import torch

from daxaudio.commands.main import main
from daxaudio.containers import Event, Explanation
from daxaudio.data.audio import read_recording
from daxaudio.data.events import write_events
from daxaudio.data.kaldi import DataFolder, RecordingSegment, write_data_folder
from daxaudio.explainers.storage import save_explanation
from daxaudio.features.frontends import LogMel
from daxaudio.models import blackbox
from daxaudio.models.blackbox import BlackBox, save_black_box

RATE = 44100
FRONT_END = LogMel(16000, 512, 256, 20)


def write_noise(path, seconds=1.0, channels=2):
    noise = np.random.default_rng(0).normal(size=(round(seconds * RATE), channels))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.03 * noise, RATE)
    return path


def store(folder, sound, name="a", **facts):
    """An explanation of a file, which marks 0.32 to 0.64 s."""
    spectrogram = FRONT_END.spectrogram(read_recording(sound, recording_id=name))
    mask = torch.zeros_like(spectrogram.values)
    mask[:, 20:40] = 1.0
    explanation = Explanation(mask, spectrogram, "rise", "dog")
    save_explanation(explanation, folder, {"audio": str(sound), **facts})
    return folder


def samples_of(path):
    samples, rate = soundfile.read(path, always_2d=True)
    assert rate == RATE
    return samples


def test_one_explanation_is_heard_at_its_own_rate_with_its_channels(tmp_path, capsys):
    audio = write_noise(tmp_path / "in" / "a.wav")
    store(tmp_path / "explained", audio)
    assert main(["listen", f"{tmp_path}/explained", "--out", f"{tmp_path}/heard"]) == 0
    names = ("original", "kept", "removed")
    original, kept, removed = (samples_of(tmp_path / f"heard/{name}.wav") for name in names)
    assert original.shape == (RATE, 2)
    np.testing.assert_array_equal(original, samples_of(audio))
    assert abs(kept + removed - original).max() <= 1.5 / 32768
    inside, outside = slice(round(0.4 * RATE), round(0.56 * RATE)), slice(0, round(0.2 * RATE))
    assert abs(kept - original)[inside].max() <= 1 / 32768
    assert abs(kept[outside]).max() <= 1 / 32768
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].endswith("kept.wav: what was marked, as loud as it is in the recording")


def test_every_explanation_of_a_folder_has_a_folder_of_its_own(tmp_path, capsys):
    audio = write_noise(tmp_path / "a.wav")
    for method in ("rise", "lime"):
        store(tmp_path / "explained" / method / "a", audio)
    store(tmp_path / "explained" / "rise" / "gone", audio, "gone", audio=f"{tmp_path}/gone.wav")
    assert main(["listen", f"{tmp_path}/explained", "--out", f"{tmp_path}/heard"]) == 0
    found = {str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("kept.wav")}
    assert found == {"heard/rise/a", "heard/lime/a"}
    (line,) = capsys.readouterr().err.splitlines()
    assert "left out" in line
    assert "gone.wav: no such file" in line
    assert "give --audio" in line


def test_options_write_more(tmp_path):
    audio = write_noise(tmp_path / "a.wav")
    store(tmp_path / "explained", audio)
    write_events({"a.wav": [Event(0.1, 0.2, "dog")]}, tmp_path / "events.tsv")
    words = ["--louder", "--clicks", "--clips", "--margin", "0.05", "--threshold", "0.5"]
    out = ["--out", f"{tmp_path}/heard", "--events", f"{tmp_path}/events.tsv"]
    assert main(["listen", f"{tmp_path}/explained", *out, *words]) == 0
    assert {path.stem for path in (tmp_path / "heard").iterdir()} == {
        *("original", "kept", "removed", "kept_louder", "removed_louder"),
        *("clicks", "clicks_at_events", "marked_1"),
    }


def test_a_recording_that_has_moved_is_named(tmp_path, capsys):
    audio = write_noise(tmp_path / "a.wav")
    store(tmp_path / "explained", audio)
    moved = audio.rename(tmp_path / "b.wav")
    listen = ["listen", f"{tmp_path}/explained", "--out", f"{tmp_path}/heard"]
    assert main(listen) == 2
    assert "has it moved? give --audio" in capsys.readouterr().err
    assert main([*listen, "--audio", str(moved)]) == 0
    for seconds in (0.5, 2.0):
        other = write_noise(tmp_path / "c.wav", seconds)
        assert main([*listen, "--audio", str(other)]) == 2
        assert f"c.wav: lasts {seconds:.3f} s, and" in capsys.readouterr().err


def test_the_recording_itself_is_never_written_over(tmp_path, capsys):
    audio = write_noise(tmp_path / "clips" / "kept.wav")
    before = audio.read_bytes()
    store(tmp_path / "explained", audio)
    assert main(["listen", f"{tmp_path}/explained", "--out", f"{tmp_path}/clips"]) == 2
    assert "kept.wav: is the recording itself" in capsys.readouterr().err
    assert audio.read_bytes() == before
    assert [path.name for path in audio.parent.iterdir()] == ["kept.wav"]


def test_the_channel_and_the_segment_that_were_explained_are_heard(tmp_path):
    audio = write_noise(tmp_path / "a.wav", 3.0)
    part = write_noise(tmp_path / "part.wav", 1.0)
    facts = {"audio": str(audio), "segment": [1.0, 2.0], "channel": 2}
    store(tmp_path / "explained", part, **facts)
    assert main(["listen", f"{tmp_path}/explained", "--out", f"{tmp_path}/heard"]) == 0
    own = samples_of(audio)[RATE : 2 * RATE, 1:]
    np.testing.assert_array_equal(samples_of(tmp_path / "heard/original.wav"), own)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        *(
            (["--threshold", text], f"must be above 0 and at most 1, got '{text}'")
            for text in ("0", "1.1", "nan", "inf", "much")
        ),
        (["--margin", "-1"], "must be a number of seconds from 0 on"),
        (["--audio", "x.wav"], "holds explanations of 2; name the folder of one"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, capsys, words, message):
    audio = write_noise(tmp_path / "a.wav")
    for name in ("a", "b"):
        store(tmp_path / "explained" / name, audio, name)
    listen = ["listen", f"{tmp_path}/explained", "--out", f"{tmp_path}/heard", *words]
    try:
        code = main(listen)
    except SystemExit as stop:  # by the parser
        code = stop.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_folder_without_explanations_is_said(tmp_path, capsys):
    assert main(["listen", str(tmp_path), "--out", f"{tmp_path}/heard"]) == 2
    assert "holds no explanation; give a folder that `explain` wrote" in capsys.readouterr().err


def test_commands_are_not_run_unless_allowed(tmp_path, capsys):
    audio = write_noise(tmp_path / "a.wav")
    store(tmp_path / "explained", audio, audio=f"cat {audio} |")
    listen = ["listen", f"{tmp_path}/explained", "--out", f"{tmp_path}/heard"]
    assert main(listen) == 2
    assert "is a shell command" in capsys.readouterr().err
    assert main([*listen, "--allow_commands"]) == 0
    np.testing.assert_array_equal(samples_of(tmp_path / "heard/original.wav"), samples_of(audio))


class Level(torch.nn.Module):
    """Logits of loud and quiet."""

    def __init__(self, **settings):
        super().__init__()
        self.settings = {"kind": "resnet", "n_classes": 2}
        self.gain = torch.nn.Parameter(torch.tensor(0.02))

    def forward(self, spectrograms):
        level = self.gain * spectrograms.mean((1, 2))
        return torch.stack([level, -level], dim=1)


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setitem(blackbox.MODEL_KINDS, "resnet", Level)
    save_black_box(BlackBox(Level(), FRONT_END, ["loud", "quiet"]), tmp_path / "model")
    return tmp_path / "model"


def test_explaining_writes_sounds_beside_the_explanation(tmp_path, model):
    audio = write_noise(tmp_path / "a.wav")
    options = [
        "--method",
        "rise",
        "--queries",
        "20",
        "--no_pictures",
        "--check",
        "none",
        "--listen",
        "--quiet",
    ]
    words = ["--model", str(model), "--out", f"{tmp_path}/out", *options]
    assert main(["explain", str(audio), *words]) == 0
    np.testing.assert_array_equal(samples_of(tmp_path / "out/original.wav"), samples_of(audio))
    assert (tmp_path / "out/kept.wav").is_file()
    assert (tmp_path / "out/removed.wav").is_file()
    asked = str(tmp_path / "out/original.wav")  # a recording that a sound would be written over
    before = [path.stat().st_mtime_ns for path in sorted((tmp_path / "out").iterdir())]
    assert main(["explain", asked, *words]) == 2
    assert before == [path.stat().st_mtime_ns for path in sorted((tmp_path / "out").iterdir())]


def test_explaining_a_data_folder_writes_the_sounds_of_its_segments(tmp_path, model):
    audio = write_noise(tmp_path / "a.wav", 2.0)
    segments = {"u1": RecordingSegment("r", 0.0, 1.0), "u2": RecordingSegment("r", 1.0, 2.0)}
    text = dict.fromkeys(segments, "loud")
    names = {name: name for name in segments}
    durations = dict.fromkeys(segments, 1.0)
    data = DataFolder({"r": str(audio)}, text, names, durations, segments)
    write_data_folder(data, tmp_path / "data")
    options = [
        "--method",
        "rise",
        "--queries",
        "20",
        "--no_pictures",
        "--which",
        "all",
        "--listen",
        "--quiet",
    ]
    words = ["--model", str(model), "--out", f"{tmp_path}/out", *options]
    assert main(["explain", f"{tmp_path}/data", *words]) == 0
    for i, name in enumerate(segments):
        own = samples_of(audio)[i * RATE : (i + 1) * RATE]
        np.testing.assert_array_equal(samples_of(tmp_path / f"out/rise/{name}/original.wav"), own)
