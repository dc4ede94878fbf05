"""HSIC and Sobol indices of cells: closed forms, and their definitions computed in full."""

import math

import numpy as np
import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.hsic import Hsic
from daxaudio.explainers.sobol import Sobol
from daxaudio.perturbation.masks import draw_kept
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.quasi_random import ReplicatedSampler


def hsic_by_definition(kept, scores):
    """Trace of both kernel matrices, centred, over N^2; the kernel of a cell is the source's."""
    n = len(scores)
    distances = np.abs(scores[:, None] - scores)
    width = np.median(distances[np.triu_indices(n, 1)])
    centring = np.eye(n) - 1 / n
    of_scores = centring @ np.exp(-((distances / width) ** 2) / 2) @ centring
    found = []
    for column in kept.T.astype(float):
        of_cell = 1 + 0.5 - (column[:, None] - column) ** 2
        found.append(np.trace(of_cell @ of_scores) / n**2)
    return np.array(found)


def test_hsic_is_its_definition(neighbourhood_of):
    random = torch.Generator().manual_seed(0)
    kept = draw_kept(90, 5, 0.5, random)  # 4005 pairs: an odd number has one median
    scores = torch.rand(90, generator=random) + kept.float() @ torch.tensor([2.0, 0, -1, 0, 0.5])
    found = Hsic().fit(neighbourhood_of(kept, scores)).attribution[0]
    expected = hsic_by_definition(kept.numpy(), scores.double().numpy())
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def all_combinations(n_cells):
    return (torch.arange(2**n_cells)[:, None] >> torch.arange(n_cells)) & 1 == 1


def test_hsic_of_the_one_cell_that_is_heard_is_known_and_of_others_0(neighbourhood_of):
    kept = all_combinations(4)
    for sign in (1, -1):  # what lowers the score is marked like what raises it
        drawn = neighbourhood_of(kept, sign * kept[:, 2].float())
        found = Hsic().fit(drawn).attribution[0]
        expected = torch.tensor([0, 0, (1 - math.exp(-0.5)) / 4, 0])
        torch.testing.assert_close(found, expected, atol=1e-7, rtol=0)


def test_hsic_hears_what_changes_no_mean(neighbourhood_of):
    # with cell 0 the score is 1 or -1 by cell 1, without it 0: its mean is 0 either way
    kept = all_combinations(3)
    scores = kept[:, 0].float() * (2 * kept[:, 1].float() - 1)
    found = Hsic().fit(neighbourhood_of(kept, scores)).attribution[0]
    assert float(found[0]) > 0.01 > 1e-7 > float(found[2])


def test_hsic_of_scores_of_which_most_are_equal_is_finite(neighbourhood_of):
    kept = draw_kept(50, 3, 0.5, torch.Generator().manual_seed(0))
    scores = torch.zeros(50)
    scores[0] = 1.0
    found = Hsic().fit(neighbourhood_of(kept, scores)).attribution
    assert bool(torch.isfinite(found).all())
    assert float(found.max()) > 0


@pytest.mark.parametrize("n_samples", [1, 20])
def test_hsic_of_a_score_that_never_changes_marks_nothing(n_samples, neighbourhood_of):
    kept = draw_kept(n_samples, 3, 0.5, torch.Generator().manual_seed(0))
    assert not Hsic().fit(neighbourhood_of(kept, torch.full((n_samples,), 0.5))).mask.any()


def test_hsic_does_not_depend_on_how_much_is_in_memory(monkeypatch, neighbourhood_of):
    kept = draw_kept(60, 4, 0.5, torch.Generator().manual_seed(0))
    drawn = neighbourhood_of(kept, kept.float() @ torch.tensor([1.0, 2.0, 0.0, 0.5]))
    whole = Hsic().fit(drawn).attribution
    monkeypatch.setattr("daxaudio.explainers.hsic._AT_ONCE", 7 * 60)
    torch.testing.assert_close(Hsic().fit(drawn).attribution, whole)


PICTURE = Spectrogram(torch.ones(1, 4), torch.zeros(1), torch.arange(4.0), "a")


def indices(score_fn, n_samples=5 * 4096):
    """`[4]`, of four cells of one bin each that are kept by any part: the input is that part."""
    sampler = ReplicatedSampler(n_samples, cells=(1, 4), fill="noise")
    drawn = sampler.draw(PICTURE)
    drawn = Neighbourhood(
        PICTURE,
        drawn.perturbation,
        torch.zeros(1, 4),
        score_fn(drawn.perturbation.masks(slice(None))[:, 0].double()).float(),
        original_score=1.0,
        background_score=0.0,
    )
    return Sobol().fit(drawn).attribution[0]


def test_indices_of_a_linear_score_are_the_shares_of_its_variance():
    worth = torch.tensor([3.0, -2.0, 0.0, 1.0], dtype=torch.float64)
    found = indices(lambda inputs: inputs @ worth + 5)
    torch.testing.assert_close(found.double(), worth**2 / 14, atol=5e-3, rtol=0)


def test_indices_count_what_cells_do_together_for_each_of_them():
    # of u v, u and v uniform: variance 7/144, of which u has a part in all but 1/4 of var(u): 4/7
    found = indices(lambda inputs: inputs[:, 0] * inputs[:, 1])
    expected = torch.tensor([4 / 7, 4 / 7, 0, 0])
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=0)


def test_indices_of_the_one_cell_that_is_heard_is_1_and_of_others_0():
    found = indices(lambda inputs: -inputs[:, 2])
    torch.testing.assert_close(found, torch.tensor([0.0, 0, 1, 0]), atol=5e-3, rtol=0)


def test_indices_are_their_definition_by_hand(toy_spectrogram, toy_score_fn):
    drawn = ReplicatedSampler(100, cells=(2, 3))(toy_spectrogram, toy_score_fn)
    points, others = (
        part.numpy() for part in (drawn.perturbation.points, drawn.perturbation.others)
    )
    values, low = toy_spectrogram.values.numpy(), float(toy_spectrogram.values.mean())

    def score(parts):
        mask = np.kron(parts.reshape(2, 3), np.ones((12, 20)))
        heard = low + (values - low) * mask
        return float(toy_score_fn(torch.from_numpy(heard).float()[None]))

    before = np.array([score(point) for point in points])
    after = np.array(
        [
            [score(np.where(np.arange(6) == cell, other, point)) for cell in range(6)]
            for point, other in zip(points, others, strict=True)
        ]
    )
    variance = np.var(np.append(before, after))
    expected = ((after - before[:, None]) ** 2).mean(axis=0) / (2 * variance)
    found = Sobol().fit(drawn).attribution[::12, ::20].flatten()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_indices_of_a_score_that_never_changes_mark_nothing(toy_spectrogram):
    found = Sobol(ReplicatedSampler(20))(toy_spectrogram, lambda inputs: torch.ones(len(inputs)))
    assert not found.mask.any()


def test_sobol_refuses_a_neighbourhood_of_another_kind(neighbourhood_of):
    with pytest.raises(TypeError, match="needs a neighbourhood of ReplicatedCells, got Segment"):
        Sobol().fit(neighbourhood_of([[1, 0]], [1.0]))
