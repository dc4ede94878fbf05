"""The ablation script on a made model and two recordings of noise; nothing here is any good."""

import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from daxaudio.containers import Event, Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.events import write_events
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.resnet import SpectrogramResNet

SCRIPT = Path(__file__).resolve().parents[2] / "recipes" / "esc10" / "ablation.py"

CONFIG = """
explain:
  queries: 20
  rise: {cells: [2, 4]}
  dax: {epochs: 1, pool: 4, at_most: 12}
"""


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the script in this process, as Python itself would; exit code and standard error."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))

    def call(name, exp_dir, *arguments):
        words = [SCRIPT, name, "--exp_dir", exp_dir, *arguments]
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return end.value.code, capsys.readouterr().err

    return call


@pytest.fixture
def table_of(run):
    def call(name, exp_dir, *arguments):
        code, errors = run(name, exp_dir, *arguments)
        assert code == 0, errors
        return pd.read_csv(exp_dir / f"ablation_{name}.csv")

    return call


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder as run.sh leaves it: each recording's label is what the random model says."""
    exp_dir = tmp_path_factory.mktemp("exp")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = SpectrogramResNet(2, depth=10, width=8, mean=-40.0, std=20.0)
        waveforms = 0.1 * torch.randn(2, 1, 16000)
    waveforms[:, :, 6000:10000] *= 5
    black_box = BlackBox(module, LogMel(8000, 512, 256, 16), ["hum", "rain"])
    save_black_box(black_box, exp_dir / "model")
    folder, paths, labels = exp_dir / "data" / "test_padded", {}, {}
    for name, waveform in zip("ab", waveforms, strict=True):
        recording = Recording(waveform, 8000, name)
        labels[name] = black_box.predict(black_box.front_end.spectrogram(recording))[0]
        paths[name] = str(folder / f"{name}.wav")
        write_recording(recording, paths[name])
    speakers, durations = dict.fromkeys("ab", "ab"), dict.fromkeys("ab", 2.0)
    write_data_folder(DataFolder(paths, labels, speakers, durations), folder)
    write_events({f"{n}.wav": [Event(0.75, 1.25, labels[n])] for n in "ab"}, folder / "events.tsv")
    return exp_dir


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("conf") / "tiny.yaml"
    path.write_text(CONFIG)
    return path


def test_queries_and_lambda_vary_as_in_the_papers_table(table_of, made, config):
    found = table_of("queries_and_lambda", made, "--config", config, "--queries", 30, 12)
    labels = found["method"].unique().tolist()
    v2 = [f"dax_v2, Q {n}, lambda_3 {weight}" for n in (12, 30) for weight in (0.1, 0.5)]
    assert labels[:8] == [name for label in v2 for name in (label, f"{label}, checked")]
    assert len([name for name in labels if name.startswith("dax_v1, Q 30")]) == 10
    assert sorted(found["recording_id"].unique()) == ["a", "b"]
    # the configuration's at_most does not hold back the larger Q
    r2 = found[found["metric"] == "student_r2"].set_index(["recording_id", "method"])["value"]
    assert r2["a", v2[0]] != r2["a", v2[2]]
    text = (made / "ablation_queries_and_lambda.md").read_text()
    assert "| dax_v2, Q 4000, lambda_3 0.5 | 30.8 | - |" in text
    assert "Table IV" in text


def test_bases_stand_beside_the_papers_figures(table_of, made, config):
    found = table_of("bases", made, "--config", config)
    assert {"base1", "base2", "dax_v2", "dax_v2, checked"} <= set(found["method"])
    assert {"iou", "frame_auc", "best_threshold_iou", "student_r2"} <= set(found["metric"])
    text = (made / "ablation_bases.md").read_text()
    assert "| base2 | 29.1 / 26.4 | " in text
    assert "fit_seconds" in text


def test_rows_that_are_there_are_kept_and_lost_ones_come_out_the_same(table_of, made, config):
    whole = table_of("students", made, "--config", config)
    assert whole["method"].nunique() == 6
    first = (made / "ablation_students.csv").read_bytes()
    kept, lost = (made / "ablations" / "students" / "2fc" / f"{name}.json" for name in "ab")
    lost.unlink()
    times = kept.stat().st_mtime_ns
    table_of("students", made, "--config", config)
    assert lost.is_file()
    assert kept.stat().st_mtime_ns == times
    assert (made / "ablation_students.csv").read_bytes() == first


def test_rows_of_another_run_are_refused_in_one_line(run, table_of, made, config):
    table_of("students", made, "--config", config)
    code, errors = run("students", made, "--config", config, "--seed", 1)
    assert code == 2
    assert errors.splitlines()[-1].startswith("ablation.py: ")
    assert "run with other seed" in errors


def test_convergence_scores_every_epoch_and_draws(table_of, made, config):
    found = table_of("convergence", made, "--config", config, "--n_recordings", 1)
    assert sorted(found["epoch"].unique()) == list(range(1, 16))
    counts = found.groupby(["method", "metric"]).size()
    assert set(counts) == {15}
    assert {("dax_v2", "validation_loss"), ("dax_v1, checked", "frame_auc")} <= set(counts.index)
    assert (made / "convergence.png").read_bytes().startswith(b"\x89PNG")
    assert "dax_v2, checked, epoch 10" in (made / "ablation_convergence.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--queries", 20, 30], "takes one number"),
        (["--model", "nowhere"], "no model.safetensors"),
        (["--n_recordings", 0], "n_recordings must be at least 1"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, made, config, arguments, message):
    code, errors = run("bases", made, "--config", config, *arguments)
    assert code == 2
    assert message in errors.splitlines()[-1]


@pytest.mark.slow
def test_command_runs_from_anywhere_and_says_what_is_missing(tmp_path):
    command = [sys.executable, SCRIPT, "bases", "--exp_dir", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
