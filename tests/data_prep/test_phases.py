"""TextGrids of cough phases are read whole or not at all."""

import pytest

from daxaudio.containers import Event
from daxaudio_data_prep.synthetic.cough_files import read_phases, write_phases

EVENTS = [Event(0, 0.25, "inhale"), Event(0.25, 0.75, "cough"), Event(0.75, 1.0, "noise")]


@pytest.fixture
def grid(tmp_path):
    write_phases(tmp_path / "a.TextGrid", EVENTS)
    return tmp_path / "a.TextGrid"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("intervals: size = 3", "intervals: size = 2"),
        ("intervals: size = 3", "intervals: size = 4"),
        ("intervals: size = 3", "intervals"),
        ('"cough"', '"cough'),
        ("xmax = 0.75", "xmax 0.75"),
    ],
)
def test_a_grid_of_which_a_part_cannot_be_read_is_refused(grid, old, new):
    text = grid.read_text()
    assert text.count(old) >= 1
    grid.write_text(text.replace(old, new, 1))
    with pytest.raises(
        ValueError, match=r"says .* intervals in its first tier, and \d can be read"
    ):
        read_phases(grid)


def test_intervals_that_meet_but_for_rounding_are_in_order(grid):
    grid.write_text(grid.read_text().replace("xmin = 0.75", "xmin = 0.7499999999"))
    assert [event.end for event in read_phases(grid)] == [0.25, 0.75, 1.0]
    grid.write_text(grid.read_text().replace("xmin = 0.7499999999", "xmin = 0.74"))
    with pytest.raises(ValueError, match="overlap or go back in time"):
        read_phases(grid)
