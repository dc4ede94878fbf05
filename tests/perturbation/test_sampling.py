import dataclasses

import pytest
import torch
import torch.nn.functional as F

from daxaudio.containers import Spectrogram
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import WindowMasks
from daxaudio.explainers.rise import Rise
from daxaudio.perturbation.masks import (
    GridMasks,
    JoinedGrids,
    SegmentMasks,
    cell_size,
    draw_coalitions,
    draw_kept,
)
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.query import answer, unasked
from daxaudio.perturbation.sampling import (
    GridSampler,
    MultiGridSampler,
    SegmentSampler,
    closeness_weights,
)
from daxaudio.perturbation.segments import Grid
from daxaudio.perturbation.storage import load_neighbourhood, save_neighbourhood
from daxaudio.runs.batches import MOST_BINS, fit_batch

PICTURE = Spectrogram(
    torch.tensor([[0.0, 2.0, 4.0], [6.0, 9.0, 9.0]]), torch.arange(2.0), torch.arange(3.0)
)
SEGMENTS = torch.tensor([[0, 0, 1], [1, 2, 2]])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def mean_level(inputs):
    return inputs.mean(dim=(1, 2))


# draws


@pytest.mark.parametrize("antithetic", [False, True])
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_each_part_is_kept_at_the_asked_rate(keep, antithetic):
    kept = draw_kept(4000, 10, keep, seeded(), antithetic=antithetic)
    torch.testing.assert_close(kept.float().mean(dim=0), torch.full((10,), keep), atol=0.03, rtol=0)


def test_antithetic_draws_mirror_each_other():
    kept = draw_kept(7, 20, 0.5, seeded(), antithetic=True)
    assert bool((kept[0:6:2] ^ kept[1:6:2]).all())
    # At another rate the two of a pair agree as seldom as they can.
    sparse = draw_kept(100, 50, 0.3, seeded(), antithetic=True)
    assert not bool((sparse[0::2] & sparse[1::2]).any())


def test_coalitions_have_sizes_as_the_kernel_weighs_them():
    # 1 / (s (5 - s)) for s = 1 to 4 is 1/4, 1/6, 1/6, 1/4
    sizes = draw_coalitions(20000, 5, seeded()).sum(dim=1)
    shares = sizes.bincount(minlength=6) / len(sizes)
    torch.testing.assert_close(
        shares, torch.tensor([0.0, 0.3, 0.2, 0.2, 0.3, 0.0]), atol=0.015, rtol=0
    )


def test_coalitions_have_members_at_random():
    kept = draw_coalitions(20000, 5, seeded())
    singles = kept[kept.sum(dim=1) == 1].float().mean(dim=0)
    torch.testing.assert_close(singles, torch.full((5,), 0.2), atol=0.02, rtol=0)


def test_coalitions_come_with_their_complements():
    kept = draw_coalitions(7, 6, seeded())
    assert kept.shape == (7, 6)
    assert bool((kept[0:6:2] ^ kept[1:6:2]).all())


# masks


def test_segment_masks_keep_the_pixels_of_kept_segments():
    masks = SegmentMasks(SEGMENTS, torch.tensor([[True, False, False], [False, True, True]]))
    assert masks.masks(slice(None)).tolist() == [
        [[1, 1, 0], [0, 0, 0]],
        [[0, 0, 1], [1, 1, 1]],
    ]


def test_segment_masks_refuse_a_label_without_a_column():
    with pytest.raises(ValueError, match="from label 0 up to label 2, but kept has 2 columns"):
        SegmentMasks(SEGMENTS, torch.ones(4, 2, dtype=torch.bool))


def grid_masks(shape=(13, 29), cells=(3, 5), n_samples=40):
    kept = draw_kept(n_samples, cells[0] * cells[1], 0.5, seeded())
    limits = [cell_size(size, n) for size, n in zip(shape, cells, strict=True)]
    shifts = torch.stack(
        [torch.randint(limit, (n_samples,), generator=seeded(1)) for limit in limits], dim=1
    )
    return GridMasks(shape, cells, kept, shifts)


