"""A text file that is not UTF-8 is named, whoever reads it."""

import shutil

import pytest

from daxaudio.data.events import read_events
from daxaudio.data.evidence import read_evidence
from daxaudio.data.folds import read_folds
from daxaudio.data.formats import load_label_map, read_annotations
from daxaudio.data.kaldi import fix_data_folder, read_data_folder, validate_data_folder
from daxaudio.explainers.storage import load_explanation
from daxaudio.models.blackbox import load_black_box
from daxaudio.runs.config import load_config

LATIN = "café".encode("latin-1")


def data_folder(path):
    folder = path.parent
    for name in ("wav.scp", "text", "utt2spk", "utt2dur"):
        if not (folder / name).exists():
            shutil.copy(path, folder / name)
    return folder


def black_box(path):
    (path.parent / "model.safetensors").write_bytes(b"")
    return path.parent


def explanation(path):
    (path.parent / "explanation.npz").write_bytes(b"")
    return path.parent


READERS = {
    "events.tsv": read_events,
    "events.csv": read_events,
    "settings.yaml": load_config,
    "labels.yaml": load_label_map,
    "val_0.csv": lambda path: read_folds(path.parent),
    "a.TextGrid": read_annotations,
    "a.txt": lambda path: read_annotations(path, "audacity"),
    "a.selections.txt": lambda path: read_annotations(path, "raven"),
    "segments": read_annotations,
    "a.json": lambda path: read_annotations(path, "coswara"),
    "wav.scp": lambda path: read_data_folder(data_folder(path)),
    "text": lambda path: fix_data_folder(data_folder(path)),
    "model.yaml": lambda path: load_black_box(black_box(path)),
    "explanation.json": lambda path: load_explanation(explanation(path)),
    "evidence.csv": read_evidence,
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_not_utf8_is_named_with_what_to_do(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(LATIN)
    with pytest.raises(ValueError, match=r": is (not UTF-8|neither UTF-8)") as caught:
        READERS[name](path)
    assert str(path) in str(caught.value) or str(tmp_path / "wav.scp") in str(caught.value)
    assert "save it as UTF-8" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_validation_names_it_too(tmp_path):
    (tmp_path / "text").write_bytes(LATIN)
    found = [str(problem) for problem in validate_data_folder(tmp_path)]
    assert any(f"{tmp_path / 'text'}: is not UTF-8 text" in text for text in found)
