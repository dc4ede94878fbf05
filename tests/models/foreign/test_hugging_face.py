"""Folders of transformers are asked as transformers' own pipeline asks them."""

import json
import logging
import os
import pickle
import socket

import pytest
import torch
import transformers
from hugging_face_folders import KINDS, RATE, save_folder

from daxaudio.models.foreign.description import describe
from daxaudio.models.foreign.hugging_face import open_hugging_face
from daxaudio.models.foreign.load import load_model
from daxaudio.models.foreign.runner import Opening


def sounds(n=2, n_samples=RATE // 2):
    """Tones in noise, of another pitch each."""
    noise = 0.01 * torch.randn(n, n_samples, generator=torch.Generator().manual_seed(0))
    turns = torch.arange(n_samples) / RATE * 150 * 4 ** torch.arange(n)[:, None]
    return 0.3 * torch.sin(2 * torch.pi * turns) + noise


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("hugging_face")
    return {kind: save_folder(root / kind, kind) for kind in KINDS}


@pytest.fixture
def own(tmp_path):
    """A folder to be spoilt."""
    return save_folder(tmp_path / "model")


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_pipeline(kind, folders):
    runner = open_hugging_face(folders[kind], Opening())
    pipeline = transformers.pipeline("audio-classification", str(folders[kind]), device="cpu")
    (sound,) = sounds(1)
    theirs = {row["label"]: row["score"] for row in pipeline(sound.numpy())}
    described = describe(runner.described, {}, "x")
    assert (described.classes, described.activation) == (("dog", "cat"), "softmax")
    ours = runner(sound[None])[0].softmax(-1)
    assert ours.tolist() == pytest.approx([theirs["dog"], theirs["cat"]], abs=1e-6)
    assert ours[0] != pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_does_not_depend_on_what_else_is_in_the_batch(kind, folders):
    runner = open_hugging_face(folders[kind], Opening())
    batch = sounds(3)
    alone = torch.cat([runner(one[None]) for one in batch])
    assert torch.allclose(runner(batch), alone, rtol=0, atol=5e-6)
    assert (alone[0] - alone[1]).abs().max() > 1e-4


def test_what_the_configurations_say_is_read_off(folders):
    assert open_hugging_face(folders["Wav2Vec2"], Opening()).described == {
        "sample_rate": 16000,
        "classes": ["dog", "cat"],
        "input": "waveform",
        "output": "logits",
        "activation": "softmax",
        "output_layout": "N K",
    }
    assert open_hugging_face(folders["Whisper"], Opening()).described["seconds"] == 1


@pytest.mark.parametrize("kind", ["AST", "Whisper"])
def test_a_short_recording_is_padded_as_the_pipeline_pads_it(kind, folders):
    pipeline = transformers.pipeline("audio-classification", str(folders[kind]), device="cpu")
    (sound,) = sounds(1, RATE // 4)
    theirs = {row["label"]: row["score"] for row in pipeline(sound.numpy())}
    model = load_model(folders[kind])
    ours = model.answers(sound[None, None])[0, 0].tolist()
    assert ours == pytest.approx([theirs["dog"], theirs["cat"]], abs=1e-5)
    assert model.answers(torch.cat([sound] * 9)[None, None]).shape[1] > 1


def test_the_longest_sound_of_ast_fills_its_frames_to_the_last(folders):
    runner = open_hugging_face(folders["AST"], Opening())
    n_samples = round(runner.described["seconds"] * RATE)
    changed = sounds(1, n_samples)
    heard = runner(changed.clone())
    changed[:, -80:] *= 20
    assert not torch.allclose(runner(changed), heard, atol=1e-4)


@pytest.mark.parametrize("kind", ["AST", "Whisper"])
def test_a_sound_that_would_be_cut_off_is_refused(kind, folders):
    runner = open_hugging_face(folders[kind], Opening())
    n_samples = round(runner.described["seconds"] * RATE)
    with pytest.raises(ValueError, match=rf"hears {n_samples} samples at once.*{n_samples + 1}"):
        runner(sounds(1, n_samples + 1))


@pytest.mark.parametrize(
    ("settings", "classes", "told", "expected"),
    [
        ({}, ("a", "b"), {}, ("logits", "softmax")),
        ({}, ("quality",), {}, ("regression", "none")),
        ({"problem_type": "regression"}, ("x", "y"), {}, ("regression", "none")),
        ({"problem_type": "multi_label_classification"}, "ab", {}, ("multi_label", "sigmoid")),
        ({"problem_type": "single_label_classification"}, "ab", {}, ("logits", "softmax")),
        ({}, ("a", "b"), {"output": "multi_label"}, ("multi_label", "sigmoid")),
        ({}, ("speech",), {"output": "multi_label"}, ("multi_label", "sigmoid")),
    ],
)
def test_what_the_logits_mean_goes_by_the_kind_of_problem(
    settings, classes, told, expected, tmp_path
):
    folder = save_folder(tmp_path, classes=classes, **settings)
    runner = open_hugging_face(folder, Opening(told=told))
    found = describe(runner.described, told, "x")
    assert (found.output, found.activation) == expected


def test_no_code_no_network_and_no_lasting_setting(own, monkeypatch, capfd):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    verbosity = transformers.utils.logging.get_verbosity()
    open_hugging_face(own, Opening())
    assert "HF_HUB_OFFLINE" not in os.environ
    assert transformers.utils.logging.get_verbosity() == verbosity
    assert transformers.utils.logging.is_progress_bar_enabled()
    assert capfd.readouterr() == ("", "")


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickled_weights_are_refused_and_not_unpickled(own, tmp_path):
    (own / "model.safetensors").unlink()
    (own / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "proof")))
    with pytest.raises(ValueError, match=r"pytorch_model.bin, a pickle.*give model.safetensors"):
        open_hugging_face(own, Opening(allow_code=True))
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_code_in_a_folder_is_never_run(file, own, tmp_path):
    proof = tmp_path / "proof"
    (own / "own_code.py").write_text(f"open({str(proof)!r}, 'w')\n")
    names = ("AutoConfig", "AutoFeatureExtractor", "AutoModelForAudioClassification")
    settings = json.loads((own / file).read_text())
    settings["auto_map"] = dict.fromkeys(names, "own_code.Made")
    settings["model_type"] = settings["feature_extractor_type"] = "made"
    (own / file).write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"brings code of its own, which is never run"):
        open_hugging_face(own, Opening(allow_code=True))
    assert not proof.exists()


