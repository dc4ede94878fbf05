"""TextGrids of cough phases are read whole or not at all."""

import pytest

from daxaudio.containers import Event
from daxaudio_data_prep.synthetic.cough_files import read_phases, write_phases

EVENTS = [Event(0, 0.25, "inhale"), Event(0.25, 0.75, "cough"), Event(0.75, 1.0, "noise")]


@pytest.fixture
def grid(tmp_path):
    write_phases(EVENTS, tmp_path / "a.TextGrid")
    return tmp_path / "a.TextGrid"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("intervals: size = 3", "intervals: size = 2", "says 2 entries.*3"),
        ("intervals: size = 3", "intervals: size = 4", "expected time of entry 4"),
        ("intervals: size = 3", "intervals", "expected"),
        ('"cough"', '"cough', "expected time of entry 3"),
        ("xmax = 0.75", "xmax = late", "expected"),
    ],
)
def test_a_grid_of_which_a_part_cannot_be_read_is_refused(grid, old, new, reason):
    text = grid.read_text()
    assert text.count(old) >= 1
    grid.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=reason):
        read_phases(grid)


def test_intervals_that_meet_but_for_rounding_are_in_order(grid):
    grid.write_text(grid.read_text().replace("xmin = 0.75", "xmin = 0.7499999999"))
    assert [event.end for event in read_phases(grid)] == [0.25, 0.75, 1.0]
    grid.write_text(grid.read_text().replace("xmin = 0.7499999999", "xmin = 0.74"))
    with pytest.raises(ValueError, match="overlap"):
        read_phases(grid)
