"""Time, memory and disk of `daxaudio explain --window` on made recordings of 15, 30 and 60 minutes.

Each recording is noise with sounds that tell nothing, and a low warble somewhere in every two and a
half minutes. Two classifiers that hear the warble, written by hand below, are explained: one of
spectrograms, one of waveforms. Every window with a score of 0.5 is explained, so that the work
grows with the length. A true event counts as found where a marked stretch overlaps it. The peak is
that of the process, with Python and its libraries in it; loading these is in the time, which is
that of the processor: it is the same beside other work.

python -m benchmarks.long [--minutes 15 30 60] [--kind spectrogram] [--queries 200]
"""

import argparse
import contextlib
import io
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile
import torch

from data_prep.synthetic.planted_sounds import (
    MAKERS,
    Draws,
    gain_for,
    make_background,
    make_distractors,
)
from daxaudio.commands.main import main as command
from daxaudio.containers import Event, Events
from daxaudio.data.events import read_events, write_events
from daxaudio.runs.tables import read_table

RATE, N_FFT, HOP = 16000, 1024, 512
CALL, OTHERS = "warble_low", ("warble_high", "harmonic", "clicks")
BAND = (1600.0, 2400.0)
PIECE, PIECES = 10.0, 15  # seconds that are made at once; pieces of which one has a call
FRONT_END = {"kind": "linear_stft", "n_fft": N_FFT, "hop_length": HOP}


def look(spectrograms):
    """Scores `[N]` of dB `[N, F, T]`: how far half a second of the band is above its neighbours."""
    frequencies = torch.linspace(0, RATE / 2, spectrograms.shape[1])
    inside = (frequencies >= BAND[0]) & (frequencies <= BAND[1])
    beside = ((frequencies > 800) & (frequencies < 1400)) | (
        (frequencies > 2700) & (frequencies < 4000)
    )
    above = spectrograms[:, inside].mean(1) - spectrograms[:, beside].mean(1)
    smooth = torch.nn.functional.avg_pool1d(above[:, None], 16, 1)
    return torch.sigmoid(smooth.amax(2) - 5)


def hear(waveforms):
    """The same of waveforms `[N, S]`."""
    window = torch.hann_window(N_FFT)
    spectra = torch.stft(waveforms, N_FFT, HOP, window=window, return_complex=True)
    return look(20 * spectra.abs().clamp(min=1e-6).log10())


for function in (look, hear):
    function.sample_rate, function.classes, function.output = RATE, [CALL], "multi_label"
look.input, look.front_end = "spectrogram", FRONT_END
hear.front_end = FRONT_END


def write_recording(path, minutes, seed=0):
    """Write a made recording piece by piece, and the times of its calls beside it."""
    calls = []
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        for number in range(round(60 * minutes / PIECE)):
            draws = Draws(seed, "long", number)
            has_call = number % PIECES == int(Draws(seed, number // PIECES).between(0, PIECES))
            kind = CALL if has_call else OTHERS[number % len(OTHERS)]
            samples, (start, end) = make_piece(kind, draws)
            if has_call:
                calls.append(Event(number * PIECE + start, number * PIECE + end, CALL))
            file.write(samples.numpy())
    write_events({path.name: Events(calls)}, path.with_suffix(".tsv"))


def make_piece(kind, draws):
    """Samples of a piece with one sound of a kind in it, and when that is."""
    samples = make_background(round(PIECE * RATE), RATE, draws)
    duration = draws.between(0.6, 1.0)
    start = draws.between(0.2, PIECE - 1.4)
    sound, rows = MAKERS[kind](round(duration * RATE), RATE, draws)
    gain = gain_for(sound, rows, samples, RATE, snr_db=draws.between(9, 12))
    mixed = samples + make_distractors(samples, RATE, (start, start + duration), draws)
    first = round(start * RATE)
    mixed[first : first + len(sound)] += gain * sound
    return mixed.clamp(-1, 1).float(), (start, start + duration)


def measure(path, kind, queries):
    """Explain one recording in this process, and print what it took."""
    began = time.process_time()
    words = ["explain", str(path), "--model", f"benchmarks.long:{kind}", "--allow_code", "--quiet"]
    words += ["--out", str(path.with_suffix(f".{kind}")), "--window", "10", "--threshold", "0.5"]
    words += ["--queries", str(queries), "--events", str(path.with_suffix(".tsv")), "--no_pages"]
    words += ["--check", "none"]
    with contextlib.redirect_stdout(io.StringIO()):
        code = command(words)
    if code:
        sys.exit(code)
    seconds = time.process_time() - began
    print(f"{seconds:.1f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def found_share(path, out):
    """How many calls there are, how many are found, and how many marked stretches are none."""
    calls = read_events(path.with_suffix(".tsv"))[path.name]
    table = read_table(out / "marked.csv")
    marked = [Event(row.start, row.end) for row in table.itertuples()]
    n_found = sum(any(call.overlap(one) > 0 for one in marked) for call in calls)
    n_others = sum(all(call.overlap(one) == 0 for call in calls) for one in marked)
    return len(calls), n_found, n_others


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[15, 30, 60])
    parser.add_argument("--kinds", nargs="+", default=["look", "hear"], help="look, hear")
    parser.add_argument("--queries", type=int, default=200, help="of a window")
    parser.add_argument("--keep", metavar="DIR", help="keep recordings and results here")
    parser.add_argument("--one", nargs=2, metavar=("FILE", "KIND"), help="this one only")
    arguments = parser.parse_args()
    if arguments.one:
        measure(Path(arguments.one[0]), arguments.one[1], arguments.queries)
        return
    print(
        "| classifier | minutes | windows | explained | processor s | s a minute, over those of "
        "the shortest | peak MB | MB on disk | calls | found | other stretches |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|"
    )
    with contextlib.ExitStack() as stack:
        folder = Path(arguments.keep or stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for kind in arguments.kinds:
            first = None
            for minutes in arguments.minutes:
                path = folder / f"{minutes:g}.wav"
                if not path.with_suffix(".tsv").is_file():
                    write_recording(path, minutes)
                words = [sys.executable, "-m", "benchmarks.long", "--one", str(path), kind]
                words += ["--queries", str(arguments.queries)]
                done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
                seconds, peak = map(float, done.stdout.split()[-2:])
                first = first or seconds / minutes
                out = path.with_suffix(f".{kind}")
                table = read_table(out / "windows.csv")
                size = sum(one.stat().st_size for one in out.rglob("*") if one.is_file()) / 1e6
                n_calls, n_found, n_others = found_share(path, out)
                name = {"look": "of spectrograms", "hear": "of waveforms"}[kind]
                print(
                    f"| {name} | {minutes:g} | {len(table)} | {int(table['explained'].sum())} | "
                    f"{seconds:.0f} | {seconds / minutes / first:.2f} | {peak:.0f} | {size:.1f} | "
                    f"{n_calls} | {n_found} | {n_others} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
