"""Settings of opening count for somebody else's classifier, or are refused."""

import pytest
import torch
from onnx_models import node, save, save_means, save_streaming, value

from daxaudio.containers import Recording
from daxaudio.models.foreign.load import kind_of, load_model

SOUND = Recording(torch.randn(1, 8000, generator=torch.Generator().manual_seed(0)), 8000, "a")


def save_described(folder, entries="", **shape):
    path = save_means(folder / "x.onnx", **shape)
    (folder / "x.onnx.yaml").write_text(f"classes: [up, down]\nsample_rate: 8000\n{entries}")
    return path


def largest_batch(model):
    """How many of five inputs are given to the runner at once."""
    asked, sizes = model.about(SOUND), []
    run = model.runner
    model.runner = lambda inputs: sizes.append(len(inputs)) or run(inputs)
    asked.probabilities(asked.spectrogram.values.expand(5, -1, -1))
    return max(sizes)


@pytest.mark.parametrize(
    ("entries", "shape", "largest"),
    [("", {}, 2), ("batch_size: 3", {}, 3), ("", {"n_samples": 8000, "batch": 1}, 1)],
    ids=["asked for", "told", "the file's own"],
)
def test_a_batch_size_counts_where_the_description_has_none(tmp_path, entries, shape, largest):
    path = save_described(tmp_path, entries, **shape)
    assert largest_batch(load_model(path, batch_size=2)) == largest


def test_the_batch_size_makes_no_other_model(tmp_path):
    path = save_described(tmp_path)
    assert load_model(path, batch_size=2).digest() == load_model(path).digest()


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"precision": "bf16"}, "x.onnx: precision goes with classifiers that daxaudio trained"),
        ({"channels_last": False}, "x.onnx: channels_last goes with"),
        ({"compile": True}, "x.onnx: compile goes with"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"batch_size": "many"}, "batch_size must be"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(tmp_path, setting, text):
    with pytest.raises(ValueError, match=text) as found:
        load_model(save_described(tmp_path), **setting)
    assert "\n" not in str(found.value)


KNOWN = "classes: [a]\nsample_rate: 8000\n"


@pytest.mark.parametrize(
    ("entries", "lines"),
    [
        ("", ["classes: ", "sample_rate: ", "input_name: audio", "state: {state: stateN}"]),
        (KNOWN, ["input_name: audio", "state: {state: stateN}", "inputs: {offset: 1}", "chunk: "]),
        (KNOWN + "input_name: audio\ninputs: {offset: 1}", ["state: {state: stateN}", "chunk: "]),
        (KNOWN + "input_name: audio\nstate: {state: stateN}\nchunk: 2", ["inputs: {offset: 1}"]),
    ],
)
def test_inputs_of_which_nothing_was_told_are_asked_for_when_it_is_opened(tmp_path, entries, lines):
    path = save_streaming(tmp_path / "x.onnx")
    (tmp_path / "x.onnx.yaml").write_text(entries)
    with pytest.raises(ValueError, match=r"x.onnx: it does not say its") as found:
        load_model(path)
    assert all(line in str(found.value) for line in lines)
    assert "\n" not in str(found.value)


def test_states_of_a_sequence_are_asked_for_when_it_is_opened(tmp_path):
    """A file that hears the rows of a batch one after the other, and hands two states on."""
    path = save(
        tmp_path / "x.onnx",
        [
            node("Identity", "h", "hn"),
            node("Identity", "c", "cn"),
            node("ReduceMean", "input", "speech", axes=[1], keepdims=0),
        ],
        [value("input", ["length", 576]), value("h", [1, 1, 8]), value("c", [1, 1, 8])],
        [value("speech", ["length"]), value("hn", [1, 1, 8]), value("cn", [1, 1, 8])],
    )
    with pytest.raises(ValueError, match=r"input_name: input.*state: \{h: hn, c: cn\}"):
        load_model(path)


@pytest.mark.parametrize("name", ["ears:hear", "my.ears:hear", "my.ears:ears.hear", "a:b.c.d"])
def test_what_can_be_opened_as_a_function_is_known_as_one(name):
    assert kind_of(name) == "function"


def test_a_method_is_opened_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ears_with_methods.py").write_text(
        "class Ears:\n    def hear(self, sounds):\n        return sounds[:, :1]\n\nears = Ears()\n"
    )
    (tmp_path / "told.yaml").write_text(f"{KNOWN}output: regression\n")
    model = load_model("ears_with_methods:ears.hear", config="told.yaml", allow_code=True)
    assert float(model.answers(SOUND.waveform[None])) == pytest.approx(float(SOUND.waveform[0, 0]))


@pytest.mark.parametrize("name", ["ears:", "ears:hear.", "ears:.hear", "my ears:hear", "ears:a-b"])
def test_what_is_no_name_of_a_function_is_no_such_file(name):
    with pytest.raises(ValueError, match="no such file or folder"):
        kind_of(name)
