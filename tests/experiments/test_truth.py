"""What is true of the class that is explained: its own events, its own evidence."""

import pandas as pd
import pytest
import torch
from torch import nn

from daxaudio.containers import Event, Events, Explanation, Recording, Spectrogram
from daxaudio.data.audio import write_recording
from daxaudio.data.evidence import Evidence
from daxaudio.data.kaldi import DataFolder
from daxaudio.experiments.compare import RUNNER_UP, compare_folder
from daxaudio.experiments.compare_recordings import compare
from daxaudio.experiments.explain import explain
from daxaudio.experiments.folder import explain_folder
from daxaudio.experiments.score import score_folder
from daxaudio.explainers.storage import load_explanation, save_explanation
from daxaudio.features.frontends import LogMel
from daxaudio.metrics import evaluate
from daxaudio.metrics.catalogue import GROUPS
from daxaudio.models.blackbox import BlackBox
from daxaudio.runs.seeds import generator

RATE = 8000
LOW, HIGH = Event(0.5, 1.0, "low"), Event(1.5, 2.2, "high")
BOTH = Events([LOW, HIGH])


class LowOrHigh(nn.Module):
    """Two classes: level in the lower, or in the upper half of the bands; in doubt the first."""

    def forward(self, spectrograms):
        halves = [spectrograms[:, :8], spectrograms[:, 8:]]
        scores = 0.05 * torch.stack([half.mean(dim=(1, 2)) for half in halves], dim=1)
        return scores + torch.tensor([5.0, 0.0])


@pytest.fixture(scope="module")
def box():
    return BlackBox(LowOrHigh(), LogMel(RATE, 512, 256, 16), ["low", "high"])


@pytest.fixture(scope="module")
def recording():
    """A low tone that is louder, and a high one, at the times of `BOTH`."""
    times = torch.arange(3 * RATE) / RATE
    wave = 0.001 * torch.randn(len(times), generator=generator(0, "noise"))
    for event, tone, level in ((LOW, 200, 1.0), (HIGH, 2800, 0.02)):
        inside = (times >= event.start) & (times < event.end)
        wave += level * torch.sin(2 * torch.pi * tone * times) * inside
    return Recording(0.5 * wave[None], RATE, "a")


@pytest.fixture
def data(recording, tmp_path):
    path = tmp_path / "a.wav"
    write_recording(recording, path)
    return DataFolder({"a": str(path)}, {"a": "low"}, {"a": "a"}, {"a": 3.0})


def inside(event, spectrogram):
    return torch.from_numpy(Events([event]).at(spectrogram.times)).float()


def test_without_a_class_or_events_of_it_all_are_true():
    assert BOTH.for_class("low") == [LOW]
    assert BOTH.for_class("cow") == BOTH.for_class("") == BOTH
    unnamed = Events([Event(0, 1), HIGH])
    assert unnamed.for_class("") == unnamed


def test_the_class_of_a_target_is_found_within_it():
    again = Event(HIGH.end + 5, HIGH.end + 6, "low")
    known = Events([LOW, HIGH, again])
    assert known.for_class("low:falls") == [LOW, again]
    assert known.for_class(f"low@{again.start:g}-{again.end:g}") == [again]
    assert known.for_class("low@100-101") == [LOW, again]  # in that time sounds none of them
    odd = Event(0, 1, "a@1-2")
    assert Events([odd, LOW]).for_class("a@1-2") == [odd]


@pytest.mark.parametrize(("target", "event"), [("low", LOW), ("high", HIGH)])
def test_an_explanation_is_held_against_the_events_of_its_class(target, event):
    picture = Spectrogram(torch.zeros(2, 30), torch.ones(2).cumsum(0), torch.arange(30) / 10 + 0.05)
    mask = inside(event, picture).expand(2, -1)
    assert evaluate(Explanation(mask, picture, "own", target), BOTH)["iou"] == 1
    # without a class both are true, of which the mask has one
    assert 0 < evaluate(Explanation(mask, picture, "own"), BOTH)["iou"] < 1


@pytest.mark.parametrize(("target", "event"), [("low", LOW), ("high", HIGH)])
def test_the_oracle_marks_the_events_of_its_class(box, recording, target, event):
    found = explain(recording, box, "oracle", target=target, events=BOTH)
    expected = inside(event, found.spectrogram)
    assert torch.equal(found.profile, expected)


