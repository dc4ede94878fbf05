"""The script of the ranks recipe: what it starts, and what it does not start again."""

import os
import subprocess

import pytest
from conftest import ROOT, finish

STUB = """#!/bin/sh
# notes what it is asked to do; has all packages, and says that every method fits but the oracle
case "$1" in */check_python.py) exit 0 ;; esac
here=$(dirname "$0")
case "$1" in
*/methods.py)
  shift 2
  [ "$1" = events ] && echo oracle
  for name in dax_v4 dax_v5 rise random; do echo $name; done
  exit 0
  ;;
esac
echo "$@" >>"$here/log"
# the data of clips between noise have events, clips as they are none
case "$*" in *" pad "*) mkdir -p "$(echo "$*" | sed 's/.*--out \\([^ ]*\\).*/\\1/')"
  touch "$(echo "$*" | sed 's/.*--out \\([^ ]*\\).*/\\1/')/events.tsv" ;; esac
"""


@pytest.fixture
def stub(tmp_path):
    path = tmp_path / "stub" / "python"
    path.parent.mkdir()
    path.write_text(STUB)
    path.chmod(0o755)
    return path


def start(stub, tmp_path, *words):
    script = str(ROOT / "recipes" / "ranks" / "run.sh")
    always = ["--exp_dir", str(tmp_path / "exp"), "--corpus", "clips", "--seeds", "0 1"]
    finish(
        subprocess.Popen(
            [script, *always, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHON": str(stub)},
        )
    )
    log = stub.with_name("log")
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [line.removeprefix("-m daxaudio.commands.main ") for line in lines]


def out_of(line):
    words = line.split()
    return words[words.index("--out") + 1].split("/exp/")[1]


def test_three_paddings_are_made_once_and_explained_by_a_classifier_of_each_seed(stub, tmp_path):
    found = start(stub, tmp_path, "--sets", "fold4")
    names = [line.split()[0] for line in found]
    assert names.count("pad") == 3
    assert [out_of(line) for line in found if line.startswith("train ")] == [
        "models/resnet18-seed0",
        "models/resnet18-seed1",
    ]
    compared = [out_of(line) for line in found if line.startswith("compare ")]
    assert compared[:3] == [
        f"cells/fold4-white/resnet18-seed0/{run}" for run in ("all", "few", "few_rivals")
    ]
    assert len(compared) == 2 * 3 * 3
    assert names[-1].endswith("report.py")


def test_the_leader_has_every_measure_from_few_queries_and_its_rivals_few(stub, tmp_path):
    options = ["--queries", "90", "--few_queries", "30", "--metrics", "all", "--seeds", "4"]
    found = start(stub, tmp_path, "--sets", "fold4", "--few_metrics", "deletion", *options)
    full, few, rivals = [line for line in found if line.startswith("compare ")][:3]
    assert "--methods oracle dax_v4 dax_v5 rise random --metrics all --queries 90" in full
    assert "--methods dax_v5 --metrics all --queries 30" in few
    assert "--methods oracle dax_v4 rise random --metrics deletion --queries 30" in rivals
    assert all("--which correct" in line and "--seed 4" in line for line in (full, few, rivals))


def test_rivals_may_be_spared_the_run_from_few_queries(stub, tmp_path):
    words = ["--sets", "natural", "--stop_stage", "3", "--few_rivals", "no"]
    compared = [line for line in start(stub, tmp_path, *words) if line.startswith("compare ")]
    assert [out_of(line).rsplit("/")[-1] for line in compared] == ["all", "few"] * 2


def test_clips_as_they_are_have_no_oracle_and_every_class_of_a_mosaic_is_asked_for(stub, tmp_path):
    found = start(stub, tmp_path, "--sets", "natural mosaic", "--stop_stage", "3")
    compared = [line for line in found if line.startswith("compare ")]
    natural = [line for line in compared if "/natural/" in line]
    assert natural
    assert not any("oracle" in line for line in natural)
    assert all(("--which all" in line) == ("/mosaic/" in line) for line in compared)
    assert "prepare mosaics --corpus clips --folds 4 --n 14" in " ".join(found)


def test_what_is_done_is_not_started_again(stub, tmp_path):
    words = ["--sets", "fold4", "--seeds", "0", "--stop_stage", "4"]
    assert any(line.startswith("compare ") for line in start(stub, tmp_path, *words))
    again = start(stub, tmp_path, *words)
    assert {line.split()[0] for line in again} == {"train"}  # which keeps what is trained
    more = start(stub, tmp_path, *words, "--queries", "700")
    assert [out_of(line)[-3:] for line in more if line.startswith("compare ")] == ["all"] * 3


def test_made_corpora_are_of_other_seeds_than_settings_were_chosen_on(stub, tmp_path):
    words = ["--sets", "planted coughs", "--textgrids", "grids", "--stop_stage", "2"]
    made = [line for line in start(stub, tmp_path, *words) if "prepare planted" in line]
    assert len(made) == 2 + 2 * 2
    assert {line.split("--seed ")[1] for line in made} == {"10", "11"}


def test_pretrained_models_are_those_of_their_recipe_on_other_scenes(stub, tmp_path):
    words = ["--sets", "pretrained", "--seeds", "0", "--pretrained", "yamnet"]
    words += ["--few_queries", "9", "--stop_stage", "3"]
    found = start(stub, tmp_path, *words)
    (scenes,) = [line for line in found if line.startswith("prepare scenes ")]
    assert "--seed 10 " in scenes
    assert scenes.endswith("--folds 4 5")
    compared = [line for line in found if line.startswith("compare ")]
    assert [out_of(line) for line in compared] == [
        "pretrained/seed0/yamnet/all",
        "pretrained/seed0/yamnet/few",
    ]
    assert ["--queries 2000 " in compared[0], "--queries 9 " in compared[1]] == [True, True]


def test_rivals_are_spared_on_pretrained_models_too(stub, tmp_path):
    words = ["--sets", "pretrained", "--seeds", "0", "--pretrained", "yamnet", "--stop_stage", "3"]
    found = start(stub, tmp_path, *words, "--few_rivals", "no")
    full, few = [line for line in found if line.startswith("compare ")]
    assert "--methods oracle dax_v4 dax_v5 rise random --metrics" in full
    assert "--methods dax_v5 random --metrics" in few


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--sets", "fold5"], "set 'fold5' is unknown"),
        (["--sets", "coughs"], "--textgrids is needed by the set coughs"),
        (["--models", "vgg", "--sets", "fold4"], "no settings"),
        (["--sets", "fold4", "--methods", "rise"], "--leader dax_v5 is none of --methods"),
        (["--sets", "fold4", "--few_queries", "2000"], "must be below --queries"),
        (["--sets", "fold4", "--few_rivals", "some"], "--few_rivals takes yes or no, got 'some'"),
    ],
)
def test_wrong_words_are_told_before_any_work(stub, tmp_path, words, fault):
    script = str(ROOT / "recipes" / "ranks" / "run.sh")
    always = ["--exp_dir", str(tmp_path / "exp"), "--corpus", "clips"]
    done = subprocess.run(
        [script, *always, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": str(stub)},
    )
    assert done.returncode == 2
    assert fault in done.stderr
    assert not (tmp_path / "exp").exists()
