import dataclasses
import math

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.references import Energy
from daxaudio.explainers.rise import Rise
from daxaudio.metrics.sensitivity import USUAL_DEVIATION, max_sensitivity
from daxaudio.perturbation.sampling import GridSampler


@pytest.fixture
def picture():
    values = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)) - 60
    return Spectrogram(values, torch.arange(4.0), torch.arange(6.0), "a")


def test_a_mask_that_does_not_look_at_the_input_never_changes(picture):
    mask = torch.rand(4, 6, generator=torch.Generator().manual_seed(1))
    assert max_sensitivity(lambda near: mask, picture, mask) == 0


def test_the_greatest_change_relative_to_the_mask_by_hand(picture):
    mask = torch.zeros(4, 6)
    mask[0, :4] = 1  # norm 2
    changed = iter([0.0, 3.0, 1.0])

    def explain(near):
        return mask + next(changed) * torch.eye(4, 6)  # norm of the change: 2 times the factor

    assert max_sensitivity(explain, picture, mask, n_samples=3) == pytest.approx(3.0)


def test_inputs_stay_within_the_radius_and_differ_among_themselves(picture):
    seen = []

    def explain(near):
        seen.append(near.values - picture.values)
        assert (near.recording_id, near.times is picture.times) == ("a", True)
        return torch.ones(4, 6)

    max_sensitivity(explain, picture, torch.ones(4, 6), radius=0.5, n_samples=20)
    noise = torch.stack(seen)
    assert 0.45 < float(noise.abs().max()) <= 0.5 + 1e-4
    assert abs(float(noise.mean())) < 0.05
    assert float(noise.std(dim=0).min()) > 0.1


def test_the_seed_alone_decides_and_nothing_is_touched(picture):
    values, state = picture.values.clone(), torch.get_rng_state()
    first, same, other = (
        max_sensitivity(lambda near: near.values, picture, picture.values, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == same != other
    assert torch.equal(picture.values, values)
    assert torch.equal(torch.get_rng_state(), state)


def test_more_samples_never_lower_it_and_a_wider_radius_raises_it(picture):
    def sensitivity(n_samples, radius):
        return max_sensitivity(
            lambda near: near.values, picture, picture.values, radius=radius, n_samples=n_samples
        )

    assert sensitivity(1, 1.0) <= sensitivity(5, 1.0) <= sensitivity(20, 1.0)
    assert sensitivity(5, 2.0) == pytest.approx(2 * sensitivity(5, 1.0), rel=1e-3)


def test_a_mask_of_zeros_has_none(picture):
    assert math.isnan(max_sensitivity(lambda near: near.values, picture, torch.zeros(4, 6)))


def test_a_decibel_moves_rise_on_the_toy_little(toy_spectrogram, toy_score_fn):
    rise = Rise(GridSampler(200))
    mask = rise(toy_spectrogram, toy_score_fn).mask
    found = max_sensitivity(
        lambda near: rise(near, toy_score_fn).mask, toy_spectrogram, mask, n_samples=3
    )
    assert 0 < found < 0.1


def test_equals_captum_on_the_same_noise(toy_spectrogram, toy_score_fn):
    captum_metrics = pytest.importorskip("captum.metrics")
    energy, given = Energy(), []

    def explain(near):
        given.append(near.values)
        return energy(near, toy_score_fn).mask

    mask = energy(toy_spectrogram, toy_score_fn).mask
    ours = max_sensitivity(explain, toy_spectrogram, mask, radius=2.0, n_samples=4)

    def scale(inputs):  # captum gives a tuple first and then a tensor, and wants the same back
        if isinstance(inputs, tuple):
            return tuple(scale(values) for values in inputs)
        low, high = inputs.amin(dim=(1, 2), keepdim=True), inputs.amax(dim=(1, 2), keepdim=True)
        return (inputs - low) / (high - low)

    noisy = torch.stack(given)
    theirs = captum_metrics.sensitivity_max(
        scale, toy_spectrogram.values[None], perturb_func=lambda _: noisy, n_perturb_samples=4
    )
    assert ours == pytest.approx(float(theirs), rel=1e-5)


def test_bad_input_is_refused(picture):
    mask = torch.ones(4, 6)
    with pytest.raises(ValueError, match="radius must be above 0 dB"):
        max_sensitivity(lambda near: mask, picture, mask, radius=0)
    with pytest.raises(ValueError, match="n_samples must be at least 1"):
        max_sensitivity(lambda near: mask, picture, mask, n_samples=0)
    with pytest.raises(ValueError, match=r"mask is \(6, 4\)"):
        max_sensitivity(lambda near: mask, picture, mask.T)
    with pytest.raises(ValueError, match=r"mask is \(6, 4\)"):
        max_sensitivity(lambda near: mask.T, picture, mask)


def test_in_another_unit_the_noise_is_the_same_share_of_what_the_values_span(picture):
    def noise_of(given):
        seen = []

        def explain(near):
            seen.append(float((near.values - given.values).abs().max()))
            return torch.ones(4, 6)

        max_sensitivity(explain, given, torch.ones(4, 6), radius=0.5)
        return max(seen)

    values = USUAL_DEVIATION * (picture.values + 60) / picture.values.std(correction=0)
    in_decibels = dataclasses.replace(picture, values=values)
    in_pcen = dataclasses.replace(picture, values=values / 50, unit="PCEN")
    assert 0.4 < noise_of(in_decibels) <= 0.5 + 1e-4
    assert noise_of(in_pcen) == pytest.approx(noise_of(in_decibels) / 50, rel=1e-3)
