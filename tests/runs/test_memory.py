import re

import pytest
import torch

from daxaudio.explainers.gradient import IntegratedGradients, SmoothGrad
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.perturbation import masks as perturbation
from daxaudio.perturbation.masks import draw_coalitions, draw_kept
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid
from daxaudio.runs import memory
from daxaudio.runs.memory import check_fits, total_memory
from daxaudio.runs.seeds import generator


def never(inputs):
    raise AssertionError("asked")


@pytest.mark.parametrize("n_samples", [10**12, 10**30])
@pytest.mark.parametrize(
    "sampler",
    [
        lambda n: SegmentSampler(n, Grid(4, 12)),
        lambda n: SegmentSampler(n, Grid(4, 12), sampling="shapley"),
        GridSampler,
        lambda n: GridSampler(n, antithetic=True),
        MultiGridSampler,
    ],
)
def test_absurdly_many_queries_are_refused_in_one_line_before_any_is_asked(
    sampler, n_samples, toy_spectrogram
):
    with pytest.raises(ValueError, match=r"perturbed inputs need .* GB of memory") as caught:
        sampler(n_samples)(toy_spectrogram, never)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sampler", [SegmentSampler, GridSampler, MultiGridSampler])
def test_the_refusal_names_a_number_that_is_taken(
    sampler, toy_spectrogram, toy_score_fn, monkeypatch
):
    monkeypatch.setattr(memory, "total_memory", lambda: 10**6)
    with pytest.raises(ValueError, match="take at most") as caught:
        sampler(10**9)(toy_spectrogram, never)
    most = int(re.search(r"at most (\d+) \(n_samples\)", str(caught.value)).group(1))
    assert most > 100
    sampler(most)(toy_spectrogram, toy_score_fn)
    with pytest.raises(ValueError, match="take at most"):
        sampler(most + 1)(toy_spectrogram, never)


def test_what_fits_to_the_last_byte_is_taken(monkeypatch):
    monkeypatch.setattr(memory, "total_memory", lambda: 1000)
    check_fits("things", 10, 100, "n")
    with pytest.raises(ValueError, match=r"11 things .* at most 10 \(n\)"):
        check_fits("things", 11, 100, "n")


def test_a_machine_has_memory():
    assert total_memory() > 2**28


@pytest.mark.parametrize("antithetic", [False, True])
@pytest.mark.parametrize("n_samples", [1, 9, 50])
def test_drawing_in_pieces_changes_no_draw(n_samples, antithetic, monkeypatch):
    whole = draw_kept(n_samples, 7, 0.4, generator(1), antithetic)
    coalitions = draw_coalitions(n_samples, 7, generator(2))
    monkeypatch.setattr(perturbation, "_DRAWN", 20)
    assert torch.equal(draw_kept(n_samples, 7, 0.4, generator(1), antithetic), whole)
    assert torch.equal(draw_coalitions(n_samples, 7, generator(2)), coalitions)


def test_draws_are_those_of_one_table_of_uniform_numbers():
    uniform = torch.rand(50, 7, generator=generator(1))
    assert torch.equal(draw_kept(50, 7, 0.4, generator(1)), uniform < 0.4)
    mirrored = draw_kept(50, 7, 0.4, generator(1), antithetic=True)
    assert torch.equal(mirrored[1::2], 1 - uniform[0::2] < 0.4)


def test_gradient_methods_refuse_absurd_numbers_too():
    with pytest.raises(ValueError, match=r"noisy copies need .* GB"):
        SmoothGrad(n_samples=10**12)
    with pytest.raises(ValueError, match="n_steps must be at least 1 and at most 10000"):
        IntegratedGradients(n_steps=10**6)


def test_windows_that_no_memory_holds_are_refused(toy_spectrogram, monkeypatch):
    monkeypatch.setattr(memory, "total_memory", lambda: 10**6)
    with pytest.raises(ValueError, match=r"windows need .* \(a larger stride makes fewer\)"):
        Occlusion(window=(2, 2), stride=(1, 1))(toy_spectrogram, never)
