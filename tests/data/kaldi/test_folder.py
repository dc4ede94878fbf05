import math
import os
import random
import shutil
import subprocess

import pytest

from daxaudio.data.kaldi import DataFolder, RecordingSegment, read_data_folder, write_data_folder
from daxaudio.data.kaldi.lines import byte_sorted


@pytest.fixture
def data():
    # by bytes: "-" before digits before capitals before "_" before small letters before "é"
    speakers = {"a_1": "a", "a-1": "a", "B1": "B", "a1": "a", "é1": "é", "b1": "b"}
    return DataFolder(
        wav_scp={i: f"/corpus/010 - Fire  crackling/{i}.ogg" for i in speakers},
        text={i: f"fire crackling {i}" for i in speakers},
        utt2spk=speakers,
        utt2dur={i: 5 + n / 3 for n, i in enumerate(speakers)},
    )


def test_a_data_folder_reads_back_exactly(data, tmp_path):
    write_data_folder(data, tmp_path / "data" / "train")
    assert read_data_folder(tmp_path / "data" / "train") == data


def test_every_file_is_sorted_by_the_bytes_of_its_first_word(data, tmp_path):
    write_data_folder(data, tmp_path)
    for name in ("wav.scp", "text", "utt2spk", "utt2dur"):
        ids = [line.split()[0] for line in (tmp_path / name).read_text("utf-8").splitlines()]
        assert ids == ["B1", "a-1", "a1", "a_1", "b1", "é1"], name
    assert (tmp_path / "spk2utt").read_text("utf-8") == "B B1\na a-1 a1 a_1\nb b1\né é1\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "spk2utt",
        "text",
        "utt2dur",
        "utt2spk",
        "wav.scp",
    ]


def test_the_first_space_separates(data, tmp_path):
    write_data_folder(data, tmp_path)
    lines = (tmp_path / "wav.scp").read_text("utf-8").splitlines()
    assert lines[0] == "B1 /corpus/010 - Fire  crackling/B1.ogg"
    assert read_data_folder(tmp_path).text["B1"] == "fire crackling B1"


def test_unsorted_lines_tabs_and_windows_line_ends_are_read(tmp_path):
    for name, values in {
        "wav.scp": "b b 1.wav\r\na\ta 1.wav\r\n",
        "text": "a dog\nb cat",
        "utt2spk": "a x\nb y\n\n",
        "utt2dur": "a 1\nb 2.5\n",
    }.items():
        (tmp_path / name).write_bytes(values.encode())
    found = read_data_folder(tmp_path)
    assert found.wav_scp == {"b": "b 1.wav", "a": "a 1.wav"}
    assert found.utt2dur == {"a": 1.0, "b": 2.5}


