import logging

import pytest
import torch
from torch import nn

from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.compiled import CompiledModule
from daxaudio.runs.config import build

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16)
MODULE = nn.Sequential(nn.Flatten(), nn.Linear(16 * 20, 2)).eval()


@pytest.fixture
def compiler(monkeypatch):
    """Stands for torch's: notes what it is asked, and writes every answer to one place.

    The latter as recorded launches do: an answer that is kept without a copy changes later.
    """
    calls = []

    def compile(module, **settings):
        calls.append(settings)
        place = {}

        def run(inputs):
            calls.append(tuple(inputs.shape))
            answer = place.setdefault(inputs.shape, module(inputs).clone())
            return answer.copy_(module(inputs))

        return run

    monkeypatch.setattr(torch, "compile", compile)
    return calls


def inputs(n):
    return torch.randn(n, 16, 20, generator=torch.Generator().manual_seed(0))


def make_box(**settings):
    settings = {"precision": "fp32", "compile": True, **settings}
    return BlackBox(MODULE, FRONT_END, ["low", "high"], **settings)


def test_batches_have_one_size_and_padding_changes_no_score(compiler):
    scores = make_box(batch_size=50).probabilities(inputs(120))
    assert compiler[0] == {"dynamic": False, "mode": "reduce-overhead"}
    assert compiler[1:] == [(50, 16, 20)] * 3
    expected = make_box(compile=False).probabilities(inputs(120))
    torch.testing.assert_close(scores, expected)


def test_few_inputs_are_not_worth_padding(compiler):
    make_box(batch_size=50).probabilities(inputs(6))
    assert compiler == []
    make_box(batch_size=50).probabilities(inputs(7))
    assert compiler[1:] == [(50, 16, 20)]


def test_auto_is_one_size_for_each_shape(compiler, accelerator):
    make_box(device=accelerator).probabilities(inputs(4100).to(accelerator))
    assert compiler[1:] == [(4096, 16, 20)]  # and four that are not worth it
    assert not make_box(device=accelerator).passes.growing


def test_without_a_compiler_one_line_says_so_and_it_goes_on(monkeypatch, caplog):
    def missing(module, **settings):
        def run(inputs):
            raise torch._dynamo.exc.TorchDynamoException("no C++ compiler found\nand so on")

        return run

    monkeypatch.setattr(torch, "compile", missing)
    box = make_box(batch_size=50)
    with caplog.at_level(logging.WARNING):
        scores = box.probabilities(inputs(120))
    assert [record.getMessage() for record in caplog.records] == [
        "goes on without compile: TorchDynamoException: no C++ compiler found"
    ]
    torch.testing.assert_close(scores, make_box(compile=False).probabilities(inputs(120)))


def test_an_error_of_the_module_is_none_of_the_compiler(compiler):
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        make_box(batch_size=50).probabilities(torch.ones(50, 16, 21))


def test_recorded_passes_that_do_not_fit_into_memory_are_given_up(monkeypatch, caplog):
    def compile(module, **settings):
        def run(inputs):
            raise torch.OutOfMemoryError("CUDA out of memory")

        return run

    monkeypatch.setattr(torch, "compile", compile)
    scores = make_box(batch_size=50).probabilities(inputs(60))
    assert len(scores) == 60
    assert "goes on without compile" in caplog.text


def test_the_plain_module_is_left_as_it_was(compiler):
    before, weights = MODULE(inputs(3)).clone(), list(map(id, MODULE.parameters()))
    parts, own = list(MODULE.named_modules()), set(vars(MODULE))
    CompiledModule(MODULE, lambda shape: 50)(inputs(50))
    assert torch.equal(MODULE(inputs(3)), before)
    assert list(map(id, MODULE.parameters())) == weights
    assert (list(MODULE.named_modules()), set(vars(MODULE))) == (parts, own)


def test_compile_is_a_setting_of_the_black_box():
    with pytest.raises(ValueError, match="compile must be true or false"):
        build(BlackBox, "black_box", {"compile": "yes"})