@pytest.mark.parametrize("shape", [(13, 29), (64, 480), (3, 5)])
def test_grid_masks_are_a_stretched_grid_cut_out_at_the_shift(shape):
    masks = grid_masks(shape)
    stretched = F.interpolate(
        masks.kept.float().view(-1, 1, 3, 5),
        size=(4 * cell_size(shape[0], 3), 6 * cell_size(shape[1], 5)),
        mode="bilinear",
    )
    expected = [
        grid[0, down : down + shape[0], along : along + shape[1]]
        for grid, (down, along) in zip(stretched, masks.shifts.tolist(), strict=True)
    ]
    torch.testing.assert_close(masks.masks(slice(None)), torch.stack(expected))


def test_grid_masks_keep_the_asked_rate_smoothly_within_bounds(toy_spectrogram, toy_score_fn):
    drawn = GridSampler(4000, cells=(4, 6), keep=0.3)(toy_spectrogram, toy_score_fn)
    masks = drawn.perturbation.masks(slice(None))
    assert masks.mean() == pytest.approx(0.3, abs=0.01)
    assert (masks.mean(dim=0) - 0.3).abs().max() < 0.05
    assert 0 <= masks.min() <= masks.max() <= 1
    # Cells are 6 bins by 10 frames: a step is at most one cell's share.
    assert masks.diff(dim=1).abs().max() <= 1 / 6 + 1e-5
    assert masks.diff(dim=2).abs().max() <= 1 / 10 + 1e-5


def joined_grids():
    parts = []
    for n_samples, cells in ((7, (1, 2)), (25, (4, 5)), (8, (2, 2))):
        sizes = [cell_size(size, n) for size, n in zip((8, 10), cells, strict=True)]
        shifts = [torch.randint(size, (n_samples,), generator=seeded()) for size in sizes]
        kept = draw_kept(n_samples, cells[0] * cells[1], 0.5, seeded(1))
        parts.append(GridMasks((8, 10), cells, kept, torch.stack(shifts, dim=1)))
    return JoinedGrids(tuple(parts))


def test_joined_grids_are_their_parts_one_after_the_other():
    joined = joined_grids()
    assert len(joined) == 40
    assert joined.bounds == [0, 7, 32, 40]
    expected = torch.cat([part.masks(slice(None)) for part in joined.parts])
    assert torch.equal(joined.masks(slice(None)), expected)
    assert joined.kept.shape == (40, 20)
    assert torch.equal(joined.kept[7:32], joined.parts[1].kept)
    assert not joined.kept[:7, 2:].any()


def test_joined_grids_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="one or more parts of one shape"):
        JoinedGrids((grid_masks((8, 10)), grid_masks((8, 11))))
    with pytest.raises(ValueError, match="one or more parts of one shape"):
        JoinedGrids(())


@pytest.mark.parametrize(
    "masks",
    [
        grid_masks((8, 10)),
        joined_grids(),
        SegmentMasks(torch.arange(4).repeat(2, 1), draw_kept(40, 4, 0.5, seeded())),
        WindowMasks((8, 10), (2, 3), torch.randint(7, (40, 2), generator=seeded())),
    ],
    ids=lambda masks: type(masks).__name__,
)
def test_rows_may_be_a_slice_or_indices(masks):
    chosen = torch.tensor([7, 3, 3, 39])
    everything = masks.masks(slice(None))
    torch.testing.assert_close(masks.masks(chosen), everything[chosen])
    torch.testing.assert_close(masks.masks(slice(30, 99)), everything[30:])


# queries


