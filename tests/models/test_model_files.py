import os
import stat
import tempfile
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.explainers.gradient import Gradient
from daxaudio.features.frontends import LinearStft, LogMel
from daxaudio.models.blackbox import BlackBox, load_black_box, save_black_box
from daxaudio.models.blstm import WindowBlstm
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.runs.files import whole_file, write_text

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16)
MODULES = {
    "resnet": lambda: SpectrogramResNet(2, depth=10, width=8, mean=-30.0, std=12.0),
    "blstm": lambda: WindowBlstm(n_bins=16, hidden=8),
}


def inputs(n=3, n_frames=60):
    return 12 * torch.randn(n, 16, n_frames, generator=torch.Generator().manual_seed(0)) - 30


def black_box(kind="resnet"):
    torch.manual_seed(0)
    return BlackBox(MODULES[kind](), FRONT_END, ["a", "b"])


@pytest.fixture
def stored(tmp_path):
    save_black_box(black_box(), tmp_path)
    return tmp_path


def change_facts(folder, section, **changes):
    facts = yaml.safe_load((folder / "model.yaml").read_text())
    facts[section] = {**facts[section], **changes}
    (folder / "model.yaml").write_text(yaml.safe_dump(facts))


# what is written can be read


@pytest.mark.parametrize("kind", MODULES)
def test_loaded_model_answers_as_the_saved_one_and_can_be_trained_on(tmp_path, kind):
    box = black_box(kind)
    save_black_box(box, tmp_path)
    again = load_black_box(tmp_path)
    assert torch.equal(again.probabilities(inputs()), box.probabilities(inputs()))
    assert again.digest() == box.digest()
    assert all(parameter.requires_grad for parameter in again.module.parameters())
    again.module.train()(inputs()).square().sum().backward()


def test_loading_draws_no_random_number(stored):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    load_black_box(stored)
    assert torch.equal(torch.rand(2), expected)


def test_own_module_is_refused_before_anything_is_written(tmp_path):
    class Own(SpectrogramResNet):
        """Cannot be made again from its settings."""

    for module in (nn.Linear(3, 2), Own(2)):
        with pytest.raises(ValueError, match=f"a {type(module).__name__} cannot be saved"):
            save_black_box(BlackBox(module, FRONT_END, ["a", "b"]), tmp_path / "model")
        assert not (tmp_path / "model").exists()


# what is read is looked at


def test_model_with_a_weight_that_is_no_number_is_named(stored):
    path = stored / "model.safetensors"
    weights = load_file(path)
    weights["network.fc.bias"][1] = torch.nan
    save_file(weights, path)
    with pytest.raises(ValueError, match=r"model\.safetensors: 1 of \d+ weights .*network\.fc\.b"):
        load_black_box(stored)


def test_own_module_with_weights_that_are_no_numbers_is_refused():
    module = nn.Linear(3, 2)
    module.weight.data[0, 0] = torch.inf
    with pytest.raises(ValueError, match="the module: 1 of 2 weights hold NaN"):
        BlackBox(module, FRONT_END, ["a", "b"])


def test_probabilities_that_are_no_numbers_name_the_recording():
    box = BlackBox(SpectrogramResNet(2, depth=10, width=8), FRONT_END, ["a", "b"])
    box.module.network.fc.weight.data[:] = 1e38
    spectrogram = Spectrogram(inputs(1)[0], torch.arange(16.0), torch.arange(60.0), "clip7")
    with pytest.raises(ValueError, match="clip7: the model's probabilities are NaN"):
        box.predict(spectrogram)


