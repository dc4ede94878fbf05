import pytest
import torch

from daxaudio.explainers.dax.distillation import Examples, held_out_r2
from daxaudio.explainers.dax.networks import soft_histogram
from daxaudio.perturbation.sampling import GridSampler


@pytest.fixture
def examples(toy_spectrogram, toy_score_fn):
    drawn = GridSampler(60)(toy_spectrogram, toy_score_fn)
    return Examples.split(drawn, validation_share=0.5)


@pytest.mark.parametrize("constant", [0.0, 0.3, 5.0])
def test_a_student_is_judged_by_its_error_and_not_by_its_spread(constant, examples):
    scores = examples.neighbourhood.scores[examples.validation].double()
    error, variance = (scores - constant).square().mean(), scores.var(correction=0)
    found = held_out_r2(lambda inputs: inputs.new_full((len(inputs),), constant), examples)
    assert found == pytest.approx(float(1 - error / variance), rel=1e-3)


def test_a_perfect_student_explains_all_at_any_batch_size(examples):
    by_input = {}
    for chosen in examples.validation:
        inputs, scores, _ = examples.batch(chosen[None])
        by_input[inputs.numpy().tobytes()] = scores[0]

    def student(inputs):
        return torch.stack([by_input[one[None].numpy().tobytes()] for one in inputs])

    for size in (1, 7, 64):
        assert held_out_r2(student, examples, size) == pytest.approx(1)


@pytest.mark.parametrize("edge", [0.0, 0.02, 1.0])
def test_each_score_counts_once_also_where_its_bell_leaves_the_range(edge):
    shares = soft_histogram(torch.tensor([edge, 0.5]))
    near_edge = shares[:3] if edge < 0.5 else shares[-3:]
    assert float(near_edge.sum()) == pytest.approx(0.5, abs=1e-3)