def test_explanations_of_a_folder_are_scored_by_the_events_of_their_class(box, data, tmp_path):
    for target in ("low", "high"):
        out = tmp_path / target
        explain_folder(box, data, ["oracle"], out, events={"a": BOTH}, targets={"a": target})
        results, _ = score_folder(out, {"a": BOTH}, tmp_path / f"{target}_scores")
        assert results.set_index("metric")["value"]["iou"] == 1


def test_a_comparison_asks_for_the_event_of_the_true_class_alone(box, data, tmp_path):
    methods = ["oracle", "energy"]
    groups = ["localisation", "labels"]
    compare_folder(box, data, methods, tmp_path / "out", groups=groups, events={"a": BOTH})
    values = pd.read_csv(tmp_path / "out" / "results.csv").set_index(["method", "metric"])["value"]
    assert values["oracle", "iou"] == 1
    assert values["energy", "iou"] < 1
    # the mask of the other class marks that one's event, and finds nothing of the true class
    other = load_explanation(tmp_path / "out" / RUNNER_UP / "oracle" / "a")
    assert torch.equal(other.profile, inside(HIGH, other.spectrogram))
    assert values["oracle", "runner_up_iou"] == values["oracle", "wrong_label_iou"] == 0


def compare_evidence(box, data, out, evidence, groups=("evidence",), **given):
    compare_folder(box, data, ["oracle", "energy"], out, groups=groups, evidence=evidence, **given)
    return pd.read_csv(out / "results.csv").set_index(["method", "metric"])["value"]


def test_a_comparison_holds_masks_against_evidence_of_the_true_class(box, data, tmp_path):
    low = Evidence(0.5, 1.0, 0.0, 4000.0, "low")  # when the event is, at all frequencies
    high = Evidence(1.5, 2.2, 2000.0, 4000.0, "high")
    known = {"events": {"a": BOTH}}
    values = compare_evidence(box, data, tmp_path / "all", {"a": [low, high]}, **known)
    assert set(values.index.get_level_values("metric")) == set(GROUPS["evidence"])
    assert values["oracle", "mask_iou"] > 0.9
    assert values["energy", "mask_iou"] < values["oracle", "mask_iou"]
    narrow = Evidence(0.5, 1.0, 100.0, 300.0, "low")
    values = compare_evidence(box, data, tmp_path / "low", {"a": [narrow, high]}, **known)
    assert values["oracle", "mask_iou"] < 0.5
    assert 0.9 < values["oracle", "mask_auc"] <= 1


def test_without_evidence_its_measures_are_left_out(box, data, tmp_path):
    values = compare_evidence(box, data, tmp_path, {}, ("form", "evidence"), events={"a": BOTH})
    assert set(values.index.get_level_values("metric")) == set(GROUPS["form"])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["evidence"], "evidence need the true evidence: give --evidence"),
        (["localisation"], "localisation need the true events: give --events"),
        (
            ["evidence", "localisation"],
            "localisation and evidence need the true events and evidence: give --events and "
            "--evidence",
        ),
    ],
)
def test_what_is_not_known_is_asked_for_by_its_option(box, data, tmp_path, groups, message):
    with pytest.raises(ValueError, match=message):
        compare_folder(box, data, ["energy"], tmp_path, groups=groups)


def test_evidence_after_the_end_of_its_recording_is_refused(box, data, tmp_path):
    late = Evidence(5.0, 6.0, 100.0, 300.0, "low")
    with pytest.raises(ValueError, match=r"ends at 6\.000 s, but the recording 'a' at 3\.000 s"):
        compare_evidence(box, data, tmp_path, {"a": [late]}, events={"a": BOTH})


def test_recordings_in_memory_are_compared_alike(box, recording):
    for target in ("low", "high"):
        table = compare([recording], box, ["oracle"], truth={"a": BOTH}, target=target)
        assert table["iou"].item() == 1


def test_of_a_class_without_events_of_its_own_all_are_true(tmp_path):
    phases = Events([Event(0, 1, "inhale"), Event(1, 2, "cough")])
    picture = Spectrogram(torch.zeros(1, 8), torch.ones(1), torch.arange(8) / 2 + 0.25)
    mask = (picture.times < 2).float()[None]
    save_explanation(Explanation(mask, picture, "own", "positive"), tmp_path / "own")
    # 4 of 8 frames: mean + standard deviation is 1, and nothing lies above
    results, _ = score_folder(tmp_path, {"": phases}, tmp_path / "scores")
    assert results.set_index("metric")["value"]["frame_auc"] == 1
