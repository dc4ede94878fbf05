import pytest
import torch
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.features.frontends import LogMel
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.blackbox import BlackBox, load_black_box, save_black_box
from daxaudio.models.resnet import SpectrogramResNet

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16)


class BandMeans(nn.Module):
    """Logits are the mean levels of the lower and the upper half; notes the batches it saw."""

    def __init__(self, most=10**9):
        super().__init__()
        self.most, self.sizes, self.grad_modes = most, [], []

    def forward(self, spectrograms):
        if len(spectrograms) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        self.sizes.append(len(spectrograms))
        self.grad_modes.append(torch.is_grad_enabled())
        half = spectrograms.shape[1] // 2
        return torch.stack([spectrograms[:, :half], spectrograms[:, half:]], 1).mean((2, 3))


def inputs(n=10):
    return torch.randn(n, 16, 20, generator=torch.Generator().manual_seed(0))


def resnet_box(**settings):
    torch.manual_seed(0)
    module = SpectrogramResNet(3, depth=10, width=8, mean=-30.0, std=12.0)
    return BlackBox(module, FRONT_END, ["a", "b", "c"], **settings)


def test_score_is_the_softmax_of_the_chosen_class():
    box = BlackBox(BandMeans(), FRONT_END, ["low", "high"])
    x = inputs()
    expected = torch.softmax(torch.stack([x[:, :8], x[:, 8:]], 1).mean((2, 3)), 1)[:, 1]
    torch.testing.assert_close(box.score_fn("high")(x), expected)


def test_batches_are_no_larger_than_asked_and_do_not_change_scores():
    small, large = BandMeans(), BandMeans()
    a = BlackBox(small, FRONT_END, ["low", "high"], batch_size=4).probabilities(inputs())
    b = BlackBox(large, FRONT_END, ["low", "high"], batch_size=64).probabilities(inputs())
    assert small.sizes == [4, 4, 2]
    assert large.sizes == [10]
    torch.testing.assert_close(a, b)


def test_every_input_counts_as_one_query():
    box = BlackBox(BandMeans(), FRONT_END, ["low", "high"], batch_size=3)
    box.probabilities(inputs(10))
    box.score_fn("low")(inputs(5))
    assert box.n_queries == 15


def test_batch_is_halved_when_memory_runs_out_and_stays_so():
    module = BandMeans(most=3)
    box = BlackBox(module, FRONT_END, ["low", "high"], batch_size=16)
    scores = box.probabilities(inputs(10))
    assert box.passes.size == 2
    assert max(module.sizes) <= 3
    assert sum(module.sizes) == box.n_queries == 10
    torch.testing.assert_close(
        scores, BlackBox(BandMeans(), FRONT_END, ["low", "high"]).probabilities(inputs(10))
    )


def test_one_input_that_does_not_fit_is_an_error():
    box = BlackBox(BandMeans(most=0), FRONT_END, ["low", "high"])
    with pytest.raises(RuntimeError, match="out of memory"):
        box.probabilities(inputs(4))


def test_other_errors_are_not_taken_for_missing_memory():
    box = BlackBox(nn.Linear(3, 2), FRONT_END, ["low", "high"])
    with pytest.raises(RuntimeError, match="shapes"):
        box.probabilities(inputs(4))
    assert box.passes.size == 64


def test_no_gradient_is_kept_but_scores_may_be_used_in_autograd():
    module = BandMeans()
    scores = BlackBox(module, FRONT_END, ["low", "high"]).score_fn("low")(inputs())
    assert module.grad_modes == [False]
    weight = torch.ones(10, requires_grad=True)
    (weight * scores).sum().backward()
    torch.testing.assert_close(weight.grad, scores)


def test_bf16_scores_are_close_to_fp32_and_float32():
    x = 12 * inputs(4).repeat(1, 2, 2) - 30
    exact, half = (resnet_box(precision=p).probabilities(x) for p in ("fp32", "bf16"))
    assert half.dtype == torch.float32
    assert not torch.equal(exact, half)
    torch.testing.assert_close(exact, half, atol=0.02, rtol=0)


def test_saved_model_gives_the_same_scores(tmp_path):
    box = resnet_box(training={"seed": 3})
    box.module.network.bn1.running_mean += 0.1
    save_black_box(box, tmp_path)
    again = load_black_box(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "model.yaml"]
    assert list(again.class_names) == ["a", "b", "c"]
    assert again.training == {"seed": 3}
    assert again.front_end.settings == FRONT_END.settings
    assert torch.equal(box.probabilities(inputs()), again.probabilities(inputs()))


