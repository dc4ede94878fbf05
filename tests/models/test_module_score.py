import copy

import pytest
import torch
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.models.layers import find_layers, maps_of_layer
from daxaudio.models.module_score import ModuleScore, cudnn_fit_for_gradients, module_score


def score_of(module, index=0, batch_size=64):
    module.eval()
    return ModuleScore(
        module, index, lambda inputs: module(inputs).softmax(-1), batch_size=batch_size
    )


def linear():
    """Logits `[N, 3]` of inputs `[N, 2, 4]`."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(8, 3))


def picture(*shape):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    return Spectrogram(values, torch.arange(float(shape[0])), torch.arange(float(shape[1])))


class Through(nn.Module):
    """A module out of a function; `parts` are its submodules."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, inputs):
        return self.function(self, inputs)


# gradients by the input


def test_gradient_of_a_logit_is_the_row_of_a_linear_layer():
    module = linear()
    found = score_of(module, 1).gradients(torch.randn(5, 2, 4))
    torch.testing.assert_close(found, module[1].weight[1].reshape(2, 4).expand(5, -1, -1))


def test_gradient_of_a_probability_follows_the_softmax():
    module, inputs = linear(), torch.randn(5, 2, 4)
    p = module(inputs).softmax(-1)  # dp1 = p1 (w1 - sum_c p_c w_c)
    expected = p[:, 1:2] * (module[1].weight[1] - p @ module[1].weight)
    found = score_of(module, 1).gradients(inputs, "probability")
    torch.testing.assert_close(found.flatten(1), expected.detach())


def test_values_are_logits_or_probabilities():
    module, inputs = linear(), torch.randn(5, 2, 4)
    score, logits = score_of(module, 2, batch_size=2), module(inputs).detach()
    torch.testing.assert_close(score.values(inputs), logits[:, 2])
    torch.testing.assert_close(score.values(inputs, "probability"), logits.softmax(-1)[:, 2])


def test_mean_gradient_takes_inputs_as_it_needs_them():
    taken, seen = [], []

    def inputs():
        for step in range(5):
            taken.append(step)
            yield torch.full((2, 4), float(step))

    def square(module, batch):
        seen.append((len(batch), len(taken)))
        return batch.square().sum(dim=2)

    weights = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.5])
    found = score_of(Through(square), batch_size=2).mean_gradient(inputs(), weights)
    # 2x at x = 1 and x = 4, in the row of the class
    torch.testing.assert_close(found, torch.tensor([[6.0], [0.0]]).expand(2, 4))
    assert seen == [(2, 2), (2, 4), (1, 5)]


def test_batches_are_halved_until_they_fit_into_memory():
    seen = []

    def small(module, batch):
        seen.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return batch.square().sum(dim=2)

    inputs = torch.randn(5, 2, 4)
    found = score_of(Through(small)).gradients(inputs)
    torch.testing.assert_close(found[:, 0], 2 * inputs[:, 0])
    assert seen == [5, 2, 2, 1]


def test_an_error_that_is_not_memory_is_let_through():
    def broken(module, batch):
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        score_of(Through(broken)).gradients(torch.randn(5, 2, 4))


def test_input_survives_a_module_that_writes_into_it():
    inputs = torch.randn(2, 2, 4)
    before = inputs.clone()
    score = score_of(Through(lambda module, batch: batch.mul_(3).sum(dim=2)))
    torch.testing.assert_close(score.gradients(inputs)[:, 0], torch.full((2, 4), 3.0))
    score.values(inputs)
    assert torch.equal(inputs, before)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_gradients_do_not_depend_on_the_caller_s_mode(around):
    module = linear()
    with around():
        found = score_of(module).gradients(torch.ones(1, 2, 4))
    torch.testing.assert_close(found[0].flatten(), module[1].weight[0])


def test_gradients_are_taken_in_float32_under_autocast():
    module = linear()
    plain = score_of(module).gradients(torch.ones(1, 2, 4))
    with torch.autocast("cpu", torch.bfloat16):
        found = score_of(module).gradients(torch.ones(1, 2, 4))
        value = score_of(module).values(torch.ones(1, 2, 4))
    assert torch.equal(found, plain)
    assert torch.equal(value, score_of(module).values(torch.ones(1, 2, 4)))


