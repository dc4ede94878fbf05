import dataclasses

import numpy as np
import pytest
import soundfile

from daxaudio.data.kaldi import (
    DataFolder,
    RecordingSegment,
    read_data_folder,
    validate_data_folder,
    write_data_folder,
)

RATE = 8000


@pytest.fixture
def audio(tmp_path):
    """Two seconds each."""
    for name in "ab":
        soundfile.write(tmp_path / f"{name} 1.wav", np.full(2 * RATE, 0.1), RATE)
    return {"s-b": str(tmp_path / "b 1.wav"), "s-a": str(tmp_path / "a 1.wav")}


@pytest.fixture
def whole(audio, tmp_path):
    """A valid folder of two recordings."""
    labels = {"s-a": "dog", "s-b": "cat"}
    speakers = dict.fromkeys(labels, "s")
    write_data_folder(
        DataFolder(audio, labels, speakers, dict.fromkeys(labels, 2.0)), tmp_path / "d"
    )
    return tmp_path / "d"


@pytest.fixture
def cut(audio, tmp_path):
    """A valid folder with three segments of two recordings."""
    segments = {
        "s-1": RecordingSegment("s-a", 0.0, 0.5),
        "s-2": RecordingSegment("s-a", 0.5, 2.0),
        "s-3": RecordingSegment("s-b", 1.0),
    }
    labels, durations = dict.fromkeys(segments, "dog"), {"s-1": 0.5, "s-2": 1.5, "s-3": 1.0}
    data = DataFolder(
        audio, labels, dict.fromkeys(segments, "s"), durations, segments, dict.fromkeys(audio, 2.0)
    )
    write_data_folder(data, tmp_path / "d")
    return tmp_path / "d"


def found(folder, **options):
    return [
        str(problem).removeprefix(f"{folder}/")
        for problem in validate_data_folder(folder, **options)
    ]


@pytest.mark.parametrize("kind", ["whole", "cut"])
def test_what_is_written_is_valid(kind, request):
    folder = request.getfixturevalue(kind)
    assert found(folder) == found(folder, check_audio=True) == []


FIX = "`daxaudio data fix` mends it"
NUMBER = "a number of seconds"
UNSORTED = f"ids are not sorted by their bytes; {FIX}"
OTHER = f"are not those in utt2spk; {FIX}"
DROP = "mend the line, or let `daxaudio data fix` drop it"


