"""Runs of segments of time: how much is masked off, in how many pieces, and what is heard of it."""

import itertools

import pytest
import torch

from daxaudio.containers import Recording, Spectrogram
from daxaudio.perturbation.time_runs import RunSampler

RATE, N_FRAMES, HOP = 8000, 100, 0.02  # 20 segments of 5 frames


def picture(n_frames=N_FRAMES):
    return Spectrogram(
        torch.zeros(3, n_frames), torch.arange(3.0), HOP * (torch.arange(n_frames) + 0.5), "a"
    )


def dropped(sampler):
    return ~sampler.draw(picture()).perturbation.kept


def test_segments_are_as_long_as_asked_for_and_go_over_all_frequencies():
    segments = RunSampler(4).draw(picture()).perturbation.segments
    assert bool((segments == torch.arange(N_FRAMES) // 5).all())


def test_every_run_goes_with_every_share_and_the_shares_are_exact():
    masked = dropped(RunSampler(18)).sum(dim=1).tolist()
    assert masked == [4, 4, 4, 6, 6, 6, 8, 8, 8] * 2


@pytest.mark.parametrize(("run", "share", "n_masked"), [(3, 0.2, 4), (5, 0.3, 6), (19, 0.9, 18)])
def test_a_share_that_whole_runs_cannot_make_is_exact(run, share, n_masked):
    masked = dropped(RunSampler(50, runs=(run,), shares=(share,)))
    assert masked.sum(dim=1).tolist() == [n_masked] * 50


def n_pieces(masked):
    """Stretches in a row of what is masked off, of all samples; the end leads to the beginning."""
    return int((masked & ~masked.roll(1, dims=1)).sum())


def test_runs_are_in_one_piece_each():
    single, long = (dropped(RunSampler(100, runs=(run,), shares=(0.25,))) for run in (1, 20))
    assert single.sum() == long.sum()
    assert n_pieces(long) == 100
    assert n_pieces(single) > 300


@pytest.mark.parametrize("run", [1, 5, 30])
def test_each_segment_is_masked_off_about_as_often(run):
    share = dropped(RunSampler(3000, runs=(run,), shares=(0.3,))).float().mean(dim=0)
    assert share.mean() == pytest.approx(0.3)
    assert float((share - 0.3).abs().max()) < 0.03


def test_draws_depend_on_seed_and_recording_alone():
    first, again, other = (dropped(RunSampler(30, seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


class Hears:
    """Notes the waveforms; the score is the level of the second half."""

    target = "event"

    def __init__(self):
        self.sound = Recording(torch.ones(1, round(RATE * N_FRAMES * HOP)), RATE, "a")
        self.heard = []

    def of_sounds(self, waveforms):
        self.heard += [waveforms]
        return waveforms[:, 0, waveforms.shape[-1] // 2 :].mean(dim=1)

    def __call__(self, spectrograms):
        self.heard += [spectrograms]
        return spectrograms.mean(dim=(1, 2))


def test_a_classifier_of_waveforms_hears_segments_cut_out_of_the_samples():
    hears = Hears()
    drawn = RunSampler(9, fill="floor")(picture(), hears)
    assert drawn.fill == "zeros"
    sounds = torch.cat(hears.heard)[2:, 0]  # but for the whole, and nothing
    middles = sounds[:, round(0.05 * RATE) :: round(0.1 * RATE)]
    assert torch.equal(middles == 1, drawn.perturbation.kept)
    assert torch.equal(middles == 0, ~drawn.perturbation.kept)


def test_a_fill_that_the_sound_has_none_of_is_made_on_the_spectrogram():
    hears = Hears()
    drawn = RunSampler(9, fill="global_mean")(picture(), hears)
    assert drawn.fill == "global_mean"
    assert torch.cat(hears.heard).shape == (11, 3, N_FRAMES)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1"),
        ({"duration": 0.0}, "duration must be"),
        ({"runs": ()}, "runs need one or more lengths"),
        ({"runs": (0,)}, "runs need one or more lengths"),
        ({"shares": (0.2, 1.0)}, r"shares need one or more numbers in \(0, 1\)"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RunSampler(**settings)


def test_a_recording_of_one_segment_is_refused():
    with pytest.raises(ValueError, match="fewer than two bands"):
        RunSampler().draw(picture(n_frames=5))


@pytest.mark.parametrize("n_samples", [1, 5, 20])
def test_pairs_are_taken_in_turns_however_many_samples(n_samples):
    masked = dropped(RunSampler(n_samples)).sum(dim=1).tolist()
    turns = itertools.cycle([4, 4, 4, 6, 6, 6, 8, 8, 8])
    assert masked == list(itertools.islice(turns, n_samples))
