import dataclasses

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.occlusion import Occlusion


def spectrogram_of(*shape):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    return Spectrogram(values, torch.arange(float(shape[0])), torch.arange(float(shape[1])))


def mean_level(inputs):
    return inputs.mean(dim=(1, 2))


def test_occlusion_is_the_mean_drop_over_the_windows_that_hide_a_pixel():
    values = torch.tensor([[0.0, 1.0, 0.0, 0.0]])
    line = Spectrogram(values, torch.zeros(1), torch.arange(4.0))
    explainer = Occlusion(window=(1, 2), stride=(1, 1), fill="floor")
    # windows on 01, 12, 23 drop the score by 1, 1, 0
    found = explainer(line, lambda inputs: inputs[:, 0, 1]).attribution
    assert found.tolist() == [[1.0, 1.0, 0.5, 0.0]]


@pytest.mark.parametrize("shape", [(64, 480), (63, 479), (10, 11), (1, 1)])
def test_occlusion_hides_every_pixel_with_windows_of_one_size(shape):
    explainer = Occlusion(window=(10, 12), stride=(7, 12))
    hidden = []
    spectrogram = spectrogram_of(*shape)

    def score_fn(inputs):
        hidden.append(inputs != spectrogram.values)
        return mean_level(inputs)

    explainer(spectrogram, score_fn)
    windows = torch.cat(hidden)[2:]
    assert len(windows) == explainer.n_windows(shape)
    if shape != (1, 1):  # there the fill is the pixel itself
        assert bool(windows.any(dim=0).all())
        areas = windows.sum(dim=(1, 2))
        assert areas.unique().tolist() == [min(10, shape[0]) * min(12, shape[1])]


@pytest.mark.parametrize("n_queries", [30, 100, 300, 1000, 6000])
def test_occlusion_within_a_budget_keeps_to_it_and_uses_it(n_queries):
    shape = (64, 480)
    explainer = Occlusion().within(n_queries, shape)
    finer = [
        dataclasses.replace(explainer, stride=(explainer.stride[0], explainer.stride[1] - 1)),
        dataclasses.replace(explainer, stride=(explainer.stride[0] - 1, explainer.stride[1])),
    ]
    assert explainer.n_windows(shape) <= n_queries
    assert all(other.n_windows(shape) > n_queries for other in finer)


def test_occlusion_default_asks_about_as_much_as_one_would_wait_for():
    assert Occlusion().n_windows((64, 480)) == 5 * 57


def test_occlusion_says_how_many_queries_it_needs_at_least():
    with pytest.raises(ValueError, match=r"need at least 30 queries, got n_queries=29"):
        Occlusion().within(29, (64, 480))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": (0, 3)}, "window must be at least 1"),
        ({"stride": (33, 1)}, "stride must be at least 1 and at most the window"),
        ({"stride": (0, 1)}, "stride must be at least 1 and at most the window"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ],
)
def test_occlusion_refuses_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        Occlusion(**settings)


def test_occlusion_refuses_a_segment_neighbourhood(neighbourhood_of):
    with pytest.raises(TypeError, match="needs a neighbourhood of WindowMasks, got SegmentMasks"):
        Occlusion().fit(neighbourhood_of([[1, 0]], [0.5]))
