"""The texts: their Python runs as printed, their commands parse, their links lead somewhere."""

import re
import shlex
import subprocess

import pytest
import soundfile
import torch
import yaml
from conftest import ROOT

from daxaudio.audit.questions import Questions, read_questions
from daxaudio.commands.main import make_parser
from daxaudio.commands.sections import read_sections
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.resnet import SpectrogramResNet

TEXTS = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
)
NAMES = [str(path.relative_to(ROOT)) for path in TEXTS]
RATE = 16000
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(path, *languages):
    return [body for kind, body in _FENCE.findall(path.read_text()) if kind in languages]


PYTHON = [path for path in TEXTS if blocks(path, "python")]


@pytest.fixture
def folder_of_files(tmp_path, monkeypatch):
    """What the texts take for granted: two recordings, and a model of two classes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    times = torch.arange(RATE) / RATE
    for name, frequency in (("dog", 3000), ("other", 600)):
        noise = 0.01 * torch.randn(RATE, generator=torch.Generator().manual_seed(0))
        tone = 0.3 * ((times > 0.4) & (times < 0.9)) * torch.sin(2 * torch.pi * frequency * times)
        soundfile.write(f"{name}.wav", (noise + tone).numpy(), RATE)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SpectrogramResNet(2, depth=10, mean=-60, std=15, width=4)
    front_end = LogMel(sample_rate=RATE, n_fft=512, hop_length=256, n_mels=24)
    save_black_box(BlackBox(network, front_end, ["dog", "other"]), tmp_path / "model")
    return tmp_path


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_python_of_a_text_runs_as_printed(path, folder_of_files):
    names = {"__name__": "text"}
    for number, block in enumerate(blocks(path, "python"), start=1):
        exec(compile(block, f"{path.name}, block {number}", "exec"), names)


def test_the_first_page_leaves_what_it_says(folder_of_files):
    names = {}
    (block,) = blocks(ROOT / "README.md", "python")
    exec(block, names)
    assert (folder_of_files / "dog.png").stat().st_size > 1000
    assert names["explanation"].target in ("dog", "other")


def commands_in(text):
    """The words of each `daxaudio ...` line, joined where it goes on, without its remark."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        found = re.match(r"\s*(?:\.venv/bin/)?daxaudio (.*)", line)
        if found:
            yield shlex.split(found[1], comments=True)


def parts_of(path):
    if path.suffix == ".yaml":
        return [run["command"] for run in yaml.safe_load(path.read_text())["runs"].values()]
    return blocks(path, "")


SOURCES = ROOT / "docs" / "results" / "sources.yaml"
COMMANDS = [
    pytest.param(words, id=f"{path.name}: {' '.join(words)}")
    for path in [*TEXTS, SOURCES]
    for part in parts_of(path)
    for words in commands_in(part)
]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_of_a_text_is_one(words):
    if "--help" in words:
        with pytest.raises(SystemExit, match="0"):
            make_parser().parse_args(words)
    else:
        make_parser().parse_args(words)


QUESTIONS = ROOT / "docs" / "audit.md"
"""Its settings are those of an audit."""

SETTINGS = [part for path in TEXTS if path != QUESTIONS for part in blocks(path, "yaml")]


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_in_a_text_are_ones_that_commands_take(text, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    sections = read_sections(path)
    assert any(sections.values())


def test_questions_in_a_text_are_ones_that_an_audit_takes(tmp_path):
    (text,) = blocks(QUESTIONS, "yaml")
    path = tmp_path / "questions.yaml"
    path.write_text(text)
    asked, default = read_questions(path), Questions()
    said = yaml.safe_load(text)
    numbers = {name: value for name, value in said.items() if isinstance(value, int | float)}
    assert numbers == {name: getattr(default, name) for name in numbers}, "they are the defaults"
    assert (asked.method, asked.match_on) == (default.method, ("site", "age"))


def test_commands_are_found_in_texts():
    assert len(COMMANDS) > 20
    text = "daxaudio pad A --out B   # remark\n.venv/bin/daxaudio plot X \\\n    --out 'a b'\n"
    assert list(commands_in(text)) == [["pad", "A", "--out", "B"], ["plot", "X", "--out", "a b"]]


RECIPE = re.compile(r"recipes/[\w/]+\.(?:sh|py)|benchmarks\.\w+")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "CHANGELOG.md"])
def test_links_and_scripts_of_a_text_are_there(name):
    path = ROOT / name
    text = re.sub(r"`[^`]+`", "", _FENCE.sub("", path.read_text()))
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)[^)]*\)", text):
        assert (path.parent / target).exists(), target
    for script in RECIPE.findall(path.read_text()):
        places = (script, f"{script.replace('.', '/')}.py")
        assert any((ROOT / place).exists() for place in places), script


def test_the_first_page_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
