"""Comparing and scoring with events, with evidence in frequency, and with nothing known."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from daxaudio.commands.main import main
from daxaudio.containers import Event, Events
from daxaudio.data.events import write_events
from daxaudio.data.evidence import Evidence, write_evidence
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.metrics.catalogue import GROUPS

RATE = 8000
SOURCE = """
import numpy as np

def pitch(sounds):
    power = np.abs(np.fft.rfft(sounds, axis=1)) ** 2
    frequencies = np.fft.rfftfreq(sounds.shape[1], 1 / 8000)
    bands = [(200, 400), (900, 1100), (2900, 3100)]
    found = [power[:, (frequencies > low) & (frequencies < high)].sum(1) for low, high in bands]
    found = np.stack(found, axis=1) + 1e-3
    return found / found.sum(axis=1, keepdims=True)

pitch.classes, pitch.sample_rate, pitch.output = ["low", "middle", "high"], 8000, "probabilities"
"""
TONES = {"low": 300, "middle": 1000, "high": 3000}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Three recordings of 2 s with a tone from 0.5 s on, 0.4 s long, and a model that hears it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pitching_ears.py").write_text(SOURCE)
    at = np.arange(2 * RATE) / RATE
    for k, (name, tone) in enumerate(TONES.items()):
        wave = 0.5 * np.sin(2 * np.pi * tone * at) * ((at >= 0.5) & (at < 0.9))
        noise = 0.01 * np.random.default_rng(k).normal(size=len(at))
        soundfile.write(tmp_path / f"{name}.wav", wave + noise, RATE)
    ids = {name: name for name in TONES}
    paths = {name: str(tmp_path / f"{name}.wav") for name in TONES}
    write_data_folder(DataFolder(paths, ids, ids, dict.fromkeys(ids, 2.0)), "data")
    yield tmp_path / "data"
    sys.modules.pop("pitching_ears", None)


def know(folder, names=tuple(TONES)):
    events = {f"{name}.wav": Events([Event(0.5, 0.9, name)]) for name in names}
    write_events(events, folder / "events.tsv")
    evidence = {n: [Evidence(0.5, 0.9, TONES[n] - 100, TONES[n] + 100, n)] for n in names}
    write_evidence(evidence, folder / "evidence.csv")


def compare(data, out, *words, methods=("rise", "random")):
    words = [*words, "--model", "pitching_ears:pitch", "--allow_code", "--queries", "150"]
    words += ["--out", out, "--quiet", "--methods", *methods]
    return main(["compare", "--data", str(data), *words])


def values_of(path):
    return pd.read_csv(path).set_index(["recording_id", "method", "metric"])["value"]


def test_evidence_of_a_data_folder_is_found_and_compared_with(data):
    know(data)
    assert compare(data, "out", "--metrics", "localisation", "evidence") == 0
    means = values_of("out/results.csv").groupby(["method", "metric"]).mean()
    assert means["rise", "mask_auc"] > 0.9 > 0.6 > means["random", "mask_auc"]
    report = Path("out/RESULTS.md").read_text(encoding="utf-8")
    assert "Evidence in time and frequency" in report
    assert "mask_iou" in report


def test_scoring_gives_what_comparing_gave(data):
    know(data)
    assert compare(data, "out", "--metrics", "evidence") == 0
    (data / "evidence.csv").rename("elsewhere.csv")
    words = ["--events", "data/events.tsv", "--evidence", "elsewhere.csv", "--out", "scores"]
    assert main(["score", "out/explanations", *words]) == 0
    compared, scored = values_of("out/results.csv"), values_of("scores/results.csv")
    assert set(scored.index.get_level_values("metric")) > set(GROUPS["evidence"])
    assert scored[compared.index].tolist() == compared.tolist()


def test_evidence_elsewhere_can_be_given_and_recordings_without_any_are_named(data, capsys):
    know(data, names=("low", "middle"))
    (data / "evidence.csv").rename("elsewhere.csv")
    words = ["--evidence", "elsewhere.csv", "--metrics", "evidence"]
    assert compare(data, "out", *words, methods=("energy",)) == 0
    assert "elsewhere.csv has no evidence of 'high' (1 of 3)" in capsys.readouterr().err
    found = values_of("out/results.csv")
    assert set(found.index.get_level_values("recording_id")) == {"low", "middle"}


def test_a_file_of_evidence_that_is_none_is_one_line(data, capsys):
    (data / "evidence.csv").write_text("start,end\n")
    assert compare(data, "out") == 2
    error = capsys.readouterr().err.strip()
    assert "evidence.csv: expected columns" in error
    assert "\n" not in error


def test_without_any_truth_what_needs_none_is_compared(data, caplog):
    asked = ["deletion", "faithfulness", "labels", "form", "localisation", "evidence"]
    assert compare(data, "out", "--metrics", *asked) == 0
    found = set(values_of("out/results.csv").index.get_level_values("metric"))
    expected = {"deletion_auc", "average_drop", "wrong_label_correlation", "runner_up_correlation"}
    assert expected <= found
    assert not found & {"wrong_label_iou", *GROUPS["localisation"], *GROUPS["evidence"]}
    (message,) = [record.getMessage() for record in caplog.records]
    assert message == (
        "left out: localisation and evidence need the true events and evidence: give --events and "
        "--evidence"
    )


def test_what_nobody_asked_for_is_left_out_in_silence(data, caplog):
    assert compare(data, "out") == 0
    assert not caplog.records


def test_measures_of_truth_alone_without_any_are_one_line(data, capsys):
    assert compare(data, "out", "--metrics", "localisation") == 2
    error = capsys.readouterr().err.strip()
    assert error.endswith("localisation need the true events: give --events")
    assert "\n" not in error


def test_measures_that_the_model_does_not_allow_are_one_line(data, capsys):
    assert compare(data, "out", "--metrics", "sanity") == 2
    error = capsys.readouterr().err.strip()
    assert error.endswith(
        "metrics sanity cannot be had: it shuffles weights, and this model can only be asked"
    )
    assert "\n" not in error


def test_methods_of_truth_without_any_are_one_line(data, capsys):
    assert compare(data, "out", methods=("oracle",)) == 2
    error = capsys.readouterr().err.strip()
    assert "give --events" in error
    assert "\n" not in error
