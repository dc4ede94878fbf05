"""DAX as its authors run it: each difference from the paper, by hand, and the laws of a method."""

import dataclasses

import numpy as np
import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.catalogue import make_explainer
from daxaudio.explainers.dax import as_authors
from daxaudio.explainers.dax.as_authors import DaxAsAuthors
from daxaudio.explainers.dax.descent import Descent
from daxaudio.explainers.dax.networks import BlockMaskNetwork, NormalisedStudent
from daxaudio.explainers.settings import MethodSettings
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler
from daxaudio.perturbation.segments import Grid, segment_means
from daxaudio.runs.real_numbers import scale_to_mask

SAMPLER = SegmentSampler(n_samples=60, segmenter=Grid(4, 6), fill="segment_mean")


def small(**settings):
    return DaxAsAuthors(**{"sampler": SAMPLER, "side": 32, "epochs": 2, **settings})


@pytest.fixture
def drawn(toy_spectrogram, toy_score_fn):
    return SAMPLER(toy_spectrogram, toy_score_fn)


def test_segments_that_are_masked_off_become_their_mean_whatever_the_fill(toy_spectrogram):
    settings = MethodSettings(queries=60, segmenter=Grid(4, 6), fill="floor")
    explainer = make_explainer("dax_authors", toy_spectrogram, settings)
    drawn = explainer.sampler.draw(toy_spectrogram)
    means = segment_means(toy_spectrogram.values, Grid(4, 6)(toy_spectrogram))
    torch.testing.assert_close(drawn.background, means)


def test_masks_are_the_largest_of_each_block_scaled_by_the_smallest_and_largest_of_the_batch():
    torch.manual_seed(0)
    masker = BlockMaskNetwork(channels=3, block=4)
    inputs = torch.randn(5, 8, 12)
    raw = inputs[:, None]
    for layer in masker.layers[:4]:
        raw = layer(raw)
    largest = raw.view(5, 2, 4, 3, 4).amax(dim=(2, 4))
    # a rectifier keeps their order, not their distances
    bent = torch.where(largest > 0, largest, 0.01 * largest)
    expected = ((bent - bent.min()) / (bent.max() - bent.min())).repeat_interleave(4, 1)
    torch.testing.assert_close(masker(inputs), expected.repeat_interleave(4, 2))


def test_a_batch_whose_masks_are_all_the_same_is_finite():
    assert not BlockMaskNetwork(channels=2, block=8)(torch.zeros(2, 8, 8)).any()


def test_inputs_are_pictures_from_0_to_255(drawn):
    values = drawn.spectrogram.values
    pictures = small()._examples(drawn).scale(torch.stack([values, values.min().expand(24, 60)]))
    assert pictures.shape == (2, 32, 32)
    assert float(pictures[1].abs().max()) == 0
    assert 128 < float(pictures[0].max()) <= 255
    flat = Spectrogram(torch.ones(24, 60), torch.arange(24.0), torch.arange(60.0)).values
    assert bool(as_authors._as_pictures(flat[None], flat, 16).isfinite().all())


def test_neighbours_weigh_by_the_cosine_distance_of_what_they_keep(drawn):
    weights = small()._examples(drawn).weights
    kept = drawn.perturbation.kept.double()
    cosine = torch.cosine_similarity(kept, torch.ones_like(kept))
    torch.testing.assert_close(weights.double(), (-((1 - cosine) ** 2) / 0.25**2).exp().sqrt())


def test_steps_are_those_of_gradient_descent_with_nesterov_momentum():
    weight, target = torch.nn.Parameter(torch.zeros(2)), torch.tensor([1.0, -2.0])
    descent = Descent(
        lambda chosen: (weight - target).square().sum() / 2,
        [weight],
        learning_rate=0.1,
        batch_size=1,
        momentum=0.9,
    )
    place, speed = torch.zeros(2), torch.zeros(2)
    for _ in range(4):
        descent.step(torch.tensor([0]))
        gradient = place - target
        speed = 0.9 * speed + gradient
        place = place - 0.1 * (gradient + 0.9 * speed)
    torch.testing.assert_close(weight.detach(), place)


def test_the_explanation_is_the_mean_of_the_first_six_masks_the_first_before_training(drawn):
    found = small(epochs=8).fit(drawn)
    masks = torch.from_numpy(np.stack(found.history["masks"]))
    assert found.history["mask_epochs"] == [0, 1, 2, 3, 4, 5]
    assert len(found.history["train_loss"]) == 8
    torch.testing.assert_close(found.mask, scale_to_mask(masks.mean(dim=0)))
    torch.manual_seed(as_authors.derive_seed(0, "networks"))
    masker, inputs = BlockMaskNetwork(), small()._scaled_with(small()._examples(drawn))
    before = as_authors._mask_of_first(masker, inputs)
    assert len(inputs) == 16
    grown = torch.nn.functional.interpolate(before[None, None], size=(24, 60), mode="bilinear")
    torch.testing.assert_close(masks[0], grown[0, 0])


