import torch

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.experiments.phases import count_events, judge_events

# seconds   0   1   2   3   4   5   6   7   8   9   10
# inhale        [---)
# cough             [-------)   [---)
# noise     [---)           [---)       [---------------)
EVENTS = [
    Event(0, 1, "noise"),
    Event(1, 2, "inhale"),
    Event(2, 4, "cough"),
    Event(4, 5, "noise"),
    Event(5, 6, "cough"),
    Event(6, 10, "noise"),
]


def explanation(marked, name="a", method="rise", target="p"):
    mask = torch.zeros(3, 10)
    mask[:, list(marked)] = 1
    picture = Spectrogram(
        torch.rand(3, 10), 100.0 * torch.arange(1, 4), torch.arange(10) + 0.5, name
    )
    return Explanation(mask, picture, method, target, score=0.9)


def test_events_and_what_is_outside_are_listed_with_their_times():
    found = judge_events(explanation((2, 3, 8)), EVENTS)
    assert found["verdict"].tolist() == ["missed", "found", "missed", "outside"]
    assert found["label"].tolist() == ["inhale", "cough", "cough", ""]
    assert found["iou"].tolist()[:3] == [0, 1, 0]
    assert found[["marked_start", "marked_end"]].loc[1].tolist() == [2, 4]
    assert found[["marked_start", "marked_end"]].loc[3].tolist() == [8, 9]
    assert found["start"].isna().tolist() == [False, False, False, True]
    assert set(found["method"]) == {"rise"}


def test_counts_of_a_recording_fit_its_events():
    short = [*EVENTS, Event(2.6, 3.4, "click")]
    # marked 2, 3, 6: all of the first cough and a third of 5 to 8
    longer = [event for event in short if event.start < 5] + [Event(5, 8, "cough")]
    assert count_events(explanation((2, 3, 6)), longer) == {
        "recording_id": "a",
        "target": "p",
        "method": "rise",
        "events": 4,
        "found_at_0.5": 1,
        "found_at_0.3": 2,
        "missed": 1,
        "no_frame": 1,
        "seconds_marked": 3.0,
        "seconds_outside": 0.0,
    }
    assert count_events(explanation((2, 8)), EVENTS)["seconds_outside"] == 1.0
    # with noise as an event, nothing is outside
    assert count_events(explanation((2, 8)), EVENTS, background=())["seconds_outside"] == 0.0
