import dataclasses

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.student import find_salience, halvings
from daxaudio.explainers.references import RandomMask
from daxaudio.metrics import mask_auc
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler
from daxaudio.runs.seeds import generator

SAMPLER = MultiGridSampler(600, ((2, 6), (4, 12), (8, 15)))


def constant(inputs):
    return inputs.new_full((len(inputs),), 0.7)


def chance(inputs):
    """Scores that have nothing to do with the input, the same in every batch."""
    numbers = torch.sin(12345.678 * inputs.double().sum(dim=(1, 2)))
    return numbers.float()


def test_beats_a_random_mask_on_the_toy(toy_spectrogram, toy_score_fn, toy_truth):
    explanation = DaxV4(SAMPLER)(toy_spectrogram, toy_score_fn)
    floor = RandomMask()(toy_spectrogram, toy_score_fn)
    assert mask_auc(explanation.mask, toy_truth) > 0.9
    assert mask_auc(explanation.mask, toy_truth) > mask_auc(floor.mask, toy_truth) + 0.3
    assert explanation.warnings == ()


def test_accelerator_agrees_with_cpu(toy_spectrogram, toy_score_fn, accelerator):
    here = DaxV4(SAMPLER)(toy_spectrogram, toy_score_fn)
    there = DaxV4(SAMPLER)(toy_spectrogram.to(accelerator), toy_score_fn)
    assert {value.device.type for value in (there.mask, there.standard_error)} == {"cpu"}
    torch.testing.assert_close(there.attribution, here.attribution, rtol=1e-2, atol=1e-4)


def test_a_score_that_falls_is_explained_by_what_lowers_it(
    toy_spectrogram, toy_score_fn, toy_truth
):
    neighbourhood = SAMPLER(toy_spectrogram, toy_score_fn)
    inverted = dataclasses.replace(neighbourhood, scores=1 - neighbourhood.scores)
    upright = DaxV4().fit(neighbourhood).attribution
    fallen = DaxV4().fit(inverted).attribution
    torch.testing.assert_close(upright, -fallen, atol=1e-4, rtol=1e-3)


def test_queries_are_counted_with_the_two_of_the_mask(toy_spectrogram, toy_score_fn):
    asked = []

    def score_fn(inputs):
        asked.append(len(inputs))
        return toy_score_fn(inputs)

    explanation = DaxV4(MultiGridSampler(50))(toy_spectrogram, score_fn)
    assert sum(asked) == explanation.n_queries == 54
    findings = explanation.findings
    assert findings["score_of_kept"] > findings["score_of_removed"]


def test_second_halves_are_what_all_samples_leave_of_the_first(toy_spectrogram, toy_score_fn):
    neighbourhood = MultiGridSampler(24, ((1, 3), (2, 4)))(toy_spectrogram, toy_score_fn)
    parts = halvings(neighbourhood, 2, 0)
    found = find_salience(neighbourhood, parts)
    for part, chosen in enumerate(parts):
        expected = torch.zeros_like(found[0])
        for start, end in ((0, 12), (12, 24)):
            rows = chosen[start:end].bool().nonzero().flatten() + start
            masks = neighbourhood.perturbation.masks(rows).double()
            scores = neighbourhood.scores[rows].double()
            centred = (scores - scores.mean())[:, None, None]
            kept = masks.sum(dim=0).clamp(min=1e-2)
            expected += ((masks * centred).sum(dim=0) / kept / 2).float()
        torch.testing.assert_close(found[part], expected, atol=1e-4, rtol=1e-3)


def test_same_seed_same_mask_for_any_batch_of_queries(toy_spectrogram, toy_score_fn):
    first, second = (
        DaxV4(dataclasses.replace(SAMPLER, n_samples=60, batch_size=size))(
            toy_spectrogram, toy_score_fn
        )
        for size in (7, 64)
    )
    torch.testing.assert_close(first.mask, second.mask, atol=1e-5, rtol=1e-4)
    assert torch.equal(
        first.mask,
        DaxV4(dataclasses.replace(SAMPLER, n_samples=60, batch_size=7))(
            toy_spectrogram, toy_score_fn
        ).mask,
    )