@pytest.mark.parametrize(
    ("section", "changes", "says"),
    [
        ("front_end", {"hop_length": 1}, "hop_length must give at most 4000 frames per second"),
        ("front_end", {"n_fft": 10_000_000}, "n_fft must be at most 131072 samples"),
        ("front_end", {"n_mels": 10**9}, "n_mels must be at most n_fft // 2"),
        ("front_end", {"sample_rate": 10**12}, "sample_rate must be at most"),
        ("front_end", {"n_fft": 256.5}, "n_fft must be a whole number"),
        ("front_end", {"top_db": float("nan")}, "top_db must be a number"),
        ("front_end", {"vad": {"margin": 1e300}}, "vad: margin and ends must lie between 0"),
        ("front_end", {"vad_threshold": 1e-4, "vad_margin": 1e300}, "margin and ends must lie"),
        ("front_end", {"vad_treshold": 1e-4}, "section 'vad': unknown key 'treshold'"),
        ("model", {"kind": "transformer"}, "model kind must be one of"),
        ("model", {"n_classes": 3}, "the module gives 3 logits, but 2 classes are named"),
        ("model", {"depth": 19}, "depth must be one of"),
        ("model", {"width": 3}, "width must be"),
        ("model", {"layers": 3}, "section 'model': unknown key 'layers'; known: n_classes"),
        ("model", {"kind": ["resnet"]}, "model kind must be one of"),
    ],
)
def test_settings_out_of_reason_in_a_stored_model_name_the_file(stored, section, changes, says):
    change_facts(stored, section, **changes)
    with pytest.raises(ValueError, match=rf"(?s)model\.yaml: .*{says}"):
        load_black_box(stored)


def test_network_too_large_for_any_memory_is_refused_by_its_weights(tmp_path):
    save_black_box(black_box("blstm"), tmp_path)
    change_facts(tmp_path, "model", hidden=10_000_000)
    with pytest.raises(
        ValueError, match=r"model\.safetensors: not of the model .*describes: \d+ weights differ"
    ):
        load_black_box(tmp_path)


def test_window_longer_than_any_recording_is_refused(tmp_path):
    save_black_box(black_box("blstm"), tmp_path)
    change_facts(tmp_path, "model", window=10**9)
    with pytest.raises(ValueError, match=r"model\.yaml: window must be at most 16384 frames"):
        load_black_box(tmp_path)


def test_another_list_of_classes_than_the_weights_have_is_refused(stored):
    facts = yaml.safe_load((stored / "model.yaml").read_text())
    facts["classes"] = ["a", "b", "c"]
    (stored / "model.yaml").write_text(yaml.safe_dump(facts))
    with pytest.raises(ValueError, match=r"model\.yaml: .*2 logits, but 3 classes .*\(a, b, c\)"):
        load_black_box(stored)


@pytest.mark.parametrize("front_end", [LogMel, LinearStft])
@pytest.mark.parametrize(
    ("rate", "settings"),
    [
        (44_100, {"n_fft": 1102, "hop_length": 441}),
        (16_000, {"n_fft": 400, "hop_length": 16}),  # 1 ms
        (384_000, {"n_fft": 4096, "hop_length": 128}),  # bats
        (2_000_000, {"n_fft": 4096, "hop_length": 512}),  # hydrophones
    ],
)
def test_front_ends_that_people_use_are_within_reason(front_end, rate, settings):
    mels = {"n_mels": 20, "f_min": rate / 50} if front_end is LogMel else {}
    assert front_end(sample_rate=rate, **settings, **mels).sample_rate == rate


# answers of modules


class Answers(nn.Module):
    """Two logits, the sums of the lower and the upper half, wrapped as somebody else's module."""

    def __init__(self, wrap):
        super().__init__()
        self.wrap = wrap

    def forward(self, spectrograms):
        halves = spectrograms.unflatten(1, (2, -1)).mean(dim=(2, 3))
        return self.wrap(halves)


class Output:
    def __init__(self, logits):
        self.logits = logits


@pytest.mark.parametrize("wrap", [Output, lambda x: {"logits": x, "hidden": None}])
def test_logits_are_found_in_what_modules_give(wrap):
    plain, wrapped = (BlackBox(Answers(w), FRONT_END, ["a", "b"]) for w in (lambda x: x, wrap))
    assert torch.equal(plain.probabilities(inputs()), wrapped.probabilities(inputs()))
    spectrogram = Spectrogram(inputs(1)[0], torch.arange(16.0), torch.arange(60.0))
    masks = [Gradient()(spectrogram, box.score_fn("b")).mask for box in (plain, wrapped)]
    assert torch.equal(*masks)


