"""A small made corpus whose true time-frequency evidence is known by construction.

Every recording (2 to 3 s) holds background noise, distractors that tell nothing about its class
(a low harmonic tone, short tones, single clicks), and one event that decides it:

    clicks        a train of clicks, 1 to 5 kHz
    chirp_up      a sweep from 1 to 3 kHz
    noise_burst   a burst of noise, 2.5 to 3.5 kHz
    harmonic      a tone with four harmonics, 600 to 700 Hz and up
    warble_low    a tone that goes up and down twelve times a second, around 2 kHz
    warble_high   the same around 5 kHz: it differs from `warble_low` in this part only

    daxaudio prepare planted_events --out DIR --n_train 60 --n_test 20 --seed 0

Writes `audio/*.wav` and the Kaldi-style folders `train` and `test`, each with `events.tsv` and
`evidence.csv` (`recording_id,start,end,f_min,f_max,label`; several rows for one recording).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from daxaudio.containers import Event, Events, Recording
from daxaudio.data.evidence import Evidence
from daxaudio.runs.files import typed_path

from .evidence import PlantedRecording, write_planted
from .planted_sounds import (
    HIGHEST_FREQUENCY,
    MAKERS,
    Draws,
    gain_for,
    make_background,
    make_distractors,
)

CLASSES = tuple(MAKERS)
"""The classes, in the order in which recordings take them."""

HIGHEST_RATE = 384_000  # a recording at 1 GHz would take all memory


def plant(
    recording_id: str, label: str, seed: int = 0, sample_rate: int = 16000
) -> PlantedRecording:
    """Make one recording; background, distractors and times do not depend on the label.

    The event's energy is 6 to 12 dB above that of the background within its evidence.

    Args:
        recording_id: its name; the draws depend on it.
        label: one of `CLASSES`.
        seed: seed of the corpus.
        sample_rate: samples per second, above 12000 and at most 384000.

    Returns:
        The recording, one channel, and its evidence.

    Raises:
        ValueError: when the label is not known or the sample rate too low or too high.

    Example:
        >>> planted = plant("a", "noise_burst")
        >>> planted.evidence[0].f_min, planted.event.label
        (2500.0, 'noise_burst')
    """
    if label not in MAKERS:
        raise ValueError(f"label must be one of {', '.join(CLASSES)}, got {label!r}")
    if not 2 * HIGHEST_FREQUENCY < sample_rate <= HIGHEST_RATE:
        raise ValueError(
            f"sample_rate must be above {2 * HIGHEST_FREQUENCY:.0f} and at most {HIGHEST_RATE}, "
            f"got {sample_rate}; sounds go up to {HIGHEST_FREQUENCY:.0f} Hz"
        )
    timing, making = (Draws(seed, recording_id, part) for part in ("timing", "event"))
    # in hundreds, because a Fourier transform of prime length is slow
    n_samples = 100 * round(timing.between(2, 3) * sample_rate / 100)
    n_event = round(timing.between(0.4, 0.7) * sample_rate)
    first = round(timing.between(0.1 * sample_rate, n_samples - n_event - 0.1 * sample_rate))
    snr_db = timing.between(6, 12)
    background = make_background(n_samples, sample_rate, Draws(seed, recording_id, "background"))
    times = (first / sample_rate, (first + n_event) / sample_rate)
    distractors = make_distractors(
        background, sample_rate, times, Draws(seed, recording_id, "distractors")
    )
    samples, rows = MAKERS[label](n_event, sample_rate, making)
    samples = samples * gain_for(samples, rows, background, sample_rate, snr_db=snr_db)
    mixture = background + distractors
    mixture[first : first + n_event] += samples
    evidence = tuple(
        Evidence(times[0] + a, times[0] + b, low, high, label) for a, b, low, high in rows
    )
    recording = Recording(mixture.float()[None], sample_rate, recording_id)
    whole = Event(evidence[0].start, max(part.end for part in evidence), label)
    return PlantedRecording(recording, Events([whole]), evidence)


def make_corpus(out: Path, *, n_train: int, n_test: int, seed: int, sample_rate: int) -> None:
    """Write the corpus; the same arguments give the same bytes.

    Args:
        out: folder to write to, made where missing.
        n_train: training recordings, at least 1.
        n_test: test recordings, at least 1.
        seed: seed of the corpus.
        sample_rate: samples per second, above 12000.

    Raises:
        ValueError: when a number is out of range.
    """
    if min(n_train, n_test) < 1:
        raise ValueError(f"n_train and n_test must be at least 1, got {n_train} and {n_test}")
    for name, n in (("train", n_train), ("test", n_test)):
        planted = [
            plant(f"{name}-{k:04d}", CLASSES[k % len(CLASSES)], seed, sample_rate)
            for k in tqdm(range(n), desc=f"make {name}", unit="recording", disable=None)
        ]
        write_planted(planted, out / name, out / "audio")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare planted_events`."""
    parser.add_argument("--out", type=typed_path, required=True, help="folder to write to")
    parser.add_argument("--n_train", type=int, default=60, help="recordings; default 60")
    parser.add_argument("--n_test", type=int, default=20, help="recordings; default 20")
    parser.add_argument("--seed", type=int, default=0, help="default 0")
    parser.add_argument("--sample_rate", type=int, default=16000, help="Hz; default 16000")


def run(arguments: argparse.Namespace) -> str:
    """Prepare the corpus; what was done, a line each.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    make_corpus(
        arguments.out,
        n_train=arguments.n_train,
        n_test=arguments.n_test,
        seed=arguments.seed,
        sample_rate=arguments.sample_rate,
    )
    return (
        f"{arguments.n_train} train and {arguments.n_test} test recordings of {len(CLASSES)} "
        f"classes in {arguments.out}"
    )
