"""Random draws: each seed, recording, resolution and part of the work has its own."""

import dataclasses
import itertools

import pytest
import torch

from daxaudio.explainers.dax.distillation import Examples
from daxaudio.explainers.dax.explained_student import ExplainStudent
from daxaudio.explainers.references import RandomMask
from daxaudio.explainers.rise import Rise
from daxaudio.perturbation.masks import draw_coalitions
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid
from daxaudio.runs.seeds import generator

SAMPLERS = [
    SegmentSampler(40, Grid(2, 6)),
    SegmentSampler(40, Grid(2, 6), sampling="shapley"),
    GridSampler(40),
    GridSampler(40, antithetic=True),
    MultiGridSampler(40),
    SegmentSampler(40, Grid(2, 6), fill="noise"),
]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sampler_draws_by_its_seed_and_the_recording(sampler, toy_spectrogram, toy_score_fn):
    renamed = dataclasses.replace(toy_spectrogram, recording_id="b")
    first, again, of_b, of_seed = (
        drawn(spectrogram, toy_score_fn)
        for drawn, spectrogram in (
            (sampler, toy_spectrogram),
            (sampler, toy_spectrogram),
            (sampler, renamed),
            (dataclasses.replace(sampler, seed=1), toy_spectrogram),
        )
    )
    assert torch.equal(first.perturbation.kept, again.perturbation.kept)
    assert torch.equal(first.background, again.background)
    for other in (of_b, of_seed):
        assert not torch.equal(first.perturbation.kept, other.perturbation.kept)
        assert torch.equal(first.background, other.background) == (sampler.fill != "noise")


@pytest.mark.parametrize("sampler", [GridSampler(40), MultiGridSampler(40)])
def test_grids_are_shifted_by_the_seed_too(sampler, toy_spectrogram, toy_score_fn):
    first, other = (
        dataclasses.replace(sampler, seed=seed)(toy_spectrogram, toy_score_fn).perturbation
        for seed in (0, 1)
    )
    for one, two in zip(
        getattr(first, "parts", (first,)), getattr(other, "parts", (other,)), strict=True
    ):
        assert not torch.equal(one.shifts, two.shifts)


def test_each_resolution_has_its_own_draws(toy_spectrogram, toy_score_fn):
    sampler = MultiGridSampler(60, ((2, 6), (2, 6), (2, 6)))
    parts = sampler(toy_spectrogram, toy_score_fn).perturbation.parts
    for one, two in itertools.combinations(parts, 2):
        assert not torch.equal(one.kept, two.kept)
        assert not torch.equal(one.shifts, two.shifts)


def test_a_random_mask_is_drawn_by_seed_and_recording(toy_spectrogram, toy_score_fn):
    renamed = dataclasses.replace(toy_spectrogram, recording_id="b")
    first, again = (RandomMask()(toy_spectrogram, toy_score_fn).mask for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, RandomMask()(renamed, toy_score_fn).mask)
    assert not torch.equal(first, RandomMask(1)(toy_spectrogram, toy_score_fn).mask)


def test_a_student_is_asked_about_the_draws_of_the_neighbourhood(toy_spectrogram, toy_score_fn):
    base1 = ExplainStudent(
        Rise(GridSampler(40, seed=9)), sampler=GridSampler(40), epochs=1, pool=4, inner_queries=40
    )
    drawn = base1.sampler(toy_spectrogram, toy_score_fn)
    first, again, other = (
        base1.fit(dataclasses.replace(drawn, seed=seed)).attribution for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("at_most", [None, 20, 2])
def test_no_neighbour_is_both_learnt_from_and_held_out(at_most, toy_spectrogram, toy_score_fn):
    drawn = GridSampler(40)(toy_spectrogram, toy_score_fn)
    examples = Examples.split(drawn, at_most=at_most, validation_share=0.25)
    dealt = torch.cat([examples.training, examples.validation])
    total = at_most or 40
    assert sorted(dealt.tolist()) == list(range(total))
    assert len(examples.validation) == max(1, total // 4)
    other = Examples.split(drawn, at_most=at_most, validation_share=0.25, seed=1)
    if total > 2:
        assert other.validation.tolist() != examples.validation.tolist()


def test_sizes_of_coalitions_are_those_of_the_shapley_kernel():
    # of 5 parts: sizes 1 and 4 weigh 1/4 each, 2 and 3 weigh 1/6
    sizes = draw_coalitions(60_000, 5, generator(0)).sum(dim=1)
    shares = sizes.bincount(minlength=6) / len(sizes)
    torch.testing.assert_close(shares, torch.tensor([0, 0.3, 0.2, 0.2, 0.3, 0]), atol=0.01, rtol=0)
