"""Functions of the user's own are found by name, run where allowed, and say what they need."""

import sys

import pytest
import torch

from daxaudio.models.foreign.function import open_function
from daxaudio.models.foreign.runner import Opening

SOURCE = """
import numpy as np

def loudness(sounds):
    sounds *= 2  # what it is given is its own
    return np.abs(sounds.numpy()).mean(axis=1, keepdims=True)

loudness.sample_rate, loudness.classes, loudness.output = 8000, ["loud"], "regression"

class Ears:
    sample_rate = 16000
    classes = ("a", "b")

    def frames(self):
        return 3

    def __call__(self, sounds):
        return {"logits": sounds[:, :2], "other": 0}

    def hear(self, sounds):
        raise RuntimeError("no ears\\non")

ears, number = Ears(), 3
"""


@pytest.fixture
def name(tmp_path, monkeypatch):
    """A module in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_ears.py").write_text(SOURCE)
    yield "own_ears"
    sys.modules.pop("own_ears", None)


def opened(name, **told):
    return open_function(name, Opening(told=told, allow_code=True))


def test_a_function_of_the_working_folder_is_asked(name):
    path, sounds = list(sys.path), torch.ones(2, 80)
    runner = opened(f"{name}:loudness")
    assert runner(sounds).tolist() == [[2], [2]]
    assert torch.equal(sounds, torch.ones(2, 80))
    assert sys.path == path
    assert runner.described == {"sample_rate": 8000, "classes": ["loud"], "output": "regression"}


def test_an_object_is_asked_by_what_it_has_as_attributes(name):
    runner = opened(f"{name}:ears")
    assert runner.described == {"sample_rate": 16000, "classes": ("a", "b")}
    assert runner(torch.ones(3, 8)).shape == (3, 2)


def test_the_answer_that_counts_can_be_told(name):
    assert opened(f"{name}:ears", output_name="other")(torch.ones(1, 8)).tolist() == [0]


def test_the_module_is_imported_only_where_code_is_allowed(name):
    with pytest.raises(ValueError, match=r"importing it runs the code of own_ears.*--allow_code"):
        open_function(f"{name}:loudness", Opening())
    assert name not in sys.modules


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("own_ears", "write package.module:function"),
        (":loudness", "write package.module:function"),
        ("own_ears:deaf", "own_ears has no 'deaf'"),
        ("own_ears:number", "is no function, but of type int"),
        ("own_ears:Ears", "is no function, but of type type"),
        ("no_ears:loudness", "no_ears cannot be imported: ModuleNotFoundError"),
    ],
)
def test_what_is_no_function_is_one_line(path, line, name):
    with pytest.raises(ValueError, match=line):
        opened(path)


def test_a_function_that_fails_is_one_line(name):
    with pytest.raises(ValueError, match=r"own_ears:ears.hear: fails on .*RuntimeError: on$"):
        opened(f"{name}:ears.hear")(torch.ones(1, 8))


def test_another_source_has_another_digest(name, tmp_path):
    first = opened(f"{name}:loudness").digest()
    assert opened(f"{name}:ears").digest() != first
    (tmp_path / "own_ears.py").write_text(SOURCE + "# changed\n")
    assert opened(f"{name}:loudness").digest() != first
