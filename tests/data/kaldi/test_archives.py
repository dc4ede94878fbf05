"""Audio in archives: `wav.scp` with entries `file.ark:1234`."""

import io

import numpy as np
import pytest
import soundfile
import torch

from daxaudio.commands.main import main
from daxaudio.data.audio import read_recording
from daxaudio.data.kaldi import (
    DataFolder,
    RecordingSegment,
    archives,
    fix_data_folder,
    read_utterance,
    validate_data_folder,
    write_data_folder,
)
from daxaudio.data.kaldi.archives import source_file
from daxaudio.data.padding import NoisePadding

RATE = 8000


def sound(name, **options):
    """The bytes of an audio file of a second, and its samples."""
    levels = np.random.default_rng(len(name)).integers(-9000, 9000, RATE, np.int16)
    file = io.BytesIO()
    soundfile.write(file, levels, RATE, **{"format": "WAV", "subtype": "PCM_16", **options})
    return file.getvalue()


def in_kaldis_way(name):
    return sound(name)


def in_kaldiios_way(name):
    data = sound(name, format="FLAC")
    size = len(data).to_bytes(3, "little")
    return b"AUDIO" + bytes([len(size)]) + size + data


def make_archive(path, write):
    """An archive of two recordings, and its lines of `wav.scp`."""
    data, lines = b"", {}
    for name in ("a", "bcd"):
        data += f"{name} ".encode()
        lines[name] = f"{path}:{len(data)}"
        data += write(name)
    path.write_bytes(data)
    return lines


def folder(lines, segments=None):
    names = list(segments or lines)
    labels, durations = {name: name for name in names}, dict.fromkeys(names, 1.0)
    return DataFolder(lines, labels, labels, durations, segments)


@pytest.mark.parametrize("write", [in_kaldis_way, in_kaldiios_way])
def test_each_entry_gives_its_own_audio(tmp_path, write):
    lines = make_archive(tmp_path / "raw 1.ark", write)
    for name in lines:
        (tmp_path / "alone.wav").write_bytes(sound(name))
        alone = read_recording(tmp_path / "alone.wav")
        assert torch.equal(read_utterance(folder(lines), name).waveform, alone.waveform)


def test_what_kaldiio_writes_is_read(tmp_path):
    kaldiio = pytest.importorskip("kaldiio", reason="pip install kaldiio")
    samples = (3000 * np.random.default_rng(0).standard_normal(RATE)).astype(np.int16)
    kaldiio.save_ark(
        str(tmp_path / "raw.ark"), {"a": (RATE, samples)}, scp=str(tmp_path / "wav.scp")
    )
    name, source = (tmp_path / "wav.scp").read_text().split()
    found = read_utterance(folder({name: source}), "a")
    assert found.sample_rate == RATE
    assert np.array_equal(found.waveform[0].numpy(), samples.astype(np.float32) / 2**15)


def test_a_segment_is_cut_out_of_an_archived_recording(tmp_path):
    lines = make_archive(tmp_path / "raw.ark", in_kaldis_way)
    whole = read_utterance(folder(lines), "bcd")
    cut = folder({"bcd": lines["bcd"]}, {"u": RecordingSegment("bcd", 0.25, 0.5)})
    assert torch.equal(read_utterance(cut, "u").waveform, whole.waveform[:, 2000:4000])


def test_folders_with_archives_are_valid_and_are_measured(tmp_path, capsys):
    lines = make_archive(tmp_path / "raw.ark", in_kaldis_way)
    write_data_folder(folder(lines), tmp_path / "data")
    assert validate_data_folder(tmp_path / "data") == []
    assert validate_data_folder(tmp_path / "data", check_audio=True) == []
    fix_data_folder(tmp_path / "data", tmp_path / "fixed", durations=True)
    assert (tmp_path / "fixed" / "utt2dur").read_text() == "a 1.0\nbcd 1.0\n"
    assert main(["pad", str(tmp_path / "data"), "--out", str(tmp_path / "padded"), "--quiet"]) == 0
    assert "2 recordings padded, 0 left out" in capsys.readouterr().out


