import dataclasses

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.perturbation.sampling import SegmentSampler
from daxaudio.perturbation.segments import Grid

SAMPLER = SegmentSampler(40, Grid(2, 3))


class Counting:
    """A score function that counts what it is asked."""

    def __init__(self, score_fn):
        self.score_fn, self.n_asked = score_fn, 0

    def __call__(self, inputs):
        self.n_asked += len(inputs)
        return self.score_fn(inputs)

    def method(self, inputs):
        return self(inputs)


@pytest.fixture
def counting(toy_score_fn):
    return Counting(toy_score_fn)


def test_methods_with_equal_samplers_ask_once(toy_spectrogram, counting):
    shared = SharedQueries()
    for explainer in (Lime(SAMPLER), Rise(dataclasses.replace(SAMPLER))):
        found = shared.share(explainer)(toy_spectrogram, counting)
        assert torch.equal(found.mask, explainer(toy_spectrogram, counting.score_fn).mask)
    assert counting.n_asked == 42


def test_a_method_of_an_object_is_the_same_score_function_every_time(toy_spectrogram, counting):
    lime = SharedQueries().share(Lime(SAMPLER))
    for _ in range(2):
        lime(toy_spectrogram, counting.method)
    assert counting.n_asked == 42


def of_other_levels(spectrogram):
    return dataclasses.replace(spectrogram, values=spectrogram.values.flip(1))


def of_other_times(spectrogram):
    return dataclasses.replace(spectrogram, times=spectrogram.times + 1)


def of_other_name(spectrogram):
    return dataclasses.replace(spectrogram, recording_id="b")


def of_other_shape(spectrogram):
    values = spectrogram.values.reshape(60, 24)
    return Spectrogram(values, torch.arange(60.0), torch.arange(24.0), spectrogram.recording_id)


@pytest.mark.parametrize("change", [of_other_levels, of_other_times, of_other_name])
def test_another_recording_gets_its_own_explanation(change, toy_spectrogram, toy_score_fn):
    first, second = toy_spectrogram, change(toy_spectrogram)
    shared = SharedQueries().share(Lime(SAMPLER))
    for spectrogram in (first, second, first):
        found = shared(spectrogram, toy_score_fn)
        right = Lime(SAMPLER)(spectrogram, toy_score_fn)
        assert found.spectrogram.recording_id == spectrogram.recording_id
        assert torch.equal(found.attribution, right.attribution)
        assert torch.equal(found.spectrogram.times, spectrogram.times)


def test_the_same_levels_in_another_shape_are_another_recording(toy_spectrogram):
    shared = SharedQueries().share(Lime(SAMPLER))
    shapes = [
        shared(spectrogram, lambda inputs: inputs.mean(dim=(1, 2))).mask.shape
        for spectrogram in (toy_spectrogram, of_other_shape(toy_spectrogram))
    ]
    assert shapes == [(24, 60), (60, 24)]


def test_another_score_function_gets_its_own_explanation(toy_spectrogram, toy_score_fn):
    shared = SharedQueries().share(Lime(SAMPLER))
    for frame in range(0, 60, 20):  # each may stand where the one before stood in memory
        found = shared(toy_spectrogram, lambda inputs, frame=frame: inputs[:, :, frame].mean(dim=1))
        right = Lime(SAMPLER)(
            toy_spectrogram, lambda inputs, frame=frame: inputs[:, :, frame].mean(dim=1)
        )
        assert torch.equal(found.attribution, right.attribution)


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """Segments that are given; two of them have one `repr`, which shortens tensors."""

    labels: torch.Tensor

    def __call__(self, spectrogram):
        return self.labels

    def __repr__(self):
        return "Labels()"


def test_segmenters_that_look_alike_are_not_taken_for_one(toy_spectrogram, toy_score_fn):
    shared = SharedQueries()
    rows = torch.arange(24)[:, None].expand(24, 60) // 6
    for labels in (rows, rows.flip(0) // 2):
        lime = Lime(SegmentSampler(40, Labels(labels)))
        found = shared.share(lime)(toy_spectrogram, toy_score_fn)
        assert torch.equal(found.mask, lime(toy_spectrogram, toy_score_fn).mask)


@dataclasses.dataclass
class OwnSampler:
    """A sampler that cannot be hashed and has no bar."""

    n_samples: int = 40

    def __call__(self, spectrogram, score_fn):
        return SegmentSampler(self.n_samples, Grid(2, 3))(spectrogram, score_fn)


def test_a_sampler_that_cannot_be_hashed_is_shared_by_itself_alone(toy_spectrogram, counting):
    shared, own = SharedQueries(), OwnSampler()
    for sampler in (own, own, OwnSampler()):
        shared.share(Lime(sampler))(toy_spectrogram, counting)
    assert counting.n_asked == 84
