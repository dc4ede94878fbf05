import os
import random
import shlex

import numpy as np
import pytest
import soundfile

from daxaudio.data.kaldi import (
    DataFolder,
    RecordingSegment,
    fix_data_folder,
    read_data_folder,
    validate_data_folder,
    write_data_folder,
)
from daxaudio.data.kaldi.raw import FILES

RATE = 8000


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def fill(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("wav_scp", "wav.scp")).write_bytes(text.encode())
    return folder


@pytest.fixture
def audio(tmp_path):
    """Two recordings of two seconds."""
    for name in "ab":
        soundfile.write(tmp_path / f"{name} 1.wav", np.full(2 * RATE, 0.1), RATE)
    return {name: str(tmp_path / f"{name} 1.wav") for name in "ab"}


@pytest.fixture
def two(audio, tmp_path):
    """A folder of both, unsorted, with values written as we would not write them."""
    return fill(
        tmp_path / "d",
        wav_scp=f"b {audio['b']}\na {audio['a']}\n",
        text="b cat\na dog bark\n",
        utt2spk="b b\na a\n",
        utt2dur="b 2.000\na 2\n",
    )


def test_a_valid_folder_is_left_alone(two):
    fix_data_folder(two)
    before = contents(two)
    folders = sorted(two.iterdir())
    assert fix_data_folder(two) == []
    assert contents(two) == before
    assert sorted(two.iterdir()) == folders


def test_files_are_sorted_and_values_kept_as_they_are_written(two, audio):
    changes = fix_data_folder(two)
    assert changes == [
        "wav.scp: sorted",
        "text: sorted",
        "utt2spk: sorted",
        "spk2utt: written, with 2 line(s)",
        "utt2dur: sorted",
        f"the files as they were are in {two / '.backup'}",
    ]
    assert (two / "wav.scp").read_text() == f"a {audio['a']}\nb {audio['b']}\n"
    assert (two / "utt2dur").read_text() == "a 2\nb 2.000\n"
    assert (two / "spk2utt").read_text() == "a a\nb b\n"
    assert validate_data_folder(two, check_audio=True) == []


def test_the_files_as_they_were_are_kept_and_no_backup_is_overwritten(two):
    first = contents(two)
    fix_data_folder(two)
    assert contents(two / ".backup") == first
    (two / "text").write_text("b cat\na cow\n")
    second = contents(two)
    fix_data_folder(two)
    assert contents(two / ".backup") == first
    assert contents(two / ".backup-2") == second


def test_with_out_the_folder_itself_is_not_touched(two, tmp_path):
    (two / "events.tsv").write_text("x")
    before = contents(two)
    changes = fix_data_folder(two, tmp_path / "new" / "d")
    assert contents(two) == before
    assert not (two / ".backup").exists()
    assert changes[-1] == "not copied: events.tsv"
    assert validate_data_folder(tmp_path / "new" / "d") == []
    with pytest.raises(ValueError, match="holds a data folder already"):
        fix_data_folder(two, tmp_path / "new" / "d")
    (tmp_path / "text").write_text("mine")  # of a folder that is none, or not yet
    with pytest.raises(ValueError, match="holds a data folder already"):
        fix_data_folder(two, tmp_path)
    assert (tmp_path / "text").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "content", "change"),
    [
        ("text", "a dog\nb cat\nb cat\n", "text: kept 'b' once, which is in lines 2, 3"),
        ("text", "\ufeffa dog\nb cat\n", "text: mended line(s) 1: begins with a byte order mark"),
        ("text", "a dog\r\nb cat\r\n", "text: mended line(s) 1, 2: ends in CRLF"),
        ("text", "a dog\t\n\nb\tcat", "text: mended line(s) 2: is blank"),
        ("text", "a  dog\nb cat\n", "text: blanks between words made single"),
        ("spk2utt", "a a b\nb b\n", "spk2utt: written afresh from utt2spk"),
        ("spk2utt", "\ufeffa a\nb b\n", "spk2utt: mended line(s) 1: begins with a byte order mark"),
        ("utt2dur", "a\t2\nb 2\n", "utt2dur: mended line(s) 1: has a tab where a space belongs"),
    ],
)
def test_form_is_mended_and_nothing_dropped(two, name, content, change):
    fix_data_folder(two)
    wanted = read_data_folder(two)
    (two / name).write_bytes(content.encode())
    assert change in fix_data_folder(two)
    assert validate_data_folder(two) == []
    found = read_data_folder(two)
    assert found.ids == wanted.ids
    assert found.utt2dur == wanted.utt2dur
    if name == "text":
        assert found.text == {"a": "dog", "b": "cat"}


