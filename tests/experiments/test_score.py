"""Scores of what is stored."""

from daxaudio.experiments.score import (
    count_warned,
)


def test_ids_that_look_like_numbers_or_nothing_are_counted_apart(tmp_path):
    lines = ["recording_id,method,warning", "01,a,x", "1,a,x", "1,a,y", "NA,a,x", "1,b,x"]
    (tmp_path / "warnings.csv").write_text("\n".join(lines))
    assert count_warned(tmp_path / "warnings.csv") == {"a": 3, "b": 1}