def test_masks_of_two_seeds_agree_the_better_the_more_queries(toy_spectrogram, toy_score_fn):
    def agreement(n_samples):
        masks = [
            DaxV4(dataclasses.replace(SAMPLER, n_samples=n_samples, seed=seed))(
                toy_spectrogram, toy_score_fn
            ).mask.flatten()
            for seed in (0, 1)
        ]
        return float(torch.corrcoef(torch.stack(masks))[0, 1])

    assert agreement(1200) > 0.9
    assert agreement(1200) > agreement(30)


def test_standard_error_shrinks_with_the_queries(toy_spectrogram, toy_score_fn):
    few, many = (
        DaxV4(dataclasses.replace(SAMPLER, n_samples=n))(toy_spectrogram, toy_score_fn)
        for n in (60, 2400)
    )
    assert few.standard_error.shape == few.mask.shape
    assert float(many.standard_error.mean()) < float(few.standard_error.mean())
    assert many.findings["mask_reliability"] > max(0.9, few.findings["mask_reliability"])


def test_standard_error_bounds_that_of_other_draws(toy_spectrogram, toy_score_fn):
    found = [
        DaxV4(dataclasses.replace(SAMPLER, n_samples=300, seed=seed), seed=seed)(
            toy_spectrogram, toy_score_fn
        )
        for seed in range(10)
    ]
    spread = torch.stack([one.mask for one in found]).var(dim=0).mean().sqrt()
    stated = torch.stack([one.standard_error.square() for one in found]).mean().sqrt()
    assert 0.9 * spread < stated < 2 * spread


def test_reliability_is_the_agreement_with_other_draws(toy_spectrogram, toy_score_fn):
    found = [
        DaxV4(dataclasses.replace(SAMPLER, n_samples=200, seed=seed))(toy_spectrogram, toy_score_fn)
        for seed in range(8)
    ]
    maps = torch.stack([one.attribution.flatten() for one in found])
    agreement = torch.corrcoef(maps)[~torch.eye(8, dtype=torch.bool)].mean()
    stated = sum(one.findings["salience_reliability"] for one in found) / 8
    assert stated == pytest.approx(float(agreement), abs=0.05)


@pytest.mark.parametrize("jitter", [0.0, 1e-5])
def test_a_flat_score_is_warned_of_and_marks_nothing(toy_spectrogram, jitter):
    explanation = DaxV4(SAMPLER)(toy_spectrogram, lambda x: constant(x) + jitter * chance(x))
    assert float(explanation.mask.max()) == float(explanation.standard_error.max()) == 0
    assert len(explanation.warnings) == 1
    assert "too flat to explain" in explanation.warnings[0]
    assert "0.7" in explanation.warnings[0]


@pytest.mark.parametrize("scale", [1.0, 1e-12])
def test_chance_is_warned_of(toy_spectrogram, scale):
    few = dataclasses.replace(SAMPLER, n_samples=200)
    explanation = DaxV4(few)(toy_spectrogram, lambda inputs: scale * chance(inputs))
    assert any("200 queries are too few" in warning for warning in explanation.warnings)
    assert explanation.findings["salience_reliability"] < 0.5


def test_the_unit_of_the_score_does_not_matter(toy_spectrogram, toy_score_fn):
    neighbourhood = SAMPLER(toy_spectrogram, toy_score_fn)
    small = dataclasses.replace(
        neighbourhood,
        scores=neighbourhood.scores * 2**-40,
        original_score=neighbourhood.original_score * 2**-40,
    )
    first, second = DaxV4().fit(neighbourhood), DaxV4().fit(small)
    torch.testing.assert_close(first.mask, second.mask, atol=1e-3, rtol=1e-2)
    for name in ("salience_reliability", "mask_reliability", "mask_r2"):
        assert first.findings[name] == pytest.approx(second.findings[name], abs=1e-2)


