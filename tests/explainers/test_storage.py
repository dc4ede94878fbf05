import errno
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.explainers.storage import (
    is_stored,
    is_whole,
    load_explanation,
    load_facts,
    save_explanation,
)


def explanation(**changes):
    mask = torch.rand(4, 6, generator=torch.Generator().manual_seed(0))
    spectrogram = Spectrogram(10 * mask - 40, 100 * torch.arange(4.0), 0.1 * torch.arange(6.0), "a")
    facts = {
        "target": "dog",
        "score": 0.75,
        "n_queries": 12,
        "seconds": {"query": 1.5, "fit": 0.25},
        "settings": {"keep": 0.5, "sampler": {"n_samples": 10}},
        "findings": {"reliability": 0.9, "kept": None},
        "seed": 7,
        "attribution": mask - 0.5,
    }
    return Explanation(mask, spectrogram, "lime", **{**facts, **changes})


def test_what_is_written_reads_back(tmp_path):
    before = explanation()
    save_explanation(before, tmp_path, {"audio": "a.wav"})
    after = load_explanation(tmp_path)
    for name in ("mask", "attribution", "profile"):
        assert torch.equal(getattr(before, name), getattr(after, name))
    for name in (
        "method",
        "target",
        "score",
        "n_queries",
        "seconds",
        "settings",
        "findings",
        "seed",
    ):
        assert getattr(before, name) == getattr(after, name)
    assert torch.equal(before.spectrogram.values, after.spectrogram.values)
    assert torch.equal(before.spectrogram.times, after.spectrogram.times)


def test_files_hold_what_is_promised(tmp_path):
    save_explanation(explanation(), tmp_path, {"audio": "a.wav"})
    with np.load(tmp_path / "explanation.npz") as arrays:
        assert arrays["mask"].shape == (4, 6)
        assert arrays["frequencies"].shape == (4,)
        assert arrays["times"].shape == (6,)
        np.testing.assert_allclose(arrays["profile"], arrays["mask"].mean(axis=0), atol=1e-6)
    facts = json.loads((tmp_path / "explanation.json").read_text())
    keys = ("method", "settings", "target", "score", "queries", "seconds", "seed", "versions")
    assert set(keys) <= set(facts)
    assert facts["audio"] == "a.wav"
    assert facts["versions"]["torch"] == torch.__version__.split("+")[0]


def test_history_survives(tmp_path):
    masks = [np.zeros((4, 6), np.float32), np.full((4, 6), 0.5, np.float32)]
    history = {"train_loss": [2.0, 1.0], "validation_loss": [2.0, 1.5], "mask_epochs": [1, 2]}
    save_explanation(explanation(history={**history, "masks": masks}), tmp_path)
    after = load_explanation(tmp_path).history
    assert after["train_loss"] == [2.0, 1.0]
    np.testing.assert_array_equal(after["masks"], masks)


def test_standard_error_and_warnings_read_back(tmp_path):
    error = torch.rand(4, 6, generator=torch.Generator().manual_seed(1))
    warnings = ("The student explains 12 % of the scores.", "Größe: 3.")
    save_explanation(explanation(standard_error=error, warnings=warnings), tmp_path)
    after = load_explanation(tmp_path)
    assert torch.equal(after.standard_error, error)
    assert after.warnings == warnings


def test_what_knows_no_error_has_none_in_the_file(tmp_path):
    save_explanation(explanation(), tmp_path)
    with np.load(tmp_path / "explanation.npz") as arrays:
        assert "standard_error" not in arrays.files
    after = load_explanation(tmp_path)
    assert after.standard_error is None
    assert after.warnings == ()


@pytest.mark.parametrize(("name", "none"), [("warnings", ()), ("findings", {})])
def test_files_from_before_something_was_known_still_load(tmp_path, name, none):
    save_explanation(explanation(), tmp_path)
    facts = json.loads((tmp_path / "explanation.json").read_text())
    del facts[name]
    (tmp_path / "explanation.json").write_text(json.dumps(facts))
    assert getattr(load_explanation(tmp_path), name) == none


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.zeros(4, 5), r"^standard_error is \(4, 5\), the mask is \(4, 6\)$"),
        (torch.full((4, 6), -0.1), "^standard_error of 'lime' is negative somewhere or holds NaN"),
        (torch.full((4, 6), torch.nan), "negative somewhere or holds NaN"),
        (torch.full((4, 6), torch.inf), "negative somewhere or holds NaN or infinity"),
    ],
)
def test_impossible_standard_errors_are_refused(error, message):
    with pytest.raises(ValueError, match=message):
        explanation(standard_error=error)


def test_warnings_must_be_a_tuple_of_texts():
    with pytest.raises(TypeError, match="tuple of texts, got 'unsure'"):
        explanation(warnings="unsure")
    with pytest.raises(ValueError, match="a warning of 'lime' is empty"):
        explanation(warnings=("unsure", " "))


def test_unknown_score_is_null_in_the_file_and_nan_in_memory(tmp_path):
    save_explanation(explanation(score=float("nan")), tmp_path)
    assert json.loads((tmp_path / "explanation.json").read_text())["score"] is None
    assert math.isnan(load_explanation(tmp_path).score)


def test_folder_without_facts_does_not_count_as_stored(tmp_path):
    save_explanation(explanation(), tmp_path)
    (tmp_path / "explanation.json").unlink()
    assert not is_stored(tmp_path)
    with pytest.raises(ValueError, match=r"no explanation\.json here"):
        load_explanation(tmp_path)


