"""The table of what is known: a row a recording or a participant; unknown ids are named."""

import pytest

from daxaudio.audit.known import nothing_known, read_known

CORPUS = {"a1": "a", "a2": "a", "b1": "b"}


def write(tmp_path, text):
    path = tmp_path / "known.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_of_a_participant_holds_for_all_their_recordings(tmp_path):
    known = read_known(write(tmp_path, "participant,site\na,north\nb,south\n"), CORPUS)
    assert known.table["site"].tolist() == ["north", "north", "south"]
    assert known.table["participant"].tolist() == ["a", "a", "b"]
    assert known.columns == ("site",)
    assert known.unknown == known.without == ()


def test_a_row_of_a_recording_names_its_participant_before_the_data_folder(tmp_path):
    text = "recording_id,participant,level\na1,p,1\na2,,2\nb1,q,3\n"
    known = read_known(write(tmp_path, text), CORPUS)
    assert known.table["participant"].tolist() == ["p", "a", "q"]
    assert known.table["level"].tolist() == [1, 2, 3]


def test_ids_that_fit_nothing_are_named_on_both_sides(tmp_path):
    known = read_known(write(tmp_path, "recording_id,x\na1,1\nzz,2\n"), CORPUS)
    assert known.unknown == ("zz",)
    assert known.without == ("a2", "b1")
    assert known.table["x"].isna().tolist() == [False, True, True]


def test_numbers_that_are_names_stay_texts_and_missing_cells_are_missing(tmp_path):
    text = "participant;site;age;sex\na;01;NA;f\nb;02;40;n/a\n"
    table = read_known(write(tmp_path, text), CORPUS, categories=("site",)).table
    assert table["site"].tolist() == ["01", "01", "02"]
    assert table["age"].isna().tolist() == [True, True, False]
    assert table["sex"].tolist() == ["f", "f", None]


def test_infinity_makes_no_column_of_numbers(tmp_path):
    table = read_known(write(tmp_path, "participant,x\na,inf\nb,1\n"), CORPUS).table
    assert table["x"].tolist() == ["inf", "inf", "1"]


def test_a_participant_may_be_called_otherwise(tmp_path):
    path = write(tmp_path, "subject,x\na,1\n")
    assert read_known(path, CORPUS, participant="subject").without == ("b1",)
    with pytest.raises(ValueError, match="column recording_id or 'participant'"):
        read_known(path, CORPUS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("participant,x\n", "holds no row"),
        ("participant,x,x\na,1,1\n", "the column 'x' twice"),
        ("participant,label\na,1\n", "'label' has a name of the audit's"),
        ("participant,\na,1\n", "column 2 has no name"),
        ("participant,x\na,1\na,2\n", "known.csv:3: participant 'a' stands twice"),
        ("participant,x\n,2\n", "known.csv:2: has no participant"),
        ("participant,x\na,1,2\n", "known.csv:2: expected 2 cells, got 3"),
        ("participant,x\nz,1\n", "none of its ids .* such as 'z' against 'a'"),
        ("participant,x\na,1\n", "no column 'sex', which the questions name"),
    ],
)
def test_what_does_not_fit_is_named_with_file_and_line(tmp_path, text, problem):
    with pytest.raises(ValueError, match=problem):
        read_known(write(tmp_path, text), CORPUS, needed=("sex",) if "sex" in problem else ())


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(ValueError, match="no such table"):
        read_known(tmp_path / "none.csv", CORPUS)


def test_without_a_table_participants_are_known():
    assert nothing_known(CORPUS).table["participant"].tolist() == ["a", "a", "b"]
