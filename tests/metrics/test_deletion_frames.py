"""Deletion by whole frames: a frame ranks by the mean of its mask over frequency."""

import pytest
import torch

from daxaudio.metrics import perturbation_curves

BRIGHT_BIN = [0.9, 0.0, 0.0]
EVEN = [0.5, 0.5, 0.5]
DIM = [0.2, 0.2, 0.2]


@pytest.mark.parametrize(
    ("first", "second", "goes_first"),
    [
        (BRIGHT_BIN, EVEN, 1),  # means 0.3 and 0.5, but the highest bin is in the first
        (BRIGHT_BIN, DIM, 0),  # means 0.3 and 0.2, but the median of the first is 0
        (EVEN, DIM, 0),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_frame_ranks_by_its_mean_over_frequency(first, second, goes_first, turned):
    frames = [second, first] if turned else [first, second]
    mask = torch.tensor(frames).T
    place = 1 - goes_first if turned else goes_first
    values, background = torch.ones(3, 2), torch.zeros(3, 2)
    for direction, scores in (("deletion", [1, 0, 0]), ("insertion", [0, 1, 1])):
        (curve,) = perturbation_curves(
            mask[None],
            values,
            background,
            lambda inputs: inputs[:, 0, place],
            direction=direction,
            unit="frames",
            n_steps=2,
        )
        assert curve.scores.tolist() == scores
