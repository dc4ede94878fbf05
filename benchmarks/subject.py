"""What every benchmark measures on: a model and a spectrogram of 64 x 480 when none is given."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from daxaudio.containers import Spectrogram
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, load_black_box
from daxaudio.models.resnet import SpectrogramResNet


def make_parser(text: str) -> argparse.ArgumentParser:
    """`--model`, `--audio`, `--queries`, `--repeats`, `--threads`, `--device`."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--model", help="folder of a trained model (default: untrained ResNet-18)")
    parser.add_argument("--audio", help="recording to explain (default: noise, 64 x 480)")
    parser.add_argument("--queries", type=int, default=1000, help="black-box evaluations")
    parser.add_argument("--repeats", type=int, default=3, help="the median of so many is taken")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    return parser


def load(arguments: argparse.Namespace, **settings: object) -> tuple[BlackBox, Spectrogram]:
    """The black box and the spectrogram that the arguments ask for."""
    torch.set_num_threads(arguments.threads)
    settings = {"device": arguments.device, **settings}
    if arguments.model:
        black_box = load_black_box(arguments.model, **settings)
    else:
        torch.manual_seed(0)
        depth = getattr(arguments, "depth", None) or 18
        module = SpectrogramResNet(10, depth=depth, mean=-20.0, std=15.0)
        _spread_scores(module)
        black_box = BlackBox(module, LogMel(), [str(i) for i in range(10)], **settings)
    if arguments.audio:
        from daxaudio.data.audio import read_recording  # GPU machines may lack libraries for sound

        recording = read_recording(arguments.audio)
        spectrogram = black_box.front_end.spectrogram(recording)
    else:
        frames = getattr(arguments, "frames", None) or 480
        values = 15 * torch.randn(64, frames, generator=torch.Generator().manual_seed(0)) - 20
        spectrogram = Spectrogram(values, torch.arange(64.0), torch.arange(frames) * 0.023)
    return black_box, spectrogram.to(arguments.device)


@torch.no_grad()
def _spread_scores(module: SpectrogramResNet) -> None:
    """Make the scores of an untrained network vary, as those that are explained do."""
    noise = torch.randn(4, 64, 240, generator=torch.Generator().manual_seed(1))
    levels = torch.tensor([2.0, 6.0, 10.0, 14.0])[:, None, None] * noise - 20
    logits = module.eval()(levels)
    output = module.network.fc
    output.weight /= logits.std()
    output.bias -= (logits / logits.std()).mean(dim=0)


def seconds_of(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock time."""
    times = []
    for _ in range(repeats):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
