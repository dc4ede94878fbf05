import dataclasses

import pytest
import torch
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.named_part import DaxV5, best_bins, explained_share, in_form, ranks
from daxaudio.explainers.references import RandomMask
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.metrics import mask_auc
from daxaudio.models.module_score import ModuleScore
from daxaudio.perturbation.sampling import MultiGridSampler

SAMPLER = MultiGridSampler(600, ((2, 6), (4, 12), (8, 15)))


class LoudInBoxes(nn.Module):
    """Logits of classes that each listen to the level of a box of their own, and one to nothing."""

    def __init__(self, boxes, offset):
        super().__init__()
        self.boxes, self.offset = boxes, offset

    def forward(self, inputs):
        heard = [inputs[:, rows, frames].mean(dim=(1, 2)) for rows, frames in self.boxes]
        return torch.stack([*heard, inputs.new_full((len(inputs),), self.offset)], dim=1)


def picture():
    random = torch.Generator().manual_seed(0)
    values = torch.randn(24, 60, generator=random)
    return Spectrogram(values, torch.arange(24.0), torch.arange(60.0), "made")


def with_events(*boxes, level=8.0):
    made = picture()
    values = made.values.clone()
    for rows, frames in boxes:
        values[rows, frames] += level
    return dataclasses.replace(made, values=values)


EARLY, LATE = (slice(0, 24), slice(8, 20)), (slice(0, 24), slice(40, 52))


def score_of(index, boxes=(EARLY, LATE), offset=2.0):
    module = LoudInBoxes(boxes, offset)
    return ModuleScore(module, index, lambda inputs: module(inputs).softmax(-1))


def test_beats_a_random_mask_on_the_toy(toy_spectrogram, toy_score_fn, toy_truth):
    explanation = DaxV5(SAMPLER)(toy_spectrogram, toy_score_fn)
    floor = RandomMask()(toy_spectrogram, toy_score_fn)
    assert mask_auc(explanation.mask, toy_truth) > 0.9
    assert mask_auc(explanation.mask, toy_truth) > mask_auc(floor.mask, toy_truth) + 0.3
    assert explanation.warnings == ()


def test_the_frames_that_are_heard_are_marked_and_no_others():
    found = DaxV5(SAMPLER)(with_events(EARLY), score_of(0))
    inside = torch.zeros(60, dtype=torch.bool)
    inside[8:20] = True
    marked = found.profile > found.profile.max() / 2
    assert bool(marked[inside].all())
    assert int((marked & ~inside).sum()) <= 6  # less than a cell of the finest grid at each end
    assert found.findings["score_of_kept"] > 0.9 > found.findings["score_of_removed"] + 0.5


def test_a_class_without_evidence_gets_an_empty_mask_and_is_told_so():
    found = DaxV5(SAMPLER)(with_events(EARLY), score_of(1))
    assert not found.mask.any()
    assert not found.standard_error.any()
    assert "nothing is marked" in found.warnings[0]


def test_a_class_that_is_not_the_answer_but_is_there_is_marked_where_it_is():
    scene = with_events(EARLY)
    values = scene.values.clone()
    values[LATE] += 6.0  # softer than the class that the model answers
    found = DaxV5(SAMPLER)(dataclasses.replace(scene, values=values), score_of(1))
    assert found.profile[40:52].mean() > 10 * found.profile[8:20].mean()


def test_the_answer_of_the_model_is_explained_even_where_no_part_alone_is_named():
    halves = (slice(0, 24), slice(8, 52))  # needs both ends at once
    found = DaxV5(SAMPLER)(with_events(EARLY, LATE), score_of(0, (halves,), offset=3.5))
    assert found.mask.any()


@pytest.mark.parametrize(
    ("rows", "most"), [(slice(4, 7), 0.26), (slice(0, 24), 1.0)], ids=["band", "all"]
)
def test_no_more_bins_of_a_frame_are_marked_than_do_as_well(rows, most):
    box = (rows, slice(8, 20))
    module = LoudInBoxes((box,), 2.0)
    score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
    found = DaxV5(SAMPLER)(with_events(box), score)
    assert found.findings["share_of_bins"] <= most
    kept = found.mask[:, 8:20] > 0.5
    assert bool(kept[5].all())
    if most == 1:
        assert found.findings["share_of_bins"] >= 0.5


@pytest.mark.parametrize("rows", [slice(3, 6), slice(18, 21)])
def test_what_sounds_all_the_time_is_marked_by_its_bands(rows):
    hum = (rows, slice(0, 60))
    found = DaxV5(SAMPLER)(with_events(hum), score_of(0, (hum,), offset=2.0))
    in_frequency = found.mask.mean(dim=1)
    marked = in_frequency > in_frequency.max() / 2
    assert bool(marked[rows].all())
    assert int(marked.sum()) <= 12  # half of the band
    assert found.findings["score_of_kept"] > found.findings["score_of_removed"] + 0.5


def test_queries_are_counted(toy_spectrogram, toy_score_fn):
    asked = []

    def score_fn(inputs):
        asked.append(len(inputs))
        return toy_score_fn(inputs)

    explanation = DaxV5(MultiGridSampler(50))(toy_spectrogram, score_fn)
    assert sum(asked) == explanation.n_queries == 62


