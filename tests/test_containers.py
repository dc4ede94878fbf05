import numpy as np
import pytest
import torch

from daxaudio.containers import Event, Explanation, Recording, Spectrogram
from daxaudio.explainers.catalogue import METHODS, make_explainer
from daxaudio.explainers.dax.as_authors import DaxAsAuthors
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.settings import MethodSettings
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid, QuickShift

SETTINGS = MethodSettings(
    queries=30,
    dax=Dax(epochs=1, pool=4),
    dax_authors=DaxAsAuthors(epochs=1, side=32),
    segmenter=QuickShift(),
    occlusion=Occlusion(window=(8, 20)),
)
QUERY_METHODS = [name for name, row in METHODS.items() if not (row.needs_module or row.needs_sound)]
KINDS = [np.float64, np.float32, np.float16, np.int32, np.uint8, ">f8"]


def explainer_of(name, shape):
    axes = (torch.arange(float(size)) for size in shape)
    spectrogram = Spectrogram(torch.zeros(shape), *axes, "toy")
    return make_explainer(name, spectrogram, SETTINGS, events=[Event(0.4, 0.7)])


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_numbers_of_any_kind_become_float32_once(kind):
    array = np.arange(12).reshape(3, 4).astype(kind)
    for values in (array, array[::-1][::-1], array.tolist()):
        shown = Spectrogram(values, [1, 2, 3], np.arange(4) / 10)
        assert shown.values.dtype == torch.float32
        assert torch.equal(shown.values, torch.arange(12.0).view(3, 4))
    backwards = Spectrogram(array[:, ::-1], [1, 2, 3], range(4))
    assert backwards.values[0].tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16, torch.int64])
def test_tensors_of_any_kind_become_float32(kind):
    shown = Spectrogram(torch.ones(2, 3).to(kind), torch.arange(2), torch.arange(3))
    assert shown.values.dtype == torch.float32


def test_the_axes_keep_their_precision_and_the_values_their_memory():
    values, times = torch.ones(2, 3), torch.arange(3, dtype=torch.float64) / 3
    shown = Spectrogram(values, torch.arange(2.0), times)
    assert shown.times.dtype == torch.float64
    assert torch.equal(shown.times, times)
    assert shown.values.data_ptr() == values.data_ptr()


def test_values_with_gradients_are_explained_without():
    values = torch.ones(2, 3, requires_grad=True)
    assert not Spectrogram(values, torch.arange(2.0), torch.arange(3.0)).values.requires_grad


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_and_axes_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="holds NaN or infinite values"):
        Spectrogram([[0.0, bad]], [0.0], [0.0, 1.0])
    with pytest.raises(ValueError, match="times of a spectrogram must be one list of finite"):
        Spectrogram([[0.0, 1.0]], [0.0], [0.0, bad])
    with pytest.raises(ValueError, match="frequencies of a spectrogram must be one list of finite"):
        Spectrogram([[0.0, 1.0]], [bad], [0.0, 1.0])


def test_levels_beyond_float32_are_refused():
    with pytest.raises(ValueError, match="holds NaN or infinite values"):
        Spectrogram(np.array([[1e39]]), [0.0], [0.0])


@pytest.mark.parametrize(
    "values", [torch.ones(1, 1, dtype=torch.complex64), np.array([[1j]]), [["a"]], None]
)
def test_what_is_no_real_number_is_refused(values):
    with pytest.raises(TypeError, match="spectrogram values must be real numbers"):
        Spectrogram(values, [0.0], [0.0])


@pytest.mark.parametrize("name", QUERY_METHODS)
def test_a_spectrogram_in_double_precision_is_explained_like_one_in_float32(
    name, toy_spectrogram, toy_score_fn
):
    double = Spectrogram(
        toy_spectrogram.values.double().numpy(),
        toy_spectrogram.frequencies,
        toy_spectrogram.times,
        "toy",
    )
    found, right = (
        explainer_of(name, (24, 60))(shown, toy_score_fn) for shown in (double, toy_spectrogram)
    )
    assert torch.equal(found.mask, right.mask)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (Recording(torch.zeros(1, 8000), 16000), "got a Recording: make one of it by the model's"),
        (torch.zeros(24, 60), "got a Tensor: make one, Spectrogram"),
        ("a.wav", "got a str: make one, Spectrogram"),
    ],
)
@pytest.mark.parametrize("name", METHODS)
def test_what_is_no_spectrogram_is_refused_by_every_method_in_one_line(
    name, given, advice, toy_score_fn
):
    with pytest.raises(TypeError, match=f"a Spectrogram is explained, {advice}") as caught:
        explainer_of(name, (24, 60))(given, toy_score_fn)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "sampler", [SegmentSampler(9, Grid(1, 2)), GridSampler(9), MultiGridSampler(9)]
)
def test_what_is_no_spectrogram_is_refused_by_every_sampler(sampler, toy_score_fn):
    with pytest.raises(TypeError, match="a Spectrogram is explained, got a Recording"):
        sampler(Recording(torch.zeros(1, 8000), 16000), toy_score_fn)


def picture():
    return Spectrogram(torch.zeros(2, 3), torch.arange(2.0), torch.arange(3.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_attributions_and_errors_that_are_no_numbers_are_refused(bad):
    mask = torch.zeros(2, 3)
    spoilt = torch.zeros(2, 3)
    spoilt[1, 1] = bad
    with pytest.raises(ValueError, match="attribution of 'own' holds NaN or infinity"):
        Explanation(mask, picture(), "own", attribution=spoilt)
    with pytest.raises(ValueError, match="standard_error of 'own' is negative somewhere or holds"):
        Explanation(mask, picture(), "own", standard_error=spoilt)
    with pytest.raises(ValueError, match="leaves"):
        Explanation(spoilt, picture(), "own")


def test_an_attribution_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"attribution is \(3, 2\), the mask is \(2, 3\)"):
        Explanation(torch.zeros(2, 3), picture(), "own", attribution=torch.zeros(3, 2))


def test_a_mask_of_another_kind_of_numbers_becomes_float32():
    explanation = Explanation(np.eye(2, 3), picture(), "own", attribution=-np.eye(2, 3))
    assert explanation.mask.dtype == explanation.attribution.dtype == torch.float32
    assert float(explanation.attribution[0, 0]) == -1


def test_quick_shift_takes_what_numpy_made():
    levels = np.random.default_rng(0).standard_normal((32, 60))
    segments = QuickShift()(Spectrogram(levels, np.arange(32), np.arange(60)))
    assert segments.shape == (32, 60)