def test_all_flags_are_as_they_were_also_after_an_error():
    seen = []

    def broken(module, batch):
        seen.extend(parameter.requires_grad for parameter in module.parameters())
        seen.extend(part.training for part in module.modules())
        module.norm(batch[:, 0])
        raise KeyError

    module = Through(broken, norm=nn.BatchNorm1d(2), layer=nn.Linear(2, 2), drop=nn.Dropout())
    score = score_of(module)
    module.train()
    module.layer.eval()
    module.layer.bias.requires_grad_(False)
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(KeyError):
        score.gradients(torch.randn(3, 1, 2))
    assert len(seen) == 8
    assert not any(seen)
    assert [parameter.requires_grad for parameter in module.parameters()] == [*[True] * 3, False]
    assert [part.training for part in module.modules()] == [True, True, False, True]
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_only_recurrent_layers_on_a_gpu_go_without_cudnn():
    enabled, cuda = torch.backends.cudnn.enabled, torch.device("cuda")
    recurrent = nn.Sequential(nn.Conv1d(2, 2, 1), nn.Sequential(nn.GRU(2, 2)))
    with cudnn_fit_for_gradients(recurrent, cuda):
        assert not torch.backends.cudnn.enabled
    for module, device in ((nn.Conv1d(2, 2, 1), cuda), (recurrent, torch.device("cpu"))):
        with cudnn_fit_for_gradients(module, device):
            assert torch.backends.cudnn.enabled == enabled
    assert torch.backends.cudnn.enabled == enabled


@pytest.mark.parametrize("give", [lambda x: x.mean(), lambda x: x.sum(2)[:1], lambda x: x])
def test_logits_of_another_shape_are_refused(give):
    score = score_of(Through(lambda module, batch: give(batch)))
    with pytest.raises(ValueError, match=r"must give logits \[N, C\]: 3 inputs"):
        score.gradients(torch.randn(3, 2, 4))


def test_a_class_beyond_the_logits_is_refused():
    with pytest.raises(ValueError, match="more than 7 classes"):
        score_of(linear(), 7).values(torch.randn(3, 2, 4))


def test_a_module_that_detaches_is_refused():
    score = score_of(Through(lambda module, batch: batch.detach().sum(dim=2)))
    with pytest.raises(ValueError, match="no gradient: it detaches"):
        score.gradients(torch.randn(3, 2, 4))


def test_a_score_that_can_only_be_asked_is_refused():
    with pytest.raises(TypeError, match=r"needs the module.*use BlackBox.score_fn"):
        module_score(lambda inputs: inputs.mean(dim=(1, 2)))


# layers


def convolutions():
    """Registers the layer that runs last first."""
    return Through(
        lambda module, batch: module.last(module.inner.first(batch[:, None])).mean(dim=(2, 3)),
        last=nn.Conv2d(2, 3, 3, padding=1),
        inner=nn.ModuleDict({"first": nn.Conv2d(1, 2, 3, padding=1), "unused": nn.Conv2d(1, 2, 3)}),
    )


def recurrent(batch_first):
    def forward(module, batch):
        frames = batch.transpose(1, 2) if batch_first else batch.permute(2, 0, 1)
        return module.head(module.rnn(frames)[0].mean(dim=1 if batch_first else 0))

    rnn = nn.LSTM(6, 4, bidirectional=True, batch_first=batch_first)
    return Through(forward, rnn=rnn, head=nn.Linear(8, 2))


def test_default_layer_is_the_last_convolution_that_runs():
    assert maps_of_layer(picture(6, 9), score_of(convolutions())).name == "last"


def test_named_layer_is_taken():
    maps = maps_of_layer(picture(6, 9), score_of(convolutions()), "inner.first")
    assert (maps.name, maps.activations.shape) == ("inner.first", (2, 6, 9))


@pytest.mark.parametrize("batch_first", [True, False])
def test_recurrent_layer_gives_units_as_channels_over_time(batch_first):
    module, shown = recurrent(batch_first), picture(6, 9)
    maps = maps_of_layer(shown, score_of(module))
    frames = shown.values.T[None] if batch_first else shown.values.T[:, None]
    expected = module.rnn(frames)[0].reshape(9, 8).T[:, None]
    torch.testing.assert_close(maps.activations, expected)
    # the head's weight of each unit, shared out by the mean over time
    weights = module.head.weight[0][:, None, None] / 9
    torch.testing.assert_close(maps.gradients, weights.expand(8, 1, 9))


