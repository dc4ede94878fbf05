import pytest

from daxaudio.data.formats.text import check_line, decode_file, numbered_lines, parse_number


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_told_apart(tmp_path, encoding):
    (tmp_path / "a").write_bytes("1\t2\tHund 犬\r\n".encode(encoding))
    assert decode_file(tmp_path / "a") == "1\t2\tHund 犬\r\n"


def test_an_empty_file_is_an_empty_text(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    assert decode_file(tmp_path / "a") == ""


def test_missing_files_and_other_encodings_are_refused(tmp_path):
    with pytest.raises(ValueError, match="none: no such file"):
        decode_file(tmp_path / "none")
    (tmp_path / "a").write_bytes("1\t2\tcaf\xe9".encode("latin-1"))
    with pytest.raises(ValueError, match=r"a: is neither UTF-8 nor UTF-16 .* at byte 7"):
        decode_file(tmp_path / "a")


def test_lines_end_in_every_way_and_only_there():
    assert numbered_lines("a\r\nb\rc\n \n\x0b\x85d\u2028e\n") == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
        (5, "\x0b\x85d\u2028e"),
    ]


@pytest.mark.parametrize("text", ["", "one", "1,5", "nan", "inf"])
def test_what_is_no_number_is_refused_with_its_place(text):
    with pytest.raises(ValueError, match=r"a:3: a time must be a number with a decimal point"):
        parse_number("a:3", text, "a time")


def test_forbidden_characters_are_refused():
    check_line("x", "a\tb")
    with pytest.raises(ValueError, match=r"x: 'a\\tb' holds"):
        check_line("x", "a\tb", "\t")
