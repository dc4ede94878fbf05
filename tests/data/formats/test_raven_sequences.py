"""Selection tables of several sound files, of one in a sequence, and with other columns."""

import pytest

from daxaudio.commands.main import main
from daxaudio.containers import Event
from daxaudio.data.formats import BandEvent, read_annotations
from daxaudio.data.formats.catalogue import recording_id_of

TIMES = "Begin Time (s)\tEnd Time (s)"
BIRDNET = f"Selection\tView\tChannel\t{TIMES}\tLow Freq (Hz)\tHigh Freq (Hz)\tCommon Name"
BIRDNET += "\tSpecies Code\tConfidence\tBegin Path\tFile Offset (s)"


def read(tmp_path, *lines, name="all.BirdNET.selection.table.txt", **settings):
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    return read_annotations(tmp_path / name, "raven", **settings)


def events_of(recordings):
    return {recording.recording_id: recording.events() for recording in recordings}


def test_each_sound_file_of_a_table_is_a_recording_with_its_own_times(tmp_path):
    found = read(
        tmp_path,
        BIRDNET,
        "1\tSpectrogram 1\t1\t3.0\t6.0\t150\t12000\tOwl\tow1\t0.9\t/d/a.wav\t3.0",
        "2\tSpectrogram 1\t1\t63.1\t66.3\t150\t12000\tOwl\tow1\t0.8\t/d/b.wav\t3.1",
        "3\tSpectrogram 1\t1\t9.0\t12.0\t150\t12000\tFox\tfo1\t0.8\t/d/a.wav\t9.0",
    )
    assert events_of(found) == {
        "a": (BandEvent(3, 6, "Owl", 150, 12000), BandEvent(9, 12, "Fox", 150, 12000)),
        "b": (BandEvent(3.1, 6.3, "Owl", 150, 12000),),
    }


def test_selections_of_one_number_are_one_only_at_the_same_time_in_the_same_file(tmp_path):
    header = f"Selection\t{TIMES}\tBegin Path\tFile Offset (s)\tLabel"
    rows = ["1\t1\t2\ta.wav\t1\tx", "1\t1\t2\tb.wav\t1\tx", "1\t5\t6\tb.wav\t5\tx"]
    assert events_of(read(tmp_path, header, *rows, rows[0])) == {
        "a": (Event(1, 2, "x"),),
        "b": (Event(1, 2, "x"), Event(5, 6, "x")),
    }


def test_one_file_in_a_sequence_has_its_own_times_and_name(tmp_path):
    header = f"{TIMES}\tBegin File\tFile Offset (s)\tSpecies"
    assert events_of(read(tmp_path, header, "63\t66\tb.wav\t3\towl")) == {
        "b": (Event(3, 6, "owl"),)
    }
    # a file that begins at 0 is what the table is of
    assert events_of(read(tmp_path, header, "3\t6\tb.wav\t3\towl")) == {
        "all": (Event(3, 6, "owl"),)
    }


@pytest.mark.parametrize(
    ("paths", "ids"),
    [
        (["/d/1/a.wav", "/d/2/a.wav"], ["1/a", "2/a"]),
        (["C:\\d\\1\\a.wav", "C:\\d\\2\\x\\a.flac"], ["1/a", "2/x/a"]),
        (["C:\\d\\a.wav", "C:\\d\\b.wav"], ["a", "b"]),
        (["/d/a.wav", "/d/a.flac", "/d/b.wav"], ["a.wav", "a.flac", "b.wav"]),
        (["a.wav", "x/a.wav"], ["a", "x/a"]),
        (["/d/Y_30.000", "/d/Y_40.000"], ["Y_30.000", "Y_40.000"]),
        (["a.b.wav", "a.c.wav"], ["a.b", "a.c"]),
    ],
)
def test_sound_files_are_told_apart_by_their_folders_where_names_are_alike(tmp_path, paths, ids):
    rows = [f"1\t2\t{path}\t1\tx" for path in paths]
    found = read(tmp_path, f"{TIMES}\tBegin Path\tFile Offset (s)\tLabel", *rows)
    assert [recording.recording_id for recording in found] == ids


@pytest.mark.parametrize(
    ("header", "rows", "reason"),
    [
        ("Begin Path", ["1\t2\ta.wav", "1\t2\tb.wav"], "2 sound files, .* 'File Offset"),
        ("Begin Path\tFile Offset (s)", ["1\t2\ta.wav\t1", "1\t2"], "some name no sound file"),
        (
            "Begin Path\tFile Offset (s)",
            ["1\t2\ta.wav\t1", "1\t2\tb.wav"],
            "3: File Offset .* numb",
        ),
        ("Begin Time (s)", ["1\t2\t3"], ":1: has the column 'Begin Time .s.' twice"),
        ("Label\tLabel", ["1\t2\ta\tb"], ":1: has the column 'Label' twice"),
    ],
)
def test_a_table_that_does_not_say_where_its_events_lie_is_refused(tmp_path, header, rows, reason):
    with pytest.raises(ValueError, match=rf"all\.BirdNET\.selection\.table\.txt:?.*{reason}"):
        read(tmp_path, f"{TIMES}\t{header}", *rows)


def test_the_column_of_labels_can_be_chosen_in_any_case(tmp_path):
    lines = [f"{TIMES}\tSpecies\tCall Type", "1\t2\towl\thoot"]
    assert [e.label for e in read(tmp_path, *lines)[0].events()] == ["owl"]
    assert [e.label for e in read(tmp_path, *lines, label_column="call type")[0].events()] == [
        "hoot"
    ]
    with pytest.raises(ValueError, match=r"has no column 'Call'; it has Begin Time .* Call Type"):
        read(tmp_path, *lines, label_column="Call")
    (tmp_path / "a.txt").write_text("1\t2\towl\n")
    with pytest.raises(ValueError, match=r"a\.txt: is of the format audacity, in which no column"):
        read_annotations(tmp_path / "a.txt", label_column="Call")


def test_a_table_without_known_labels_is_never_converted_without_a_word(tmp_path, capsys, caplog):
    read(tmp_path, f"{TIMES}\tCall Type", "1\t2\thoot")
    assert "holds labels; choose one (--label_column, label_column=)" in caplog.text
    path, out = tmp_path / "all.BirdNET.selection.table.txt", tmp_path / "out.txt"
    convert = ["annotations", "convert", str(path), "--to", "audacity", "--out", str(out)]
    assert main(convert) == 0
    assert "choose one by --label_column" in capsys.readouterr().out
    out.unlink()
    assert main([*convert, "--label_column", "Call Type"]) == 0
    assert "label_column" not in capsys.readouterr().out
    assert out.read_text() == "1.0\t2.0\thoot\n"


@pytest.mark.parametrize(
    ("name", "recording_id"),
    [
        ("a.BirdNET.selection.table.txt", "a"),
        ("a.1.birdnet.selection.table.txt", "a.1"),
        ("b/a.selection.table.txt", "b/a"),
        ("a.Table.2.selections.txt", "a"),
    ],
)
def test_the_ending_of_a_table_is_no_part_of_the_id(name, recording_id):
    assert recording_id_of(name) == recording_id
