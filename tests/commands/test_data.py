import argparse
import os
import shlex

import numpy as np
import pytest
import soundfile

from daxaudio.commands import data
from daxaudio.commands.main import exit_code_of
from daxaudio.data.kaldi import DataFolder, read_data_folder, write_data_folder

RATE = 8000


@pytest.fixture
def folder(tmp_path):
    soundfile.write(tmp_path / "a 1.wav", np.full(RATE, 0.1), RATE)
    paths = dict.fromkeys(("s-a", "s-b"), str(tmp_path / "a 1.wav"))
    speakers, durations = dict.fromkeys(paths, "s"), dict.fromkeys(paths, 1.0)
    write_data_folder(
        DataFolder(paths, {"s-a": "x", "s-b": "y"}, speakers, durations), tmp_path / "d"
    )
    return tmp_path / "d"


def run(*words):
    parser = argparse.ArgumentParser()
    data.configure(parser)
    arguments = parser.parse_args([str(word) for word in words])
    return exit_code_of("daxaudio data", lambda: data.run(arguments))


def test_a_valid_folder_is_one_line_and_code_0(folder, capsys):
    assert run("validate", folder, "--check_audio") == 0
    assert capsys.readouterr().out == f"{folder}: 0 error(s), 0 warning(s): valid\n"


def test_problems_are_one_line_each_a_count_and_code_2(folder, capsys):
    (folder / "text").write_text("s-b y\ns-a x\n")
    (folder / "utt2spk").write_text("s-a t\ns-b t\n")
    (folder / "spk2utt").write_text("t s-a s-b\n")
    assert run("validate", folder) == 2
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{folder}/text:2: 's-a' comes after 's-b'")
    assert lines[1].startswith(f"{folder}/utt2spk:1: warning: ")
    assert said.err == f"daxaudio data: {folder}: 1 error(s), 1 warning(s)\n"


def test_warnings_alone_are_code_0(folder, capsys):
    (folder / "utt2spk").write_text("s-a t\ns-b t\n")
    (folder / "spk2utt").write_text("t s-a s-b\n")
    assert run("validate", folder) == 0
    assert capsys.readouterr().out.endswith("0 error(s), 1 warning(s): valid\n")


def test_durations_are_checked_only_where_asked(folder):
    (folder / "utt2dur").write_text("s-a 1\ns-b 7\n")
    assert run("validate", folder) == 0
    assert run("validate", folder, "--check_audio") == 2
    assert run("fix", folder, "--durations") == 0
    assert run("validate", folder, "--check_audio") == 0


def test_fix_prints_each_change_and_how_many_there_are(folder, tmp_path, capsys):
    (folder / "text").write_text("s-b y\ns-a x\n")
    assert run("fix", folder, "--out", tmp_path / "new") == 0
    out = capsys.readouterr().out
    assert out == f"text: sorted\n{tmp_path / 'new'}: mended, 1 note(s)\n"
    assert run("validate", tmp_path / "new") == 0
    assert run("validate", folder) == 2
    assert run("fix", folder) == 0
    assert run("validate", folder) == 0
    capsys.readouterr()
    assert run("fix", folder) == 0
    assert capsys.readouterr().out == f"{folder}: nothing to mend\n"


@pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell")
def test_commands_run_only_where_they_are_allowed(folder, tmp_path, capsys):
    mark, audio = (shlex.quote(str(tmp_path / name)) for name in ("mark", "a 1.wav"))
    command = f"touch {mark}; cat {audio} |"
    (folder / "wav.scp").write_text(f"s-a {command}\ns-b {command}\n")
    assert run("validate", folder, "--check_audio") == 2
    assert run("fix", folder, "--durations") == 2
    assert "--allow_commands" in capsys.readouterr().err
    assert not (tmp_path / "mark").exists()
    assert run("validate", folder, "--check_audio", "--allow_commands") == 0
    assert (tmp_path / "mark").exists()
    (folder / "utt2dur").unlink()
    assert run("fix", folder, "--durations", "--allow_commands") == 0
    assert read_data_folder(folder, allow_pipes=True).utt2dur == {"s-a": 1.0, "s-b": 1.0}


def test_help_says_what_allowing_commands_does(capsys):
    with pytest.raises(SystemExit):
        run("validate", "--help")
    text = " ".join(capsys.readouterr().out.split())
    assert "--allow_commands run the shell commands of wav.scp" in text
    assert "only for folders that you trust" in text


def test_a_missing_folder_is_one_line_and_code_2(tmp_path, capsys):
    for action in ("validate", "fix"):
        assert run(action, tmp_path / "none") == 2
        assert capsys.readouterr().err.count("\n") == 1