@pytest.mark.parametrize(
    ("name", "content", "problems"),
    [
        ("text", b"s-b cat\ns-a dog\n", [f"text:2: 's-a' comes after 's-b', {UNSORTED}"]),
        ("text", b"s-a dog\r\ns-b cat\r\n", [f"text:1: ends in CRLF (1 more line(s) too); {FIX}"]),
        (
            "text",
            b"\xef\xbb\xbfs-a dog\ns-b cat\n",
            [f"text:1: begins with a byte order mark; {FIX}"],
        ),
        ("text", b"s-a\tdog\ns-b cat\n", [f"text:1: has a tab where a space belongs; {FIX}"]),
        ("text", b"s-a dog\tbark\ns-b cat\n", []),
        ("utt2spk", b"s-a s\ns-b\ts\n", [f"utt2spk:2: has a tab where a space belongs; {FIX}"]),
        ("text", b"s-a dog \ns-b cat\n", [f"text:1: has blanks at its end; {FIX}"]),
        ("text", b"s-a dog\n s-b cat\n", [f"text:2: begins with a blank; {FIX}"]),
        ("text", b"s-a dog\n\ns-b cat\n", [f"text:2: is blank; {FIX}"]),
        ("text", b"s-a dog\ns-b cat", [f"text:2: does not end in a line break; {FIX}"]),
        ("text", b"s-a dog\ns-b cat\ns-b cat\n", [f"text:3: 's-b' is already in line 2; {FIX}"]),
        (
            "text",
            b"s-a dog\ns-b cat\ns-b rain\n",
            ["text:3: 's-b' is already in line 2, with another value; remove the wrong one"],
        ),
        (
            "text",
            b"s-a dog\n",
            ["wav.scp:2: 's-b' is not in text; add it there, or let `daxaudio data fix` drop it"],
        ),
        (
            "text",
            b"s-a dog\ns-b cat\ns-c cat\n",
            ["text:3: 's-c' is not in wav.scp; add it there, or let `daxaudio data fix` drop it"],
        ),
        (
            "utt2dur",
            b"s-a 2\n",
            ["wav.scp:2: 's-b' is not in utt2dur; `daxaudio data fix --durations` adds it"],
        ),
        (
            "text",
            b"s-a dog\ns-b\n",
            [f"text:2: expected an id, a space and a value, got 's-b'; {DROP}"],
        ),
        (
            "utt2dur",
            b"s-a 2\ns-b two\n",
            [f"utt2dur:2: 's-b': duration must be {NUMBER}, got 'two'; {DROP}"],
        ),
        (
            "utt2dur",
            b"s-a 0\ns-b 2\n",
            [f"utt2dur:1: 's-a': expected a duration above 0 seconds, got 0.0; {DROP}"],
        ),
        (
            "utt2spk",
            b"s-a s\ns-b s t\n",
            [
                f"utt2spk:2: 's-b': expected one word without white space, got 's t'; {DROP}",
                f"spk2utt:1: the utterances of speaker 's' {OTHER}",
            ],
        ),
        ("spk2utt", b"s s-b s-a\n", [f"spk2utt:1: the utterances of speaker 's' {OTHER}"]),
        ("spk2utt", b"s s-a s-b\nt s-a\n", [f"spk2utt:2: the utterances of speaker 't' {OTHER}"]),
        (
            "spk2utt",
            b"a s-a s-b\n",
            [
                f"spk2utt:1: the utterances of speaker 'a' {OTHER}",
                f"utt2spk:1: speaker 's' is not in spk2utt; {FIX}",
            ],
        ),
        (
            "text",
            b"",
            [
                "text: is empty; write it, or remove the folder",
            ],
        ),
        ("utt2dur", None, ["utt2dur: no such file; `daxaudio data fix --durations` writes it"]),
        ("spk2utt", None, ["spk2utt: no such file; `daxaudio data fix` writes it"]),
        ("text", None, ["text: no such file; write it"]),
    ],
)
def test_each_problem_is_one_line_with_file_line_and_remedy(whole, name, content, problems):
    if content is None:
        (whole / name).unlink()
    else:
        (whole / name).write_bytes(content)
    assert found(whole) == problems


def test_text_that_is_not_utf8_is_told(whole):
    (whole / "text").write_bytes("s-a dög\ns-b cat\n".encode("latin-1"))
    (line,) = found(whole)
    assert line.startswith("text: is not UTF-8 text")
    assert line.endswith("; save it as UTF-8")


def test_a_folder_that_is_valid_can_be_read_and_one_that_cannot_is_not_valid(whole):
    for name in ("wav.scp", "text", "utt2spk", "utt2dur"):
        kept = (whole / name).read_text()
        for content in ("", "s-a\n", "s-a 1\n", "s-a 1\ns-a 1\ns-b 1\n", "s-a 1 |\ns-b 1 |\n"):
            (whole / name).write_text(content)
            try:
                read_data_folder(whole)
            except ValueError:
                assert any(not problem.warning for problem in validate_data_folder(whole)), content
        (whole / name).write_text(kept)
    assert validate_data_folder(whole) == []


def test_utterances_that_do_not_begin_with_their_speaker_are_a_warning(whole, audio):
    labels = {"s-a": "dog", "s-b": "cat"}
    odd = DataFolder(audio, labels, {"s-a": "x", "s-b": "x"}, dict.fromkeys(labels, 2.0))
    write_data_folder(odd, whole)
    (problem,) = validate_data_folder(whole)
    assert problem.warning
    assert "warning: 's-a' does not begin with the id of its speaker, 'x' (nor do 1 more)" in str(
        problem
    )
    write_data_folder(dataclasses.replace(odd, utt2spk={name: name for name in labels}), whole)
    assert validate_data_folder(whole) == []


def test_audio_that_is_missing_is_named(whole, audio):
    with open(whole / "wav.scp", "w") as file:
        file.write(f"s-a {audio['s-a']}\ns-b no where.wav\n")
    (line,) = found(whole)
    assert line.startswith("wav.scp:2: 's-b': no such file: no where.wav; relative paths start at")
    (line,) = found(whole, check_audio=True)
    assert line.startswith("wav.scp:2: 's-b': no where.wav: no such file")


