import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from daxaudio.metrics import rank_methods
from daxaudio.plot import plot_ranks


@pytest.fixture
def drawn(monkeypatch):
    """Figures that were saved."""
    figures = []
    save = Figure.savefig

    def keep(figure, *arguments, **settings):
        figures.append(figure)
        save(figure, *arguments, **settings)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def ranked(n_methods, n_blocks):
    values = -np.arange(n_methods)[None].repeat(n_blocks, axis=0)
    return rank_methods(values, [f"method_{number}" for number in range(n_methods)])


def bars_of(figure):
    return [line.get_xdata() for line in figure.findobj(Line2D) if line.get_gid() == "alike"]


def test_every_method_stands_there_once_with_its_mean_rank(drawn, tmp_path):
    plot_ranks(ranked(15, 20), tmp_path / "ranks.png", references=["method_14"])
    texts = [text.get_text() for text in drawn[0].findobj(matplotlib.text.Text)]
    for number in range(15):
        name, rank = f"method_{number}", f"{number + 1}.00"
        assert sum(name in text.split() and rank in text.split() for text in texts) == 1


@pytest.mark.parametrize("n_methods", [2, 7, 16])
def test_no_two_names_lie_over_each_other(drawn, tmp_path, n_methods):
    plot_ranks(ranked(n_methods, 30), tmp_path / "ranks.png", title="t")
    renderer = drawn[0].canvas.get_renderer()
    boxes = [
        text.get_window_extent(renderer)
        for text in drawn[0].findobj(matplotlib.text.Text)
        if "method_" in text.get_text()
    ]
    assert len(boxes) == n_methods
    overlaps = [a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert not any(overlaps)
    width, _ = drawn[0].canvas.get_width_height()
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width for box in boxes)


def test_bars_join_what_is_not_told_apart(drawn, tmp_path):
    few, many = ranked(3, 2), ranked(3, 200)
    plot_ranks(few, tmp_path / "few.png")
    plot_ranks(many, tmp_path / "many.png")
    assert len(bars_of(drawn[0])) == len(few.alike) == 1
    assert bars_of(drawn[1]) == many.alike == []


def test_bars_that_overlap_lie_in_rows_of_their_own(drawn, tmp_path):
    ranks = ranked(6, 10)
    plot_ranks(ranks, tmp_path / "ranks.png")
    lines = [line for line in drawn[0].findobj(Line2D) if line.get_gid() == "alike"]
    assert len(lines) == len(ranks.alike) == 4
    for place, line in enumerate(lines):
        for other in lines[:place]:
            apart = min(other.get_xdata()[1], line.get_xdata()[1]) < max(
                other.get_xdata()[0], line.get_xdata()[0]
            )
            assert apart or line.get_ydata()[0] != other.get_ydata()[0]
