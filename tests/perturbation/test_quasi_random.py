"""Cells in even combinations: how even they are, what differs between samples, what they cost."""

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.perturbation.quasi_random import (
    QuasiRandomSampler,
    ReplicatedSampler,
    sobol_points,
)

PICTURE = Spectrogram(torch.zeros(8, 24), torch.arange(8.0), torch.arange(24.0), "a")


def test_every_pair_of_cells_is_seen_in_all_four_states_almost_equally_often():
    kept = QuasiRandomSampler(256, cells=(1, 6)).draw(PICTURE).perturbation.kept.double()
    together = kept.T @ kept / len(kept)
    assert bool((together.diagonal() == 0.5).all())
    off = together[~torch.eye(6, dtype=torch.bool)]
    assert float((off - 0.25).abs().max()) < 0.05  # of independent draws up to 0.1


def test_points_are_more_even_than_random_ones():
    edges = torch.arange(65) / 64
    counts = torch.histogram(sobol_points(64, 3, seed=1)[:, 2].float(), edges)[0]
    assert counts.tolist() == [1.0] * 64


def test_masks_are_cells_with_sharp_borders():
    drawn = QuasiRandomSampler(5, cells=(2, 3)).draw(PICTURE).perturbation
    grown = drawn.kept.view(5, 2, 3).repeat_interleave(4, 1).repeat_interleave(8, 2)
    assert torch.equal(drawn.masks(slice(None)), grown.float())


def test_replicated_samples_differ_from_their_point_in_one_cell_alone():
    drawn = ReplicatedSampler(70, cells=(2, 3)).draw(PICTURE).perturbation
    assert len(drawn) == 70  # ten points, seven samples each
    points, *changed = drawn.values(slice(None)).split(10)
    assert torch.equal(points, drawn.points)
    for cell, values in enumerate(changed):
        assert (values != points).nonzero()[:, 1].unique().tolist() == [cell]
        assert torch.equal(values[:, cell], drawn.others[:, cell])


@pytest.mark.parametrize("n_samples", [7, 13, 1000])
def test_no_more_is_asked_than_allowed_and_no_point_less_than_fits(n_samples):
    asked = []

    def score_fn(inputs):
        asked.append(len(inputs))
        return inputs.mean(dim=(1, 2))

    drawn = ReplicatedSampler(n_samples, cells=(2, 3))(PICTURE, score_fn)
    assert sum(asked) == drawn.n_queries <= n_samples + 2
    assert drawn.n_queries > n_samples + 2 - 7


@pytest.mark.parametrize("make", [QuasiRandomSampler, ReplicatedSampler])
def test_draws_depend_on_seed_and_recording_alone(make):
    first, again, other = (
        make(60, cells=(2, 3), seed=seed).draw(PICTURE).perturbation.masks(slice(None))
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("rows", [slice(3, 20), torch.tensor([5, 0, 69])], ids=str)
def test_some_samples_are_what_they_are_among_all(rows):
    drawn = ReplicatedSampler(70, cells=(2, 3)).draw(PICTURE).perturbation
    assert torch.equal(drawn.masks(rows), drawn.masks(slice(None))[rows])
    assert torch.equal(drawn.kept, drawn.values(slice(None)) >= 0.5)


@pytest.mark.parametrize("make", [QuasiRandomSampler, ReplicatedSampler])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1"),
        ({"cells": (0, 4)}, r"cells need \(rows, columns\), 2 to"),
        ({"cells": (1, 1)}, r"cells need \(rows, columns\), 2 to"),
        ({"cells": (200, 200)}, r"cells need \(rows, columns\), 2 to"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_settings_out_of_range_are_refused(make, settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_too_few_queries_for_the_cells_are_one_line_that_says_how_many():
    with pytest.raises(ValueError, match=r"12 cells.* need at least 13 queries, got n_samples=12"):
        ReplicatedSampler(12).draw(PICTURE)


@pytest.mark.parametrize("make", [QuasiRandomSampler, ReplicatedSampler])
def test_a_grid_finer_than_the_spectrogram_is_refused(make):
    with pytest.raises(ValueError, match="finer than the spectrogram"):
        make(cells=(9, 4)).draw(PICTURE)
