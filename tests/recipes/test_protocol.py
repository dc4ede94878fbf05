import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, finish

CONFIG = """
front_end: {sample_rate: 8000, n_fft: 512, hop_length: 512, n_mels: 16, f_max: 4000.0}
model: {depth: 10, width: 16}
training: {epochs: 6, batch_size: 6, learning_rate: 0.002}
augmentation: {padding_probability: 0.5, mixup_alpha: 0.0}
padding: {min_duration: 1.0, max_duration: 2.0}
explain:
  queries: 40
  occlusion: {window: [8, 16]}
  dax_v4: {n_splits: 2}
"""
METHODS = "dax_v4 lime rise random"


STUB = """#!/bin/sh
# notes what it is asked to do; fails where it reads the word in fail_on; has all packages
case "$1" in */check_python.py) exit 0 ;; esac
here=$(dirname "$0")
echo "$@" >>"$here/log"
case "$*" in *"$(cat "$here/fail_on")"*) exit 1 ;; esac
"""


def start(*arguments, python=sys.executable):
    environment = {**os.environ, "PYTHON": str(python), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [str(ROOT / "recipes" / "esc10" / "protocol.sh"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


@pytest.mark.slow
def test_protocol_runs_from_audio_to_the_report(corpus, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "tiny.yaml").write_text(CONFIG)
    exp_dir = tmp_path / "exp"
    arguments = [
        "--corpus", corpus, "--exp_dir", exp_dir, "--conf", tmp_path / "conf", "--models", "tiny",
        "--paddings", "other_classes", "--seeds", "3", "--train_folds", "1", "--test_folds", "4",
        "--methods", METHODS, "--leader", "dax_v4", "--queries", 60, "--few_queries", 0,
        "--n_recordings", 1, "--n_recordings_of", "tiny=2",
    ]  # fmt: skip
    finish(start(*arguments))
    here = exp_dir / "tiny-seed3" / "other_classes"
    assert len(list(here.glob("explanations/*/*/explanation.json"))) == 2 * len(METHODS.split())
    assert len(list(here.glob("explanations_again/*/*/explanation.json"))) == 2
    results = pd.read_csv(exp_dir / "results.csv")
    assert set(results["method"]) == set(METHODS.split())
    text = (exp_dir / "RESULTS.md").read_text()
    assert "All 1 planned conditions are there." in text
    assert "recipes/esc10/protocol.sh --corpus" in text
    assert "Spearman of dax_v4's masks, two seeds" in text
    assert text.count("| open |") == 2  # few queries


@pytest.fixture
def stub(tmp_path):
    """Stands for Python: `log` holds what it was asked, `fail_on` the word that it fails on."""
    path = tmp_path / "stub" / "python"
    path.parent.mkdir()
    path.write_text(STUB)
    path.chmod(0o755)
    (path.parent / "fail_on").write_text("nothing that is ever asked")
    return path


def jobs(stub):
    """What was asked since the last call: the command's name and its words."""
    log = stub.with_name("log")
    lines = log.read_text().splitlines()
    log.unlink()
    return [line.removeprefix("-m daxaudio.commands.main ") for line in lines]


def plan_of(tmp_path, **options):
    options = {"corpus": tmp_path, "exp_dir": tmp_path / "exp", **options}
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def test_first_model_padding_and_seed_come_first(stub, tmp_path):
    finish(start(*plan_of(tmp_path, paddings="pink white"), python=stub))
    scored = [job.split()[1] for job in jobs(stub) if job.startswith("score")]
    parts = [Path(path).relative_to(tmp_path / "exp").parts for path in scored]
    full = [part[:2] for part in parts if part[2] == "explanations"]
    assert full == [
        (f"{model}-seed{seed}", padding)
        for seed in (0, 1)
        for padding in ("pink", "white")
        for model in ("resnet18", "resnet101_cpu")
    ]
    plan = pd.read_csv(tmp_path / "exp" / "conditions.csv")
    assert len(plan) == 8


def test_a_condition_explains_thrice_and_pads_with_seed_0(stub, tmp_path):
    options = {"models": "resnet18", "paddings": "other_classes", "seeds": "2"}
    finish(start(*plan_of(tmp_path, **options, n_recordings="9", device="cuda"), python=stub))
    found = jobs(stub)
    names = [Path(job.split()[0]).name for job in found]
    assert names == [
        "prepare", "pad", "train", "choose_clips.py",
        "explain", "score", "explain", "score", "explain", "protocol.py",
    ]  # fmt: skip
    assert "exp/data/train" in found[1]
    assert found[1].endswith("--seed 0")
    assert "--n_recordings 9" in found[3]
    assert "--queries 2000 --seed 2 --device cuda" in found[4]
    assert "--method dax_v5 --events" in found[6]
    assert "explanations_500 " in found[6]
    assert "--queries 500 --seed 2" in found[6]
    assert "--queries 2000 --seed 1002" in found[8]


def test_a_run_that_ended_midway_goes_on_and_skips_what_is_done(stub, tmp_path):
    plan = plan_of(tmp_path, models="resnet18", paddings="white pink", seeds="0", again="0")
    stub.with_name("fail_on").write_text("test_pink/events.tsv --out")
    finish(start(*plan, python=stub), 1)
    assert jobs(stub)[-1].startswith("explain")
    stub.with_name("fail_on").write_text("nothing that is ever asked")
    finish(start(*plan, python=stub))
    second = [Path(job.split()[0]).name for job in jobs(stub)]
    assert second == [
        "train", "choose_clips.py", "explain", "score", "explain", "score", "protocol.py",
    ]  # fmt: skip
    finish(start(*plan, python=stub))
    assert len(jobs(stub)) == 1  # the report
    finish(start(*plan, "--queries", "3000", python=stub))
    assert sum(job.startswith("explain") for job in jobs(stub)) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--corpse", "x"], "unknown option"),
        (["--exp_dir"], "needs a value"),
        ([], "--corpus is needed"),
        (["--paddings", "brown"], "'brown' is unknown"),
        (["--models", "resnet7"], "resnet7.yaml"),
        (["--queries", "many"], "whole numbers, got 'many'"),
        (["--seeds", "0 x"], "whole numbers, got 'x'"),
        (["--n_recordings_of", "resnet18=x"], "MODEL=N"),
        (["--n_recordings_of", "resnet50=3"], "none of the models"),
        (["--methods", "rise"], "none of --methods"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(arguments, words, tmp_path):
    if len(arguments) == 2 and arguments[0] != "--corpse":
        arguments = ["--corpus", tmp_path, "--exp_dir", tmp_path / "exp", *arguments]
    output = finish(start(*arguments), 2)
    assert output.count("\n") == 1, output
    assert words in output
    assert not (tmp_path / "exp").exists()
