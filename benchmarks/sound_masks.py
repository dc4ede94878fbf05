"""What masking the sound costs beside a model that takes 50 ms of processor time a second of audio.

python -m benchmarks.sound_masks [--seconds 4] [--queries 32]

One thread, processor time, the masks and the stand-in by turns; the median of the ratios. The
stand-in multiplies matrices until its time is over.
"""

import argparse
import statistics
import time

import torch

from daxaudio.features.frontends import Cqt, LinearStft, LogMel
from daxaudio.features.sound_masks import SoundMasks

RATE, MODEL_SECONDS = 16000, 0.05


def stand_in(seconds):
    """Work of so many seconds of the processor."""
    matrix, began = torch.randn(128, 128), time.process_time()
    while time.process_time() - began < seconds:
        matrix @ matrix


def cost(work):
    began = time.process_time()
    work()
    return time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of the recording")
    parser.add_argument("--queries", type=int, default=32, help="of a batch")
    parser.add_argument("--repeats", type=int, default=9, help="the median of so many is taken")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    waveform = 0.1 * torch.randn(1, round(arguments.seconds * RATE), generator=generator)
    front_ends = (LogMel(RATE, 1024, 256), LinearStft(RATE, 1024, 256), Cqt(RATE, 256, 60.0, 72))
    print("| display | n_fft | ms a query | share of the model's time |\n|---|---|---|---|")
    for front_end in front_ends:
        shape = front_end(waveform[0]).shape
        gains = -80 * (torch.rand(arguments.queries, *shape, generator=generator) < 0.5).float()
        for n_fft in (512, 1024):
            axes = front_end.frequencies, front_end.times(shape[-1])
            masks = SoundMasks(waveform, RATE, *axes, n_fft=n_fft)
            masks.apply(gains)
            ratios, seconds = [], MODEL_SECONDS * arguments.seconds * arguments.queries
            for _ in range(arguments.repeats):
                masked = cost(lambda masks=masks, gains=gains: masks.apply(gains))
                ratios.append(masked / cost(lambda seconds=seconds: stand_in(seconds / 8)) / 8)
            share = statistics.median(ratios)
            each = 1000 * share * MODEL_SECONDS * arguments.seconds
            print(f"| {front_end.settings['kind']} | {n_fft} | {each:.2f} | {share:.1%} |")


if __name__ == "__main__":
    main()