@pytest.mark.parametrize(
    ("name", "content", "changes"),
    [
        ("text", "a dog\n", ["dropped 'b': not in text"]),
        ("utt2spk", "a a\nc c\n", ["dropped 'b': not in utt2spk"]),
        (
            "text",
            "a dog\nb cat\nb cow\n",
            [
                "text: dropped 'b', which has different values in lines 2, 3",
                "dropped 'b': not in text",
            ],
        ),
        (
            "utt2dur",
            "a 2\nb two\n",
            [
                "utt2dur: dropped line 2: 'b': duration must be a number of seconds, got 'two'",
                "dropped 'b': not in utt2dur",
            ],
        ),
        (
            "text",
            "a dog\nb\n",
            ["text: dropped line 2: expected an id, a space and a value, got 'b'"],
        ),
    ],
)
def test_what_is_not_whole_in_all_files_is_dropped_and_named(two, name, content, changes):
    (two / name).write_text(content)
    assert set(changes) <= set(fix_data_folder(two))
    assert validate_data_folder(two) == []
    assert read_data_folder(two).ids == ["a"]


def test_durations_are_measured_where_asked(two, audio, tmp_path):
    (two / "utt2dur").write_text("a 7\n")
    (tmp_path / "b 1.wav").write_text("no audio")
    changes = fix_data_folder(two, durations=True)
    assert "utt2dur: measured, 1 line(s)" in changes
    assert any(
        line.startswith("wav.scp: dropped 'b': ") and "read as audio" in line for line in changes
    )
    assert read_data_folder(two).utt2dur == {"a": 2.0}
    assert validate_data_folder(two, check_audio=True) == []
    assert fix_data_folder(two, durations=True) == []


def test_missing_durations_are_written_where_asked(two):
    (two / "utt2dur").unlink()
    with pytest.raises(ValueError, match=r"utt2dur: no such file; give --durations"):
        fix_data_folder(two)
    assert "utt2dur: written, with 2 line(s)" in fix_data_folder(two, durations=True)
    assert read_data_folder(two).utt2dur == {"a": 2.0, "b": 2.0}


@pytest.fixture
def cut(audio, tmp_path):
    segments = "u1 a 0 0.5\nu2 a 0.5 2.5\nu3 b 2.5 -1\nu4 b 0.25 -1\nu5 c 0 1\n"
    ids = ["u1", "u2", "u3", "u4", "u5"]
    return fill(
        tmp_path / "d",
        wav_scp="".join(f"{name} {path}\n" for name, path in audio.items()) + "d d.wav\n",
        segments=segments,
        text="".join(f"{name} dog\n" for name in ids),
        utt2spk="".join(f"{name} {name}\n" for name in ids),
        utt2dur="".join(f"{name} 1\n" for name in ids),
    )


def test_segments_are_dropped_with_their_recordings_and_the_other_way_round(cut):
    changes = fix_data_folder(cut)
    assert changes[:4] == [
        "segments: dropped 'u5': no recording 'c'",
        "dropped utterance 'u5': not in segments",
        "dropped recording 'd': no utterance of it is left",
        "spk2utt: written, with 4 line(s)",
    ]
    found = read_data_folder(cut)
    assert (found.ids, sorted(found.wav_scp)) == (["u1", "u2", "u3", "u4"], ["a", "b"])


def test_segments_outside_their_recording_are_mended_where_durations_are_measured(cut):
    (cut / "reco2dur").write_text("a 9\nb 9\nc 9\n")
    changes = fix_data_folder(cut, durations=True)
    assert "segments: end of 'u2' set from 2.5 to -1, its recording lasts 2 s" in changes
    assert "segments: dropped 'u3': begins after its recording of 2 s" in changes
    found = read_data_folder(cut)
    assert found.segments == {
        "u1": RecordingSegment("a", 0, 0.5),
        "u2": RecordingSegment("a", 0.5),
        "u4": RecordingSegment("b", 0.25),
    }
    assert found.utt2dur == {"u1": 0.5, "u2": 1.5, "u4": 1.75}
    assert found.reco2dur == {"a": 2.0, "b": 2.0}
    assert validate_data_folder(cut, check_audio=True) == []
    assert fix_data_folder(cut, durations=True) == []