def test_no_recordings_at_all_is_legal(tmp_path):
    write_data_folder(DataFolder({}, {}, {}, {}), tmp_path)
    assert read_data_folder(tmp_path).ids == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "wav.scp",
            "a a.wav\nb sph2pipe x.sph |\n",
            r"wav\.scp:2: 'b': 'sph2pipe x\.sph \|' is a shell command, .*--allow_commands",
        ),
        ("wav.scp", "a a.wav\nb\n", r"wav\.scp:2: expected an id, a space and a value, got 'b'"),
        ("wav.scp", "a a.wav\na b.wav\n", r"wav\.scp:2: 'a' is already in line 1"),
        ("wav.scp", " a a.wav\n", r"wav\.scp:1: expected an id"),
        ("wav.scp", "a a.wav\n", r"text:2: 'b' is not in .*wav\.scp"),
        ("text", "b dog\n", r"wav\.scp:1: 'a' is not in .*text"),
        ("text", "b dog\nc dog\na dog\n", r"text:2: 'c' is not in .*wav\.scp"),
        ("utt2spk", "a x\nb y z\n", r"utt2spk:2: expected one word .* got 'y z'"),
        (
            "utt2dur",
            "a 1\nb long\n",
            r"utt2dur:2: duration must be a number of seconds, got 'long'",
        ),
        ("utt2dur", "a 1\nb 0\n", r"utt2dur:2: expected a duration above 0 seconds, got 0\.0"),
        ("utt2dur", "a nan\nb 1\n", r"utt2dur:1: expected a duration above 0 seconds, got nan"),
        ("utt2dur", None, r"utt2dur: no such file; `daxaudio data fix --durations` writes it"),
    ],
)
def test_errors_in_a_data_folder_name_file_and_line(tmp_path, name, text, reason):
    two = {"a": "x", "b": "y"}
    write_data_folder(DataFolder(two, two, two, {"a": 1.0, "b": 2.0}), tmp_path)
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=reason):
        read_data_folder(tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": {}}, "'a' is in wav.scp but not in text"),
        ({"utt2dur": {"a": 1.0, "b": 1.0}}, "'b' is in utt2dur but not in wav.scp"),
        ({"wav_scp": {"a": "cat x.wav |"}}, r"wav\.scp: 'a': 'cat x\.wav \|' is a shell command"),
        ({"wav_scp": {"a": ""}}, "wav.scp: expected one line of text .* got ''"),
        ({"text": {"a": "dog\nb cat"}}, "text: expected one line of text"),
        ({"text": {"a": "dog "}}, "text: expected one line of text"),
        ({"utt2spk": {"a": "x y"}}, "utt2spk: expected one word without white space, got 'x y'"),
        ({"utt2dur": {"a": math.inf}}, "utt2dur: expected a duration above 0 seconds, got inf"),
        ({"wav_scp": {"a b": "x.wav"}}, "wav.scp: expected one word .* got 'a b'"),
    ],
)
def test_what_a_data_folder_cannot_hold_is_refused(changes, reason):
    whole = {
        "wav_scp": {"a": "a.wav"},
        "text": {"a": "dog"},
        "utt2spk": {"a": "x"},
        "utt2dur": {"a": 1.0},
    }
    with pytest.raises(ValueError, match=reason):
        DataFolder(**(whole | changes))


@pytest.fixture
def cut():
    """Two recordings, of which one has two utterances that overlap."""
    labels = {"a-1": "dog", "a-2": "dog bark", "b-1": "犬"}
    return DataFolder(
        wav_scp={"tape 1".replace(" ", "_"): "/corpus/tape 1.flac", "b": "b.wav"},
        text=labels,
        utt2spk={"a-1": "a", "a-2": "a", "b-1": "b"},
        utt2dur={"a-1": 1 / 3, "a-2": 2.5, "b-1": 4.0},
        segments={
            "a-1": RecordingSegment("tape_1", 0.1 + 0.2, 0.1 + 0.2 + 1 / 3),
            "a-2": RecordingSegment("tape_1", 0.5, 3.0),
            "b-1": RecordingSegment("b", 1.0),
        },
        reco2dur={"tape_1": 1e3 + 1e-9, "b": 5.0},
    )


def test_segments_read_back_exactly(cut, tmp_path):
    write_data_folder(cut, tmp_path)
    assert read_data_folder(tmp_path) == cut
    lines = (tmp_path / "segments").read_text().splitlines()
    assert lines[1:] == ["a-2 tape_1 0.5 3.0", "b-1 b 1.0 -1"]
    assert (tmp_path / "reco2dur").read_text().splitlines()[0] == "b 5.0"


def test_durations_of_recordings_may_be_left_out(cut, tmp_path):
    write_data_folder(cut, tmp_path)
    (tmp_path / "reco2dur").unlink()
    found = read_data_folder(tmp_path)
    assert (found.reco2dur, found.segments) == (None, cut.segments)


def test_a_folder_without_segments_leaves_none_of_an_earlier_one(cut, data, tmp_path):
    write_data_folder(cut, tmp_path)
    write_data_folder(data, tmp_path)
    assert read_data_folder(tmp_path) == data
    assert not (tmp_path / "reco2dur").exists()