def test_noise_may_come_out_of_an_archive(tmp_path):
    lines = make_archive(tmp_path / "raw.ark", in_kaldis_way)
    write_data_folder(folder(lines), tmp_path / "data")
    recording = read_utterance(folder(lines), "a")
    padded = NoisePadding(0.25, 0.25, noise=tmp_path / "data")(recording, 0, "a")
    noise, other = padded.recording.waveform[0, :2000], read_utterance(folder(lines), "bcd")
    stretches = other.waveform[0].unfold(0, 2000, 1)
    alike = stretches @ noise / stretches.norm(dim=1) / noise.norm()
    assert float(alike.max()) == pytest.approx(1, abs=1e-5)


def test_a_file_that_is_called_so_is_no_archive(tmp_path):
    path = tmp_path / "a.wav:12"
    path.write_bytes(sound("a"))
    assert read_utterance(folder({"a": str(path)}), "a").duration == 1
    assert source_file(str(path)) == path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda line: line.replace("raw", "none"), r"none\.ark: no such archive"),
        (lambda line: line + "0", r"raw\.ark:20: holds no audio at this byte"),
        (lambda line: line + "00000000", r"holds no audio at this byte"),
        (lambda line: line + "[0:100]", r"a part of what is in an archive is not read"),
        (lambda line: line.replace("raw", "cut"), r"cut\.ark:2: is cut short \(\d+ bytes missing"),
        (lambda line: line.replace("raw", "endless"), "a WAV file of unknown length"),
        (lambda line: line.replace("raw", "matrix"), "holds a matrix at this byte"),
    ],
)
def test_what_is_no_audio_in_an_archive_is_said_in_one_line(tmp_path, change, reason):
    line = make_archive(tmp_path / "raw.ark", in_kaldis_way)["a"]
    (tmp_path / "cut.ark").write_bytes((tmp_path / "raw.ark").read_bytes()[:9000])
    (tmp_path / "endless.ark").write_bytes(b"a RIFF\xff\xff\xff\xffWAVE")
    (tmp_path / "matrix.ark").write_bytes(b"a \0BFM " + bytes(40))
    with pytest.raises(ValueError, match=reason) as error:
        read_utterance(folder({"a": change(line)}), "a")
    assert "\n" not in str(error.value)


def test_a_missing_archive_and_a_part_are_problems_of_the_folder(tmp_path):
    lines = make_archive(tmp_path / "raw.ark", in_kaldis_way)
    lines = {"a": lines["a"] + "[0:9]", "bcd": lines["bcd"].replace("raw", "none")}
    write_data_folder(folder(lines), tmp_path / "data")
    part, missing = (problem.what for problem in validate_data_folder(tmp_path / "data"))
    assert "a part of what is in an archive" in part
    assert missing.endswith("no such file: " + str(tmp_path / "none.ark"))


def test_a_path_that_no_file_system_takes_costs_only_its_own_recording(tmp_path):
    long = f"{tmp_path}/{'a' * 300}.wav"
    for source in (long, f"{long}:12"):
        data = folder({"x": source})
        with pytest.raises(ValueError, match=r"a\.wav.*check the path"):
            read_utterance(data, "x")
        write_data_folder(data, tmp_path / "data")
        for check_audio in (False, True):
            problems = validate_data_folder(tmp_path / "data", check_audio)
            assert [problem.file.endswith("wav.scp") for problem in problems] == [True]


def test_an_archive_that_may_not_be_read_is_said_in_one_line(tmp_path, monkeypatch):
    lines = make_archive(tmp_path / "raw.ark", in_kaldis_way)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(archives, "open", refuse, raising=False)  # the tests may run as root
    with pytest.raises(ValueError, match=r"raw\.ark: cannot be opened \(permission denied\)"):
        read_utterance(folder(lines), "a")