def test_convolution_over_time_gives_a_map_over_time():
    module = nn.Sequential(nn.Conv1d(6, 3, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    assert maps_of_layer(picture(6, 9), score_of(module)).activations.shape == (3, 1, 7)


def test_a_convolution_goes_before_a_recurrent_layer():
    def forward(module, batch):
        return module.rnn(module.conv(batch).transpose(1, 2))[0].mean(dim=1)

    rnn = nn.GRU(3, 2, batch_first=True)
    module = Through(forward, rnn=rnn, conv=nn.Conv1d(6, 3, 1))
    assert maps_of_layer(picture(6, 9), score_of(module)).name == "conv"
    assert maps_of_layer(picture(6, 9), score_of(module), "rnn").name == "rnn"


def test_an_in_place_relu_behind_the_layer_does_not_change_its_maps():
    torch.manual_seed(0)
    modules = [
        nn.Sequential(
            nn.Unflatten(1, (1, 6)),
            nn.Conv2d(1, 4, 3),
            nn.ReLU(inplace=in_place),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        for in_place in (False, True)
    ]
    modules[1].load_state_dict(modules[0].state_dict())
    plain, in_place = (maps_of_layer(picture(6, 9), score_of(module)) for module in modules)
    assert plain.activations.min() < 0
    assert torch.equal(in_place.activations, plain.activations)
    assert torch.equal(in_place.gradients, plain.gradients)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lost", r"layer 'lost' does not exist; choose from last, inner.first, inner.unused$"),
        ("inner", r"layer inner does not run in the forward pass"),
        ("inner.unused", r"layer inner.unused does not run in the forward pass"),
    ],
)
def test_a_wrong_layer_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        maps_of_layer(picture(6, 9), score_of(convolutions()), name)


def test_a_long_list_of_layers_names_the_last():
    module = nn.Sequential(*(nn.Conv1d(1, 1, 1) for _ in range(100)))
    with pytest.raises(ValueError, match=r"choose from \(88 earlier ones\), 88, 89, .*, 99$"):
        find_layers(module, "none")


def test_a_module_without_such_a_layer_is_refused():
    with pytest.raises(ValueError, match="holds no convolution and no recurrent layer"):
        find_layers(linear())


def test_windows_inside_the_module_are_refused():
    def forward(module, batch):
        windows = batch.unflatten(2, (3, 3)).transpose(1, 2).flatten(0, 1)
        return module.conv(windows).mean(dim=2).unflatten(0, (-1, 3)).mean(dim=1)

    module = Through(forward, conv=nn.Conv1d(6, 2, 1))
    with pytest.raises(ValueError, match=r"'conv' gives \(3, 2, 3\) for 1 input, another"):
        maps_of_layer(picture(6, 9), score_of(module))


def test_a_layer_that_counts_by_its_last_state_only_is_refused():
    module = Through(
        lambda module, batch: module.rnn(batch.transpose(1, 2))[1][0],
        rnn=nn.GRU(6, 2, batch_first=True),
    )
    with pytest.raises(ValueError, match="does not depend on the output of layer 'rnn'"):
        maps_of_layer(picture(6, 9), score_of(module))


def test_packed_sequences_are_refused():
    def forward(module, batch):
        frames = batch.transpose(1, 2)
        packed = nn.utils.rnn.pack_padded_sequence(frames, [9] * len(frames), batch_first=True)
        output = module.rnn(packed)[0]
        return nn.utils.rnn.pad_packed_sequence(output, batch_first=True)[0].mean(dim=1)

    module = Through(forward, rnn=nn.GRU(6, 2, batch_first=True))
    with pytest.raises(ValueError, match="'rnn' gives packed sequences"):
        maps_of_layer(picture(6, 9), score_of(module))


def test_hooks_are_gone_also_after_an_error():
    def broken(module, batch):
        module.conv(batch)
        raise RuntimeError("broken")

    whole = nn.Sequential(nn.Conv1d(6, 3, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    maps_of_layer(picture(6, 9), score_of(whole))
    module = Through(broken, conv=nn.Conv1d(6, 2, 1))
    with pytest.raises(RuntimeError, match="broken"):
        maps_of_layer(picture(6, 9), score_of(module))
    for layer in (whole[0], module.conv):
        assert not layer._forward_hooks
        assert layer.weight.requires_grad
