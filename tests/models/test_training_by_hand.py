"""Steps of the training of classifiers on numbers that are worked out by hand."""

import math

import pytest
import torch
from torch import nn

from daxaudio.containers import Recording
from daxaudio.features.frontends import LogMel
from daxaudio.models import examples, training
from daxaudio.models.augmentation import Augmentation, _beta, crop
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.models.training import Trainer, TrainingSettings
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16)
PLAIN = Augmentation(padding_probability=0, frequency_mask=0, time_mask=0, mixup_alpha=0)


def recordings(n=8):
    waves = torch.randn(n, 2000, generator=generator(0, "noise"))
    return [Recording(wave[None], 8000, f"r{i}") for i, wave in enumerate(waves)]


class Known(nn.Module):
    """Always says class 1, and has one weight that does not count."""

    def __init__(self):
        super().__init__()
        self.settings = {"kind": "known", "n_classes": 2}
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs):
        return torch.tensor([0.0, 3.0]).expand(len(inputs), 2) + 0 * self.weight


def trainer(**settings):
    length = TrainingSettings(batch_size=3, label_smoothing=0.0, **settings)
    return Trainer(Known(), FRONT_END, length, PLAIN)


def test_accuracy_and_loss_are_means_over_all_examples():
    # 6 of 8 are of class 1; batches of 3, 3 and 2
    (row,) = trainer(epochs=1).run(recordings(), [1, 1, 1, 1, 1, 1, 0, 0])
    assert row["accuracy"] == 6 / 8
    right, wrong = math.log(1 + math.exp(-3)), math.log(1 + math.exp(3))
    assert row["loss"] == pytest.approx((6 * right + 2 * wrong) / 8, rel=1e-5)


def test_every_epoch_sees_all_examples_in_an_order_of_its_own(monkeypatch):
    seen = []

    class Watched(examples.WholeRecordings):
        def batch(self, chosen, step):
            seen.append((self.epoch, chosen))
            return super().batch(chosen, step)

    monkeypatch.setattr(training, "WholeRecordings", Watched)
    trainer(epochs=3).run(recordings(), [0, 1] * 4)
    orders = [[i for own, part in seen if own == epoch for i in part] for epoch in range(3)]
    assert all(sorted(order) == list(range(8)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3


def test_the_network_sees_levels_in_units_of_its_mean_and_deviation():
    torch.manual_seed(0)
    scaled = SpectrogramResNet(2, depth=10, width=4, mean=-40.0, std=20.0).eval()
    plain = SpectrogramResNet(2, depth=10, width=4).eval()
    plain.network.load_state_dict(scaled.network.state_dict())
    levels = 20 * torch.randn(3, 16, 20, generator=generator(1)) - 40
    torch.testing.assert_close(scaled(levels), plain((levels + 40) / 20))


def test_what_is_hidden_becomes_the_mean_of_the_spectrogram():
    hiding = Augmentation(padding_probability=0, frequency_mask=6, time_mask=6, mixup_alpha=0)
    recording = recordings(1)[0]
    plain = FRONT_END.spectrogram(recording).values
    hidden = 0
    for seed in range(10):
        found = hiding.spectrogram(recording, FRONT_END, seed)
        changed = found != plain
        torch.testing.assert_close(found[changed], plain.mean().expand(int(changed.sum())))
        hidden += int(changed.sum())
    assert hidden > 0


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_of_mixing_are_drawn_from_beta(alpha):
    random = generator(2)
    drawn = torch.tensor([_beta(alpha, random) for _ in range(4000)])
    assert float(drawn.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(drawn.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.08)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sample_of_either_sign_becomes_1(sign):
    front_end = LogMel(8000, 256, 128, 16, top_db=200, peak_normalise=True)
    wave = 0.1 * torch.randn(2000, generator=generator(3)).clamp(-1, 1)
    wave[1000] = 0.5 * sign
    found = front_end.spectrogram(Recording(wave[None], 8000, "a")).values
    torch.testing.assert_close(found, front_end(2 * wave))


def test_inputs_and_targets_are_mixed_alike_by_the_same_share_of_the_same_partner():
    mixing, targets = Augmentation(mixup_alpha=0.4), torch.eye(6)
    batch = targets[:, :, None].expand(6, 6, 4)  # each input shows its own target
    n_mixed = 0
    for seed in range(10):
        mixed, soft = mixing.mix(batch, targets, generator(seed, "mix"))
        torch.testing.assert_close(mixed[:, :, 0], soft)
        n_mixed += int(((soft > 0.05) & (soft < 0.95)).sum())
    assert n_mixed > 20


def test_no_stretch_is_shorter_than_its_share_of_the_frames():
    values = torch.zeros(2, 11)  # 80 % are 8.8 frames
    assert {crop(values, seed).shape[1] for seed in range(60)} == {9, 10, 11}


@pytest.mark.parametrize("alpha", [-0.2, 1e-9, 20.0, math.nan, math.inf])
def test_mixing_that_would_be_drawn_for_minutes_is_refused(alpha):
    with pytest.raises(ValueError, match=r"mixup_alpha must be 0, or lie from 0\.01 to 4"):
        Augmentation(mixup_alpha=alpha)