def test_inputs_are_made_only_when_their_batch_is_asked(toy_spectrogram, toy_score_fn):
    told = []

    class Watched(SegmentMasks):
        def masks(self, rows):
            told.append("made")
            return super().masks(rows)

    def score_fn(inputs):
        told.append(len(inputs))
        return toy_score_fn(inputs)

    segments = Grid(4, 12)(toy_spectrogram)
    masks = Watched(segments, draw_kept(150, 48, 0.5, seeded()))
    answer(unasked(toy_spectrogram, masks, torch.zeros(24, 60)), score_fn, batch_size=64)
    assert told == [2, "made", 64, "made", 64, "made", 22]


def test_query_asks_of_the_input_the_background_and_every_mixture():
    masks = SegmentMasks(SEGMENTS, torch.tensor([[True, False, True]]))
    asked = []

    def score_fn(inputs):
        asked.extend(inputs.tolist())
        return mean_level(inputs)

    drawn = answer(unasked(PICTURE, masks, torch.full((2, 3), -1.0)), score_fn)
    assert asked == [PICTURE.values.tolist(), [[-1.0] * 3] * 2, [[0, 2, -1], [-1, 9, 9]]]
    assert drawn.original_score == 5
    assert drawn.background_score == -1
    assert drawn.scores.tolist() == [3]


