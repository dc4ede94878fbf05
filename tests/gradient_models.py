"""Networks whose gradients are asked for, and the score of a class of them."""

import torch
import torch.nn.functional as F
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.models.module_score import ModuleScore
from daxaudio.models.resnet import SpectrogramResNet


class BlstmOverFrames(nn.Module):
    """Mean over time of a BLSTM's output, then a linear layer."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(64, 8, bidirectional=True, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, spectrograms):
        return self.head(self.rnn(spectrograms.transpose(1, 2))[0].mean(dim=1))


class ManyRelus(nn.Module):
    """Convolutions with in-place, functional and method ReLUs."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        )
        self.second = nn.Conv2d(4, 6, 3, stride=2)
        self.third = nn.Conv2d(6, 8, 3, stride=2)
        self.head = nn.Linear(8, 3)

    def forward(self, spectrograms):
        found = F.relu(self.second(self.first(spectrograms[:, None])))
        return self.head(self.third(found).relu_().mean(dim=(2, 3)))


class InsideAndOutside(nn.Module):
    """Class 0: the mean level inside the toy's rectangle; class 1: outside of it."""

    def __init__(self, inside):
        super().__init__()
        self.register_buffer("places", torch.stack([inside, ~inside]).float())
        self.unit = nn.Conv2d(2, 2, 1, bias=False)
        self.unit.weight.data = torch.eye(2)[:, :, None, None]

    def forward(self, spectrograms):
        levels = (spectrograms[:, None] + 60) / 5 * self.places
        return F.relu(self.unit(levels)).sum(dim=(2, 3)) / self.places.sum(dim=(1, 2))


def score_of(module, index=1, batch_size=64):
    module.eval()

    def ask(inputs):
        with torch.no_grad():
            return module(inputs.to(next(module.parameters(), inputs))).softmax(dim=-1)

    return ModuleScore(module, index, ask, batch_size=batch_size)


def make(network):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return network()


def resnet():
    return SpectrogramResNet(3, depth=18, width=16, mean=-40.0, std=20.0)


MODULES = {"resnet": make(resnet), "blstm": make(BlstmOverFrames), "relus": make(ManyRelus)}


def noise_clip():
    """A spectrogram of noise, of 64 bins and 61 frames."""
    values = 20 * torch.randn(64, 61, generator=torch.Generator().manual_seed(1)) - 40
    return Spectrogram(values, torch.arange(64.0), torch.arange(61.0), "clip")
