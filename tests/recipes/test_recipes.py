import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from conftest import ROOT, finish

from daxaudio.experiments.groups import GROUPS
from daxaudio.experiments.score import METRICS

METHODS = "dax_v2 dax_v5 lime kernel_shap rise occlusion random energy all_ones oracle"

CONFIG = """
front_end: {sample_rate: 16000, n_fft: 1024, hop_length: 512, n_mels: 24, f_max: 8000.0}
model: {depth: 10, width: 16}
training: {epochs: 6, batch_size: 6, learning_rate: 0.002}
augmentation: {padding_probability: 0.5, mixup_alpha: 0.0}
padding: {min_duration: 1.0, max_duration: 2.0}
explain:
  queries: 40
  occlusion: {window: [12, 32]}
  dax_v5: {n_splits: 2}
  dax: {epochs: 1, pool: 4}
"""


def run(script, *arguments):
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [str(ROOT / "recipes" / script / "run.sh"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("conf") / "tiny.yaml"
    path.write_text(CONFIG)
    return path


def options(corpus, config, exp_dir, methods=METHODS):
    return [
        "--corpus", corpus, "--exp_dir", exp_dir, "--config", config, "--train_folds", "1",
        "--test_folds", "4", "--n_recordings", 3, "--methods", methods,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(corpus, config, tmp_path_factory):
    exp_dir = tmp_path_factory.mktemp("exp") / "whole"
    finish(run("esc10", *options(corpus, config, exp_dir)))
    return exp_dir


@pytest.mark.slow
def test_recipe_leaves_everything_that_it_promises(whole):
    for name in ("wav.scp", "text", "utt2spk", "utt2dur"):
        lines = (whole / "data" / "train" / name).read_bytes().splitlines()
        assert lines == sorted(lines)
        assert len(lines) == 6
    assert (whole / "model" / "model.safetensors").is_file()
    results = pd.read_csv(whole / "results.csv")
    assert list(results.columns) == ["recording_id", "method", "metric", "value"]
    assert results["method"].unique().tolist() == METHODS.split()
    summary = pd.read_csv(whole / "summary.csv")
    in_time = [metric for metric in METRICS if metric not in GROUPS["evidence"]]
    measures = [*in_time, "deletion_auc", "insertion_auc_frames", "faithfulness", "sparseness"]
    for method, found in summary.groupby("method")["metric"]:
        assert set(measures) <= set(found), method
    text = (whole / "RESULTS.md").read_text()
    checked = pd.read_csv(whole / "polarity_summary.csv")
    assert checked["method"].unique().tolist() == ["dax_v2", "dax_v2_checked"]
    for words in (
        "dax_v2_checked",
        "iou, paper",
        "0.215 (0.045)",
        "Wilcoxon",
        "recipes/esc10/run.sh --corpus",
    ):
        assert words in text
    assert "<html" in (whole / "report.html").read_text()
    assert len(list((whole / "pictures" / "recordings").glob("*.png"))) == 3


def copy_of(whole, target):
    """The same run before its explanations."""
    for name in ("data", "model"):
        shutil.copytree(whole / name, target / name)
    return target


@pytest.mark.slow
def test_killed_and_restarted_run_gives_the_same_results(whole, corpus, config, tmp_path):
    exp_dir = copy_of(whole, tmp_path / "killed")
    arguments = [*options(corpus, config, exp_dir), "--stage", 4, "--stop_stage", 5]
    process = run("esc10", *arguments)
    deadline = time.monotonic() + 120
    while not list(exp_dir.glob("explanations/*/*/explanation.json")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    n_done = len(list(exp_dir.glob("explanations/*/*/explanation.json")))
    assert n_done < 3 * len(METHODS.split())
    finish(run("esc10", *arguments))
    assert (exp_dir / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()


@pytest.mark.slow
def test_order_of_methods_changes_nothing(whole, corpus, config, tmp_path):
    exp_dir = copy_of(whole, tmp_path / "backwards")
    backwards = " ".join(reversed(METHODS.split()))
    arguments = [*options(corpus, config, exp_dir, backwards), "--stage", 4, "--stop_stage", 5]
    finish(run("esc10", *arguments))
    assert (exp_dir / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()


@pytest.mark.parametrize("script", ["esc10", "planted"])
def test_wrong_options_are_one_line_and_exit_code_2(script):
    for arguments in (["--corpse", "x"], ["--exp_dir"], []):
        process = run(script, *arguments)
        output = process.communicate()[0]
        assert process.returncode == 2
        assert output.count("\n") == 1, output
    assert "usage" in finish(run(script, "--help"))


def test_missing_corpus_is_one_line(tmp_path):
    process = run("esc10", "--corpus", tmp_path / "none", "--exp_dir", tmp_path / "exp")
    output = process.communicate()[0]
    assert process.returncode == 2
    assert "none" in output.splitlines()[-1]
    assert "Traceback" not in output
