import copy
import json
import random

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu

from daxaudio.containers import Event, Spectrogram
from daxaudio.explainers.forest import Forest
from daxaudio.explainers.hsic import Hsic
from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.references import AllOnes, Energy, OnsetStrength, Oracle, RandomMask
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.sobol import Sobol
from daxaudio.perturbation.quasi_random import QuasiRandomSampler, ReplicatedSampler
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid
from daxaudio.perturbation.time_runs import RunSampler

CELLS = Grid(4, 12)


def lime(seed=0, **sampler):
    return Lime(SegmentSampler(300, CELLS, seed=seed, **sampler))


def kernel_shap(seed=0, **sampler):
    return KernelShap(SegmentSampler(300, CELLS, sampling="shapley", seed=seed, **sampler))


def rise(seed=0, **sampler):
    return Rise(GridSampler(300, seed=seed, **sampler))


def rise_on_segments(seed=0, **sampler):
    return Rise(SegmentSampler(300, CELLS, seed=seed, **sampler))


def occlusion(seed=0, **settings):
    return Occlusion(window=(6, 6), stride=(3, 3), seed=seed, **settings)


def forest(seed=0, **sampler):
    return Forest(RunSampler(300, seed=seed, **sampler), n_trees=20, seed=seed)


def hsic(seed=0, **sampler):
    return Hsic(QuasiRandomSampler(300, seed=seed, **sampler))


def sobol(seed=0, **sampler):
    return Sobol(ReplicatedSampler(800, cells=(3, 6), seed=seed, **sampler))


DRAWN = [lime, kernel_shap, rise, rise_on_segments, forest, hsic, sobol]
ASKING = [*DRAWN, occlusion]
REFERENCES = [RandomMask(), Energy(), OnsetStrength(), AllOnes(), Oracle((Event(0.4, 0.7),))]
ALL = [make() for make in ASKING] + REFERENCES


def name_of(value):
    return getattr(value, "__name__", type(value).__name__.lower())


def area_under_curve(mask, truth):
    inside, outside = mask[truth].numpy(), mask[~truth].numpy()
    return mannwhitneyu(inside, outside).statistic / (len(inside) * len(outside))


def spectrogram_of(*shape):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    return Spectrogram(values, torch.arange(float(shape[0])), torch.arange(float(shape[1])))


def mean_level(inputs):
    return inputs.mean(dim=(1, 2))


def random_states():
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    return python, numpy[1].tolist(), numpy[2:], torch.get_rng_state().tolist()


# laws of every explainer


@pytest.mark.parametrize("make", ASKING, ids=name_of)
def test_explainer_finds_the_rectangle_and_beats_random(
    make, toy_spectrogram, toy_score_fn, toy_truth
):
    floor = area_under_curve(RandomMask()(toy_spectrogram, toy_score_fn).mask, toy_truth)
    found = area_under_curve(make()(toy_spectrogram, toy_score_fn).mask, toy_truth)
    assert floor == pytest.approx(0.5, abs=0.06)
    assert found > 0.9


@pytest.mark.parametrize("make", ASKING, ids=name_of)
def test_explainer_leaves_out_a_louder_event_that_does_not_count(
    make, toy_spectrogram, toy_score_fn, toy_truth
):
    mask = make()(toy_spectrogram, toy_score_fn).mask
    assert float(mask[toy_truth].mean()) > float(mask[1:6, 42:54].mean()) + 0.2


def test_energy_marks_what_is_loud_and_not_what_matters(toy_spectrogram, toy_score_fn):
    explanation = Energy()(toy_spectrogram, toy_score_fn)
    assert explanation.mask[1:6, 42:54].mean() > explanation.mask[8:16, 20:35].mean()
    torch.testing.assert_close(explanation.attribution, toy_spectrogram.values)


def test_oracle_marks_the_frames_whose_centre_lies_in_an_event(
    toy_spectrogram, toy_score_fn, toy_truth, toy_event
):
    explanation = Oracle((toy_event,))(toy_spectrogram, toy_score_fn)
    assert torch.equal(explanation.profile > 0, toy_truth.any(dim=0))
    assert area_under_curve(explanation.mask, toy_truth) > 0.9


