"""`daxaudio model inspect` tells what is known, what is missing, and what it hears."""

import re

import pytest
import torch
from onnx_models import node, save, save_means, save_streaming, value

from daxaudio.commands.main import main
from daxaudio.containers import Recording
from daxaudio.data.audio import write_recording
from daxaudio.models.foreign.load import load_model


@pytest.fixture
def loud(tmp_path):
    path = tmp_path / "a.wav"
    write_recording(Recording(torch.full((1, 8000), 0.5), 8000), path)
    return str(path)


def test_what_is_missing_is_said_in_lines_that_can_be_pasted(tmp_path, capsys):
    path = save_streaming(tmp_path / "x.onnx")
    assert main(["model", "inspect", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(place for place, line in enumerate(lines) if "cannot be asked yet" in line)
    (tmp_path / "model.yaml").write_text("\n".join(line.strip() for line in lines[at + 1 :]))
    with pytest.raises(ValueError, match="does not fit"):
        load_model(path).about(Recording(torch.ones(1, 16000), 16000)).outputs_of(
            torch.ones(1, 1, 16)
        )


def test_what_is_known_and_what_is_heard(tmp_path, loud, capsys):
    path = save_means(tmp_path / "x.onnx", metadata={"sample_rate": "8000"})
    (tmp_path / "labels.txt").write_text("dog\ncat\n")
    (tmp_path / "x.onnx.yaml").write_text("classes: labels.txt")
    assert main(["model", "inspect", str(path), loud]) == 0
    out = capsys.readouterr().out
    assert "classes: 2: 'dog', 'cat'  (told)" in out
    assert "sample_rate: 8000  (read off)" in out
    assert "output: logits  (default)" in out
    # softmax of 0.5 and -0.5
    assert "0.7311  dog" in out
    assert "ms a query" in out


def test_a_model_of_two_channels_is_asked_about_both(tmp_path, capsys):
    path = save(
        tmp_path / "x.onnx",
        [node("ReduceMean", "audio", "mean", axes=[2], keepdims=0)],
        [value("audio", ["N", 2, "S"])],
        [value("mean", ["N", 2])],
    )
    entries = "classes: [left, right]\nsample_rate: 8000\noutput: regression"
    (tmp_path / "model.yaml").write_text(entries)
    sides = torch.tensor([[0.5], [-0.25]]).expand(2, 8000)
    write_recording(Recording(sides, 8000), tmp_path / "a.wav")
    assert main(["model", "inspect", str(path), f"{tmp_path}/a.wav"]) == 0
    out = capsys.readouterr().out
    assert "0.5000  left" in out
    assert "-0.2500  right" in out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clases: [dog]", r"model.yaml: .*unknown key 'clases' \(classes\?\)"),
        ("threads: many", r"model.yaml: .*threads must be a number"),
        ("classes: none.txt", r"none.txt: no such file of names"),
        ("- dog", r"model.yaml: must hold entries"),
        ("classes: [dog, dog]\nsample_rate: 8000", "two 'dog'"),
    ],
)
def test_what_was_told_wrongly_is_one_line(tmp_path, capsys, text, why):
    path = save_means(tmp_path / "x.onnx")
    (tmp_path / "model.yaml").write_text(text)
    assert main(["model", "inspect", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(why, error)
