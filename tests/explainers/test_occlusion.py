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


@pytest.mark.parametrize("window", [(10**6, 10**6), (10**6, 3), (2, 10**6)])
def test_a_window_larger_than_the_spectrogram_is_cut_to_it_at_once(window):
    shape = (4, 60)
    found = Occlusion(window=window, stride=(1, 1)).within(30, shape)
    cut = Occlusion(window=(min(window[0], 4), min(window[1], 60)), stride=(1, 1))
    assert found.n_windows(shape) <= 30
    assert found.n_windows(shape) == cut.within(30, shape).n_windows(shape)


def test_the_finest_stride_is_found_among_all():
    shape, window = (9, 31), (4, 7)

    def coarseness(stride):
        return max(stride[0] / 4, stride[1] / 7), stride[0] / 4 + stride[1] / 7, stride[1]

    for budget in range(15, 200):
        strides = [(down, along) for down in range(1, 5) for along in range(1, 8)]
        affordable = [
            stride
            for stride in strides
            if Occlusion(window=window, stride=stride).n_windows(shape) <= budget
        ]
        found = Occlusion(window=window, stride=(1, 1)).within(budget, shape).stride
        assert found == min(affordable, key=coarseness)


@pytest.mark.parametrize("stride", [(1, 1), (2, 3), (4, 7), (3, 5)])
def test_the_windows_are_counted_right(stride, toy_spectrogram):
    asked = []

    def score_fn(inputs):
        asked.append(len(inputs))
        return inputs.mean(dim=(1, 2))

    occlusion = Occlusion(window=(4, 7), stride=stride)
    explanation = occlusion(toy_spectrogram, score_fn)
    assert occlusion.n_windows((24, 60)) == sum(asked) - 2 == explanation.n_queries - 2


def test_budgets_beyond_all_numbers_allow_the_finest_stride():
    assert Occlusion(window=(8, 8)).within(10**30, (64, 480)).stride == (1, 1)