def test_queries_about_other_classes_are_counted():
    module, n_asked = LoudInBoxes((EARLY,), 2.0), 0

    def ask(inputs):
        nonlocal n_asked
        n_asked += len(inputs)
        return module(inputs).softmax(-1)

    found = DaxV5(MultiGridSampler(50))(with_events(EARLY), ModuleScore(module, 0, ask))
    assert n_asked == found.n_queries == 64


def test_v4_and_v5_share_their_queries(toy_spectrogram, toy_score_fn):
    shared = SharedQueries()
    for explainer in (DaxV4(SAMPLER), DaxV5(SAMPLER)):
        shared.share(explainer)(toy_spectrogram, toy_score_fn)
    assert len(shared.answered) == 1


def test_same_seed_same_mask(toy_spectrogram, toy_score_fn):
    first, second = (DaxV5(SAMPLER)(toy_spectrogram, toy_score_fn) for _ in range(2))
    assert torch.equal(first.mask, second.mask)
    assert torch.equal(first.standard_error, second.standard_error)


def test_a_flat_score_is_warned_of_and_marks_nothing(toy_spectrogram):
    found = DaxV5(SAMPLER)(toy_spectrogram, lambda inputs: inputs.new_full((len(inputs),), 0.7))
    assert not found.mask.any()
    assert "too flat to explain" in found.warnings[0]
    assert len(found.warnings) == 1


def test_stated_errors_bound_where_masks_of_other_draws_lie(toy_spectrogram, toy_score_fn):
    found = [
        DaxV5(dataclasses.replace(SAMPLER, n_samples=300, seed=seed), seed=seed)(
            toy_spectrogram, toy_score_fn
        )
        for seed in range(6)
    ]
    inside = [
        float(((other.mask - one.mask).abs() <= 2 * one.standard_error).float().mean())
        for one in found
        for other in found
        if one is not other
    ]
    assert 0.85 < sum(inside) / len(inside) <= 0.995


def test_a_map_in_the_form_keeps_its_order_within_marked_and_other_frames():
    maps = torch.rand(3, 6, 20, generator=torch.Generator().manual_seed(1))
    maps[:, :, 5:12] += 2
    formed = in_form(maps)
    marked = formed[:, :, 5:12], maps[:, :, 5:12]
    for mask, given in zip(*marked, strict=True):
        assert torch.equal(mask.flatten().argsort(), given.flatten().argsort())
    assert float(formed[:, :, 5:12].min()) > 0.9 > 0.06 > float(formed[:, :, :5].max())


def test_best_bins_are_as_many_in_every_frame_and_the_highest():
    maps = torch.rand(2, 8, 5, generator=torch.Generator().manual_seed(2))
    chosen = best_bins(maps, 0.25)
    assert torch.equal(chosen.sum(dim=1), torch.full((2, 5), 2.0))
    assert float(maps[chosen.bool()].min()) >= 0
    for map_, own in zip(maps.unbind(), chosen.bool().unbind(), strict=True):
        for frame in range(5):
            assert map_[own[:, frame], frame].min() > map_[~own[:, frame], frame].max()


def test_network_counts_by_what_it_explains_of_what_would_come_again():
    random = torch.Generator().manual_seed(0)
    truth, texture = torch.randn(2, 24, 40, generator=random)
    noise = torch.randn(3, 24, 40, generator=random)

    def share(told, noisy):  # what the network gives: the part that is told by texture
        salience = truth + texture + noisy * noise
        salience[0] = truth + texture  # all samples: hardly any noise
        return explained_share(salience, told)

    assert share(truth + texture, 0.1) == pytest.approx(1, abs=0.02)
    assert share(texture, 0.1) == pytest.approx(0.5, abs=0.05)
    assert share(torch.zeros(24, 40), 0.1) == pytest.approx(0, abs=0.02)
    assert share(texture, 2.0) > share(texture, 0.1)  # noise is not held against it


def test_ranks_go_from_0_to_1_in_the_order_of_the_map():
    assert ranks(torch.tensor([[[3.0, 1.0], [2.0, 9.0]]])).tolist() == [
        [[pytest.approx(2 / 3), 0.0], [pytest.approx(1 / 3), 1.0]]
    ]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"shading": -0.1}, "shading"),
        ({"softness": 0.0}, "softness"),
        ({"n_splits": 0}, "n_splits"),
    ],
)
def test_settings_out_of_range_are_refused(settings, named):
    with pytest.raises(ValueError, match=named):
        DaxV5(**settings)


def test_accelerator_agrees_with_cpu(toy_spectrogram, toy_score_fn, accelerator):
    here = DaxV5(SAMPLER)(toy_spectrogram, toy_score_fn)
    there = DaxV5(SAMPLER)(toy_spectrogram.to(accelerator), toy_score_fn)
    assert {value.device.type for value in (there.mask, there.standard_error)} == {"cpu"}
    torch.testing.assert_close(there.attribution, here.attribution, rtol=1e-2, atol=1e-4)
