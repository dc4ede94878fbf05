import math

import numpy as np
import pytest

from daxaudio.annotations import (
    DataFolder,
    read_data_folder,
    read_events,
    write_data_folder,
    write_events,
)
from daxaudio.containers import Event

HEADER = "filename\tonset\toffset\tevent_label\n"


@pytest.fixture
def events():
    awkward = [Event(1 / 3, 2 / 3, "dog"), Event(0.1 + 0.2, 1e3 + 1e-10, "dog"), Event(5e-324, 7)]
    return {
        "fire/010 - Fire crackling, near.wav": awkward,
        "nothing.wav": [],
        "zwölf.ogg": [Event(0, 0, ' a "quoted", label '), Event(2.5, 3.0, "犬")],
    }


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".TSV"])
def test_events_read_back_exactly_and_in_order(events, tmp_path, suffix):
    path = tmp_path / f"events{suffix}"
    write_events(path, events)
    assert read_events(path) == events
    assert list(read_events(path)) == list(events)


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    write_events(tmp_path / "a.tsv", {"a.wav": [Event(np.float64(0.1), np.float64(0.3), "dog")]})
    assert (tmp_path / "a.tsv").read_text() == HEADER + "a.wav\t0.1\t0.3\tdog\n"


def test_a_file_without_events_is_a_row_with_empty_fields(tmp_path):
    write_events(tmp_path / "a.tsv", {"a.wav": []})
    assert (tmp_path / "a.tsv").read_text() == HEADER + "a.wav\t\t\t\n"
    (tmp_path / "b.tsv").write_text(HEADER + "a.wav\nb.wav\t\t\t\n\n")
    assert read_events(tmp_path / "b.tsv") == {"a.wav": [], "b.wav": []}


def test_columns_may_have_any_order_and_company(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"\xef\xbb\xbfevent_label,note,offset,filename,onset\r\ndog,loud,2,a.wav,1\r\n"
    )
    assert read_events(path) == {"a.wav": [Event(1, 2, "dog")]}


def test_a_quote_in_tsv_is_a_character_like_any_other(tmp_path):
    (tmp_path / "a.tsv").write_text(HEADER + 'a.wav\t1\t2\t"dog\nb.wav\t1\t2\tcat"\n')
    labels = [found[0].label for found in read_events(tmp_path / "a.tsv").values()]
    assert labels == ['"dog', 'cat"']


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"a\.tsv:1: lacks the column\(s\) filename, onset, offset, event_label"),
        ("filename\tonset\tevent_label\n", r"a\.tsv:1: lacks the column\(s\) offset"),
        (HEADER + "a.wav\t1\t2\tdog\na.wav\tone\t2\tdog\n", r"a\.tsv:3: onset must be .* 'one'"),
        (HEADER + "\na.wav\t1\t\tdog\n", r"a\.tsv:3: offset must be a number of seconds, got ''"),
        (HEADER + "a.wav\t\t\tdog\n", r"a\.tsv:2: onset must be a number"),
        (HEADER + "a.wav\t3\t2\tdog\n", r"a\.tsv:2: .*start=3\.0, end=2\.0"),
        (HEADER + "a.wav\t-1\t2\tdog\n", r"a\.tsv:2: .*start=-1\.0"),
        (HEADER + "a.wav\tnan\t2\tdog\n", r"a\.tsv:2: .*start=nan"),
        (HEADER + "a.wav\t1\t2\tdog\tbig\n", r"a\.tsv:2: expected 4 fields, got 5"),
        (HEADER + "\t1\t2\tdog\n", r"a\.tsv:2: filename is empty"),
    ],
)
def test_errors_in_events_name_file_and_line(tmp_path, text, reason):
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(ValueError, match=reason):
        read_events(tmp_path / "a.tsv")


def test_an_open_quote_in_csv_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text('filename,onset,offset,event_label\na.wav,1,2,"dog\n')
    with pytest.raises(ValueError, match=r"a\.csv:\d: unexpected end"):
        read_events(tmp_path / "a.csv")


def test_files_that_are_no_lists_of_events_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"none\.tsv: no such file"):
        read_events(tmp_path / "none.tsv")
    (tmp_path / "a.tsv").write_bytes(HEADER.encode("utf-16"))
    with pytest.raises(ValueError, match=r"a\.tsv: is not UTF-8 text"):
        read_events(tmp_path / "a.tsv")
    (tmp_path / "a.txt").write_text(HEADER)
    with pytest.raises(ValueError, match=r"a\.txt: lists of events end in \.tsv or \.csv"):
        read_events(tmp_path / "a.txt")
    with pytest.raises(ValueError, match=r"b\.json: lists of events end in"):
        write_events(tmp_path / "b.json", {})


@pytest.mark.parametrize("label", ["big\tdog", "big\ndog", "big\rdog"])
def test_a_label_that_tsv_cannot_hold_is_refused_and_nothing_is_written(tmp_path, label):
    with pytest.raises(ValueError, match=r"a\.tsv: .*big.* holds a tab or a line break"):
        write_events(tmp_path / "a.tsv", {"a.wav": [Event(0, 1, label)]})
    with pytest.raises(ValueError, match="a file name is empty"):
        write_events(tmp_path / "a.tsv", {"": []})
    assert list(tmp_path.iterdir()) == []


def test_csv_holds_tabs_but_no_line_breaks(tmp_path):
    tab = {"a.wav": [Event(0, 1, "big\tdog")]}
    write_events(tmp_path / "a.csv", tab)
    assert read_events(tmp_path / "a.csv") == tab
    with pytest.raises(ValueError, match="line break"):
        write_events(tmp_path / "b.csv", {"a.wav": [Event(0, 1, "big\rdog")]})


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
    write_data_folder(tmp_path / "data" / "train", data)
    assert read_data_folder(tmp_path / "data" / "train") == data


def test_every_file_is_sorted_by_the_bytes_of_its_first_word(data, tmp_path):
    write_data_folder(tmp_path, data)
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
    write_data_folder(tmp_path, data)
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
    write_data_folder(tmp_path, DataFolder({}, {}, {}, {}))
    assert read_data_folder(tmp_path).ids == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "wav.scp",
            "a a.wav\nb sph2pipe x.sph |\n",
            r"wav\.scp:2: 'sph2pipe x\.sph \|' is a shell",
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
        ("utt2dur", None, r"utt2dur: no such file"),
    ],
)
def test_errors_in_a_data_folder_name_file_and_line(tmp_path, name, text, reason):
    two = {"a": "x", "b": "y"}
    write_data_folder(tmp_path, DataFolder(two, two, two, {"a": 1.0, "b": 2.0}))
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
        ({"wav_scp": {"a": "cat x.wav |"}}, r"wav\.scp: 'cat x\.wav \|' is a shell command"),
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
