"""What is typed and what is quoted: one line for what is wrong, and quoted commands that run."""

import argparse
import importlib
import re
import shlex
import subprocess

import pytest
from conftest import ROOT

from daxaudio.commands.arguments import is_data_folder, quote_command
from daxaudio.commands.main import COMMANDS, exit_code_of, main, make_parser

RECIPES = sorted((ROOT / "recipes").glob("*/*.sh"))


def parse(words):
    return vars(make_parser().parse_args([str(word) for word in words]))


NEEDED = ("compare", "--data", "data", "--model", "model", "--out", "exp")


def quoted(words):
    """Words that the quoted command of other words has."""
    asked = make_parser().parse_args(words)
    module = importlib.import_module(f"daxaudio.commands.{words[0]}")
    return shlex.split(quote_command(asked, module.configure))


@pytest.mark.parametrize(
    "words",
    [
        NEEDED,
        (*NEEDED, "--allow_commands"),
        (*NEEDED, "--seed", "0", "--queries", "20", "--n_recordings", "3"),
        (*NEEDED, "--seed", "-1", "--device", "cuda:1", "--precision", "bf16"),
        (*NEEDED, "--methods", "rise", "lime", "--metrics", "all", "--events", "my events.tsv"),
        (*NEEDED, "--config=-odd name's.yaml", "--events", "$HOME/*.tsv", "--allow_commands"),
        ("explain", "my data", "--model", "m", "--out", "o", "--method", "rise", "lime"),
        ("train", "data", "--out", "o", "--folds", "5", "--allow_commands"),
        ("plot", "a", "b b", "--out", "x.png", "--history"),
        ("pad", "a.wav", "--out", "o", "--snr_db", "-3.5"),
        ("score", "o", "--events", "e.tsv", "--out", "s"),
    ],
)
def test_a_quoted_command_is_read_as_the_same_arguments(words):
    again = quoted(words)
    assert again[:2] == ["daxaudio", words[0]]
    assert parse(again[1:]) == parse(words)


@pytest.mark.parametrize("script", RECIPES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_recipe_quotes_its_command_so_that_it_runs_again(script):
    (line,) = re.findall(r"^command=.*", script.read_text(), re.MULTILINE) or [None]
    if line is None:
        pytest.skip("quotes no command")
    words = ["--exp_dir", "my exp", "--methods", "rise lime", "--seed", "$0 'x'\n*"]
    again = 'eval "set -- $command"; shift; printf "%s\\0" "$@"'
    done = subprocess.run(
        ["bash", "-c", f"{line}\n{again}", "run.sh", *words], capture_output=True, check=True
    )
    assert done.stdout.decode().split("\0")[:-1] == words


def refused(capsys, *words):
    """The one line that an unreadable command gets."""
    with pytest.raises(SystemExit, match="2"):
        main([str(word) for word in words])
    text = capsys.readouterr().err
    assert text.count("\n") == 1, text
    return text


def test_a_command_that_draws_nothing_takes_no_seed(capsys):
    assert "--seed" in refused(capsys, "serve", "--model", "m", "--seed", "1")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("explain", "", "--model", "m", "--out", "o"), "AUDIO"),
        (("explain", "a.wav", "--model", "m", "--out", ""), "--out"),
        (("explain", "a.wav", "--model", "m", "--out", "o", "--method", "rise", ""), "--method"),
        (("plot", "x", "", "--out", "a.png"), "DIR"),
        (("train", "d", "--out", "o", "--test", ""), "--test"),
    ],
)
def test_an_empty_word_is_no_path(capsys, words, name):
    assert f"argument {name}: is empty" in refused(capsys, *words)


def test_a_recording_behind_the_methods_is_explained_in_one_line(capsys):
    text = refused(capsys, "explain", "--model", "m", "--out", "o", "--method", "A", "B", "a.wav")
    assert "required: AUDIO; --method would take all words that follow, so put it last" in text


def test_a_slash_behind_a_file_is_named(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    assert not is_data_folder(path)
    with pytest.raises(ValueError, match=r"a\.wav/: is a file, not a folder; leave out the /"):
        is_data_folder(f"{path}/")


@pytest.mark.parametrize("option", ["--n_recordings", "--channel"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5"])
def test_what_is_counted_from_1_is_refused_before_anything_is_read(capsys, option, value):
    text = refused(capsys, "explain", "d", "--model", "m", "--out", "o", f"{option}={value}")
    assert f"argument {option}: must be a whole number from 1 on, got '{value}'" in text
    if option == "--channel":
        assert option in refused(capsys, "train", "d", "--out", "o", f"{option}={value}")


@pytest.mark.parametrize(
    "error", [MemoryError("a lot"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_too_little_memory_is_one_line(capsys, error):
    def work():
        raise error

    assert exit_code_of("daxaudio pad", work) == 2
    text = capsys.readouterr().err
    assert text.startswith("daxaudio pad: not enough memory (")
    assert text.count("\n") == 1


def test_an_error_of_the_program_itself_is_not_taken_for_bad_input():
    def work():
        raise RuntimeError("anything else")

    with pytest.raises(RuntimeError, match="anything else"):
        exit_code_of("daxaudio pad", work)


def test_stopped_while_a_command_is_loaded_is_one_line(capsys, monkeypatch):
    def stop(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("daxaudio.commands.main._module_of", stop)
    assert main(["data", "validate", "x"]) == 130
    assert capsys.readouterr().err == "stopped; start again to go on\n"


@pytest.mark.parametrize(
    "arguments", [["explain"], ["fly"], [], ["explain", "a.wav", "--queries", "many"]]
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "--help" in text


def parsers_below(parser):
    """A parser and those of its actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers_below(below)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_argument_with_a_text(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert name in capsys.readouterr().out
    (commands,) = [a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    for parser in parsers_below(commands.choices[name].complete()):
        for action in parser._actions:
            if not isinstance(action, argparse._SubParsersAction):
                assert action.help, f"{parser.prog}: {action.option_strings or action.dest}"
