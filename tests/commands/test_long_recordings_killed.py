"""`daxaudio explain --window` killed and begun again; its memory on recordings of any length."""

import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT
from long_recordings import bytes_of, write_tones

pytestmark = pytest.mark.slow

QUICK = ("--method", "rise", "--queries", "60", "--quiet", "--no_pages", "--no_pictures")
_PEAK = """
import re, sys
from pathlib import Path
from daxaudio.commands.main import main
code = main(sys.argv[1:])
# not that of getrusage, which begins with the size of the process that started this one
print(int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024)
sys.exit(code)
"""


def start(audio, out, *words):
    words = ["explain", str(audio), "--model", "long_recordings:hear", "--allow_code", *words]
    words += ["--out", str(out), "--window", "6", *QUICK]
    path = os.pathsep.join([str(ROOT / "tests"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", _PEAK, *words],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def finish(process):
    """The last line that a process that ended well has printed."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return said.splitlines()[-1]


def wait_for(out, pattern, count, process):
    """Until so many files are there, or the process is over."""
    while len(list(out.glob(pattern))) < count and process.poll() is None:
        time.sleep(0.01)


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(tmp_path):
    audio = tmp_path / "night.wav"
    write_tones(audio, 600.0, range(20, 600, 40))
    words = ("--threshold", "0.5")
    finish(start(audio, tmp_path / "whole", *words))
    out = tmp_path / "killed"
    windows = "windows/rise/*/explanation.json"
    moments = [("windows/scores/*.json", 1), (windows, 1), (windows, 7), (windows, 20)]
    for pattern, count in moments:
        process = start(audio, out, *words)
        wait_for(out, pattern, count, process)
        process.kill()
        process.communicate()
    assert 20 <= len(list(out.glob(windows))) < len(list((tmp_path / "whole").glob(windows)))
    finish(start(audio, out, *words))
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc for the peak")
def test_memory_does_not_grow_with_the_length(tmp_path):
    peaks = []
    for minutes in (10, 60):
        audio = tmp_path / f"{minutes}.wav"
        write_tones(audio, 60.0 * minutes, (100.0, 60.0 * minutes - 50))
        peaks.append(float(finish(start(audio, tmp_path / f"out{minutes}", "--top_k", "4"))))
    assert peaks[1] - peaks[0] < 40  # MB; an hour is 115 MB of samples
    assert peaks[1] < 2000
