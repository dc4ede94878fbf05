import dataclasses

import pytest
import torch
from conftest import RectangleScore

from daxaudio.containers import Spectrogram
from daxaudio.explainers.catalogue import make_explainer
from daxaudio.explainers.dax.explained_student import ExplainStudent
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.references import RandomMask
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.settings import MethodSettings
from daxaudio.metrics import mask_auc
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid

SAMPLER = SegmentSampler(n_samples=200, segmenter=Grid(4, 12))
FEW = dataclasses.replace(SAMPLER, n_samples=40)


def base1(sampler=SAMPLER, **settings):
    inner = Rise(GridSampler(cells=(4, 12)))
    return ExplainStudent(inner, "base1", sampler, **{"batch_size": 20, **settings})


def base2(sampler=SAMPLER, **settings):
    inner = Lime(SegmentSampler(segmenter=Grid(4, 12)))
    return ExplainStudent(inner, "base2", sampler, **{"batch_size": 20, **settings})


each = pytest.mark.parametrize("make", [base1, base2])


@each
def test_finds_the_one_place_that_the_black_box_reads(
    make, toy_spectrogram, toy_score_fn, toy_truth
):
    explanation = make()(toy_spectrogram, toy_score_fn)
    floor = RandomMask()(toy_spectrogram, toy_score_fn)
    assert mask_auc(explanation.mask, toy_truth) > 0.85
    assert mask_auc(explanation.mask, toy_truth) > mask_auc(floor.mask, toy_truth) + 0.3
    # a louder event that does not count is left out
    assert float(explanation.mask[toy_truth].mean()) > float(
        explanation.mask[1:6, 42:54].mean() + 0.2
    )


@each
def test_only_the_neighbourhood_is_asked_of_the_black_box(make, toy_spectrogram):
    score_fn = RectangleScore()
    explanation = make(FEW, epochs=1, inner_queries=500)(toy_spectrogram, score_fn)
    assert sum(score_fn.sizes) == explanation.n_queries == 42
    assert explanation.settings["sampler"]["n_samples"] == 40
    assert explanation.settings["explainer"]["sampler"]["n_samples"] == 500


@each
def test_student_is_asked_as_often_as_the_black_box_unless_told(
    make, toy_spectrogram, toy_score_fn
):
    explanation = make(FEW, epochs=1)(toy_spectrogram, toy_score_fn)
    assert explanation.settings["explainer"]["sampler"]["n_samples"] == 40


@each
def test_same_seed_same_mask_and_another_seed_another(make, toy_spectrogram, toy_score_fn):
    first, again, other = (
        make(FEW, epochs=1, seed=seed)(toy_spectrogram, toy_score_fn) for seed in (0, 0, 1)
    )
    assert torch.equal(first.mask, again.mask)
    assert not torch.equal(first.mask, other.mask)
    assert other.seed == 1


@each
def test_same_result_for_any_batch_of_queries(make, toy_spectrogram, toy_score_fn):
    small, large = (
        make(dataclasses.replace(FEW, batch_size=size), epochs=1)(toy_spectrogram, toy_score_fn)
        for size in (7, 64)
    )
    torch.testing.assert_close(small.mask, large.mask)


@each
def test_input_and_global_random_state_are_untouched(make, toy_spectrogram, toy_score_fn):
    values, state = toy_spectrogram.values.clone(), torch.get_rng_state()
    make(FEW, epochs=1)(toy_spectrogram, toy_score_fn)
    assert torch.equal(values, toy_spectrogram.values)
    assert torch.equal(state, torch.get_rng_state())


@each
@pytest.mark.parametrize("pool", [1, 2])
def test_odd_sizes_give_masks_of_their_size(make, pool):
    values = torch.randn(17, 31, generator=torch.Generator().manual_seed(0))
    spectrogram = Spectrogram(values, torch.arange(17), torch.arange(31))
    sampler = SegmentSampler(n_samples=40, segmenter=Grid(2, 3))
    explanation = make(sampler, epochs=1, pool=pool)(
        spectrogram, lambda x: x.mean((1, 2)).sigmoid()
    )
    assert explanation.mask.shape == (17, 31)


@each
@pytest.mark.parametrize("student", ["2cnn_1fc", "2fc", "2cnn_2fc"])
def test_student_learns_and_says_how_well(make, student, toy_spectrogram, toy_score_fn):
    explanation = make(student=student, epochs=6)(toy_spectrogram, toy_score_fn)
    losses = explanation.history["validation_loss"]
    assert len(losses) == len(explanation.history["train_loss"]) == 6
    assert losses[-1] < losses[0]
    assert explanation.findings["student_r2"] > 0.5


@each
def test_neighbours_beyond_at_most_are_not_learnt_from(make, toy_spectrogram, toy_score_fn):
    neighbourhood = FEW(toy_spectrogram, toy_score_fn)
    scores = neighbourhood.scores.clone()
    scores[20:] = 0.5
    changed = dataclasses.replace(neighbourhood, scores=scores)
    whole, cut = (make(epochs=1, at_most=20).fit(n) for n in (neighbourhood, changed))
    assert torch.equal(whole.mask, cut.mask)


@each
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "at least 1"),
        ({"at_most": 1}, "at_most"),
        ({"precision": "fp8"}, "precision"),
        ({"inner_queries": 0}, "inner_queries must be at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(make, settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


@each
def test_bad_answers_and_too_few_neighbours_are_named(make, toy_spectrogram, toy_score_fn):
    with pytest.raises(ValueError, match="NaN"):
        make()(toy_spectrogram, lambda x: torch.full((len(x),), float("nan")))
    with pytest.raises(ValueError, match="at least 2 neighbours"):
        make(SegmentSampler(1, Grid(2, 2)))(toy_spectrogram, toy_score_fn)
    with pytest.raises(ValueError, match="student must be"):
        make(FEW, student="3fc")(toy_spectrogram, toy_score_fn)


@pytest.mark.parametrize("name", ["base1", "base2"])
def test_methods_build_them_from_the_settings_of_dax(name, toy_spectrogram, toy_score_fn):
    settings = MethodSettings(
        queries=30, dax=Dax(epochs=1, pool=2, polarity="checked"), rise=GridSampler(cells=(3, 6))
    )
    explainer = make_explainer(name, toy_spectrogram, settings)
    dax = make_explainer("dax_v2", toy_spectrogram, settings)
    assert (explainer.epochs, explainer.pool, explainer.sampler) == (1, 2, dax.sampler)
    explanation = explainer(toy_spectrogram, toy_score_fn)
    assert (explanation.method, explanation.n_queries) == (name, 32)


@each
def test_works_on_an_accelerator(make, toy_spectrogram, toy_truth, accelerator):
    explanation = make()(toy_spectrogram.to(accelerator), RectangleScore())
    assert mask_auc(explanation.mask, toy_truth) > 0.8
