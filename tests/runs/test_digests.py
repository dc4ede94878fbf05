"""A digest tells apart what answers differently."""

from daxaudio.runs.provenance import digest_of_files


def test_files_of_other_content_or_order_have_another_digest(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"ab")
    second.write_bytes(b"c")
    both = digest_of_files([first, second])
    assert digest_of_files([second, first]) != both
    first.rename(tmp_path / "renamed")
    assert digest_of_files([tmp_path / "renamed", second]) == both
    (tmp_path / "renamed").write_bytes(b"a")
    second.write_bytes(b"bc")
    assert digest_of_files([tmp_path / "renamed", second]) != both
