"""From a raw map to a mask."""

import pytest
import torch

from daxaudio.explainers.attribution import mask_of_signed


def test_positive_mask_leaves_out_what_speaks_against():
    assert mask_of_signed(torch.tensor([-8.0, 0, 1, 4]), "positive").tolist() == [0, 0, 0.25, 1]
    assert mask_of_signed(torch.tensor([-8.0, 0, 1, 4]), "absolute").tolist() == [1, 0, 0.125, 0.5]


@pytest.mark.parametrize("sign", ["positive", "absolute"])
def test_nothing_gives_an_empty_mask_and_tiny_values_a_full_one(sign):
    assert mask_of_signed(torch.zeros(3), sign).tolist() == [0, 0, 0]
    assert mask_of_signed(torch.tensor([0, 1e-42, 2e-42]), sign).tolist()[::2] == [0, 1]
    assert mask_of_signed(-torch.ones(2), "positive").tolist() == [0, 0]


def test_mask_of_nan_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        mask_of_signed(torch.tensor([torch.nan, 1.0]), "positive")
