import numpy as np
import pandas as pd
import pytest
import torch

from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.explained_student import ExplainStudent
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.dax.polarity import check_polarity
from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.references import AllOnes
from daxaudio.explainers.rise import Rise
from daxaudio.metrics import faithfulness_measures, perturbation_curves
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid
from daxaudio.runs.asking import answers, ask

SEGMENTS = SegmentSampler(30, Grid(2, 3))
TRAINING = {"epochs": 1, "pool": 4}

ASKING = [
    AllOnes(),
    Lime(SEGMENTS),
    KernelShap(SegmentSampler(30, Grid(2, 3), sampling="shapley")),
    Rise(GridSampler(30)),
    Occlusion(),
    DaxV4(MultiGridSampler(30)),
    Dax(sampler=SEGMENTS, polarity="checked", **TRAINING),
    ExplainStudent(Rise(GridSampler()), sampler=SEGMENTS, **TRAINING),
]

FORMS = {
    "numpy": lambda scores: scores.numpy(),
    "numpy, backwards": lambda scores: scores.numpy()[::-1].copy()[::-1],
    "float64": lambda scores: scores.double().numpy(),
    "list": lambda scores: scores.tolist(),
    "tuple of tensors": lambda scores: tuple(scores),
    "pandas": lambda scores: pd.Series(scores.numpy()),
    "with gradients": lambda scores: scores.clone().requires_grad_(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("explainer", ASKING, ids=lambda part: type(part).__name__)
def test_scores_in_any_form_give_the_explanation_of_a_tensor(
    explainer, form, toy_spectrogram, toy_score_fn
):
    right = explainer(toy_spectrogram, toy_score_fn)
    found = explainer(toy_spectrogram, lambda inputs: FORMS[form](toy_score_fn(inputs)))
    assert torch.equal(found.mask, right.mask)
    assert found.score == pytest.approx(right.score, abs=1e-7)


def test_one_input_may_get_a_plain_number():
    assert ask(lambda inputs: 0.25, torch.ones(1, 2, 3)).tolist() == [0.25]
    assert ask(lambda inputs: np.float32(0.25), torch.ones(1, 2, 3)).tolist() == [0.25]
    assert ask(lambda inputs: inputs.mean(), torch.ones(1, 2, 3)).tolist() == [1]


def test_a_black_box_of_one_input_at_a_time_is_asked_one_at_a_time(toy_spectrogram, toy_score_fn):
    sampler = SegmentSampler(9, Grid(2, 3), batch_size=1)
    one = Lime(sampler)(toy_spectrogram, lambda inputs: float(toy_score_fn(inputs)))
    assert torch.equal(one.mask, Lime(sampler)(toy_spectrogram, toy_score_fn).mask)


@pytest.mark.parametrize("given", ["none", None, {"score": 1.0}, 1j, [[1.0], [2.0, 3.0]], [None]])
def test_an_answer_without_numbers_is_refused_in_one_line(given):
    with pytest.raises(TypeError, match=r"^score_fn: scores must be real numbers") as caught:
        ask(lambda inputs: given, torch.ones(2, 2, 3))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(), (1,), (2, 1), (2, 5), (3,)])
def test_anything_but_one_score_an_input_is_refused(shape):
    with pytest.raises(ValueError, match=r"^score_fn must give one score per input: 2 inputs"):
        ask(lambda inputs: np.zeros(shape), torch.ones(2, 2, 3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="NaN or infinite scores"):
        ask(lambda inputs: [0.0, bad], torch.ones(2, 2, 3))


def test_what_is_no_function_is_refused_with_what_to_do(toy_spectrogram):
    with pytest.raises(TypeError, match=r"must be a function.*got a dict; of a BlackBox take"):
        Rise()(toy_spectrogram, {})


def test_tensors_stay_where_they_are_and_in_their_precision():
    scores = torch.zeros(2, dtype=torch.float64)
    assert answers(lambda inputs: scores, torch.ones(2, 1, 1)).data_ptr() == scores.data_ptr()
    elsewhere = answers(lambda inputs: torch.empty(2, device="meta"), torch.ones(2, 1, 1))
    assert elsewhere.device.type == "meta"


def test_curves_polarity_and_faithfulness_take_arrays_too(toy_spectrogram, toy_score_fn, toy_truth):
    values, mask = toy_spectrogram.values, toy_truth.float()
    background = torch.full_like(values, -60.0)

    def numpy(inputs):
        return toy_score_fn(inputs).numpy()

    def both(inputs):
        return torch.stack([toy_score_fn(inputs), 1 - toy_score_fn(inputs)], dim=1)

    ends = mask, values, background
    assert check_polarity(*ends, numpy) == check_polarity(*ends, toy_score_fn)
    found, right = (
        perturbation_curves(mask[None], values, background, score_fn, direction="deletion")[0].auc
        for score_fn in (numpy, toy_score_fn)
    )
    assert found == right
    found, right = (
        faithfulness_measures(mask[None], values, background, score_fn, index=0)
        for score_fn in (lambda inputs: both(inputs).tolist(), both)
    )
    assert found[0] == pytest.approx(right[0])


def ask_about_a_mask(toy, score_fn):
    mask, values = torch.rand(toy.values.shape), toy.values
    perturbation_curves(
        mask[None], values, torch.zeros_like(values), score_fn, direction="deletion"
    )


def ask_about_polarity(toy, score_fn):
    values = toy.values
    check_polarity(torch.rand(values.shape), values, torch.zeros_like(values), score_fn)


ASKED = {
    **{type(part).__name__: part for part in ASKING},
    "perturbation_curves": ask_about_a_mask,
    "check_polarity": ask_about_polarity,
}


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize(
    ("score_fn", "message"),
    [
        (lambda inputs: [float("nan")] * len(inputs), "^score_fn answered NaN or infinite scores$"),
        (lambda inputs: torch.zeros(len(inputs), 2), "^score_fn must give one score per input"),
        (lambda inputs: None, "^score_fn: scores must be real numbers"),
        ("model", "^score_fn must be a function"),
    ],
)
def test_a_bad_answer_is_the_same_sentence_whoever_asks(what, score_fn, message, toy_spectrogram):
    with pytest.raises((TypeError, ValueError), match=message):
        ASKED[what](toy_spectrogram, score_fn)
