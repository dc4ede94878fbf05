"""Every way to write a ReLU is guided, and nothing else."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from daxaudio.models.layers import GuidedRelu

RELUS = {
    "module": lambda x: nn.ReLU()(x),
    "module in place": lambda x: nn.ReLU(inplace=True)(x.clone()),
    "F.relu": F.relu,
    "F.relu in place": lambda x: F.relu(x.clone(), True),
    "F.relu_": lambda x: F.relu_(x.clone()),
    "torch.relu": torch.relu,
    "torch.relu by keyword": lambda x: torch.relu(input=x),
    "torch.relu_": lambda x: torch.relu_(x.clone()),
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.clone().relu_(),
}


def in_place_for_its_effect(x):
    x = x.clone()
    x.relu_()
    return x


def in_place_on_a_slice(x):
    x = x.clone()
    x[1:].relu_()
    return x.clamp(min=0)


@pytest.mark.parametrize(
    "relu", [*RELUS.values(), in_place_for_its_effect], ids=[*RELUS, "in place for its effect"]
)
def test_every_relu_is_guided(relu):
    x = torch.tensor([-1.0, -1.0, 2.0, 3.0], requires_grad=True)
    with GuidedRelu(nn.ReLU()) as guided:
        outputs = relu(x)
        (outputs * torch.tensor([5.0, -5.0, 7.0, -7.0])).sum().backward()
    assert outputs.tolist() == [0, 0, 2, 3]
    assert x.grad.tolist() == [0, 0, 7, 0]
    assert guided.n_calls == 1


def test_relu_in_place_on_a_slice_is_guided_there_only():
    x = torch.tensor([4.0, 2.0, 3.0], requires_grad=True)
    with GuidedRelu(nn.ReLU()):
        (in_place_on_a_slice(x) * torch.tensor([-1.0, -1.0, 1.0])).sum().backward()
    assert x.grad.tolist() == [-1, 0, 1]


@pytest.mark.parametrize("other", [F.leaky_relu, F.gelu, F.relu6, torch.tanh])
def test_other_activations_are_left_alone(other):
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    (expected,) = torch.autograd.grad(-other(x).sum(), x)
    with GuidedRelu(nn.ReLU()) as guided:
        (found,) = torch.autograd.grad(-other(x).sum(), x)
    assert torch.equal(found, expected)
    assert guided.n_calls == 0


def test_relu_is_itself_again_afterwards():
    x = torch.tensor([2.0], requires_grad=True)
    with pytest.raises(KeyError), GuidedRelu(nn.ReLU()):
        raise KeyError
    (-torch.relu(x)).backward()
    assert x.grad.tolist() == [-1]


def test_a_scripted_module_cannot_be_guided():
    with pytest.raises(ValueError, match="scripted module"):
        GuidedRelu(nn.Sequential(torch.jit.script(nn.ReLU())))
