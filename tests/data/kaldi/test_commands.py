"""Folders with segments or shell commands do what a folder of cut files does."""

import os
import shlex

import numpy as np
import pandas as pd
import pytest
import soundfile

from daxaudio.commands.main import main
from daxaudio.data.events import read_events
from daxaudio.data.kaldi import (
    DataFolder,
    RecordingSegment,
    read_data_folder,
    validate_data_folder,
    write_data_folder,
)
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.resnet import SpectrogramResNet

RATE = 8000
NAMES = [f"u{n}" for n in range(6)]
LABELS = {name: ("low", "high")[n % 2] for n, name in enumerate(NAMES)}
CONFIG = """
front_end: {sample_rate: 8000, n_fft: 512, hop_length: 256, n_mels: 16}
model: {depth: 10, width: 8}
training: {epochs: 3, batch_size: 4}
augmentation: {padding_probability: 0.0, mixup_alpha: 0.0}
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "conf.yaml").write_text(CONFIG)
    return str(tmp_path / "conf.yaml")


@pytest.fixture
def folders(tmp_path):
    """The same six utterances as files of their own, as segments of a tape, and as commands."""
    times, draws = np.arange(RATE) / RATE, np.random.default_rng(0)
    parts = []
    for name in NAMES:
        tone = np.sin(2 * np.pi * {"low": 200, "high": 3000}[LABELS[name]] * times)
        parts.append((0.3 * tone + 0.01 * draws.standard_normal(RATE)).astype("float32"))
        soundfile.write(tmp_path / f"{name}.wav", parts[-1], RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "tape 1.wav", np.concatenate(parts), RATE, subtype="FLOAT")
    files = {name: str(tmp_path / f"{name}.wav") for name in NAMES}
    tables = (LABELS, dict(zip(NAMES, NAMES, strict=True)), dict.fromkeys(NAMES, 1.0))
    segments = {name: RecordingSegment("tape", n, n + 1.0) for n, name in enumerate(NAMES)}
    commands = {name: f"cat {shlex.quote(path)} |" for name, path in files.items()}
    tape = {"tape": str(tmp_path / "tape 1.wav")}
    write_data_folder(DataFolder(files, *tables), tmp_path / "files")
    write_data_folder(DataFolder(tape, *tables, segments, {"tape": 6.0}), tmp_path / "segments")
    write_data_folder(DataFolder(commands, *tables, allow_pipes=True), tmp_path / "commands")
    return tmp_path


KINDS = [
    ("segments", []),
    pytest.param(
        "commands",
        ["--allow_commands"],
        marks=pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell"),
    ),
]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_train_and_explain_give_the_same(folders, config, kind, options):
    tables, masks = [], []
    for name, extra in (("files", []), (kind, options)):
        data, model, out = (str(folders / part) for part in (name, f"{name}_model", f"{name}_out"))
        common = ["--config", config, "--quiet", *extra]
        assert main(["train", data, "--test", data, "--out", model, *common]) == 0
        tables.append(pd.read_csv(folders / f"{name}_model" / "predictions.csv"))
        words = ["explain", data, "--model", model, "--out", out, "--method", "energy"]
        assert main([*words, *common]) == 0
        found = sorted((folders / f"{name}_out" / "energy").glob("*/explanation.npz"))
        masks.append({path.parent.name: np.load(path)["mask"] for path in found})
    pd.testing.assert_frame_equal(*tables)
    assert masks[0].keys() == masks[1].keys()
    assert len(masks[0]) > 0
    for name, mask in masks[0].items():
        np.testing.assert_array_equal(mask, masks[1][name])


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_pad_gives_the_same(folders, config, kind, options):
    for name, extra in (("files", []), (kind, options)):
        words = ["pad", str(folders / name), "--out", str(folders / f"{name}_padded"), *extra]
        assert main([*words, "--config", config, "--quiet"]) == 0
    first, second = (folders / f"{name}_padded" for name in ("files", kind))
    assert read_events(first / "events.tsv") == read_events(second / "events.tsv")
    for name in NAMES:
        audio = (path / "audio" / f"{name}.wav" for path in (first, second))
        np.testing.assert_array_equal(*(soundfile.read(path)[0] for path in audio))
    padded = read_data_folder(second)
    assert (padded.ids, padded.segments) == (NAMES, None)
    assert validate_data_folder(second, check_audio=True) == []


@pytest.mark.parametrize("command", ["train", "pad", "explain"])
def test_commands_are_refused_in_one_line_unless_allowed(folders, command, capsys):
    options = []
    if command == "explain":
        front_end = LogMel(sample_rate=RATE, n_fft=512, hop_length=256, n_mels=16)
        network = SpectrogramResNet(2, depth=10, width=8, mean=-40.0, std=15.0)
        save_black_box(BlackBox(network, front_end, ["low", "high"]), folders / "model")
        options = ["--model", str(folders / "model")]
    words = [command, str(folders / "commands"), "--out", str(folders / "out"), *options]
    assert main([*words, "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "wav.scp:1: 'u0': " in line
    assert "is a shell command, which is not run unless you allow it (--allow_commands" in line
