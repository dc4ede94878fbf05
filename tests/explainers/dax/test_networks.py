import pytest
import torch

from daxaudio.explainers.dax.networks import MaskNetwork, NarrowConv2d, Student, soft_histogram
from daxaudio.explainers.dax.polarity import SHARES, check_polarity


def test_mask_has_the_size_of_its_input_and_lies_in_0_1():
    masks = MaskNetwork()(10 * torch.randn(3, 17, 31)).detach()
    assert masks.shape == (3, 17, 31)
    assert float(masks.min()) >= 0
    assert float(masks.max()) <= 1


def test_mask_network_moves_with_its_input():
    network = MaskNetwork(channels=4)
    inputs = torch.zeros(1, 32, 64)
    inputs[0, 10:14, 20:26] = 1.0
    moved = torch.roll(inputs, (3, 9), dims=(1, 2))
    with torch.no_grad():
        expected = torch.roll(network(inputs), (3, 9), dims=(1, 2))[0, 8:24, 16:56]
        torch.testing.assert_close(network(moved)[0, 8:24, 16:56], expected)


@pytest.mark.parametrize(
    ("name", "layers"), [("2cnn_1fc", (2, 1)), ("2fc", (0, 2)), ("2cnn_2fc", (2, 2))]
)
def test_student_has_the_layers_of_its_name_and_scores_in_0_1(name, layers):
    student = Student((16, 24), name)
    kinds = [type(module).__name__ for module in student.modules()]
    assert (kinds.count("NarrowConv2d"), kinds.count("Linear")) == layers
    scores = student(50 * torch.randn(5, 16, 24)).detach()
    assert scores.shape == (5,)
    assert float(scores.min()) >= 0
    assert float(scores.max()) <= 1


def test_unknown_student_and_tiny_input_are_refused():
    with pytest.raises(ValueError, match="student must be"):
        Student((16, 24), "3fc")
    with pytest.raises(ValueError, match="at least 4 x 4"):
        Student((16, 3), "2cnn_1fc")
    with pytest.raises(ValueError, match="odd"):
        MaskNetwork(kernel_size=4)


def test_histogram_sums_to_one_and_agrees_with_counts_at_bin_centres():
    scores = torch.tensor([0.05] * 3 + [0.55] * 1)
    shares = soft_histogram(scores, n_bins=10, width=0.01)
    assert float(shares.sum()) == pytest.approx(1.0)
    assert float(shares[0]) == pytest.approx(0.75, abs=1e-3)
    assert float(shares[5]) == pytest.approx(0.25, abs=1e-3)


def test_histogram_lets_gradients_through():
    scores = torch.tensor([0.3, 0.7], requires_grad=True)
    (soft_histogram(scores) * torch.arange(10.0)).sum().backward()
    assert bool((scores.grad != 0).all())


def event_score(inputs):
    """Mean of frames 4 to 7, where the event is."""
    return inputs[:, :, 4:8].mean(dim=(1, 2))


def masks_and_values():
    values = torch.zeros(3, 12)
    values[:, 4:8] = 1.0
    return values.clone(), values


def test_mask_on_the_event_is_upright_and_its_complement_is_not():
    mask, values = masks_and_values()
    background = torch.zeros_like(values)
    assert check_polarity(mask, values, background, event_score).upright
    found = check_polarity(1 - mask, values, background, event_score)
    assert not found.upright
    assert found.score_of_low > found.score_of_high
    assert found.n_queries == 18 == 2 * len(SHARES)


def test_answer_that_is_not_a_number_is_an_error():
    mask, values = masks_and_values()
    with pytest.raises(ValueError, match="NaN"):
        check_polarity(mask, values, 0 * values, lambda x: torch.full((len(x),), float("nan")))


def test_flat_black_box_leaves_the_mask_as_it_is():
    mask, values = masks_and_values()
    assert check_polarity(1 - mask, values, 0 * values, lambda x: torch.ones(len(x))).upright


@pytest.mark.parametrize("channels", [(1, 32), (32, 1), (1, 1), (1, 8)])
@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("shape", [(24, 60), (5, 4), (9, 1)])
def test_narrow_convolutions_by_columns_are_convolutions(channels, kernel, shape):
    torch.manual_seed(0)
    layer = NarrowConv2d(*channels, kernel, padding=kernel // 2).double()
    found, expected = [], []
    for results, run in ((found, layer.by_columns), (expected, layer.forward)):
        inputs = torch.randn(3, channels[0], *shape, dtype=torch.float64)
        inputs = inputs.copy_(torch.linspace(-1, 1, inputs.numel()).view_as(inputs).sin())
        inputs.requires_grad_()
        output = run(inputs)
        layer.zero_grad()
        (output * output.detach().cos()).sum().backward()
        results += [
            output.detach(),
            inputs.grad,
            layer.weight.grad.clone(),
            layer.bias.grad.clone(),
        ]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_networks_answer_alike_on_an_accelerator(accelerator):
    torch.manual_seed(0)
    inputs = torch.randn(4, 16, 30)
    for network in (MaskNetwork(), Student((16, 30))):
        here = network(inputs)
        there = network.to(accelerator)(inputs.to(accelerator))
        torch.testing.assert_close(there.cpu(), here, atol=1e-5, rtol=1e-4)
