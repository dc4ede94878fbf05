import numpy as np
import pytest
import torch
from scipy import ndimage

from daxaudio.explainers.dax import shared_filters as textures
from daxaudio.explainers.dax.shared_filters import SharedFilters, local_statistics
from daxaudio.runs.seeds import generator


def two_textures():
    """`[32, 80]`: quiet noise, and loud smooth level from frame 40 on."""
    values = torch.randn(32, 80, generator=generator(0))
    values[:, 40:] = 3 + 0.1 * torch.randn(32, 40, generator=generator(1))
    return values


def test_statistics_are_standardised_and_finite():
    statistics = local_statistics(two_textures()).flatten(1)
    torch.testing.assert_close(statistics.mean(dim=1), torch.zeros(14), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        statistics.std(dim=1, correction=0), torch.ones(14), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("values", [torch.zeros(8, 20), torch.ones(1, 1), torch.rand(1, 30)])
def test_statistics_of_odd_inputs_are_finite(values):
    assert torch.isfinite(local_statistics(values)).all()


def test_statistics_do_not_depend_on_level_or_gain():
    values = two_textures()
    torch.testing.assert_close(
        local_statistics(values), local_statistics(7 * values - 40), atol=1e-3, rtol=1e-3
    )


def test_each_statistic_is_that_of_scipy():
    values = two_textures().double()
    level = ((values - values.mean()) / values.std(correction=0)).numpy()

    def average(picture, size):
        return ndimage.uniform_filter(picture, size, mode="nearest")

    def steps(axis):
        """Size of the step from the bin or frame before; 0 for the first."""
        return np.abs(np.diff(level, axis=axis, prepend=np.take(level, [0], axis=axis)))

    frames = np.ones_like(level)
    expected = [level, level - np.quantile(level, 0.5, axis=1, method="lower", keepdims=True)]
    for size in ((3, 3), (5, 9), (9, 21)):
        mean = average(level, size)
        expected += [mean, np.sqrt(np.clip(average(level**2, size) - mean**2, 0, None))]
    for size in ((5, 9), (9, 21)):
        expected += [average(steps(1), size), average(steps(0), size)]
    for part in (level.mean(axis=0), level.std(axis=0)):
        expected.append(average(part * frames, (1, 9)))
    for found, right in zip(local_statistics(values.float()), expected, strict=True):
        scaled = torch.from_numpy((right - right.mean()) / right.std()).float()
        torch.testing.assert_close(found, scaled, atol=1e-3, rtol=1e-3)


def test_one_texture_gets_one_answer_from_noisy_targets():
    values = two_textures()
    truth = torch.zeros(32, 80)
    truth[:, 40:] = 1
    noisy = truth + 2 * torch.randn(32, 80, generator=generator(2))
    fitted = SharedFilters().fit(values, noisy[None], generator(3))[0]
    assert float((fitted - truth).square().mean()) < 0.02 * float((noisy - truth).square().mean())
    # sharp: the two frames at the border are on their sides
    assert fitted[:, 38].mean() < 0.5 < fitted[:, 41].mean()


def test_fits_of_a_batch_are_those_of_each():
    values, targets = two_textures(), torch.randn(3, 32, 80, generator=generator(4))
    together = SharedFilters(32).fit(values, targets, generator(5))
    for target, fitted in zip(targets, together, strict=True):
        alone = SharedFilters(32).fit(values, target[None], generator(5))[0]
        torch.testing.assert_close(alone, fitted, atol=1e-4, rtol=1e-3)
        assert float(fitted.mean()) == pytest.approx(float(target.mean()), abs=1e-3)


def test_chunks_do_not_change_the_fit(monkeypatch):
    values, targets = two_textures(), torch.randn(1, 32, 80, generator=generator(4))
    whole = SharedFilters(32).fit(values, targets, generator(5))
    monkeypatch.setattr(textures, "_CHUNK", 333)
    chunked = SharedFilters(32).fit(values, targets, generator(5))
    torch.testing.assert_close(whole, chunked, atol=1e-4, rtol=1e-3)


def test_ridge_regression_by_hand():
    values, targets = two_textures(), torch.randn(1, 32, 80, generator=generator(4))
    network = SharedFilters(8, ridge=0.5)
    fitted = network.fit(values, targets, generator(6))[0].flatten().double()
    random = generator(6)
    statistics = local_statistics(values).flatten(1)
    mixtures = torch.randn(8, 14, generator=random) / network.width
    phases = 2 * torch.pi * torch.rand(8, 1, generator=random)
    units = torch.cos(mixtures @ statistics + phases).double()
    units = units - units.mean(dim=1, keepdim=True)
    target = targets.flatten().double()
    products = units @ units.T
    penalty = 0.5 * products.diagonal().mean() * torch.eye(8, dtype=torch.float64)
    weights = torch.linalg.solve(products + penalty, units @ (target - target.mean()))
    torch.testing.assert_close(fitted, weights @ units + target.mean(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["n_filters", "width", "ridge"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match="must be above 0 and finite"):
        SharedFilters(**{name: value})
