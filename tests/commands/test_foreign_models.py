"""The commands with somebody else's classifiers: regressions, and services that refuse."""

import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from faulty_service import serving, status

from daxaudio.commands.main import main
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.explainers.catalogue import METHODS
from daxaudio.explainers.storage import load_explanation, load_facts

RATE = 8000
SOURCE = """
def quality(sounds):
    return 4 - 100 * sounds.square().mean(dim=1, keepdim=True)  # noise makes it worse

def level(sounds):
    return 100 * sounds.square().mean(dim=1, keepdim=True)

for one in (quality, level):
    one.classes, one.sample_rate, one.output = [one.__name__], 8000, "regression"
"""


@pytest.fixture
def ears(tmp_path, monkeypatch):
    """A module of regressions in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "regressing_ears.py").write_text(SOURCE)
    yield "regressing_ears"
    sys.modules.pop("regressing_ears", None)


@pytest.fixture
def audio(tmp_path):
    """Two files with a tone: a from 0.2 to 0.6 s, b from 1.2 to 1.6 s."""
    (tmp_path / "audio").mkdir()
    at = np.arange(2 * RATE) / RATE
    for name, start in (("a", 0.2), ("b", 1.2)):
        tone = 0.5 * np.sin(2 * np.pi * 1000 * at) * ((at >= start) & (at < start + 0.4))
        noise = 0.01 * np.random.default_rng(0).normal(size=len(at))
        soundfile.write(tmp_path / f"audio/{name}.wav", tone + noise, RATE)
    return tmp_path / "audio"


def run(command, what, model, *words):
    options = ["--model", model, "--allow_code", "--quiet", "--queries", "100", "--method", "rise"]
    return main([command, str(what), "--out", "out", *words, *options])


def loudest(explanation):
    return float(explanation.spectrogram.times[explanation.profile.argmax()])


@pytest.mark.parametrize(("name", "target"), [("quality", "quality:falls"), ("level", "level")])
def test_what_moves_a_number_is_explained(ears, audio, capsys, name, target):
    assert run("explain", audio / "a.wav", f"{ears}:{name}") == 0
    found = load_explanation("out")
    assert found.target == target
    assert 0.1 < loudest(found) < 0.7
    out = capsys.readouterr().out
    assert f"rise: {target} scores {found.score:.3f} (predicted {target})" in out
    assert f"The classifier's score of {target} is {found.score:.3g}." in out
    assert "+ More of the classifier's score is left when the least marked bins go first" in out
    assert "of quality:falls to explain" not in out


def test_the_other_direction_can_be_asked_for(ears, audio):
    assert run("explain", audio / "a.wav", f"{ears}:quality", "--target", "quality") == 0
    found = load_explanation("out")
    assert found.target == "quality"
    samples, _ = soundfile.read(audio / "a.wav")
    assert found.score == pytest.approx(4 - 100 * np.square(samples).mean(), abs=1e-3)


@pytest.mark.parametrize(("name", "target"), [("quality", "quality:falls"), ("level", "level")])
def test_a_folder_without_labels_is_explained_for_what_moves_the_number(ears, audio, name, target):
    assert run("explain", audio, f"{ears}:{name}", "--check", "quick") == 0
    table = pd.read_csv("out/predictions.csv", keep_default_na=False)
    assert table["predicted"].tolist() == [target, target]
    assert table["problem"].tolist() == ["", ""]
    for row, inside in zip(table.itertuples(), ((0.1, 0.7), (1.1, 1.7)), strict=True):
        found = load_explanation(f"out/rise/{row.recording_id}")
        assert found.target == target
        assert found.score == pytest.approx(row.score, rel=1e-3)
        assert inside[0] < loudest(found) < inside[1]
        (first, *_) = load_facts(f"out/rise/{row.recording_id}")["verdict"]["findings"]
        assert first["sentence"].startswith(f"The classifier's score of {target} is ")


def test_labels_that_the_model_does_not_know_are_still_refused(ears, audio, capsys):
    assert run("explain", audio, f"{ears}:level", "--target", "label") == 2
    error = capsys.readouterr().err
    assert "--target label: 2 of 2 recordings have no label that the model knows" in error


def write_data(audio, label, names="ab"):
    paths = {name: str(audio / f"{name}.wav") for name in names}
    labels, speakers = dict.fromkeys(paths, label), {name: name for name in paths}
    write_data_folder(DataFolder(paths, labels, speakers, dict.fromkeys(paths, 2.0)), "data")


@pytest.mark.parametrize(("model", "label"), [("quality", "quality:falls"), ("level", "level")])
def test_methods_are_compared_on_a_regression(ears, audio, model, label):
    write_data(audio, label)
    words = ["--model", f"{ears}:{model}", "--allow_code", "--queries", "100", "--quiet"]
    words += ["--out", "out", "--methods", "rise", "random"]
    assert main(["compare", "--data", "data", *words, "--metrics", "deletion"]) == 0
    table = pd.read_csv("out/results.csv")
    found = table[table["metric"] == "deletion_auc"].groupby("method")["value"].mean()
    assert found["rise"] < found["random"]


def test_without_a_list_those_methods_are_compared_that_can_explain_the_model(ears, audio):
    write_data(audio, "level", names="a")
    words = ["--model", f"{ears}:level", "--allow_code", "--queries", "30", "--quiet"]
    assert main(["compare", "--data", "data", *words, "--out", "out", "--metrics", "form"]) == 0
    able = [
        name
        for name, row in METHODS.items()
        if not (row.needs_module or row.needs_events or row.trains)
    ]
    assert pd.read_csv("out/results.csv")["method"].unique().tolist() == able
    assert "freq_rise" in able


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_service_that_wants_another_token_is_one_line(audio, monkeypatch, capsys, token):
    monkeypatch.delenv("DAXAUDIO_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("DAXAUDIO_TOKEN", token)
    with serving(always=status(401)) as service:
        words = ["--cache", "none", "--out", str(audio / "out"), "--quiet"]
        assert main(["explain", str(audio / "a.wav"), "--model", service.address, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"daxaudio explain: {service.address}: answers with status 401")
    assert "DAXAUDIO_TOKEN" in line


def test_a_service_that_is_gone_is_one_line(audio, tmp_path, capsys):
    with serving() as service:
        address = service.address
    (tmp_path / "told.yaml").write_text("service: {patience: 0}\n")
    words = ["--model_config", str(tmp_path / "told.yaml"), "--out", str(audio / "out"), "--quiet"]
    assert main(["explain", str(audio / "a.wav"), "--model", address, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"daxaudio explain: {address}: cannot be reached")
    assert "is the service running?" in line