@pytest.mark.parametrize("length", [1, 7, 33, 250])
def test_resnet_takes_any_length(length):
    scores = resnet_box().probabilities(torch.randn(2, 16, length))
    torch.testing.assert_close(scores.sum(1), torch.ones(2))


def test_resnet_sees_levels_relative_to_its_normalisation():
    module = SpectrogramResNet(3, depth=10, width=8, mean=-30.0, std=12.0).eval()
    plain = SpectrogramResNet(3, depth=10, width=8).eval()
    plain.network.load_state_dict(module.network.state_dict())
    torch.testing.assert_close(module(12 * inputs() - 30), plain(inputs()))


def test_predict_names_the_class_of_the_highest_score():
    values = torch.zeros(16, 20)
    values[8:] = 4.0
    spectrogram = Spectrogram(values, torch.arange(16.0), torch.arange(20.0))
    name, score = BlackBox(BandMeans(), FRONT_END, ["low", "high"]).predict(spectrogram)
    assert name == "high"
    assert score == pytest.approx(1 / (1 + 2.718281828**-4), abs=1e-5)


def test_bad_settings_and_classes_are_refused():
    with pytest.raises(ValueError, match="two or more different class names"):
        BlackBox(BandMeans(), FRONT_END, ["a", "a"])
    with pytest.raises(ValueError, match="precision"):
        BlackBox(BandMeans(), FRONT_END, ["a", "b"], precision="fp8")
    with pytest.raises(ValueError, match="it knows low, high"):
        BlackBox(BandMeans(), FRONT_END, ["low", "high"]).score_fn("cat")
    with pytest.raises(ValueError, match="depth must be one of"):
        SpectrogramResNet(3, depth=19)


def test_folder_without_a_model_or_with_a_broken_one_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no model\.safetensors here"):
        load_black_box(tmp_path)
    save_black_box(resnet_box(), tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not of a model that daxaudio wrote"):
        load_black_box(tmp_path)


def test_missing_imagenet_weights_are_a_clear_error(monkeypatch, tmp_path):
    import torchvision

    def refuse(*_, **__):
        raise OSError("no network")

    weights = torchvision.models.get_model_weights("resnet18").DEFAULT
    monkeypatch.setattr(type(weights), "get_state_dict", refuse)
    with pytest.raises(ValueError, match=r"ImageNet weights of ResNet-18 cannot be fetched"):
        SpectrogramResNet(3, imagenet=True)


def test_same_scores_on_an_accelerator(accelerator):
    x = inputs()
    expected = resnet_box(precision="fp32").probabilities(x)
    found = resnet_box(device=accelerator, precision="fp32").probabilities(x)
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), expected, atol=1e-3, rtol=0)


# answers that are remembered


def test_a_batch_is_asked_once_for_every_class():
    box = BlackBox(BandMeans(), FRONT_END, ["low", "high"])
    ask, x = AskOnce(box), inputs(5)
    low, high = (box.score_fn(name, ask)(x) for name in ("low", "high"))
    assert box.n_queries == 5
    torch.testing.assert_close(low + high, torch.ones(5))
    assert torch.equal(low, box.score_fn("low")(x))


def test_another_batch_is_asked_anew_on_an_accelerator_too(accelerator):
    box = BlackBox(BandMeans(), FRONT_END, ["low", "high"], device=accelerator)
    ask, x = AskOnce(box), inputs(5).to(accelerator)
    one_bit = x.clone()
    one_bit.view(torch.int32)[4, 15, 19] ^= 1
    batches = [x, x.flip(0), one_bit, x[:4], x.flatten(1).view(5, 20, 16), x.view(10, 8, 20)]
    for batch in batches:
        ask(batch)
    n_queries = box.n_queries
    assert len(ask.answers) == 6
    for batch in batches:
        ask(batch.clone())
    assert box.n_queries == n_queries


def test_another_batch_is_asked_anew():
    box = BlackBox(BandMeans(), FRONT_END, ["low", "high"])
    ask, x = AskOnce(box), inputs(5)
    ask(x)
    ask(x.flip(0))
    ask(x + 1e-6)
    assert box.n_queries == 15
