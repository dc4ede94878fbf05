"""Time axes of long recordings are in hours, minutes and seconds."""

import numpy as np
import pandas as pd
import pytest
import torch

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.plot import plot_explanation
from daxaudio.plot.drawing import new_figure
from daxaudio.plot.long_recordings import plot_long_recording
from daxaudio.plot.time_axis import LONG, name_time_axis
from daxaudio.runs.seconds import clock


def axis(end):
    axes = new_figure(6, 2).subplots()
    axes.set_xlim(0, end)
    name_time_axis(axes)
    return axes


def test_a_short_recording_is_in_seconds_and_a_long_one_in_hours():
    assert axis(LONG - 1).get_xlabel() == "time (s)"
    assert axis(7200).get_xlabel() == "time (h:mm:ss)"


@pytest.mark.parametrize("end", [601, 3599, 7200, 30 * 3600, 100 * 3600])
def test_ticks_are_few_and_their_texts_differ(end):
    axes = axis(end)
    texts = [clock(tick) for tick in axes.xaxis.get_major_locator()() if 0 <= tick <= end]
    assert 2 <= len(texts) <= 11
    assert len(set(texts)) == len(texts)


def explanation(times):
    picture = Spectrogram(torch.rand(8, len(times)), torch.arange(1, 9) * 500.0, times, "night")
    return Explanation(torch.rand(8, len(times)), picture, "rise", "dog", score=0.9)


def test_pictures_of_explanations_follow(tmp_path):
    times = torch.tensor([*np.arange(0, 20), *np.arange(5000, 5020)])
    axes = plot_explanation(explanation(times), tmp_path / "a.png")
    labels = {one.get_xlabel() for one in axes.get_figure().axes}
    assert "time (h:mm:ss)" in labels


def test_a_long_recording_is_drawn_with_and_without_what_was_explained(tmp_path):
    starts = np.arange(0, 7195, 5.0)
    windows = pd.DataFrame({"start": starts, "end": starts + 10, "score": 0.1, "level_db": -40.0})
    windows["explained"] = 0
    windows.loc[[0, 1000], ["score", "explained"]] = [0.9, 1]
    windows.loc[5, "score"] = np.nan
    times = torch.tensor([*np.arange(0, 10, 0.5), *np.arange(5000, 5010, 0.5)])
    explained = [Event(0, 10), Event(5000, 5010)]
    for name, one in (("a.png", explanation(times)), ("b.png", None)):
        path = plot_long_recording(
            one,
            tmp_path / name,
            windows=windows,
            explained=explained,
            own_threshold=torch.full((len(times),), 0.5) if one else None,
            threshold=0.5,
        )
        assert path.stat().st_size > 10_000
