from pathlib import Path

import pytest
import torch
from conftest import ROOT
from pretended_device import WAITS, pretended_device
from torch import nn


@pytest.fixture(autouse=True)
def device():
    with pretended_device() as device:
        yield device


def test_tensors_know_where_they_are(device):
    here, there = torch.ones(3), torch.ones(3).cuda()
    assert (here.device.type, there.device) == ("cpu", device)
    for made in (there * 2, there[1:], torch.zeros_like(there), torch.zeros(2, device=device)):
        assert made.device == device
    for made in (there.cpu(), there.to("cpu"), there.to(here), torch.zeros(2)):
        assert made.device.type == "cpu"
    for made in (here.to(device), here.to(there), here.to("cuda", torch.float64)):
        assert made.device == device
    assert here.device.type == "cpu"


def test_values_are_true(device):
    there = torch.arange(3.0, device=device)
    assert (there + 1).tolist() == [1, 2, 3]
    assert float(there.sum()) == 3
    assert (there + 1).cpu().numpy().tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "mixture",
    [
        lambda here, there: there + here,
        lambda here, there: here @ there,
        lambda here, there: torch.cat([here, there]),
        lambda here, there: here.lerp_(there, 0.5),
        lambda here, there: torch.where(there > 0, here, there),
        lambda here, there: here[there.long()],
        lambda here, there: nn.functional.linear(there[None], here[None]),
        lambda here, there: there.index_select(0, here.long()),
    ],
)
def test_operations_on_both_sides_are_refused(mixture):
    with pytest.raises(RuntimeError, match="at least two devices"):
        mixture(torch.ones(3), torch.ones(3).cuda())


def test_what_a_real_device_lets_through_goes_through(device):
    here, there = torch.arange(3), torch.arange(3.0).cuda()
    assert (there * here.float().sum()).tolist() == [0, 3, 6]  # a number
    assert there[here.flip(0)].device == device  # indices
    there.copy_(here)
    torch.ones(3).copy_(there)


def test_numpy_and_generators_are_refused_as_on_a_real_device(device):
    with pytest.raises(TypeError, match="can't convert"):
        torch.ones(3).cuda().numpy()
    with pytest.raises(RuntimeError, match="device type for generator"):
        torch.rand(3, generator=torch.Generator(), device=device)


def test_modules_move_and_train_there(device):
    module = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.LSTM(4, 2)).to(device)
    assert {value.device for value in module.state_dict().values()} == {device}
    module(torch.ones(2, 1, 6, device=device))[0].sum().backward()
    assert all(parameter.grad.device == device for parameter in module.parameters())
    with pytest.raises(RuntimeError, match="at least two devices"):
        module(torch.ones(2, 1, 6))


def test_gradients_come_back_to_where_an_input_was(device):
    here = torch.ones(3, requires_grad=True)
    (here.to(device) * torch.arange(3.0, device=device)).sum().backward()
    assert here.grad.device.type == "cpu"
    assert here.grad.tolist() == [0, 1, 2]


def test_nothing_is_pretended_outside():
    with pretended_device():
        pass
    assert torch.ones(3).device.type == "cpu"


def test_every_test_of_a_gpu_has_a_twin_without_one():
    words = ("mark.gpu", "cuda.is_available")
    texts = {path.name: path.read_text() for path in ROOT.glob("tests/*.py")}
    marked = {name for name, text in texts.items() if any(word in text for word in words)}
    assert marked - {Path(__file__).name} == {"conftest.py"}, "take the fixture `accelerator`"


@pytest.mark.parametrize(
    ("work", "waits"),
    [
        (lambda there: there * 2 + there.sum(), 0),
        (lambda there: there[torch.tensor([0, 2])], 0),
        (lambda there: float(there.sum()), 1),
        (lambda there: bool((there > 0).all()), 1),
        (lambda there: there.cpu(), 1),
        (lambda there: there[there > 0], 1),
    ],
)
def test_what_waits_for_the_device_is_counted(work, waits, device):
    there = torch.arange(3.0, device=device)
    WAITS.clear()
    work(there)
    assert len(WAITS) == waits