def test_commands_are_kept_and_run_only_to_measure_and_where_allowed(two, audio):
    source = f"cat {shlex.quote(audio['b'])} |"
    (two / "wav.scp").write_text(f"b {source}\na {audio['a']}\n")
    before = contents(two)
    with pytest.raises(ValueError, match=r"wav\.scp: 'b': .* is a shell command"):
        fix_data_folder(two, durations=True)
    assert contents(two) == before
    fix_data_folder(two)
    assert (two / "wav.scp").read_text() == f"a {audio['a']}\nb {source}\n"


@pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell")
def test_commands_are_measured_where_allowed(two, audio):
    (two / "wav.scp").write_text(f"b cat {shlex.quote(audio['b'])} |\na exit 1 |\n")
    changes = fix_data_folder(two, durations=True, allow_pipes=True)
    assert any(line.startswith("wav.scp: dropped 'a': ") and "code 1" in line for line in changes)
    assert read_data_folder(two, allow_pipes=True).utt2dur == {"b": 2.0}


@pytest.mark.parametrize("name", ["wav.scp", "text", "utt2spk"])
def test_nothing_is_written_when_nothing_would_be_left(two, name):
    (two / name).write_text("c c\n")
    before = contents(two)
    with pytest.raises(ValueError, match="no utterance would be left"):
        fix_data_folder(two)
    (two / name).unlink()
    with pytest.raises(ValueError, match=r"no such file; check the path"):
        fix_data_folder(two)
    (two / name).write_bytes(b"a \xff\n")
    with pytest.raises(ValueError, match="is not UTF-8"):
        fix_data_folder(two)
    assert not (two / ".backup").exists()
    assert contents(two).keys() == before.keys()


def damage(draws, path):
    """Do to a file what editors, copies and scripts do."""
    lines = path.read_text("utf-8").split("\n")[:-1]
    for _ in range(draws.randint(0, 4)):
        n = draws.randrange(len(lines))
        lines[n] = draws.choice(
            [
                lines[n] + "\r",
                lines[n] + " \t",
                " " + lines[n],
                lines[n].split(" ")[0],
                lines[n].replace(" ", "\t", 1),
                lines[n] + "\n\n" + lines[n],
                lines[n] + "\n" + lines[n] + "x",
                "new 1 2 3",
                "a\u00a0b 1",
            ]
        )
    draws.shuffle(lines)
    path.write_text(
        draws.choice(["", "\ufeff"]) + "\n".join(lines) + draws.choice(["", "\n"]), "utf-8"
    )


@pytest.mark.parametrize("seed", range(60))
def test_whatever_was_done_to_a_folder_it_is_valid_when_mended(seed, audio, tmp_path):
    draws = random.Random(seed)
    names = [f"{s}-{n}" for s in ("ä", "b_", "C") for n in range(8)]
    speakers = {name: name.split("-")[0] for name in names}
    durations = dict.fromkeys(names, 1.0)
    labels = {name: draws.choice(["dog", "big  dog", "犬"]) for name in names}
    if seed % 2:
        data = DataFolder(dict.fromkeys(names, audio["a"]), labels, speakers, durations)
    else:
        segments = {name: RecordingSegment(draws.choice("ab"), 0.5, 1.5) for name in names}
        data = DataFolder(audio, labels, speakers, durations, segments, {"a": 2.0, "b": 2.0})
    write_data_folder(data, tmp_path / "d")
    # of two recordings none may be lost, or no utterance might be left
    spared = () if seed % 2 else ("wav.scp", "reco2dur")
    for name in FILES:
        if (tmp_path / "d" / name).exists() and name not in spared:
            damage(draws, tmp_path / "d" / name)
    fix_data_folder(tmp_path / "d", durations=bool(seed % 3))
    problems = validate_data_folder(tmp_path / "d", check_audio=bool(seed % 3))
    assert [str(problem) for problem in problems if not problem.warning] == []
    mended = read_data_folder(tmp_path / "d")
    assert set(mended.ids) <= set(names)
    assert mended.utt2spk == {name: speakers[name] for name in mended.utt2spk}
    assert fix_data_folder(tmp_path / "d", durations=bool(seed % 3)) == []