@pytest.mark.parametrize(
    ("wrap", "says"),
    [
        (lambda x: (x, x), "got a tuple; wrap it"),
        (lambda x: {"scores": x}, "got a dict; wrap it"),
        (lambda x: x.tolist(), "got a list; wrap it"),
        (lambda x: None, "got a NoneType; wrap it"),
        (lambda x: x[:, 0], r"3 inputs, got shape \(3,\)"),
        (lambda x: x[:1], r"3 inputs, got shape \(1, 2\)"),
        (lambda x: x[:, :1], "gives 1 logits, but 2 classes"),
        (lambda x: torch.cat([x, x], dim=1), "gives 4 logits, but 2 classes"),
    ],
)
def test_answers_without_one_logit_for_each_class_are_refused(wrap, says):
    box = BlackBox(Answers(wrap), FRONT_END, ["a", "b"])
    with pytest.raises(ValueError, match=says):
        box.probabilities(inputs())


@pytest.mark.parametrize("names", [["a"] * 1 + ["b", "c"], list("abcdef")])
def test_list_of_classes_is_held_against_what_the_module_tells_of_itself(names):
    with pytest.raises(ValueError, match=f"2 logits, but {len(names)} classes"):
        BlackBox(SpectrogramResNet(2, depth=10, width=8), FRONT_END, names)


# who may read what


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_files_have_the_permissions_that_the_umask_leaves(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        save_black_box(black_box(), tmp_path / "model")
        write_text("a", tmp_path / "a.txt")
        with whole_file(tmp_path / "private.bin") as temporary:
            temporary.touch(mode=0o600)  # as writers do that let nobody else read
    finally:
        os.umask(before)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {mode}


@pytest.fixture
def as_somebody_else():
    """Run as a user who is not root, to whom permissions apply; a folder that others may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        root = os.geteuid() == 0
        yield folder, lambda: os.seteuid(65534) if root else None
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("name", ["model.safetensors", "model.yaml"])
def test_model_of_another_user_is_not_called_missing_or_broken(as_somebody_else, name):
    folder, become = as_somebody_else
    save_black_box(black_box(), folder)
    (folder / name).chmod(0o000)
    become()
    with pytest.raises(ValueError, match=f"{name}: permission denied; ask its owner"):
        load_black_box(folder)


@pytest.mark.parametrize("names", [["a", 5], ["a", None], ["a", ""], ["a", ["b"]], ["a", "a"]])
def test_names_of_classes_are_different_texts_and_the_file_is_named(stored, names):
    facts = yaml.safe_load((stored / "model.yaml").read_text())
    (stored / "model.yaml").write_text(yaml.safe_dump({**facts, "classes": names}))
    with pytest.raises(ValueError, match=r"model\.yaml: .*class"):
        load_black_box(stored)
    with pytest.raises(ValueError, match="class"):
        BlackBox(nn.Linear(1, 2), FRONT_END, names)


def test_a_key_that_stands_twice_in_a_stored_model_is_refused(stored):
    with open(stored / "model.yaml", "a") as file:
        file.write("classes:\n- c\n- d\n")
    with pytest.raises(ValueError, match=r"model\.yaml, line \d+: .*'classes' stands twice"):
        load_black_box(stored)


def test_facts_that_stand_in_two_places_are_written_twice(tmp_path):
    shared = {"a": [1]}
    box = BlackBox(SpectrogramResNet(2, depth=10, width=4), FRONT_END, ["a", "b"])
    box.training = {"one": shared, "two": shared}
    save_black_box(box, tmp_path)
    assert load_black_box(tmp_path).training == {"one": shared, "two": shared}


@pytest.mark.parametrize("name", ["model.yaml", "model.safetensors"])
def test_a_pipe_in_place_of_a_model_is_not_waited_for(stored, name):
    (stored / name).unlink()
    os.mkfifo(stored / name)
    with pytest.raises(ValueError, match=f"no {name} here"):
        load_black_box(stored)


def test_a_model_from_before_silence_removers_had_kinds_loads_with_its_own(tmp_path):
    vad = {"threshold": 2e-4, "margin": 0.02, "ends": 0.0}
    front_end = LogMel(sample_rate=8000, n_fft=256, n_mels=16, vad={"kind": "energy", **vad})
    save_black_box(BlackBox(MODULES["resnet"](), front_end, ["a", "b"]), tmp_path)
    facts = yaml.safe_load((tmp_path / "model.yaml").read_text())
    del facts["front_end"]["vad"]
    facts["front_end"] |= {f"vad_{name}": value for name, value in vad.items()}
    write_text(yaml.safe_dump(facts), tmp_path / "model.yaml")
    assert load_black_box(tmp_path).front_end.settings == front_end.settings
