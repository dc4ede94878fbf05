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
    whole = draw_kept(n_samples, 7, 0.4, generator(1), antithetic=antithetic)
    coalitions = draw_coalitions(n_samples, 7, generator(2))
    monkeypatch.setattr(perturbation, "_DRAWN", 20)
    assert torch.equal(draw_kept(n_samples, 7, 0.4, generator(1), antithetic=antithetic), whole)
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


@pytest.mark.parametrize(
    ("own", "files", "found"),
    [
        # version 2: the limit of a group above holds, too
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "5000", "memory.max": "9000"}, 5000),
        # version 1, beside controllers that limit something else
        (
            "9:pids:/a\n4:memory:/a\n0::/",
            {"memory/a/memory.limit_in_bytes": "7000", "pids/a/memory.max": "1"},
            7000,
        ),
        # a container sees its own group as the root of the tree
        ("0::/docker/abc", {"memory.max": "6000"}, 6000),
        ("0::/", {"memory.max": "max"}, None),
    ],
)
def test_what_a_container_allows_is_known(own, files, found, tmp_path):
    for name, content in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(f"{content}\n")
    (tmp_path / "own").write_text(f"{own}\n")
    limits = list(memory._limits(tmp_path / "own", tmp_path / "tree"))
    assert min(limits, default=None) == found


def test_the_least_of_machine_and_container_counts(monkeypatch):
    monkeypatch.setattr(memory, "_limits", lambda: iter([2**20, 2**80]))
    assert total_memory() == 2**20
    monkeypatch.setattr(memory, "_limits", lambda: iter([2**80]))
    assert 2**20 < total_memory() < 2**80


def test_a_system_without_control_groups_has_its_memory(tmp_path):
    assert list(memory._limits(tmp_path / "none", tmp_path)) == []