def test_an_utterance_is_its_segment_or_the_whole_recording(cut, data):
    assert cut.segment("b-1") == RecordingSegment("b", 1.0, None)
    assert data.segment("B1") == RecordingSegment("B1", 0.0, None)
    with pytest.raises(ValueError, match="no utterance 'b' in the data folder"):
        cut.segment("b")


def test_a_part_has_the_recordings_of_its_utterances_alone(cut, data):
    part = cut.part(["a-2"])
    assert (part.ids, list(part.wav_scp), list(part.reco2dur)) == (["a-2"], ["tape_1"], ["tape_1"])
    assert cut.part(cut.text) == cut
    assert data.part(["é1", "a1"]).text == {"é1": data.text["é1"], "a1": data.text["a1"]}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("segments", "a-1 tape_1 0\n", r"segments:1: expected a recording, a start and an end"),
        ("segments", "a-1 tape_1 0 1 1\n", r"segments:1: expected a recording, a start and an end"),
        ("segments", "a-1 tape_1 x 1\n", r"segments:1: start must be a number of seconds, got 'x'"),
        ("segments", "a-1 tape_1 0 -2\n", r"segments:1: a segment needs .* end=-2\.0"),
        ("segments", "a-1 tape_1 2 2\n", r"segments:1: a segment needs 0 <= start < end"),
        ("segments", "a-1 tape_1 -1 2\n", r"segments:1: a segment needs .* start=-1\.0"),
        ("segments", "a-1 tape_1 nan 2\n", r"segments:1: a segment needs .* start=nan"),
        ("wav.scp", "tape_1 a.wav\n", r"segments:3: 'b' is not in .*wav\.scp"),
        (
            "wav.scp",
            "tape_1 a.wav\nb b.wav\nc c.wav\n",
            r"wav\.scp:3: 'c' is not in .*segments; `daxaudio data fix` keeps",
        ),
        ("text", "a-1 dog\na-2 dog\n", r"segments:3: 'b-1' is not in .*text"),
        ("reco2dur", "b 5\n", r"wav\.scp:2: 'tape_1' is not in .*reco2dur"),
        ("reco2dur", "b 5\ntape_1 -1\n", r"reco2dur:2: expected a duration above 0"),
    ],
)
def test_errors_in_segments_name_file_and_line(cut, tmp_path, name, text, reason):
    write_data_folder(cut, tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=reason):
        read_data_folder(tmp_path)


def test_tables_that_do_not_fit_segments_are_refused(cut):
    whole = {field: getattr(cut, field) for field in ("wav_scp", "text", "utt2spk", "utt2dur")}
    with pytest.raises(ValueError, match="reco2dur goes with segments"):
        DataFolder(**cut.part([]).__dict__ | {"segments": None, "reco2dur": {}})
    with pytest.raises(ValueError, match=r"'b' is in segments but not in wav\.scp"):
        DataFolder(**whole | {"wav_scp": {"tape_1": "x"}}, segments=cut.segments)
    with pytest.raises(ValueError, match="'b-1' is in text but not in segments"):
        DataFolder(**whole, segments={k: v for k, v in cut.segments.items() if k != "b-1"})
    with pytest.raises(TypeError, match="segments: expected a RecordingSegment"):
        DataFolder(**whole, segments=dict.fromkeys(cut.segments, ("b", 0, 1)))


def test_shell_commands_are_read_only_where_they_are_allowed(tmp_path):
    commands = DataFolder(
        {"a": "cat 'a 1.wav' |"}, {"a": "x"}, {"a": "x"}, {"a": 1.0}, allow_pipes=True
    )
    write_data_folder(commands, tmp_path)
    assert read_data_folder(tmp_path, allow_pipes=True) == commands
    with pytest.raises(ValueError, match=r"wav\.scp:1: 'a': .* only for folders that you trust"):
        read_data_folder(tmp_path)


