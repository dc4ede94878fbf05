"""The script of a Slurm array does a command in shards; nothing is submitted."""

import os
import shlex
import subprocess
import sys

import pandas as pd
import pytest
from conftest import ROOT

from daxaudio.commands.main import main
from daxaudio.engines.units import Outcome, Unit
from daxaudio.experiments.unit_tables import write_unit_tables
from daxaudio.runs.shards import Shard

COMMAND = ["--", "explain", "my data", "--model", "m", "--out", "out of it", "--workers", "2"]


def slurm(tmp_path, *options, command=COMMAND):
    script = tmp_path / "my job.sh"
    given = ["slurm", "--script", str(script), "--shards", "3", *options, *command]
    try:
        code = main(given)
    except SystemExit as error:
        code = error.code
    return code, script


def test_the_script_asks_for_what_was_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--hours", "4", "--cpus", "2", "--memory", "16G", "--gpus_per_task", "1"]
    code, script = slurm(tmp_path, *options, "--partition", "gpu", "--at_once", "2")
    assert code == 0
    text = script.read_text()
    for line in (
        "--array=1-3%2",
        "--requeue",
        "--open-mode=append",
        "--time=4:00:00",
        "--cpus-per-task=2",
        "--mem=16G",
        "--gres=gpu:1",
        "--partition=gpu",
    ):
        assert f"#SBATCH {line}\n" in text
    assert f"cd {tmp_path}\n" in text
    assert "explain 'my data' --model m --out 'out of it' --workers 2 \\\n" in text
    assert os.access(script, os.X_OK)
    assert "submit it by: sbatch" in capsys.readouterr().out
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_each_task_is_given_its_shard(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, script = slurm(tmp_path)
    said = tmp_path / "said.py"
    said.write_text("import sys; print(sys.argv[1:])")
    python = f"{sys.executable} -m daxaudio.commands.main"
    text = script.read_text().replace(f"exec {python}", f"exec {sys.executable} {said}")
    given = []
    for task in "123":
        environment = {**os.environ, "SLURM_ARRAY_TASK_ID": task}
        words = ["bash", "-c", text]
        given.append(subprocess.check_output(words, env=environment, text=True).strip())
    assert given[1] == str([*COMMAND[1:], "--shard", "2/3"])
    assert len(set(given)) == 3


def test_tasks_and_their_merge_run_as_they_are_written(tmp_path):
    command = ["--", "explain", "data", "--model", "m", "--out", "out"]
    _, script = slurm(tmp_path, command=command)
    text = script.read_text()
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "2", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["bash", "-c", text], env=environment, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert ran.returncode == 2
    assert ran.stderr == "daxaudio explain: data: no such file or folder\n"


def test_an_audit_is_concluded_by_its_own_command_with_what_a_task_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["audit", "--model", "m", "--data", "my data", "--out", "out", "--workers", "2"]
    _, script = slurm(tmp_path, "--cpus", "2", "--memory", "16G", command=["--", *command])
    asked = [line[1:] for line in script.read_text().splitlines() if line.startswith("#  ")]
    (tmp_path / "sbatch").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "said$1"\necho 7\n')
    (tmp_path / "sbatch").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    lines = "\n".join(asked[: asked.index(next(one for one in asked if "--wrap" in one)) + 1])
    subprocess.run(["bash", "-c", lines], env=environment, check=True)
    given = (tmp_path / "said--dependency=afterok:7").read_text().splitlines()
    assert {"--cpus-per-task=2", "--mem=16G"} < set(given)
    (wrapped,) = (line.removeprefix("--wrap=") for line in given if line.startswith("--wrap="))
    assert shlex.split(wrapped) == [sys.executable, "-m", "daxaudio.commands.main", *command]


@pytest.mark.parametrize(
    ("options", "command", "said"),
    [
        ([], [], "give the command of the tasks after --"),
        (
            [],
            ["--", "score", "a", "--events", "e", "--out", "o"],
            "`score` cannot be done in shards",
        ),
        ([], [*COMMAND, "--shard", "1/3"], "--shard is what the tasks differ in"),
        ([], ["--", "explain", "data"], "the following arguments are required"),
        (["--memory", "16G; rm"], COMMAND, "must be one word"),
        (["--shards", "0"], COMMAND, "must be a whole number from 1 on"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, capsys, options, command, said):
    code, script = slurm(tmp_path, *options, command=command)
    assert code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not script.exists()


def test_who_merges_an_audit_is_told_what_concludes_it(tmp_path, capsys):
    for shard in (Shard(1, 2), Shard(2, 2)):
        own = [Outcome(Unit(name, "answers")) for name in ("r0", "r1") if name in shard]
        write_unit_tables(own, tmp_path, shard)
    assert main(["merge", str(tmp_path)]) == 0
    assert "an audit: its command, without --shard, concludes it" in capsys.readouterr().out


def test_a_folder_of_explanations_made_before_is_not_merged(tmp_path, capsys):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    assert main(["merge", str(tmp_path)]) == 2
    assert "no tables of shards below tables/" in capsys.readouterr().err
    assert main(["merge", str(tmp_path / "none")]) == 2
    assert "no such file or folder" in capsys.readouterr().err