def test_query_wants_one_score_per_input():
    masks = SegmentMasks(SEGMENTS, torch.ones(1, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="one score per input"):
        answer(unasked(PICTURE, masks, PICTURE.values), lambda inputs: inputs.mean(dim=1))


def test_query_keeps_no_gradient():
    masks = SegmentMasks(SEGMENTS, torch.ones(4, 3, dtype=torch.bool))
    weight = torch.ones(1, requires_grad=True)
    drawn = answer(
        unasked(PICTURE, masks, PICTURE.values), lambda inputs: weight * mean_level(inputs)
    )
    assert not drawn.scores.requires_grad


def test_long_recordings_are_asked_about_a_few_at_a_time():
    frames = MOST_BINS // 64 // 3 + 1  # two and a bit of these fit
    long = Spectrogram(torch.zeros(64, frames), torch.arange(64.0), torch.arange(float(frames)))
    sizes = []

    def score_fn(inputs):
        sizes.append(len(inputs))
        return inputs[:, 0, 0]

    neighbourhood = GridSampler(n_samples=5, cells=(1, 3), batch_size=64)(long, score_fn)
    assert sizes == [2, 2, 2, 1]  # the two ends, then five
    assert neighbourhood.n_samples == 5
    assert fit_batch(64, (64, 500)) == 64
    assert fit_batch(64, (64, 10 * MOST_BINS)) == 1


def test_same_queries_at_any_batch_size(toy_spectrogram, toy_score_fn):
    draws = [
        sampler(50, batch_size=size)(toy_spectrogram, toy_score_fn)
        for sampler in (GridSampler, SegmentSampler, MultiGridSampler)
        for size in (1, 64)
    ]
    for small, large in zip(draws[::2], draws[1::2], strict=True):
        torch.testing.assert_close(small.scores, large.scores)


def test_each_resolution_gets_an_equal_share(toy_spectrogram, toy_score_fn):
    drawn = MultiGridSampler(50, ((2, 3), (99, 4), (3, 3)))(toy_spectrogram, toy_score_fn)
    assert drawn.perturbation.bounds == [0, 17, 34, 50]
    # a grid finer than the 24 bins has one cell a bin
    assert [part.cells for part in drawn.perturbation.parts] == [(2, 3), (24, 4), (3, 3)]
    assert drawn.n_queries == 52


@pytest.mark.parametrize(
    ("sampler", "settings", "message"),
    [
        (SegmentSampler, {"n_samples": 0}, "n_samples must be at least 1, got 0"),
        (SegmentSampler, {"keep": 1.0}, "keep must lie between 0 and 1"),
        (SegmentSampler, {"sampling": "all"}, "sampling must be 'bernoulli' or 'shapley'"),
        (GridSampler, {"batch_size": 0}, "batch_size must be at least 1"),
        (GridSampler, {"cells": (0, 4)}, "cells must be at least 1 in each direction"),
        (MultiGridSampler, {"grids": ()}, "grids need one or more"),
        (MultiGridSampler, {"grids": ((0, 4),)}, "grids need one or more"),
        (MultiGridSampler, {"n_samples": 2}, "3 grids need at least as many samples, got 2"),
    ],
)
def test_samplers_refuse_settings_out_of_range(sampler, settings, message):
    with pytest.raises(ValueError, match=message):
        sampler(**settings)


# weights


def test_closeness_weights_by_hand():
    pair = Spectrogram(torch.tensor([[3.0, 4.0]]), torch.zeros(1), torch.arange(2.0))
    kept = torch.tensor([[True, False], [False, True], [False, False], [True, True]])
    drawn = Neighbourhood(
        pair,
        SegmentMasks(torch.tensor([[0, 1]]), kept),
        torch.zeros(1, 2),
        torch.zeros(4),
        original_score=0.0,
        background_score=0.0,
    )
    # distances 4, 3, 5 and 0; the last counts as 3. Mean of 1/4, 1/3, 1/5, 1/3 is 67/240.
    expected = torch.tensor([60.0, 80.0, 48.0, 80.0]) / 67
    torch.testing.assert_close(closeness_weights(drawn), expected)
    torch.testing.assert_close(closeness_weights(drawn, batch_size=1), expected)


def test_closeness_weights_are_equal_when_nothing_moved():
    drawn = Neighbourhood(
        PICTURE,
        SegmentMasks(SEGMENTS, torch.ones(3, 3, dtype=torch.bool)),
        PICTURE.values,
        torch.zeros(3),
        original_score=0.0,
        background_score=0.0,
    )
    assert closeness_weights(drawn).tolist() == [1, 1, 1]


# files


@pytest.mark.parametrize(
    ("sampler", "explainer"),
    [
        (SegmentSampler(60, Grid(4, 12), seed=3), Lime()),
        (SegmentSampler(60, Grid(4, 12), seed=3), Rise()),
        (GridSampler(60, seed=3), Rise()),
        (MultiGridSampler(60, seed=3), Rise()),
        (MultiGridSampler(60, seed=3), DaxV4()),
    ],
)
def test_saved_neighbourhood_gives_the_same_explanation(
    tmp_path, sampler, explainer, toy_spectrogram, toy_score_fn
):
    drawn = sampler(toy_spectrogram, toy_score_fn)
    save_neighbourhood(drawn, tmp_path / "drawn.safetensors")
    loaded = load_neighbourhood(tmp_path / "drawn.safetensors")
    first, second = explainer.fit(drawn), explainer.fit(loaded)
    assert torch.equal(first.attribution, second.attribution)
    for name in ("method", "score", "n_queries", "settings", "seed"):
        assert getattr(first, name) == getattr(second, name)
    assert first.seconds["query"] == second.seconds["query"]
    assert second.spectrogram.recording_id == "toy"


def test_windows_cannot_be_saved(tmp_path, toy_spectrogram, toy_score_fn):
    masks = WindowMasks((24, 60), (4, 4), torch.zeros(1, 2, dtype=torch.int64))
    drawn = answer(unasked(toy_spectrogram, masks, torch.zeros(24, 60)), toy_score_fn)
    with pytest.raises(TypeError, match="cannot save a WindowMasks"):
        save_neighbourhood(drawn, tmp_path / "drawn.safetensors")
    assert not list(tmp_path.iterdir())


def test_nan_among_the_scores_is_refused(toy_spectrogram, toy_score_fn):
    drawn = GridSampler(10)(toy_spectrogram, toy_score_fn)
    with pytest.raises(ValueError, match="NaN or infinite scores"):
        dataclasses.replace(drawn, scores=torch.full((10,), torch.nan))