def test_oracle_takes_the_start_in_and_leaves_the_end_out():
    spectrogram = spectrogram_of(2, 6)
    events = (Event(1.0, 2.0), Event(4.0, 9.0))
    profile = Oracle(events)(spectrogram, mean_level).profile
    assert profile.tolist() == [0, 1, 0, 0, 1, 1]
    assert Oracle(())(spectrogram, mean_level).profile.tolist() == [0] * 6


def test_all_ones_marks_everything(toy_spectrogram, toy_score_fn):
    assert bool((AllOnes()(toy_spectrogram, toy_score_fn).mask == 1).all())


@pytest.mark.parametrize("make", ASKING, ids=name_of)
def test_batch_size_does_not_change_the_result(make, toy_spectrogram, toy_score_fn):
    plain, one, odd = (make(batch_size=size)(toy_spectrogram, toy_score_fn) for size in (64, 1, 37))
    torch.testing.assert_close(one.attribution, plain.attribution, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(odd.attribution, plain.attribution, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_input_survives_a_black_box_that_writes_into_what_it_is_given(
    explainer, toy_spectrogram, toy_score_fn
):
    def careless(inputs):
        scores = toy_score_fn(inputs)
        inputs.zero_()
        return scores

    before = toy_spectrogram.values.clone()
    explanation = explainer(toy_spectrogram, careless)
    assert torch.equal(toy_spectrogram.values, before)
    expected = explainer(toy_spectrogram, toy_score_fn)
    assert torch.equal(explanation.attribution, expected.attribution)


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_global_random_states_are_untouched(explainer, toy_spectrogram, toy_score_fn):
    before = random_states()
    explainer(toy_spectrogram, toy_score_fn)
    assert random_states() == before


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_module_behind_the_score_is_untouched(explainer, toy_spectrogram):
    layer = torch.nn.Linear(60, 1)
    before = copy.deepcopy(layer.state_dict())
    explainer(toy_spectrogram, lambda inputs: layer(inputs).mean(dim=(1, 2)))
    assert layer.training
    assert all(parameter.grad is None for parameter in layer.parameters())
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


@pytest.mark.parametrize("make", [*DRAWN, RandomMask], ids=name_of)
def test_same_seed_same_mask_and_another_seed_another(make, toy_spectrogram, toy_score_fn):
    first, again, other = (make(seed=seed)(toy_spectrogram, toy_score_fn) for seed in (0, 0, 1))
    assert torch.equal(first.mask, again.mask)
    assert not torch.equal(first.mask, other.mask)
    assert (first.seed, other.seed) == (0, 1)


def test_occlusion_draws_nothing_but_the_noise_of_its_fill(toy_spectrogram, toy_score_fn):
    first, other = (occlusion(seed=seed)(toy_spectrogram, toy_score_fn) for seed in (0, 1))
    assert torch.equal(first.attribution, other.attribution)
    first, other = (
        occlusion(seed=seed, fill="noise")(toy_spectrogram, toy_score_fn) for seed in (0, 1)
    )
    assert not torch.equal(first.attribution, other.attribution)


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
@pytest.mark.parametrize("shape", [(13, 31), (7, 101)])
def test_odd_lengths_work(explainer, shape):
    explanation = explainer(spectrogram_of(*shape), mean_level)
    assert explanation.mask.shape == shape
    assert bool(torch.isfinite(explanation.attribution).all())


@pytest.mark.parametrize(
    "explainer",
    [
        Lime(SegmentSampler(50, Grid(4, 1))),
        KernelShap(SegmentSampler(50, Grid(4, 1), sampling="shapley")),
        Rise(GridSampler(50, cells=(4, 1))),
        occlusion(),
        *REFERENCES,
    ],
    ids=name_of,
)
def test_one_frame_works_when_the_parts_fit(explainer):
    assert explainer(spectrogram_of(24, 1), mean_level).profile.shape == (1,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lime, "only 1 frames"),
        (rise, "finer than the spectrogram"),
        (forest, "fewer than two bands"),
        (hsic, "finer than the spectrogram"),
        (sobol, "finer than the spectrogram"),
    ],
)
def test_one_frame_is_refused_clearly_when_they_do_not(make, message):
    with pytest.raises(ValueError, match=message):
        make()(spectrogram_of(24, 1), mean_level)


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_explanation_tells_how_it_was_made(explainer, toy_spectrogram, toy_score_fn):
    explanation = explainer(toy_spectrogram, toy_score_fn)
    assert explanation.n_queries == sum(toy_score_fn.sizes)
    assert explanation.settings["name"] == type(explainer).__name__
    assert json.loads(json.dumps(explanation.settings)) == explanation.settings
    assert set(explanation.seconds) >= {"query", "fit"}
    assert explanation.score == pytest.approx(toy_score_fn(toy_spectrogram.values[None]).item())


