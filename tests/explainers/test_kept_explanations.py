"""What `explain` keeps of other recordings, and what `score` does with explanations of several."""

import pytest
import torch

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.experiments.score import list_warnings, score_folder, total_cost
from daxaudio.explainers.storage import check_alike, save_explanation

AXES = (torch.arange(4.0), 0.1 * torch.arange(6.0))


def store(folder, name, method="lime", **facts):
    values = torch.rand(4, 6, generator=torch.Generator().manual_seed(len(name)))
    found = Explanation(values, Spectrogram(values, *AXES, name), method, target="dog")
    save_explanation(found, folder, facts)
    return folder


OF_A = {"recording_id": "a", "input": "12", "model_digest": "m", "target": "dog"}


def test_another_recording_class_or_model_is_refused_where_one_is_kept(tmp_path):
    store(tmp_path, "a", **OF_A)
    check_alike(tmp_path, OF_A)
    for name, word in (
        ("recording_id", "recording"),
        ("input", "recording"),
        ("target", "class"),
        ("model_digest", "model"),
    ):
        with pytest.raises(ValueError, match=f"of another {word} .*'a' for 'dog'.*choose another"):
            check_alike(tmp_path, {**OF_A, name: "other"})


def test_methods_of_other_recordings_are_never_laid_side_by_side(tmp_path):
    store(tmp_path / "lime", "a", **OF_A)
    with pytest.raises(ValueError, match="lime holds an explanation of another recording"):
        check_alike(tmp_path, {**OF_A, "recording_id": "b"})
    check_alike(tmp_path / "b", {**OF_A, "recording_id": "b"})


EVENTS = {"a": [Event(0.1, 0.3)], "b": [Event(0.2, 0.4)], "0012": [Event(0.1, 0.2)]}


def test_scores_of_methods_without_a_common_recording_are_refused(tmp_path):
    store(tmp_path / "lime", "a")
    store(tmp_path / "rise", "b", "rise")
    with pytest.raises(ValueError, match="no recording is explained by all methods"):
        score_folder(tmp_path, EVENTS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_methods_of_some_other_recordings_are_scored_with_a_warning(tmp_path, caplog):
    for method, names in (("lime", "ab"), ("rise", "a")):
        for name in names:
            store(tmp_path / method / name, name, method)
    score_folder(tmp_path, EVENTS, tmp_path / "out")
    assert "of different recordings: lime 2, rise 1" in caplog.text


@pytest.mark.parametrize("file", ["explanation.npz", "explanation.json"])
def test_a_broken_explanation_is_named_and_the_others_are_scored(tmp_path, caplog, file):
    for name in "ab":
        store(tmp_path / "lime" / name, name)
    (tmp_path / "lime/a" / file).write_bytes(b"")
    results, _ = score_folder(tmp_path, EVENTS, tmp_path / "out")
    assert set(results["recording_id"]) == {"b"}
    assert f"lime/a/{file}" in caplog.text
    if file.endswith("json"):
        assert list(total_cost(tmp_path)["method"]) == ["lime"]
        assert list_warnings(tmp_path).empty
    (tmp_path / "lime/b" / file).write_bytes(b"")
    with pytest.raises(ValueError, match=rf"no explanation can be read: .*lime/b/{file}"):
        score_folder(tmp_path, EVENTS, tmp_path / "out")


def test_a_recording_without_events_costs_only_itself(tmp_path, caplog):
    for name in "ab":
        store(tmp_path / "lime" / name, name)
    results, _ = score_folder(tmp_path, {"b": EVENTS["b"]}, tmp_path / "out")
    assert set(results["recording_id"]) == {"b"}
    assert f"left out: {tmp_path / 'lime/a'}: the events name no recording 'a'" in caplog.text