def test_marked_frames_that_lose_the_score_are_warned_of(toy_spectrogram):
    level = toy_spectrogram.values.mean()

    def score_fn(inputs):
        # a quarter of the input raises the score while few others are kept, and lowers it alone
        first = (inputs[:, :, :15] - level).abs().mean(dim=(1, 2))
        rest = (inputs[:, :, 15:] - level).abs().mean(dim=(1, 2))
        return first * (rest > 0.4 * (toy_spectrogram.values[:, 15:] - level).abs().mean())

    explanation = DaxV4(SAMPLER)(toy_spectrogram, score_fn)
    assert explanation.findings["score_of_kept"] < 0.1 * explanation.score
    assert any("is not below that of the marked" in warning for warning in explanation.warnings)


def test_mirrored_pairs_stay_together(toy_spectrogram, toy_score_fn):
    sampler = GridSampler(40, (4, 6), antithetic=True)
    neighbourhood = sampler(toy_spectrogram, toy_score_fn)
    parts = halvings(neighbourhood, 8, 0)
    assert torch.equal(parts[1:, 0::2], parts[1:, 1::2])
    assert torch.equal(parts[1::2] + parts[2::2], torch.ones(8, 40))


def test_global_random_state_is_untouched(toy_spectrogram, toy_score_fn):
    before = torch.random.get_rng_state()
    values = toy_spectrogram.values.clone()
    DaxV4(MultiGridSampler(40))(toy_spectrogram, toy_score_fn)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(values, toy_spectrogram.values)


def test_one_resolution_is_enough(toy_spectrogram, toy_score_fn, toy_truth):
    explanation = DaxV4(GridSampler(600, (4, 12)))(toy_spectrogram, toy_score_fn)
    assert mask_auc(explanation.mask, toy_truth) > 0.8


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (3, 5)])
def test_small_inputs(shape):
    values = torch.randn(shape, generator=generator(0))
    spectrogram = Spectrogram(
        values, torch.arange(shape[0]).float(), torch.arange(shape[1]).float()
    )
    explanation = DaxV4(MultiGridSampler(30))(spectrogram, lambda inputs: inputs.mean(dim=(1, 2)))
    assert explanation.mask.shape == shape


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"softness": 0.0}, "softness and sharpness"),
        ({"sharpness": -1.0}, "softness and sharpness"),
        ({"softness": float("nan")}, "softness and sharpness must be above 0 and finite"),
        ({"sharpness": float("inf")}, "softness and sharpness must be above 0 and finite"),
        ({"n_splits": 0}, "n_splits"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DaxV4(**settings)


def test_too_few_queries_for_a_half_are_refused(toy_spectrogram, toy_score_fn):
    with pytest.raises(ValueError, match="at least 4 queries for each resolution, got 3"):
        DaxV4(MultiGridSampler(11))(toy_spectrogram, toy_score_fn)


def test_an_answer_that_is_no_number_is_refused(toy_spectrogram, toy_score_fn):
    neighbourhood = SAMPLER(toy_spectrogram, toy_score_fn)

    def broken(inputs):
        return torch.full((len(inputs),), torch.nan)

    with pytest.raises(ValueError, match="NaN or infinite scores"):
        DaxV4(lambda spectrogram, score_fn: neighbourhood)(toy_spectrogram, broken)


def test_on_an_accelerator(toy_spectrogram, toy_score_fn, toy_truth, accelerator):
    explanation = DaxV4(SAMPLER)(toy_spectrogram.to(accelerator), toy_score_fn)
    assert explanation.mask.device.type == explanation.standard_error.device.type == "cpu"
    assert mask_auc(explanation.mask, toy_truth) > 0.9
