"""The options of the recipes' scripts: what is wrong is one line, before any work."""

import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

STAGES = {
    "planted/run.sh": 5,
    "esc10/run.sh": 6,
    "coswara/run.sh": 4,
    "coswara/planted.sh": 4,
}
NEEDED = {
    "planted/run.sh": ["exp_dir"],
    "esc10/run.sh": ["corpus", "exp_dir"],
    "esc10/protocol.sh": ["corpus", "exp_dir"],
    "coswara/run.sh": ["corpus", "annotations", "exp_dir"],
    "coswara/planted.sh": ["textgrids", "exp_dir"],
    "ranks/run.sh": ["exp_dir", "corpus", "textgrids"],
}
SCRIPTS = sorted(NEEDED)
TWO_ENDS = sorted(STAGES.keys() - {"coswara/planted.sh"})
"""Scripts with a last stage, too."""

PYTHON = """#!/bin/sh
# stands for Python: notes that it was started, and what for; has all packages
case "$1" in */check_python.py) exit 0 ;; esac
echo "$@" >>"$(dirname "$0")/log"
"""


class Script:
    """A recipe's script whose Python only notes what it is asked to do."""

    def __init__(self, folder):
        self.folder = folder
        self.python = folder / "python"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)

    def __call__(self, name, *words):
        return subprocess.run(
            [str(ROOT / "recipes" / name), *words],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "PYTHON": str(self.python)},
        )

    def refuses(self, name, *words):
        """The one line that it prints, having done nothing."""
        done = self(name, *words)
        assert done.returncode == 2, (words, done)
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith(name.split("/")[1] + ": "), done.stderr
        assert not done.stdout
        assert sorted(path.name for path in self.folder.iterdir()) == ["python"]
        return done.stderr


@pytest.fixture
def script(tmp_path):
    return Script(tmp_path)


def needed(name):
    return [word for option in NEEDED[name] for word in (f"--{option}", "made")]


@pytest.mark.parametrize("name", sorted(STAGES))
@pytest.mark.parametrize("stage", ["0", "9", "10", "01", "-1", "1.5", "two", "1 2", "*"])
def test_a_stage_that_there_is_not_is_refused(script, name, stage):
    text = script.refuses(name, *needed(name), "--stage", stage)
    assert f"--stage takes a number from 1 to {STAGES[name]}, got '{stage}'" in text


@pytest.mark.parametrize("name", TWO_ENDS)
def test_a_last_stage_that_there_is_not_or_that_lies_before_the_first_is_refused(script, name):
    last = str(STAGES[name] + 1)
    assert "--stop_stage takes" in script.refuses(name, *needed(name), "--stop_stage", last)
    words = ["--stage", "3", "--stop_stage", "2"]
    assert "--stage 3 comes after --stop_stage 2" in script.refuses(name, *needed(name), *words)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("option", ["--exp_dir", "--seed", "--seeds", "--stage", "--methods"])
@pytest.mark.parametrize("value", [[], [""], ["  "], ["--queries", "20"]])
def test_an_option_without_a_value_is_refused(script, name, option, value):
    text = script.refuses(name, *needed(name), option, *value)
    assert f"{option} needs a value" in text or f"unknown option '{option}'" in text


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("word", ["--corpse", "corpus", "-x", "--", ""])
def test_an_unknown_option_is_refused(script, name, word):
    assert f"unknown option '{word}'" in script.refuses(name, *needed(name), word, "x")


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_option_that_is_needed_is_named(script, name):
    for option in NEEDED[name]:
        others = [other for other in NEEDED[name] if other != option]
        words = [word for other in others for word in (f"--{other}", "made")]
        assert f"--{option} is needed" in script.refuses(name, *words)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("planted/run.sh", "n_train"),
        ("planted/run.sh", "seed"),
        ("esc10/run.sh", "queries"),
        ("esc10/run.sh", "n_recordings"),
        ("esc10/protocol.sh", "seeds"),
        ("esc10/protocol.sh", "again"),
        ("coswara/run.sh", "folds"),
        ("coswara/planted.sh", "n"),
        ("ranks/run.sh", "few_queries"),
        ("ranks/run.sh", "seeds"),
    ],
)
def test_numbers_are_whole_numbers(script, name, option):
    text = script.refuses(name, *needed(name), f"--{option}", "3.5")
    assert f"--{option} takes whole numbers, got '3.5'" in text


@pytest.mark.parametrize("name", sorted(STAGES))
def test_settings_that_are_not_there_are_refused_before_any_work(script, name):
    assert "no file none.yaml" in script.refuses(name, *needed(name), "--config", "none.yaml")


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_names_every_option_that_is_needed(script, name):
    done = script(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: recipes/{name}")
    for option in NEEDED[name]:
        assert f"--{option}" in done.stdout


@pytest.mark.parametrize(
    ("words", "stages"),
    [
        ([], [1, 2, 3, 4, 5]),
        (["--stage", "4"], [4, 5]),
        (["--stop_stage", "2"], [1, 2]),
        (["--stage", "3", "--stop_stage", "3"], [3]),
    ],
)
def test_the_stages_that_are_asked_for_run_and_tell_their_times(script, words, stages):
    done = script("planted/run.sh", "--exp_dir", "made", *words)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    began = [line for line in lines if line.startswith("stage ") and " of 5: " in line]
    assert [int(line.split()[1]) for line in began] == stages
    assert sum(" took " in line for line in lines) == len(stages)
    table = lines[lines.index("   time  stage") + 1 :]
    assert [int(line.split()[2]) for line in table[: len(stages)]] == stages
    assert table[len(stages)].endswith("s  in all")
    assert ("made/report.html" in done.stdout) == (5 in stages)
    assert len((script.folder / "log").read_text().splitlines()) == len(stages)


def test_a_stage_that_fails_ends_the_run(script):
    script.python.write_text(PYTHON + 'case "$*" in *" train "*) exit 2 ;; esac\n')
    done = script("planted/run.sh", "--exp_dir", "made")
    assert done.returncode == 2
    assert "stage 2 of 5" in done.stdout
    assert "stage 3" not in done.stdout
    assert "report.html" not in done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_python_that_lacks_packages_is_one_line_before_any_work(script, name):
    script.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    text = script.refuses(name, *needed(name))
    assert " lacks torch, torchaudio, torchvision, numpy, pandas, pyarrow, " in text
    assert text.endswith("run `make install`, or name another by PYTHON=...\n")


def test_a_python_that_is_not_there_is_named(script):
    script.python.chmod(0o644)
    assert "no Python '" in script.refuses("planted/run.sh", "--exp_dir", "made")


def test_a_recipe_prepares_data_by_its_own_checkout_not_by_the_one_installed(tmp_path):
    leave_out = shutil.ignore_patterns("__pycache__")
    for folder in ("recipes", "data_prep"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=leave_out)
    (tmp_path / "data_prep" / "synthetic" / "mine.py").write_text("place = __file__\n")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ask = "from daxaudio_data_prep.synthetic import mine; print(mine.place)"
    done = subprocess.run(
        ["bash", "-c", f"source recipes/options.sh; find_python; cd /; \"$python\" -c '{ask}'"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
    )
    assert done.stdout.strip() == str(tmp_path / "data_prep" / "synthetic" / "mine.py"), done.stderr