def test_fewer_epochs_than_six_are_averaged_as_far_as_they_go(drawn):
    assert small(epochs=3).fit(drawn).history["mask_epochs"] == [0, 1, 2]


def test_masks_are_0_at_the_borders_of_the_picture():
    masker = BlockMaskNetwork(channels=2)
    mask = as_authors._mask_of_first(masker, torch.rand(4, 128, 128))
    inside = torch.zeros(128, 128, dtype=torch.bool)
    inside[7:-7, 7:-7] = True
    assert not mask[~inside].any()
    assert float(mask[7:-7, 7:-7].max()) == pytest.approx(1, abs=0.2)


def test_the_student_is_asked_without_dropout_and_with_the_statistics_of_the_training():
    torch.manual_seed(0)
    student, inputs = NormalisedStudent((4, 4)), torch.randn(6, 4, 4)
    for _ in range(100):
        student(inputs)  # learns mean and deviation of its 512 features
    training = student(inputs)
    student.eval()
    assert torch.equal(student(inputs), student(inputs))
    assert torch.equal(student(inputs)[:1], student(inputs[:1]))
    assert not torch.equal(training, student(inputs))


def test_training_lowers_the_loss(drawn):
    losses = small(epochs=5).fit(drawn).history["train_loss"]
    assert losses[-1] < losses[0] - 0.05


def test_without_the_complement_the_student_learns_the_scores_of_held_out_neighbours(
    toy_spectrogram, toy_score_fn
):
    sampler = dataclasses.replace(SAMPLER, n_samples=200)
    plain = small(sampler=sampler, epochs=6, counterfactual=0.0)
    losses = plain(toy_spectrogram, toy_score_fn).history["validation_loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("n_samples", [19, 20])  # 17 to learn from, one batch and one alone; 18
def test_a_neighbour_that_would_be_alone_in_a_batch_is_left_out(n_samples, toy_spectrogram):
    sampler = dataclasses.replace(SAMPLER, n_samples=n_samples)
    found = small(sampler=sampler)(toy_spectrogram, lambda inputs: inputs.mean((1, 2)).sigmoid())
    assert bool(found.mask.isfinite().all())


def test_same_seed_same_mask_and_another_seed_another(drawn):
    state = torch.get_rng_state()
    first, again, other = (small(seed=seed).fit(drawn) for seed in (0, 0, 1))
    assert torch.equal(first.mask, again.mask)
    assert not torch.equal(first.mask, other.mask)
    assert torch.equal(torch.get_rng_state(), state)
    assert (first.seed, other.seed) == (0, 1)


def test_every_query_is_counted(toy_spectrogram, toy_score_fn):
    found = small()(toy_spectrogram, toy_score_fn)
    assert found.n_queries == sum(toy_score_fn.sizes) == 62


@pytest.mark.parametrize("shape", [(5, 9), (17, 31)])
def test_odd_sizes_give_masks_of_their_size(shape, toy_score_fn):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    clip = Spectrogram(values, *(torch.arange(float(size)) for size in shape))
    found = small()(clip, lambda inputs: inputs.mean((1, 2)).sigmoid())
    assert found.mask.shape == shape
    assert 0 <= float(found.mask.min()) <= float(found.mask.max()) <= 1


def test_works_on_an_accelerator(toy_spectrogram, toy_score_fn, accelerator):
    found = small(epochs=1)(toy_spectrogram.to(accelerator), toy_score_fn)
    assert found.mask.device.type == "cpu"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"side": 20}, "side must be a multiple of 8, got 20"),
        ({"side": 0}, "side must be a multiple of 8, got 0"),
        ({"epochs": 0}, "epochs"),
        ({"at_most": 1}, "at_most must be at least 2"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        small(**settings)


def test_two_neighbours_are_too_few_and_three_are_enough(toy_spectrogram, toy_score_fn):
    two, three = (dataclasses.replace(SAMPLER, n_samples=n) for n in (2, 3))
    with pytest.raises(ValueError, match="needs at least 3 neighbours, got 2"):
        small(sampler=two)(toy_spectrogram, toy_score_fn)
    assert small(sampler=three)(toy_spectrogram, toy_score_fn).mask.isfinite().all()


def test_a_grid_neighbourhood_is_refused(toy_spectrogram, toy_score_fn):
    drawn = GridSampler(10)(toy_spectrogram, toy_score_fn)
    with pytest.raises(TypeError, match="needs a neighbourhood of segments, got GridMasks"):
        small().fit(drawn)
