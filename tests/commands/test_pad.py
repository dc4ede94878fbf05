"""`daxaudio pad` and files: nothing that is read is lost, nothing is left of what was refused."""

import numpy as np
import pytest
import soundfile

from daxaudio.commands.main import main
from daxaudio.data.events import read_events
from daxaudio.data.kaldi import DataFolder, read_data_folder, write_data_folder

RATE = 8000


def sound(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, RATE // 10), RATE)
    return path


def data_of(folder, sounds, **labels):
    """A data folder of recordings that lie somewhere."""
    ids = list(sounds)
    texts = {name: labels.get(name, "dog") for name in ids}
    data = DataFolder(
        {name: str(path) for name, path in sounds.items()},
        texts,
        dict.fromkeys(ids, "s"),
        dict.fromkeys(ids, 0.1),
    )
    write_data_folder(data, folder)
    return folder


def pad(audio, out, *options):
    short = ("--min_duration", "0.01", "--max_duration", "0.02", "--quiet")
    return main(["pad", str(audio), "--out", str(out), *short, *map(str, options)])


def content(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def one_line(capsys):
    text = capsys.readouterr().err
    assert text.count("\n") == 1, text
    return text


def test_a_data_folder_is_not_padded_into_itself(tmp_path, capsys):
    data = data_of(tmp_path / "data", {"a": sound(tmp_path / "a.wav")})
    before = content(data)
    assert pad(data, f"{data}/../data") == 2
    assert "is the recording or data folder itself" in one_line(capsys)
    assert content(data) == before


def test_nor_into_another_data_folder(tmp_path, capsys):
    data = data_of(tmp_path / "data", {"a": sound(tmp_path / "a.wav")})
    other = data_of(tmp_path / "other", {"b": tmp_path / "a.wav"})
    before = content(other)
    assert pad(data, other) == 2
    assert "holds data that `pad` did not make" in one_line(capsys)
    assert content(other) == before


def test_nor_over_its_noise_or_its_settings(tmp_path, capsys):
    audio, noise = sound(tmp_path / "a.wav"), sound(tmp_path / "out/noise/n.wav", 1)
    assert pad(audio, noise.parent, "--noise", noise.parent) == 2
    assert "is the noise itself" in one_line(capsys)
    config = tmp_path / "out/padding.json"
    config.write_text("padding: {snr_db: 3}")
    assert pad(audio, config.parent, "--config", config) == 2
    assert "would overwrite" in one_line(capsys)
    assert config.read_text() == "padding: {snr_db: 3}"


def test_a_recording_whose_place_is_taken_by_another_source_is_left_out(tmp_path):
    first = data_of(tmp_path / "data", {"a": sound(tmp_path / "a.wav")})
    assert pad(first, tmp_path / "out") == 0
    padded = tmp_path / "out/audio/a.wav"
    before = padded.read_bytes()
    second = data_of(tmp_path / "second", {"a": tmp_path / "a.wav", "b": padded})
    assert pad(second, tmp_path / "out") == 0
    assert padded.read_bytes() == before
    assert "would be overwritten" in (tmp_path / "out/bad_files.txt").read_text()
    assert read_data_folder(tmp_path / "out").ids == ["b"]


def test_a_padded_folder_can_be_padded_again_from_its_source(tmp_path):
    data = data_of(tmp_path / "data", {"a": sound(tmp_path / "a.wav")})
    assert pad(data, tmp_path / "out") == 0
    before = content(tmp_path / "out")
    assert pad(data, tmp_path / "out") == 0
    assert content(tmp_path / "out") == before


def test_the_padded_folder_of_another_file_is_kept(tmp_path, capsys):
    assert pad(sound(tmp_path / "a.wav"), tmp_path / "out") == 0
    before = content(tmp_path / "out")
    assert pad(sound(tmp_path / "b.wav"), tmp_path / "out") == 2
    assert "is of other recordings" in one_line(capsys)
    assert content(tmp_path / "out") == before


def test_an_original_beside_the_recording_is_kept(tmp_path, capsys):
    original = sound(tmp_path / "a.wav")
    before = original.read_bytes()
    assert pad(sound(tmp_path / "a.flac", 1), tmp_path) == 2
    assert "no padded recording" in one_line(capsys)
    assert original.read_bytes() == before


def test_a_long_id_is_listed_and_the_others_are_padded(tmp_path):
    audio = sound(tmp_path / "a.wav")
    data = data_of(tmp_path / "data", {"a": audio, "b" * 300: audio})
    assert pad(data, tmp_path / "out") == 0
    assert read_data_folder(tmp_path / "out").ids == ["a"]
    assert "has 300 bytes" in (tmp_path / "out/bad_files.txt").read_text()


def test_a_label_that_no_list_of_events_holds_is_listed_and_leaves_no_sound(tmp_path):
    audio = sound(tmp_path / "a.wav")
    data = data_of(tmp_path / "data", {"a": audio, "b": audio}, b="dog\tbark")
    assert pad(data, tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out/audio").iterdir()] == ["a.wav"]
    assert list(read_events(tmp_path / "out/events.tsv")) == ["a.wav"]


@pytest.mark.parametrize("name", ["a\tb.wav", "a\x01.wav"])
def test_a_refused_recording_leaves_nothing(tmp_path, capsys, name):
    assert pad(sound(tmp_path / name), tmp_path / "out") == 2
    assert "the id" in one_line(capsys)
    assert not (tmp_path / "out").exists()


def test_the_working_folder_is_no_noise(tmp_path, capsys, monkeypatch):
    audio = sound(tmp_path / "a.wav")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        pad(audio, "out", "--noise", "")
    assert "argument --noise: is empty" in one_line(capsys)


def test_a_link_in_a_circle_is_listed_and_the_others_are_padded(tmp_path):
    (tmp_path / "circle.wav").symlink_to(tmp_path / "circle.wav")
    sounds = {"circle": tmp_path / "circle.wav", "good": sound(tmp_path / "good.wav")}
    assert pad(data_of(tmp_path / "data", sounds), tmp_path / "out") == 0
    assert (tmp_path / "out" / "bad_files.txt").read_text().startswith("circle\t")
    assert read_data_folder(tmp_path / "out").ids == ["good"]
