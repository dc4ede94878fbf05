import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer

from daxaudio.perturbation.linear_imputation import LinearImputation

SHAPE = (9, 14)
ZEROS = torch.zeros(SHAPE)


def impute(values, kept, noise=0.0, seed=0):
    return LinearImputation(noise, seed)(torch.full_like(values, -7.0), values, kept.float())


def random_values(seed=0):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def random_masks(n, share=0.5):
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(1)) > share


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_as_the_authors_own_system_of_equations(share):
    values, masks = random_values(), random_masks(3, share)
    theirs = NoisyLinearImputer(noise=0.0)
    theirs.noise = 0.0
    for found, mask in zip(impute(values, masks), masks, strict=True):
        expected = theirs(values[None], mask.float())[0]
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_slope_in_time_is_filled_by_the_slope():
    ramp = torch.arange(14.0).expand(9, -1)
    kept = torch.ones(1, *SHAPE, dtype=torch.bool)
    kept[:, :, 4:11] = False
    np.testing.assert_allclose(impute(ramp, kept)[0], ramp, atol=1e-4)


def test_what_is_kept_stays_and_what_goes_lies_between_what_is_kept():
    values, masks = random_values(), random_masks(4)
    for found, mask in zip(impute(values, masks), masks, strict=True):
        assert torch.equal(found[mask], values[mask])
        assert found.min() >= values[mask].min()
        assert found.max() <= values[mask].max()


def test_what_goes_has_no_part_in_what_stands_in_its_place():
    values, masks = random_values(), random_masks(1)
    other = torch.where(masks[0], values, 99.0)
    assert torch.equal(impute(values, masks), impute(other, masks))


def test_noise_is_a_part_of_the_deviation_and_the_same_in_any_batch():
    values, masks = 10 * random_values(), random_masks(40)
    plain, noisy = impute(values, masks), impute(values, masks, noise=0.1)
    added = noisy - plain
    assert not added[masks].any()
    deviation = values.std(correction=0).item()
    assert added[~masks].std().item() == pytest.approx(0.1 * deviation, rel=0.2)
    assert torch.equal(noisy[7], impute(values, masks[7:8], noise=0.1)[0])
    assert not torch.equal(noisy, impute(values, masks, noise=0.1, seed=1))


def test_nothing_kept_is_the_background_and_all_kept_is_the_input():
    values = random_values()
    nothing, everything = impute(values, torch.stack([ZEROS, ZEROS + 1]), noise=0.5)
    assert (nothing == -7).all()
    assert torch.equal(everything, values)


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (2, 2)])
def test_inputs_of_one_row_or_column_are_filled(shape):
    values = torch.arange(float(shape[0] * shape[1])).view(shape)
    kept = torch.zeros(1, *shape)
    kept.view(-1)[0] = 1
    assert torch.equal(impute(values, kept)[0], torch.zeros(shape))


def test_an_imputation_on_a_device_is_that_on_the_processor(accelerator):
    values, masks = random_values(), random_masks(2)
    found = LinearImputation()(ZEROS.to(accelerator), values.to(accelerator), masks.to(accelerator))
    np.testing.assert_allclose(found.cpu(), LinearImputation()(ZEROS, values, masks), atol=1e-5)


def test_soft_masks_and_negative_noise_are_refused():
    with pytest.raises(ValueError, match="must be 0 or 1: a bin is kept or not"):
        impute(ZEROS, torch.full((1, *SHAPE), 0.4))
    with pytest.raises(ValueError, match="noise must be at least 0, got -1"):
        LinearImputation(noise=-1)
