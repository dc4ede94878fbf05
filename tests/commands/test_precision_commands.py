import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from daxaudio.commands.main import main
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.models.precision import choose_precision

HERE = choose_precision().precision
OTHER = {"fp32": "bf16", "bf16": "fp32"}[HERE]
RECIPES = Path(__file__).resolve().parents[2] / "recipes"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A data folder of four recordings, and a model of it that was trained for a moment."""
    root = tmp_path_factory.mktemp("corpus")
    labels = {f"s{i}": ("cat", "dog")[i % 2] for i in range(4)}
    for number, name in enumerate(labels):
        samples = np.random.default_rng(number).normal(0, 0.1, 8000)
        soundfile.write(root / f"{name}.wav", samples, 8000)
    paths = {name: str(root / f"{name}.wav") for name in labels}
    durations = dict.fromkeys(labels, 1.0)
    folder = DataFolder(paths, labels, {name: name for name in labels}, durations)
    write_data_folder(folder, root / "data")
    (root / "conf.yaml").write_text(configuration())
    assert train(root) == 0
    return root


def configuration(precision=None):
    chosen = "" if precision is None else f", precision: {precision}"
    return (
        "front_end: {sample_rate: 8000, n_fft: 512, hop_length: 256, n_mels: 16}\n"
        f"training: {{epochs: 1, batch_size: 4{chosen}}}\n"
        "augmentation: {padding_probability: 0.0}\n"
    )


def train(root, *options, config="conf.yaml", out="model"):
    words = ["train", str(root / "data"), "--out", str(root / out), "--quiet"]
    return main([*words, "--config", str(root / config), *options])


def explain(root, what, out, *options):
    words = ["explain", str(root / what), "--model", str(root / "model"), "--out", str(out)]
    return main([*words, "--quiet", "--check", "none", "--method", "energy", *options])


def stored_precision(folder):
    return json.loads((folder / "explanation.json").read_text())["precision"]


def announced(capsys):
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith("precision: ")]


def test_model_tells_in_which_precision_it_was_trained_and_why(corpus):
    facts = yaml.safe_load((corpus / "model/model.yaml").read_text())["training"]
    assert facts["precision"] == choose_precision().as_dict()
    assert facts["settings"]["training"]["precision"] == HERE


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], choose_precision()), (["--precision", "fp32"], choose_precision("fp32"))],
)
def test_explanation_tells_it_and_the_command_says_it_once(
    corpus, tmp_path, capsys, options, expected
):
    assert explain(corpus, "s0.wav", tmp_path / "one", *options) == 0
    assert announced(capsys) == [f"precision: {expected}"]
    assert stored_precision(tmp_path / "one") == expected.as_dict()


def test_so_do_explanations_of_a_folder(corpus, tmp_path, capsys):
    words = ["compare", "--data", str(corpus / "data"), "--model", str(corpus / "model")]
    words += ["--methods", "energy", "--metrics", "form", "--out", str(tmp_path), "--quiet"]
    for label in ("cat", "dog"):  # one of them the hardly trained network gets right
        text = "".join(f"s{i} {label}\n" for i in range(4))
        (corpus / "data/text").write_text(text)
        if main(words) == 0:
            break
    assert set(announced(capsys)) == {f"precision: {choose_precision()}"}
    found = list(tmp_path.glob("**/explanation.json"))
    assert found
    for path in found:
        assert stored_precision(path.parent) == choose_precision().as_dict()
    (corpus / "data/text").write_text("".join(f"s{i} {('cat', 'dog')[i % 2]}\n" for i in range(4)))


def test_auto_keeps_a_model_that_was_trained_in_the_other_precision(corpus, capsys):
    path = corpus / "model/model.yaml"
    kept = path.read_text()
    facts = yaml.safe_load(kept)
    facts["training"]["settings"]["training"]["precision"] = OTHER  # by a machine of another kind
    path.write_text(yaml.safe_dump(facts, sort_keys=False))
    assert train(corpus) == 0
    assert "holds this very model" in capsys.readouterr().out
    (corpus / "asked.yaml").write_text(configuration(HERE))
    assert train(corpus, config="asked.yaml") == 2
    assert "other recordings, settings or seed" in capsys.readouterr().err
    path.write_text(kept)
    assert train(corpus, config="asked.yaml") == 0


def test_device_that_holds_no_numbers_is_one_line(corpus, tmp_path, capsys):
    for run in (
        lambda: explain(corpus, "s0.wav", tmp_path / "one", "--device", "meta"),
        lambda: train(corpus, "--device", "meta", out="other"),
    ):
        assert run() == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "device 'meta' cannot be used" in error


def test_recipes_leave_the_precision_to_the_machine():
    # but for audits of made corpora: what they name is to be the same on any processor
    files = sorted(set(RECIPES.glob("*/conf/*.yaml")) - {RECIPES / "audit" / "conf" / "tiny.yaml"})
    assert files
    assert not [path for path in files if "precision" in path.read_text()]
