"""The precision and layout that "auto" chooses, beside the times of all combinations.

python -m benchmarks.precision [--device cuda] [--model DIR --audio FILE]

`ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2` before it imitates a processor without bf16. With
a trained model, the rank correlation of RISE's masks in both precisions is printed, too.
"""

import itertools
import logging
import math
import time

import torch
from scipy.stats import spearmanr

from benchmarks.subject import load, make_parser, seconds_of
from daxaudio.explainers.dax.networks import MaskNetwork, Student
from daxaudio.explainers.rise import Rise
from daxaudio.models.blstm import WindowBlstm
from daxaudio.models.precision import choose_precision
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.perturbation.sampling import GridSampler

SHAPE = (64, 240)
HOPELESS = 3.0
"""What is so many times slower than the fastest at the first call is not timed again."""

COMBINATIONS = tuple(itertools.product(("fp32", "bf16"), (False, True)))
NETWORKS = {
    "ResNet-18, scoring": lambda: SpectrogramResNet(10, mean=-20.0, std=15.0),
    "ResNet-101, scoring": lambda: SpectrogramResNet(10, depth=101, mean=-20.0, std=15.0),
    "ResNet-18, training": lambda: SpectrogramResNet(10, mean=-20.0, std=15.0),
    "BLSTM, scoring": lambda: WindowBlstm(n_bins=SHAPE[0], hop=51),
    "BLSTM, training": lambda: WindowBlstm(n_bins=SHAPE[0], hop=51),
    "mask network of DAX, training": MaskNetwork,
    "student of DAX, training": lambda: Student(SHAPE),
}


def make_work(network, inputs, training, choice):
    """A function that does one batch: a forward pass, or a step without its update."""
    network = choice.lay_out(network.train(training).to(inputs.device))

    def score():
        with torch.inference_mode(), choice.autocast(inputs.device.type):
            network(inputs)

    def learn():
        with choice.autocast(inputs.device.type):
            answers = network(inputs)
        answers.float().square().mean().backward()

    return learn if training else score


def processor_seconds_of(work):
    """Processor time of one call on one thread: what else runs on the machine hardly counts."""
    began = time.process_time()
    work()
    return time.process_time() - began


def best_times(works, repeats, seconds_of):
    """Shortest time of each, interleaved: a slower spell of the machine hits all of them."""
    # the first calls, in which oneDNN and cuDNN prepare, stand for those that they show hopeless
    best = {name: min(seconds_of(work) for _ in range(2)) for name, work in works.items()}
    hopeful = [name for name in works if best[name] < HOPELESS * min(best.values())]
    best.update(dict.fromkeys(hopeful, math.inf))
    for _ in range(repeats):
        for name in hopeful:
            best[name] = min(best[name], seconds_of(works[name]))
    return best


def measure(name, arguments):
    """One line of the table; whether the choice is the fastest or within 10 % of it."""
    device, batch_size = arguments.device, arguments.batch_size
    inputs = 15 * torch.randn(batch_size, *SHAPE, generator=torch.Generator().manual_seed(0)) - 20
    works = {
        combination: make_work(
            NETWORKS[name](),
            inputs.to(device),
            name.endswith("training"),
            choose_precision(combination[0], device, combination[1]),
        )
        for combination in COMBINATIONS
    }
    on_one_thread = device == "cpu" and arguments.threads == 1
    clock = processor_seconds_of if on_one_thread else lambda work: seconds_of(work, 1)
    best = best_times(works, arguments.repeats, clock)
    choice = choose_precision("auto", device)
    over = best[choice.precision, choice.channels_last] / min(best.values()) - 1
    cells = [f"{1000 * seconds / batch_size:.2f}" for seconds in best.values()]
    print(f"| {name} | {' | '.join(cells)} | {100 * over:+.0f} % |", flush=True)
    return over <= 0.1


def compare_masks(arguments):
    """Rank correlation of RISE's masks in fp32 and bf16."""
    boxes = [load(arguments, precision=precision)[0] for precision in ("fp32", "bf16")]
    spectrogram = load(arguments)[1]
    target, _ = boxes[0].predict(spectrogram)
    explainer = Rise(GridSampler(arguments.queries))
    masks = [explainer(spectrogram, box.score_fn(target)).mask.flatten() for box in boxes]
    correlation = spearmanr(*(mask.numpy() for mask in masks)).statistic
    print(f"rank correlation of RISE's masks in fp32 and bf16, {arguments.queries} queries: ")
    print(f"{correlation:.4f}")


def main():
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--batch_size", type=int, help="inputs at once (8; on a GPU 512)")
    parser.set_defaults(repeats=7, threads=1)
    arguments = parser.parse_args()
    if arguments.batch_size is None:  # what keeps the device busy
        arguments.batch_size = 8 if arguments.device == "cpu" else 512
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    logging.getLogger("daxaudio").setLevel(logging.ERROR)  # that bf16 is slow is seen in the table
    print(f"auto: {choose_precision('auto', arguments.device)}")
    names = [f"{p}{', channels-last' * layout}" for p, layout in COMBINATIONS]
    print(f"\n| ms an input of {SHAPE[0]} x {SHAPE[1]} | {' | '.join(names)} | auto over fastest |")
    print("|---" * 6 + "|")
    good = [measure(name, arguments) for name in NETWORKS]
    wrong = [name for name, is_good in zip(NETWORKS, good, strict=True) if not is_good]
    print(f"\nchoice more than 10 % slower than the fastest: {', '.join(wrong) or 'nowhere'}")
    if arguments.model:
        compare_masks(arguments)


if __name__ == "__main__":
    main()
