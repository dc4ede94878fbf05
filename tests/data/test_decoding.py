"""Audio files whose header says something else about their length than their bytes do."""

import logging
import os
import struct

import numpy as np
import pytest
import soundfile
import torch

from daxaudio.commands.main import main
from daxaudio.data.audio import AUDIO_SUFFIXES, channels_of, duration_of, read_recording
from daxaudio.data.decoding import read_samples, reader
from daxaudio.data.decoding.ogg import checksum
from daxaudio.runs.names import AUDIO_ENDINGS

RATE = 16000
N = 2 * RATE


def noise(n=N):
    return np.random.default_rng(0).integers(-9000, 9000, n, np.int16)


def write(path, form, samples=None, **options):
    samples = noise() if samples is None else samples
    soundfile.write(path, samples, RATE, format=form, **options)
    return path.read_bytes()


def wav(promised, samples, behind=b""):
    """A WAV file whose header promises so many bytes of audio."""
    head = struct.pack("<4sI8sIHHIIHH", b"RIFF", 0, b"WAVEfmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return head + struct.pack("<4sI", b"data", promised) + samples.tobytes() + behind


def flac_promising(data, n_samples):
    others = int.from_bytes(data[18:26], "big") >> 36 << 36
    return data[:18] + (others | n_samples).to_bytes(8, "big") + data[26:]


def pages(data):
    """The pages of an Ogg file."""
    return [b"OggS" + page for page in data.split(b"OggS")[1:]]


def resealed(page, flags):
    """A page with other flags, and the checksum that it then has."""
    page = page[:5] + bytes([flags]) + page[6:22] + bytes(4) + page[26:]
    return page[:22] + struct.pack("<I", checksum(page)) + page[26:]


def assert_has_all(path, caplog, warning=None):
    """Every sample is read, and what is odd is said in one line."""
    assert np.array_equal(np.round(read_samples(path)[0][:, 0] * 2**15), noise())
    said = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == (warning is not None)
    assert all(line.startswith(f"{path}: ") and warning in line for line in said)


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64", "W64", "AU", "AIFF", "SVX", "NIST"])
@pytest.mark.parametrize("part", [0.5, 0.99])
def test_less_than_promised_is_an_error_in_every_format(tmp_path, form, part):
    path = tmp_path / "a.wav"  # whatever its name is
    data = write(path, form, subtype="PCM_16")
    assert duration_of(path) == 2
    assert len(read_samples(path)[0]) == N
    path.write_bytes(data[: int(part * len(data))])
    for ask in (read_recording, duration_of):
        with pytest.raises(ValueError, match=r"a\.wav: is cut short \(\d+ bytes missing\)"):
            ask(path)


def test_a_little_endian_au_file_of_unknown_length_is_whole(tmp_path, caplog):
    data = write(tmp_path / "a.au", "AU", subtype="PCM_16", endian="LITTLE")
    (tmp_path / "a.au").write_bytes(data[:8] + b"\xff\xff\xff\xff" + data[12:])
    assert_has_all(tmp_path / "a.au", caplog)
    assert duration_of(tmp_path / "a.au") == 2


@pytest.mark.parametrize("promised", [0, 20000])
def test_more_than_a_wav_header_promises_is_read_and_said(tmp_path, caplog, promised):
    (tmp_path / "a.wav").write_bytes(wav(promised, noise()))
    assert duration_of(tmp_path / "a.wav") == 2
    assert_has_all(
        tmp_path / "a.wav", caplog, f"promises {promised} bytes of audio, 64000 are there"
    )


@pytest.mark.parametrize("promised", [0, 20000, (1 << 64) - 1])
def test_an_rf64_file_that_was_never_finished_is_read_to_its_end(tmp_path, caplog, promised):
    data = write(tmp_path / "a.wav", "RF64", subtype="PCM_16")
    at = data.index(b"ds64") + 16
    (tmp_path / "a.wav").write_bytes(data[:at] + promised.to_bytes(8, "little") + data[at + 8 :])
    assert duration_of(tmp_path / "a.wav") == 2
    known = promised < 1 << 63
    assert_has_all(tmp_path / "a.wav", caplog, "bytes of audio, 64000 are" if known else None)


def test_what_is_odd_is_said_once_though_a_file_is_read_often(tmp_path, caplog):
    (tmp_path / "a.wav").write_bytes(wav(20000, noise()))
    for _ in range(3):
        read_recording(tmp_path / "a.wav")
    assert caplog.text.count("promises 20000 bytes") == 1


def test_more_than_an_au_header_promises_is_read_and_said(tmp_path, caplog):
    data = write(tmp_path / "a.au", "AU", subtype="PCM_16")
    (tmp_path / "a.au").write_bytes(data[:8] + struct.pack(">I", 20000) + data[12:])
    assert duration_of(tmp_path / "a.au") == 2
    assert_has_all(tmp_path / "a.au", caplog, "promises 20000 bytes of audio")


@pytest.mark.parametrize(
    "behind",
    [
        b"LIST\x04\x00\x00\x00abcd",
        b"bext\xff\xff\x00\x00cut",  # a chunk that is cut short itself
        b"\0" * 5000,  # a file rounded up to blocks
        b"TAG" + bytes(range(125)),
        b"ID3\x03" + bytes(range(200)),
        b"\x01\x02",
    ],
)
def test_what_stands_behind_the_audio_of_a_wav_file_is_not_read(tmp_path, caplog, behind):
    (tmp_path / "a.wav").write_bytes(wav(2 * N, noise(), behind))
    assert_has_all(tmp_path / "a.wav", caplog)


@pytest.mark.parametrize("behind", [b"", b"LIST\x04\x00\x00\x00abcd"])
def test_a_length_that_wrapped_at_4_gib_is_known_to_the_byte(tmp_path, behind):
    path, length = tmp_path / "a.wav", (1 << 32) + 2 * N
    with open(path, "wb") as file:  # a hole in the file; it takes no room on the disk
        file.write(wav(length - (1 << 32), np.zeros(0, np.int16)))
        file.truncate(44 + length)
        file.seek(44 + length)
        file.write(behind)
    assert duration_of(path) == length / 2 / RATE


def test_more_than_4_gib_from_a_pipe_are_all_there(tmp_path):
    path, length = tmp_path / "a.wav", (1 << 33) + 2 * N
    with open(path, "wb") as file:
        file.write(wav(0xFFFFFFFF, np.zeros(0, np.int16)))
        file.truncate(44 + length)
        file.seek(44 + length - 2 * N)
        file.write(noise().tobytes())
    assert duration_of(path) == length / 2 / RATE
    found, _ = read_samples(path, start=length / 2 / RATE - 2)
    assert np.array_equal(found[:, 0] * 2**15, noise())


@pytest.mark.parametrize("length", [2_500_000_000, 4_000_000_000])
def test_a_length_between_2_and_4_gib_is_one_like_any_other(tmp_path, length):
    path = tmp_path / "a.wav"
    with open(path, "wb") as file:
        file.write(wav(length, np.zeros(0, np.int16)))
        file.truncate(44 + length)
        file.seek(44 + length)
        file.write(b"LIST\x04\x00\x00\x00INFO")  # is no audio
    assert duration_of(path) == length / 2 / RATE
    os.truncate(path, 44 + length // 2)
    with pytest.raises(ValueError, match=rf"is cut short \({length - length // 2} bytes missing"):
        read_samples(path, 1.0, 2.0)


def test_a_flac_file_of_unknown_length_is_counted_and_whole(tmp_path, caplog):
    path = tmp_path / "a.flac"
    path.write_bytes(flac_promising(write(path, "FLAC"), 0))
    assert duration_of(path) == 2
    assert_has_all(path, caplog)
    assert np.array_equal(read_samples(path, 0.5, 1.0)[0], read_samples(path)[0][8000:16000])


def test_a_tag_in_front_of_a_flac_file_of_unknown_length_changes_nothing(tmp_path, caplog):
    path = tmp_path / "a.flac"
    data = flac_promising(write(path, "FLAC"), 0)
    path.write_bytes(b"ID3\x03\x00\x00\x00\x00\x00\x14" + bytes(20) + data)
    assert duration_of(path) == 2
    assert_has_all(path, caplog)


def test_more_than_a_flac_header_promises_is_read_and_said(tmp_path, caplog):
    path = tmp_path / "a.flac"
    path.write_bytes(flac_promising(write(path, "FLAC"), 12345))
    assert_has_all(path, caplog, "its header promises 12345 samples, 32000 are there")


def test_data_fix_writes_the_true_duration_of_a_flac_file_of_unknown_length(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac_promising(write(path, "FLAC"), 0))
    for name, value in {"wav.scp": path, "text": "x", "utt2spk": "u"}.items():
        (tmp_path / name).write_text(f"u {value}\n")
    assert main(["data", "fix", str(tmp_path), "--durations"]) == 0
    assert (tmp_path / "utt2dur").read_text() == "u 2.0\n"


@pytest.mark.parametrize("promised", [0, N, N + 1, (1 << 36) - 1])
@pytest.mark.parametrize("damage", ["cut", "zeros", "one bit"])
def test_damage_to_a_flac_file_is_an_error_whatever_it_promises(tmp_path, promised, damage):
    path = tmp_path / "a.flac"
    data = bytearray(flac_promising(write(path, "FLAC"), promised))
    if damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "zeros":
        data[30000:30500] = bytes(500)
    else:
        data[30000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.flac: .*(cut short|damaged).*copy it again"):
        read_samples(path)


@pytest.mark.parametrize("kind", ["VORBIS", "OPUS"])
def test_an_ogg_stream_without_its_last_mark_is_whole_and_this_is_said(tmp_path, caplog, kind):
    path = tmp_path / "a.ogg"
    marked = pages(write(path, "OGG", subtype=kind))
    whole = read_samples(path)[0]
    path.write_bytes(b"".join([*marked[:-1], resealed(marked[-1], 0)]))
    assert np.array_equal(read_samples(path)[0], whole)
    assert "no page is marked as its last" in caplog.text
    assert duration_of(path) == 2


@pytest.mark.parametrize("kind", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("damage", ["500 bytes", "one bit", "a page is missing", "bytes between"])
def test_damage_in_the_middle_of_an_ogg_file_is_an_error(tmp_path, kind, damage):
    path = tmp_path / "a.ogg"
    data = write(path, "OGG", noise(12 * RATE), subtype=kind)
    whole, middle = pages(data), len(data) // 2
    changed = {
        "500 bytes": data[:middle] + bytes(500) + data[middle + 500 :],
        "one bit": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "a page is missing": b"".join(whole[:3] + whole[4:]),
        "bytes between": b"".join([*whole[:3], b"what is this?", *whole[3:]]),
    }
    path.write_bytes(changed[damage])
    for ask in (read_recording, duration_of):
        with pytest.raises(ValueError, match=r"a\.ogg: is damaged \(.*byte \d+.*\); copy it again"):
            ask(path)


def test_a_second_ogg_stream_behind_the_first_is_refused_as_it_would_not_be_read(tmp_path):
    data = write(tmp_path / "a.ogg", "OGG", subtype="VORBIS")
    (tmp_path / "a.ogg").write_bytes(2 * data)
    with pytest.raises(ValueError, match=rf"another stream begins at byte {len(data)}, and only"):
        read_recording(tmp_path / "a.ogg")


def test_a_tag_behind_an_ogg_stream_is_no_damage(tmp_path):
    path = tmp_path / "a.ogg"
    data = write(path, "OGG", subtype="VORBIS")
    path.write_bytes(data + b"TAG" + bytes(125))
    assert len(read_samples(path)[0]) == N


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_part_is_the_same_part_of_the_whole(tmp_path, form):
    write(tmp_path / "a", form)
    whole, rate = read_samples(tmp_path / "a")
    assert rate == RATE
    for start, end in ((0.0, 0.5), (0.7, 1.3), (1.9, None), (1.9, 9.0), (5.0, 6.0)):
        last = None if end is None else round(end * RATE)
        part, _ = read_samples(tmp_path / "a", start, end)
        np.testing.assert_allclose(part, whole[round(start * RATE) : last], atol=1e-6)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
def test_samples_are_those_of_libsndfile(tmp_path, form):
    write(tmp_path / "a", form, np.stack([noise(), noise()[::-1]], axis=1))
    wanted = soundfile.read(tmp_path / "a", dtype="float32", always_2d=True)[0]
    found = read_samples(tmp_path / "a")[0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0 if form != "MP3" else 1e-6)
    assert channels_of(tmp_path / "a") == 2


def test_blocks_are_joined_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "_BLOCK", 1000)
    write(tmp_path / "a.wav", "WAV", subtype="PCM_16")
    assert np.array_equal(read_samples(tmp_path / "a.wav")[0][:, 0] * 2**15, noise())


def test_recordings_of_a_folder_are_looked_for_by_endings_that_ids_lose():
    assert set(AUDIO_SUFFIXES) <= AUDIO_ENDINGS


def test_a_recording_of_many_segments_is_counted_once(tmp_path, monkeypatch):
    path, n_read, read = tmp_path / "a.flac", [], soundfile.SoundFile.read
    path.write_bytes(flac_promising(write(path, "FLAC"), 0))

    def counted(self, *args, **options):
        n_read.append(1)
        return read(self, *args, **options)

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    durations = {duration_of(path) for _ in range(5)}
    assert durations == {2.0}
    assert len(n_read) == 2  # all samples, and the end
    assert torch.equal(read_recording(path).waveform, read_recording(path).waveform)
