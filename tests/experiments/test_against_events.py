"""Explanations against true events, by themselves and as a set."""

import pandas as pd
import pytest
import torch

from daxaudio.containers import Event, Events, Explanation, Spectrogram
from daxaudio.experiments.against_events import Sets, against_events
from daxaudio.experiments.score import score_folder
from daxaudio.explainers.storage import save_explanation
from daxaudio.metrics import focus, frame_f1, psds
from daxaudio.metrics.catalogue import GROUPS, MEASURES

TIMES = torch.arange(8) + 0.5
DOG, CAT = Event(1, 3, "dog"), Event(5, 7, "cat")


def explained(profile, target="dog", name="a", method="rise"):
    picture = Spectrogram(torch.zeros(2, 8), torch.arange(1.0, 3.0), TIMES, name)
    mask = torch.tensor([float(digit) for digit in profile]).expand(2, 8) / 9
    return Explanation(mask, picture, method, target)


def test_only_what_was_asked_for_is_measured():
    mask = explained("09900000")
    for group in ("localisation", "event_detection"):
        found = against_events(mask, [DOG], [group, "form"])
        assert set(found) == {n for n in GROUPS[group] if not MEASURES[n].of_set}
    assert not against_events(mask, [DOG], ["form", "deletion"])


def test_focus_is_measured_where_other_classes_sound_and_each_class_has_its_own_truth():
    assert "focus" not in against_events(explained("09900000"), [DOG])
    assert "focus" not in against_events(explained("09900000", "cow"), [DOG, CAT])
    for target, value in (("dog", 2 / 3), ("cat", 1 / 3)):
        mask = explained("06600330", target)
        found = against_events(mask, [DOG, CAT])
        assert found["focus"] == pytest.approx(value)
        assert found["focus"] == focus(mask.mask, TIMES, [DOG, CAT], target)
        own = Events([DOG, CAT]).of(target)
        assert found["frame_f1"] == frame_f1(mask.profile, TIMES, own)


def test_a_set_is_measured_as_one_by_method_against_the_events_of_the_class():
    sets = Sets()
    for method, profiles in (
        ("rise", ("09900000", "00000990")),
        ("lime", ("09900000", "09900000")),
    ):
        for target, profile in zip(("dog", "cat"), profiles, strict=True):
            sets.add(explained(profile, target, method=method), [DOG, CAT])
    summary = sets.summary().set_index("method")
    assert summary["mean"]["rise"] == 1
    times, events = [TIMES, TIMES], [[DOG], [CAT]]
    expected = psds([[0, 9, 9, 0, 0, 0, 0, 0]] * 2, times, events)
    assert summary["mean"]["lime"] == pytest.approx(expected, abs=1e-6)
    assert set(summary["n"]) == {2}


def test_scores_of_a_folder_hold_all_and_the_set_stands_in_its_summary(tmp_path):
    for name, profile in (("a", "09900000"), ("b", "00990000")):
        save_explanation(explained(profile, name=name), tmp_path / "found" / "rise" / name)
    events = {"a": Events([DOG, CAT]), "b": Events([DOG])}
    results, summary = score_folder(tmp_path / "found", events, tmp_path)
    assert set(GROUPS["localisation"]) < set(results["metric"])
    assert results.query("metric == 'focus'")["recording_id"].tolist() == ["a"]
    stored = pd.read_csv(tmp_path / "summary.csv").set_index("metric")
    assert list(stored.index) == [name for name in MEASURES if name in set(stored.index)]
    assert stored["n"]["psds"] == 2
    assert "psds" not in set(results["metric"])
    assert summary["mean"].notna().all()
