import dataclasses

import pytest
import torch
from conftest import RectangleScore
from scipy.stats import entropy

from daxaudio.containers import Spectrogram
from daxaudio.explainers.dax.joint import Counterfactual, Dax, SparseMatching
from daxaudio.explainers.dax.networks import soft_histogram
from daxaudio.explainers.references import RandomMask
from daxaudio.metrics import mask_auc
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid

SAMPLER = SegmentSampler(n_samples=200, segmenter=Grid(4, 12))
FEW = dataclasses.replace(SAMPLER, n_samples=40)


def dax_v1(sampler=SAMPLER, **settings):
    return Dax(
        SparseMatching(),
        sampler,
        **{"epochs": 4, "batch_size": 32, "polarity": "checked", **settings},
    )


def dax_v2(sampler=SAMPLER, **settings):
    return Dax(
        Counterfactual(),
        sampler,
        **{"epochs": 4, "batch_size": 32, "polarity": "checked", **settings},
    )


LEARNED = [dax_v1, dax_v2]
each = pytest.mark.parametrize("make", LEARNED)


@each
def test_beats_a_random_mask_on_the_toy(make, toy_spectrogram, toy_score_fn, toy_truth):
    explanation = make()(toy_spectrogram, toy_score_fn)
    floor = RandomMask()(toy_spectrogram, toy_score_fn)
    assert mask_auc(explanation.mask, toy_truth) > mask_auc(floor.mask, toy_truth) + 0.1


@each
def test_same_result_for_any_batch_of_queries(make, toy_spectrogram, toy_score_fn):
    small, large = (
        make(dataclasses.replace(FEW, batch_size=size), epochs=1)(toy_spectrogram, toy_score_fn)
        for size in (7, 64)
    )
    torch.testing.assert_close(small.mask, large.mask)


@each
def test_same_seed_same_mask_and_another_seed_another(make, toy_spectrogram, toy_score_fn):
    first, again, other = (
        make(FEW, epochs=1, seed=seed)(toy_spectrogram, toy_score_fn) for seed in (0, 0, 1)
    )
    assert torch.equal(first.mask, again.mask)
    assert not torch.equal(first.mask, other.mask)


@each
def test_input_and_global_random_state_are_untouched(make, toy_spectrogram, toy_score_fn):
    values, state = toy_spectrogram.values.clone(), torch.get_rng_state()
    make(FEW, epochs=1)(toy_spectrogram, toy_score_fn)
    assert torch.equal(values, toy_spectrogram.values)
    assert torch.equal(state, torch.get_rng_state())


