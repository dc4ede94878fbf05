"""easybird's detector of birds as a function, `easybird_model:hear_birds`.

The network takes the logarithm of 80 triangular mel filters of frames of 25 ms, as the package
`python_speech_features` makes them, with the mean of each filter over the recording removed. That
package takes one recording at a time, so the features are made here, for a batch. The environment
variable `DAXAUDIO_PRETRAINED` names the folder in which the package easybird was unpacked.
"""

import functools
import os
from pathlib import Path

import torch

SAMPLE_RATE, N_FFT, FRAME, STEP, N_FILTERS = 16000, 2048, 400, 160, 80
F_MIN, F_MAX = 50.0, 8000.0


def hear_birds(waveforms):
    """Logits `[N, 2]` of no bird and bird, of waveforms `[N, S]` at 16 kHz."""
    with torch.no_grad():
        return _network()(bird_features(torch.as_tensor(waveforms).float()))


hear_birds.classes = ["nothing", "bird"]
hear_birds.sample_rate = SAMPLE_RATE
hear_birds.batch_size = 4  # what stays in a processor's caches: 32 at once take twice as long


@functools.cache
def _network():
    path = Path(os.environ["DAXAUDIO_PRETRAINED"]) / "easybird" / "models" / "jit_bad.pt"
    network = torch.jit.load(str(path), map_location="cpu").eval()
    return torch.jit.optimize_for_inference(network)


def bird_features(waveforms):
    """Log filter banks `[N, T, 80]` of waveforms `[N, S]`, their mean over time removed."""
    first = waveforms[:, :1]
    emphasised = torch.cat([first, waveforms[:, 1:] - 0.97 * waveforms[:, :-1]], dim=1)
    n_frames = 1 + max(0, -(-(waveforms.shape[1] - FRAME) // STEP))
    missing = (n_frames - 1) * STEP + FRAME - waveforms.shape[1]
    padded = torch.nn.functional.pad(emphasised, (0, missing))
    frames = padded.unfold(1, FRAME, STEP)
    power = torch.view_as_real(torch.fft.rfft(frames, n=N_FFT)).square().sum(dim=-1) / N_FFT
    bands = power @ _filters().T
    logarithm = bands.clamp_min(torch.finfo(torch.float64).eps).log()
    return logarithm - logarithm.mean(dim=1, keepdim=True)


@functools.cache
def _filters():
    """Triangles `[80, 1025]` between bins that are the floors of points even on the mel scale."""
    low, high = (
        2595 * torch.tensor(1 + f / 700, dtype=torch.float64).log10() for f in (F_MIN, F_MAX)
    )
    points = 700 * (
        10 ** (torch.linspace(low, high, N_FILTERS + 2, dtype=torch.float64) / 2595) - 1
    )
    borders = ((N_FFT + 1) * points / SAMPLE_RATE).floor()
    bins = torch.arange(N_FFT // 2 + 1, dtype=torch.float64)
    left, centre, right = (borders[k : k + N_FILTERS, None] for k in range(3))
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    inside = torch.where(bins < centre, rising, falling)
    return torch.where((bins >= left) & (bins < right), inside, 0.0).float()
