"""Answers of foreign networks and functions are numbers, or one line that says what they are."""

import dataclasses

import numpy as np
import pytest
import torch

from daxaudio.models.foreign.answers import asked, numbers_in


@dataclasses.dataclass
class Output:
    logits: torch.Tensor


ROWS = [[0.25, 0.5], [0.75, 1.0]]


@pytest.mark.parametrize(
    "answer",
    [
        torch.tensor(ROWS),
        torch.tensor(ROWS, requires_grad=True).double(),
        np.array(ROWS, dtype=np.float16),
        ROWS,
        [torch.tensor(row) for row in ROWS],
        tuple(ROWS for _ in range(1)),
        {"logits": torch.tensor(ROWS), "embedding": torch.zeros(2, 768)},
        {"scores": torch.tensor(ROWS)},
        Output(torch.tensor(ROWS)),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_answers_of_every_kind_are_the_same_numbers(answer):
    numbers = numbers_in(answer, None, "x.pt")
    assert numbers.dtype == torch.float32
    assert not numbers.requires_grad
    assert numbers.tolist() == ROWS


@pytest.mark.parametrize("answer", [0.5, np.float32(0.5), torch.tensor(0.5), (0.5,)])
def test_one_number_is_the_score_of_one_input(answer):
    assert numbers_in(answer, None, "x.pt").tolist() == [0.5]


@pytest.mark.parametrize(
    ("answer", "name"),
    [((torch.zeros(2, 2), torch.tensor(ROWS)), "1"), ({"a": 0, "b": ROWS}, "b")],
)
def test_one_of_several_answers_is_taken_by_its_name(answer, name):
    assert numbers_in(answer, name, "x.pt").tolist() == ROWS


@pytest.mark.parametrize(
    ("answer", "name", "line"),
    [
        ((ROWS, ROWS), None, "x.pt: answers with several things; output_name is one of 0, 1"),
        ({"a": 0, "b": 1}, "c", "x.pt: has no output 'c'; output_name is one of a, b"),
        (ROWS, "a", "x.pt: output_name is 'a', but it has one answer"),
    ],
)
def test_what_of_several_answers_counts_is_not_guessed(answer, name, line):
    with pytest.raises(ValueError, match=f"^{line}$"):
        numbers_in(answer, name, "x.pt")


@pytest.mark.parametrize(
    "answer", [None, "dog", [[1, 2], [3]], torch.zeros(2, dtype=torch.complex64), [object()]]
)
def test_an_answer_that_is_no_numbers_is_one_line(answer):
    with pytest.raises(TypeError, match=r"^x.pt: its answer must be real numbers .*got.*$"):
        numbers_in(answer, None, "x.pt")


def test_a_failing_network_is_one_line_with_the_reason():
    def network(inputs):
        raise RuntimeError("Traceback of the interpreter:\n  line 3\nsize 5 does not fit")

    with pytest.raises(
        ValueError, match=r"^x.pt: fails on .*\(2, 9\).*Error: size 5 does not fit$"
    ):
        asked(network, torch.zeros(2, 9), source="x.pt")


def test_memory_that_ran_out_stays_what_it_is():
    def network(inputs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        asked(network, torch.zeros(2, 9), source="x.pt")
