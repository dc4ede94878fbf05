import numpy as np
import pytest

from daxaudio.containers import Event, Events
from daxaudio.data.events import read_events, write_events
from daxaudio.data.formats.catalogue import format_of

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
def test_events_read_back_exactly_and_in_order_of_time(events, tmp_path, suffix):
    path = tmp_path / f"events{suffix}"
    write_events(events, path)
    assert read_events(path) == {name: Events(own) for name, own in events.items()}
    assert list(read_events(path)) == list(events)


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    write_events({"a.wav": [Event(np.float64(0.1), np.float64(0.3), "dog")]}, tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_text() == HEADER + "a.wav\t0.1\t0.3\tdog\n"


def test_a_file_without_events_is_a_row_with_empty_fields(tmp_path):
    write_events({"a.wav": []}, tmp_path / "a.tsv")
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
        (HEADER + "a.wav\tNA\tNA\tNA\n", r"a\.tsv:2: onset must be .* 'NA'"),
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


@pytest.mark.parametrize(
    "header",
    ["Filename\tOnset\tOffset\tEvent_Label", " filename \tonset\t offset\tevent_label  "],
)
def test_names_of_columns_may_have_capitals_and_blanks(tmp_path, header):
    (tmp_path / "a.tsv").write_text(f"{header}\n a.wav \t 1\t2 \t dog\na.wav\t3\t4\tdog\n")
    # blanks around a label are the label's own
    assert read_events(tmp_path / "a.tsv") == {"a.wav": [Event(1, 2, " dog"), Event(3, 4, "dog")]}
    assert format_of(tmp_path / "a.tsv") == "dcase"


HEADER_OF_R = '"filename"\t"onset"\t"offset"\t"event_label"\n'


@pytest.mark.parametrize("numbers", [True, False])
def test_a_tsv_that_r_wrote_is_read_without_its_quotes(tmp_path, numbers):
    rows = ['"a.wav"\t0.5\t2\t"dog, \\"big\\""', '"b.wav"\tNA\tNA\tNA', '"a.wav"\t3\t4\t"NA"']
    lines = [f'"{i}"\t{row}' for i, row in enumerate(rows, 1)] if numbers else rows
    (tmp_path / "a.tsv").write_text(HEADER_OF_R + "\n".join(lines) + "\n")
    assert read_events(tmp_path / "a.tsv") == {
        "a.wav": [Event(0.5, 2, 'dog, "big"'), Event(3, 4, "NA")],
        "b.wav": [],
    }
    assert format_of(tmp_path / "a.tsv") == "dcase"


def test_a_csv_that_r_wrote_is_read_too(tmp_path):
    header = '"","filename","onset","offset","event_label"'
    rows = ['"1","a.wav",0.5,2,"a ""dog"""', '"2","b.wav",NA,NA,NA']
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]) + "\n")
    assert read_events(tmp_path / "a.csv") == {"a.wav": [Event(0.5, 2, 'a "dog"')], "b.wav": []}
    (tmp_path / "a.csv").write_text("\n".join([header, f'{rows[0]},"more"']) + "\n")
    with pytest.raises(ValueError, match=r"a\.csv:2: expected 5 fields, got 6"):
        read_events(tmp_path / "a.csv")


@pytest.mark.parametrize("column", ["filename", "onset", "offset", "event_label", " Onset"])
def test_a_column_that_is_there_twice_is_refused(tmp_path, column):
    (tmp_path / "a.tsv").write_text(HEADER.strip() + f"\t{column}\na\t1\t2\tdog\t3\n")
    with pytest.raises(ValueError, match=r"a\.tsv:1: has the column '\w+' twice; remove"):
        read_events(tmp_path / "a.tsv")


def test_a_column_that_nobody_reads_may_be_there_twice(tmp_path):
    (tmp_path / "a.tsv").write_text(HEADER.strip() + "\tnote\tnote\na\t1\t2\tdog\tx\ty\n")
    assert read_events(tmp_path / "a.tsv") == {"a": [Event(1, 2, "dog")]}


def test_a_row_that_is_there_twice_counts_once_with_a_word(tmp_path, caplog):
    rows = ["a\t1\t2\tdog", "a\t1\t2\tcat", "b\t1\t2\tdog", "a\t1.0\t2.0\tdog", "b\t1\t2\tdog"]
    (tmp_path / "a.tsv").write_text(HEADER + "\n".join(rows) + "\n")
    assert read_events(tmp_path / "a.tsv") == {
        "a": [Event(1, 2, "cat"), Event(1, 2, "dog")],
        "b": [Event(1, 2, "dog")],
    }
    (record,) = caplog.records
    assert "a.tsv:5: 2 event(s) are there twice" in record.getMessage()


def test_a_file_name_with_blanks_at_its_ends_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="'a ' has blanks at its ends"):
        write_events({"a ": []}, tmp_path / "a.tsv")


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
        write_events({}, tmp_path / "b.json")


@pytest.mark.parametrize("label", ["big\tdog", "big\ndog", "big\rdog"])
def test_a_label_that_tsv_cannot_hold_is_refused_and_nothing_is_written(tmp_path, label):
    with pytest.raises(ValueError, match=r"a\.tsv: .*big.* holds a tab or a line break"):
        write_events({"a.wav": [Event(0, 1, label)]}, tmp_path / "a.tsv")
    with pytest.raises(ValueError, match="a file name is empty"):
        write_events({"": []}, tmp_path / "a.tsv")
    assert list(tmp_path.iterdir()) == []


def test_csv_holds_tabs_but_no_line_breaks(tmp_path):
    tab = {"a.wav": [Event(0, 1, "big\tdog")]}
    write_events(tab, tmp_path / "a.csv")
    assert read_events(tmp_path / "a.csv") == tab
    with pytest.raises(ValueError, match="line break"):
        write_events({"a.wav": [Event(0, 1, "big\rdog")]}, tmp_path / "b.csv")