@pytest.mark.parametrize("word", ["\ufeffa", "a\u00a0b", "a\u2028b", "a\x85", "\udcff"])
def test_ids_that_would_not_read_back_are_refused(word):
    with pytest.raises(ValueError, match=r"wav\.scp: "):
        DataFolder({word: "x"}, {word: "x"}, {word: "x"}, {word: 1.0})


ODD = [
    "a",
    "B",
    "z",
    "0",
    "9",
    "10",
    "-",
    "_",
    ".",
    "+",
    "~",
    "#",
    "|",
    "'",
    '"',
    "ä",
    "ß",
    "é",
]
ODD += ["犬", "🐕", "e\u0301", "\ufeff", "\uffff"]


def odd_word(draws):
    word = "".join(draws.choices(ODD, k=draws.randint(1, 6)))
    word = word.lstrip("\ufeff")
    return "a" if word in ("", ".", "..") else word


def odd_text(draws):
    """Words with blanks of all sorts between them."""
    blanks = (" ", "  ", "\t", "\u00a0", "\u2028", "\x0b", "\x1c")
    words = [odd_word(draws) for _ in range(draws.randint(1, 4))]
    return "".join(word + draws.choice(blanks) for word in words) + "end"


@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_folder_holds_reads_back_equal_and_sorted(seed, tmp_path):
    draws = random.Random(seed)
    names = list(dict.fromkeys(odd_word(draws) for _ in range(30)))
    recordings = names if seed % 2 else [f"r{n}" for n in range(5)]
    segments = {
        name: RecordingSegment(
            recordings[n % len(recordings)],
            (start := draws.random()),
            draws.choice([None, start + 1]),
        )
        for n, name in enumerate(names)
    }
    data = DataFolder(
        {name: odd_text(draws) for name in recordings},
        {name: odd_text(draws) for name in names},
        {name: odd_word(draws) for name in names},
        {name: draws.uniform(1e-9, 1e9) for name in names},
        None if seed % 2 else segments,
        None if seed % 4 else {name: draws.expovariate(1) + 1e-12 for name in recordings},
    )
    write_data_folder(data, tmp_path)
    assert read_data_folder(tmp_path) == data
    for path in tmp_path.iterdir():
        keys = [line.split(b" ")[0] for line in path.read_bytes().split(b"\n")[:-1]]
        assert keys == sorted(keys), path.name


@pytest.mark.skipif(shutil.which("sort") is None, reason="no `sort` here")
@pytest.mark.parametrize("seed", range(10))
def test_order_is_that_of_sort(seed, tmp_path):
    draws = random.Random(seed)
    words = [odd_word(draws) for _ in range(300)] + ["a", "a-", "a-1", "a1", "a_1", "A", "ä", "zz"]
    text = "".join(f"{word} {n}\n" for n, word in enumerate(dict.fromkeys(words)))
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        ["sort"], input=text.encode(), capture_output=True, env=environment, check=True
    )
    by_sort = [line.split(" ")[0] for line in done.stdout.decode().split("\n")[:-1]]
    assert byte_sorted(words) == by_sort


@pytest.mark.parametrize("segments", [None, {"u": RecordingSegment("r", 0.0, 1.0)}])
def test_labels_may_be_missing_where_something_stands_for_them(tmp_path, segments):
    name = "u" if segments else "r"
    tables = {"r": "a.wav"}, {name: "dog"}, {name: "s"}, {name: 1.0}
    data = DataFolder(*tables, segments, {"r": 2.0} if segments else None)
    write_data_folder(data, tmp_path)
    assert read_data_folder(tmp_path, no_label="-").text == {name: "dog"}
    (tmp_path / "text").unlink()
    assert read_data_folder(tmp_path, no_label="-").text == {name: "-"}
    with pytest.raises(ValueError, match="text: no such file"):
        read_data_folder(tmp_path)
