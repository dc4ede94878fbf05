import pytest
import torch
from pretended_device import WAITS, pretended_device

from daxaudio.commands.main import exit_code_of
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.runs.progress import QueryProgress, progress_bar, progress_is_shown, show_progress


@pytest.mark.parametrize("sampler", [GridSampler, SegmentSampler, MultiGridSampler])
def test_no_batch_of_queries_waits_for_the_device(sampler, toy_spectrogram, toy_score_fn):
    with pretended_device() as device:
        counts = []
        for batch_size in (50, 10):
            WAITS.clear()
            drawn = sampler(50, batch_size=batch_size)(toy_spectrogram.to(device), toy_score_fn)
            counts.append(len(WAITS))
    assert counts[0] == counts[1]
    assert drawn.scores.device.type == "cpu"


def test_wrong_scores_are_found_in_the_first_batch_on_a_processor(toy_spectrogram):
    asked = []

    def score_fn(inputs):
        asked.append(len(inputs))
        return torch.full((len(inputs),), torch.nan if len(asked) > 1 else 0.5)

    with pytest.raises(ValueError, match="NaN"):
        GridSampler(50, batch_size=10)(toy_spectrogram, score_fn)
    assert asked == [2, 10]


def test_time_is_told_once_after_the_first_batch(capsys):
    with show_progress(), QueryProgress(1000) as progress:
        assert "about" not in capsys.readouterr().err
        progress.began -= 3
        for n_done in range(100, 1001, 100):
            progress.reach(n_done)
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count("1000 queries, about 30 s") == 1


def test_nothing_is_told_where_no_progress_is_shown(capsys):
    with QueryProgress(1000) as progress:
        progress.reach(100)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("sampler", [GridSampler, SegmentSampler, MultiGridSampler])
def test_a_method_shows_how_far_it_is_only_where_somebody_asked(
    sampler, toy_spectrogram, toy_score_fn, capsys
):
    ask = sampler(50, batch_size=10)
    ask(toy_spectrogram, toy_score_fn)
    assert capsys.readouterr() == ("", "")
    with show_progress():
        ask(toy_spectrogram, toy_score_fn)
        with show_progress(False):  # within a bar over many recordings
            ask(toy_spectrogram, toy_score_fn)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("50 queries, about") == 1


def test_whether_progress_is_shown_ends_with_an_error():
    shown = []

    def work():
        with show_progress():
            shown.append(progress_is_shown())
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert shown == [True]
    assert not progress_is_shown()


@pytest.mark.parametrize("quiet", [True, False])
def test_a_command_shows_bars_unless_it_shall_be_quiet(quiet, capsys):
    assert exit_code_of("demo", lambda: list(progress_bar([1], "counting")), quiet) == 0
    assert ("counting" in capsys.readouterr().err) is not quiet