def test_truncated_arrays_are_named(tmp_path):
    save_explanation(explanation(), tmp_path)
    content = (tmp_path / "explanation.npz").read_bytes()
    (tmp_path / "explanation.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="not an explanation that daxaudio wrote"):
        load_explanation(tmp_path)


def test_broken_facts_are_named(tmp_path):
    save_explanation(explanation(), tmp_path)
    (tmp_path / "explanation.json").write_text("{}")
    with pytest.raises(ValueError, match="not an explanation that daxaudio wrote"):
        load_explanation(tmp_path)


def damage(path, content):
    path.write_bytes(content(path.read_bytes()) if callable(content) else content)


def as_npy(raw):
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def without_mask(raw):
    file = io.BytesIO()
    np.savez(file, frequencies=np.zeros(3))
    return file.getvalue()


def flipped(raw):
    middle = len(raw) // 3
    return (
        raw[:middle] + bytes(255 - byte for byte in raw[middle : middle + 40]) + raw[middle + 40 :]
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", as_npy, without_mask, flipped])
def test_arrays_that_are_none_are_named_in_one_line(tmp_path, content):
    save_explanation(explanation(), tmp_path)
    damage(tmp_path / "explanation.npz", content)
    with pytest.raises(ValueError, match=r"explanation\.npz: not an .* explain again") as found:
        load_explanation(tmp_path)
    assert "\n" not in str(found.value)
    assert not is_whole(tmp_path)


def changed(**values):
    return lambda raw: json.dumps({**json.loads(raw), **values}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1, 2]",
        b"\xff",
        b"[" * 100_000,
        changed(queries="many"),
        changed(seed=None),
        changed(seconds=[1]),
        changed(settings="none"),
        changed(findings=[0.5]),
        changed(history=3),
        changed(verdict="good"),
        changed(score="high"),
        changed(recording_id=12),
        changed(warnings="unsure"),
        changed(queries=True),
    ],
)
def test_facts_of_wrong_types_are_named_in_one_line(tmp_path, content):
    save_explanation(explanation(), tmp_path)
    damage(tmp_path / "explanation.json", content)
    assert is_stored(tmp_path)
    assert not is_whole(tmp_path)
    for load in (load_explanation, load_facts):
        with pytest.raises(
            ValueError, match=r"explanation\.json: not an .* explain again"
        ) as found:
            load(tmp_path)
        assert "\n" not in str(found.value)


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    save_explanation(explanation(), tmp_path)

    def refuse(path, *arguments, **settings):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(PermissionError):
        load_explanation(tmp_path)


@pytest.mark.parametrize("fails", ["explanation.npz", "explanation.json"])
def test_a_full_disk_leaves_the_old_explanation_or_none(tmp_path, monkeypatch, fails):
    save_explanation(explanation(), tmp_path / "old")
    before = {path: path.read_bytes() for path in (tmp_path / "old").iterdir()}

    def full(*arguments, **settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    if fails.endswith("npz"):
        monkeypatch.setattr(np, "savez_compressed", full)
    else:
        monkeypatch.setattr(Path, "write_text", full)
    for folder in ("old", "new"):
        with pytest.raises(OSError, match=rf"No space left on device: '.*{fails}'"):
            save_explanation(explanation(score=0.1), tmp_path / folder)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before
    assert list((tmp_path / "new").iterdir()) == []


def test_digest_of_the_model_stands_in_one_place_of_old_and_new_files(tmp_path):
    save_explanation(explanation(), tmp_path / "old", {"model": "0a1b"})
    save_explanation(explanation(), tmp_path / "new", {"model": "exp/m", "model_digest": "0a1b"})
    digests = [load_facts(tmp_path / part)["model_digest"] for part in ("old", "new")]
    assert digests == ["0a1b", "0a1b"]


def test_the_seed_that_is_read_back_is_that_of_the_draws(tmp_path):
    drawn = explanation(seed=2**62 + 1)
    save_explanation(drawn, tmp_path, {"seed": 3, "derived_seed": str(drawn.seed)})
    assert load_explanation(tmp_path).seed == 2**62 + 1
    assert load_facts(tmp_path)["seed"] == 3


def test_findings_of_older_files_are_taken_out_of_their_settings(tmp_path):
    save_explanation(explanation(), tmp_path)
    path = tmp_path / "explanation.json"
    facts = json.loads(path.read_text())
    del facts["findings"]
    polarity = {"upright": False, "score_of_high": 0.1, "score_of_low": 0.4, "n_queries": 18}
    facts["settings"] = {
        **{"name": "Dax", "epochs": 3, "layer": "conv1"},
        **{"student_r2": 0.5, "mask_reliability": 0.8, "salience_reliability": 0.7},
        **{"polarity_found": polarity, "precision_found": {"precision": "fp32"}},
    }
    path.write_text(json.dumps(facts))
    loaded = load_explanation(tmp_path)
    assert loaded.settings == {"name": "Dax", "epochs": 3, "layer": "conv1"}
    assert loaded.findings == {
        **{"student_r2": 0.5, "mask_reliability": 0.8, "salience_reliability": 0.7},
        **{"reliability": 0.7, "upright": False, "score_of_high": 0.1, "score_of_low": 0.4},
        "precision": {"precision": "fp32"},
    }