def test_settings_hold_how_the_neighbourhood_was_really_drawn(toy_spectrogram, toy_score_fn):
    drawn = SegmentSampler(40, CELLS, keep=0.7)(toy_spectrogram, toy_score_fn)
    settings = Lime(kernel_width=0.5).fit(drawn).settings
    assert settings["kernel_width"] == 0.5
    assert settings["sampler"]["keep"] == 0.7
    assert settings["sampler"]["n_segments"] == 48


def test_methods_have_the_names_of_the_tables(toy_spectrogram, toy_score_fn):
    methods = {explainer(toy_spectrogram, toy_score_fn).method for explainer in ALL}
    references = {"random", "energy", "onset_strength", "all_ones", "oracle"}
    asking = {"lime", "kernel_shap", "rise", "occlusion", "forest", "hsic", "sobol"}
    assert methods == asking | references


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_nan_score_is_refused(explainer, toy_spectrogram):
    with pytest.raises(ValueError, match=r"finite|NaN"):
        explainer(toy_spectrogram, lambda inputs: torch.full((len(inputs),), torch.nan))


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_accelerator_agrees_with_cpu(explainer, toy_spectrogram, toy_score_fn, accelerator):
    here = explainer(toy_spectrogram, toy_score_fn)
    there = explainer(toy_spectrogram.to(accelerator), toy_score_fn)
    assert there.mask.device.type == "cpu"
    torch.testing.assert_close(there.attribution, here.attribution, rtol=1e-3, atol=1e-4)


# LIME


def test_lime_gives_more_weight_to_near_samples(neighbourhood_of):
    # The near sample (3 of 4 kept) says that part 3 matters, the far ones that part 0 does.
    kept = [[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    drawn = neighbourhood_of(kept, [0.0, 1.0, 0.0])
    narrow, wide = (Lime(kernel_width=width, ridge=0.01).fit(drawn) for width in (0.05, 10.0))
    assert narrow.attribution[0].argmax() == 3
    assert wide.attribution[0, 0] > narrow.attribution[0, 0] + 0.1


@pytest.mark.parametrize("setting", ["kernel_width", "ridge"])
@pytest.mark.parametrize("value", [0, float("nan"), float("inf")])
def test_lime_refuses_a_setting_that_is_not_positive(setting, value):
    with pytest.raises(ValueError, match=f"{setting} must be above 0 and finite, got {value}"):
        Lime(**{setting: value})


# RISE


def test_rise_is_the_mean_score_of_the_samples_that_kept_a_segment(neighbourhood_of):
    drawn = neighbourhood_of([[1, 0, 0], [0, 1, 0], [1, 1, 0]], [1.0, 0.0, 0.5])
    # part 0: (1 + 0.5) / 2, part 1: (0 + 0.5) / 2, part 2 was never kept: the mean of all three
    expected = torch.tensor([[0.75, 0.25, 0.5]])
    torch.testing.assert_close(Rise().fit(drawn).attribution, expected)


def test_rise_on_grids_is_the_mean_score_weighted_by_the_masks(toy_spectrogram, toy_score_fn):
    drawn = GridSampler(200)(toy_spectrogram, toy_score_fn)
    masks = drawn.perturbation.masks(slice(None)).double()
    expected = (masks * drawn.scores[:, None, None]).sum(0) / masks.sum(0)
    found = Rise().fit(drawn).attribution
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=1e-6)


# neighbourhoods of the wrong kind


@pytest.mark.parametrize("explainer", [Lime(), KernelShap(), Forest(), Hsic()], ids=name_of)
def test_segment_methods_refuse_a_grid_neighbourhood(explainer, toy_spectrogram, toy_score_fn):
    drawn = GridSampler(10)(toy_spectrogram, toy_score_fn)
    with pytest.raises(TypeError, match="needs a neighbourhood of segments, got GridMasks"):
        explainer.fit(drawn)