def spoil(name, **changes):
    def change(folder):
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def without_head(folder):
    network = transformers.Wav2Vec2Model.from_pretrained(folder)
    network.save_pretrained(folder)
    spoil("config.json", architectures=None)(folder)


@pytest.mark.parametrize(
    ("spoilt", "line"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"config.json: no such file"),
        (lambda folder: (folder / "config.json").write_text("{"), "not JSON that can be read"),
        (lambda folder: (folder / "config.json").write_text("[]"), "must hold keys and values"),
        (
            lambda folder: (folder / "preprocessor_config.json").unlink(),
            "has no preprocessor_config.json",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "has no weights; give model.saf"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"12345678"),
            "transformers makes no AudioClassification of it",
        ),
        (spoil("config.json", architectures=["Wav2Vec2ForCTC"]), "holds a Wav2Vec2ForCTC, which"),
        (
            spoil(
                "config.json", architectures=["BertForSequenceClassification"], model_type="bert"
            ),
            "transformers makes no AudioClassification of it: Unrecognized configuration class",
        ),
        (without_head, r"has no weights for .*and \d others; it was not trained as an audio"),
    ],
)
def test_a_folder_that_is_no_classifier_is_one_line(spoilt, line, own):
    spoilt(own)
    with pytest.raises(ValueError, match=line) as found:
        open_hugging_face(own, Opening())
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 600


def test_a_sound_that_is_too_short_is_one_line(folders):
    with pytest.raises(ValueError, match=r"fails on an input of shape \(1, 9\): ") as found:
        open_hugging_face(folders["Wav2Vec2"], Opening())(sounds(1, 9))
    assert "\n" not in str(found.value)


def test_other_weights_and_other_settings_have_another_digest(own):
    first = open_hugging_face(own, Opening()).digest()
    spoil("preprocessor_config.json", do_normalize=False)(own)
    second = open_hugging_face(own, Opening()).digest()
    save_folder(own, hidden_act="relu")
    third = open_hugging_face(own, Opening()).digest()
    assert len({first, second, third}) == 3


def test_half_precision_weights_are_asked_in_single_precision(own):
    network = transformers.Wav2Vec2ForSequenceClassification.from_pretrained(own)
    network.half().save_pretrained(own)
    answer = open_hugging_face(own, Opening())(sounds())
    assert answer.dtype == torch.float32
    assert answer.isfinite().all()


def test_nothing_is_logged_at_the_sample_rate(folders, caplog):
    with caplog.at_level(logging.WARNING):
        open_hugging_face(folders["AST"], Opening())(sounds(1))
    assert not caplog.records