@each
@pytest.mark.parametrize("shape", [(5, 9), (17, 31)])
def test_odd_sizes_give_masks_of_their_size(make, shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    spectrogram = Spectrogram(values, torch.arange(shape[0]), torch.arange(shape[1]))
    sampler = SegmentSampler(n_samples=40, segmenter=Grid(2, 3))
    explanation = make(sampler, epochs=1)(spectrogram, lambda x: x.mean((1, 2)).sigmoid())
    assert explanation.mask.shape == shape


@each
def test_every_query_is_counted_and_settings_are_kept(make, toy_spectrogram):
    score_fn = RectangleScore()
    explanation = make(FEW, epochs=1, seed=4)(toy_spectrogram, score_fn)
    assert explanation.n_queries == sum(score_fn.sizes)
    assert explanation.seed == 4
    assert explanation.settings["sampler"]["n_samples"] == 40
    assert explanation.settings["sampler"]["n_segments"] == 48
    assert explanation.settings["epochs"] == 1
    assert set(explanation.seconds) >= {"query", "fit"}
    assert explanation.score == pytest.approx(float(score_fn(toy_spectrogram.values[None])))


@each
def test_black_box_that_answers_nan_is_named(make, toy_spectrogram):
    with pytest.raises(ValueError, match="NaN"):
        make()(toy_spectrogram, lambda x: torch.full((len(x),), float("nan")))


@each
def test_works_on_a_grid_neighbourhood(make, toy_spectrogram, toy_score_fn, toy_truth):
    explanation = make(GridSampler(n_samples=200))(toy_spectrogram, toy_score_fn)
    assert mask_auc(explanation.mask, toy_truth) > 0.6


@each
def test_works_on_an_accelerator(make, toy_spectrogram, toy_truth, accelerator):
    explanation = make()(toy_spectrogram.to(accelerator), RectangleScore())
    assert mask_auc(explanation.mask, toy_truth) > 0.6


@pytest.mark.parametrize("make", [dax_v1, dax_v2])
@pytest.mark.parametrize("student", ["2cnn_1fc", "2fc", "2cnn_2fc"])
def test_joint_training_lowers_its_validation_loss(make, student, toy_spectrogram, toy_score_fn):
    explanation = make(FEW, student=student, epochs=4, batch_size=12)(toy_spectrogram, toy_score_fn)
    losses = explanation.history["validation_loss"]
    assert len(losses) == len(explanation.history["train_loss"]) == 4
    assert losses[-1] < losses[0]
    assert explanation.history["mask_epochs"] == [1, 2, 3, 4]


def test_last_mask_of_the_history_is_the_mask_as_trained(toy_spectrogram, toy_score_fn):
    explanation = dax_v2(FEW, polarity="as_trained", epochs=2)(toy_spectrogram, toy_score_fn)
    assert torch.equal(torch.tensor(explanation.history["masks"][-1]), explanation.mask)


def test_polarity_test_turns_an_inverted_mask_over(toy_spectrogram, toy_score_fn):
    for seed in range(4):
        trained = dax_v2(FEW, polarity="as_trained", epochs=1, seed=seed)(
            toy_spectrogram, toy_score_fn
        )
        checked = dax_v2(FEW, polarity="checked", epochs=1, seed=seed)(
            toy_spectrogram, toy_score_fn
        )
        upright = checked.findings["upright"]
        expected = trained.mask if upright else 1 - trained.mask
        assert torch.equal(checked.mask, expected)
        assert torch.equal(torch.tensor(checked.history["masks"][-1]), expected)
        assert checked.n_queries == trained.n_queries + 18


def test_half_resolution_gives_blocks_of_two_by_two(toy_spectrogram, toy_score_fn):
    mask = dax_v2(FEW, polarity="as_trained", pool=2, epochs=1)(toy_spectrogram, toy_score_fn).mask
    blocks = mask.unfold(0, 2, 2).unfold(1, 2, 2).flatten(2)
    assert torch.equal(blocks.amin(2), blocks.amax(2))


class FixedStudent:
    """Answers the mean of what it is shown."""

    def __call__(self, inputs):
        return inputs.mean(dim=(1, 2))


def batch():
    inputs = torch.ones(2, 2, 2)
    masks = torch.stack([torch.full((2, 2), 0.75), torch.full((2, 2), 0.25)])
    scores, weights = torch.tensor([1.0, 0.0]), torch.tensor([2.0, 1.0])
    return (FixedStudent(), inputs, masks, scores), {"weights": weights}


def by_hand(loss):
    arguments, named = batch()
    return float(loss(*arguments, **named))


def test_counterfactual_loss_by_hand():
    # kept: 2 * (1 - 0.75)^2 and (0 - 0.25)^2; complement: 2 * (1 - 0.25)^2 and (0 - 0.75)^2
    error, agreement = (2 * 0.0625 + 0.0625) / 2, (2 * 0.5625 + 0.5625) / 2
    assert by_hand(Counterfactual(0.5)) == pytest.approx(error - 0.5 * agreement)


def test_sparse_matching_loss_by_hand():
    error = (2 * 0.0625 + 0.0625) / 2
    loss = by_hand(SparseMatching(lambda_l1=0.1, lambda_kl=0.0))
    assert loss == pytest.approx(error + 0.1 * 0.5)
    # L_KL is that of the answers' histogram from the scores', in this order
    *_, scores = batch()[0]
    truth, guess = (soft_histogram(part).numpy() for part in (scores, torch.tensor([0.75, 0.25])))
    with_divergence, without = (by_hand(SparseMatching(0.0, by)) for by in (1.0, 0.0))
    assert with_divergence - without == pytest.approx(entropy(truth, guess), rel=1e-4)
    assert entropy(truth, guess) != pytest.approx(entropy(guess, truth), rel=1e-2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "at least 1"),
        ({"polarity": "guess"}, "polarity must be"),
        ({"validation_share": 1.0}, "validation_share"),
        ({"at_most": 1}, "at_most"),
        ({"precision": "fp8"}, "precision"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0 and finite, got 0"),
        ({"learning_rate": float("inf")}, "learning_rate must be above 0 and finite, got inf"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0 and finite, got nan"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Dax(**settings)


def test_a_learning_rate_that_is_far_too_high_is_named(toy_spectrogram, toy_score_fn):
    with pytest.raises(ValueError, match=r"loss is not finite .* lower learning_rate \(now 1e\+30"):
        dax_v2(FEW, learning_rate=1e30, epochs=3)(toy_spectrogram, toy_score_fn)


def test_one_neighbour_is_too_few(toy_spectrogram, toy_score_fn):
    with pytest.raises(ValueError, match="at least 2 neighbours"):
        dax_v2(SegmentSampler(1, Grid(2, 2)))(toy_spectrogram, toy_score_fn)