def test_durations_are_compared_with_the_audio_where_asked(whole):
    (whole / "utt2dur").write_text("s-a 2.04\ns-b 2.1\n")
    assert found(whole) == []
    (line,) = found(whole, check_audio=True)
    assert line.startswith("utt2dur:2: 's-b': 2.1 s, but its audio lasts 2 s; ")
    (whole / "utt2dur").write_text("s-a 1.9\ns-b 1.96\n")
    (line,) = found(whole, check_audio=True)
    assert line.startswith("utt2dur:1: 's-a': 1.9 s, but its audio lasts 2 s; ")


def test_a_segment_may_end_a_little_after_its_recording(cut):
    segments = (cut / "segments").read_text()
    assert "s-2 s-a 0.5 2.0" in segments
    (cut / "segments").write_text(segments.replace("0.5 2.0", "0.5 2.009"))
    assert found(cut) == []
    (cut / "segments").write_text(segments.replace("0.5 2.0", "0.5 2.011"))
    (line,) = found(cut)
    assert line.startswith("segments:2: 's-2' is outside its recording, which lasts 2 s")


@pytest.mark.parametrize(
    ("name", "content", "check_audio", "start"),
    [
        (
            "segments",
            "s-1 s-a 0 0.5\ns-2 s-a 0.5 2.5\ns-3 s-b 1 -1\n",
            False,
            "segments:2: 's-2' is outside its recording, which lasts 2 s",
        ),
        (
            "segments",
            "s-1 s-a 0 0.5\ns-2 s-a 0.5 2\ns-3 s-b 3 -1\n",
            False,
            "segments:3: 's-3' is outside its recording, which lasts 2 s",
        ),
        (
            "segments",
            "s-1 s-a 0 0.5\ns-2 s-a 2 0.5\ns-3 s-b 1 -1\n",
            False,
            "segments:2: 's-2': a segment needs 0 <= start < end",
        ),
        (
            "utt2dur",
            "s-1 0.7\ns-2 1.5\ns-3 1\n",
            False,
            "utt2dur:1: 's-1': 0.7 s, but its segment lasts 0.5 s",
        ),
        (
            "utt2dur",
            "s-1 0.5\ns-2 1.5\ns-3 1.5\n",
            False,
            "utt2dur:3: 's-3': 1.5 s, but its segment lasts 1 s",
        ),
        ("reco2dur", "s-a 2.1\ns-b 2\n", True, "reco2dur:1: 's-a': 2.1 s, but its audio lasts 2 s"),
    ],
)
def test_segments_and_durations_are_compared(cut, name, content, check_audio, start):
    (cut / name).write_text(content)
    (line,) = found(cut, check_audio=check_audio)
    assert line.startswith(start)


@pytest.mark.parametrize("content", [b"", b"s-1 \xff\n"])
def test_segments_that_cannot_be_read_are_one_problem(cut, content):
    (cut / "segments").write_bytes(content)
    (line,) = found(cut)
    assert line.startswith("segments: ")


def test_a_segment_from_the_end_of_its_recording_to_the_end_is_outside(cut):
    (cut / "segments").write_text("s-1 s-a 0 0.5\ns-2 s-a 0.5 2\ns-3 s-b 2 -1\n")
    (line,) = found(cut)
    assert line.startswith("segments:3: 's-3' is outside its recording, which lasts 2 s")


def test_a_recording_that_only_segments_name_is_told(cut):
    (cut / "segments").write_text("s-1 s-a 0 0.5\ns-2 s-a 0.5 2\ns-3 s-c 1 2\n")
    assert [line.split(";")[0] for line in found(cut)] == [
        "segments:3: recording 's-c' is not in wav.scp",
        "wav.scp:2: 's-b' is not in segments",
    ]


def test_shell_commands_are_a_problem_unless_allowed_and_never_run_to_look_at_form(whole, tmp_path):
    mark = tmp_path / "mark"
    (whole / "wav.scp").write_text(f"s-a touch {mark} |\ns-b touch {mark} |\n")
    lines = found(whole, check_audio=True)
    assert len(lines) == 2
    assert lines[0].startswith(f"wav.scp:1: 's-a': 'touch {mark} |' is a shell command; ")
    assert found(whole, allow_pipes=True) == []
    assert not mark.exists()


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="none: no such folder"):
        validate_data_folder(tmp_path / "none")
