import dataclasses
from types import MappingProxyType

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.experiments.explain import explain
from daxaudio.experiments.verdict import judge
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.model import ForeignModel

RATE = 8000
NOISE = torch.randn(1, 2 * RATE, generator=torch.Generator().manual_seed(0)) / 100


class Energy:
    """Frames of 0.1 s: how much energy lies in each, a number a class by its half of the band."""

    described = MappingProxyType({})

    def __init__(self, change=lambda numbers: numbers):
        self.batches, self.change = [], change

    def __call__(self, inputs):
        self.batches.append(tuple(inputs.shape))
        frames = inputs.reshape(len(inputs), -1, RATE // 10)
        power = torch.fft.rfft(frames).abs().square()
        halves = torch.stack([half.mean(-1) for half in power.chunk(2, dim=-1)], dim=-1)
        return self.change(halves)

    def digest(self):
        return "energy"


def tone(start, end, hz, seconds=2.0):
    """A tone between two times, in faint noise."""
    at = torch.arange(round(seconds * RATE)) / RATE
    inside = (at >= start) & (at < end)
    return Recording(
        (torch.sin(2 * torch.pi * hz * at) * inside)[None] + NOISE[:, : len(at)], RATE, "tone"
    )


def model(runner=None, **entries):
    entries = {"output": "regression", **entries}
    return ForeignModel(runner or Energy(), Description(["low", "high"], RATE, **entries))


def values(asked):
    return asked.spectrogram.values[None]


def test_the_recording_itself_is_asked_about_where_nothing_is_masked():
    recording, runner = tone(0.5, 0.9, 3000), Energy()
    asked = model(runner).about(recording)
    assert torch.equal(asked.sounds(values(asked))[0], recording.waveform)
    expected = runner(recording.waveform).mean(dim=1)
    torch.testing.assert_close(asked.probabilities(values(asked)), expected)


def test_frames_become_one_score_as_described():
    asked = {
        frames: model(frames=frames, top_k=4).about(tone(0.5, 0.9, 3000))
        for frames in ("mean", "max", "top_k")
    }
    score = {frames: float(one.probabilities(values(one))[0, 1]) for frames, one in asked.items()}
    assert score["max"] == pytest.approx(score["top_k"], rel=0.05)  # four frames hold the tone
    assert score["mean"] == pytest.approx(score["top_k"] * 4 / 20, rel=0.05)


def test_a_target_between_times_sees_those_frames_alone():
    asked = model().about(tone(0.5, 0.9, 3000))
    inside, outside = (
        float(asked.score_fn(f"high@{between}")(values(asked))[0]) for between in ("0.5-0.9", "1-2")
    )
    assert inside > 1000 * outside
    with pytest.raises(ValueError, match=r"begins at 2.5 s, but the recording 'tone' ends at 2.0"):
        asked.score_fn("high@2.5-3")


def test_a_score_that_falls_is_explained_like_one_that_rises():
    rises, falls = model(), model(Energy(lambda numbers: -numbers))
    recording = tone(0.5, 0.9, 3000)
    masks = [
        explain(recording, asked, "rise", target=target, queries=200).mask
        for asked, target in ((rises, "high"), (falls, "high:falls"))
    ]
    torch.testing.assert_close(*masks)
    asked = falls.about(recording)
    assert asked.predict(asked.spectrogram)[0] == "low:falls"
    asked = rises.about(recording)
    assert asked.predict(asked.spectrogram)[0] == "low"


def test_several_targets_cost_no_more_queries():
    asked = model().about(tone(0.5, 0.9, 3000))
    ask = AskOnce(asked)
    masks = {}
    for target in ("high", "low", "high@0.5-0.9", "low:falls"):
        score_fn = ask.score_fn(target)
        found = explain(asked.spectrogram, score_fn, "rise", queries=100)
        masks[target] = found.mask
        assert asked.n_queries == found.n_queries + 3  # three to see that it can be asked
    assert not torch.equal(masks["high"], masks["low"])


def test_a_recording_is_checked_once_however_often_it_is_read():
    asked = model()
    for n_queries in (3 + 1, 3 + 2):
        one = asked.about(tone(0.5, 0.9, 3000))
        one.probabilities(values(one))
        assert asked.n_queries == n_queries
    other = asked.about(tone(0.4, 0.9, 3000))
    other.probabilities(values(other))
    assert asked.n_queries == 3 + 2 + 3 + 1


def test_the_tone_is_found_in_time():
    found = explain(tone(0.5, 0.9, 3000), model(), "rise", target="high", queries=300)
    heard = found.spectrogram.times[found.profile.argmax()]
    assert 0.4 < float(heard) < 1.0
    assert found.recording is not None
    assert "score" in judge(found, model(), level="quick").findings[0].sentence


def test_a_judge_without_the_audio_says_how_to_give_it():
    found = explain(tone(0.5, 0.9, 3000), model(), "rise", target="high", queries=20)
    with pytest.raises(ValueError, match=r"judge model.about\(recording\)"):
        judge(dataclasses.replace(found, recording=None), model())


@pytest.mark.parametrize(
    ("entries", "shape"),
    [
        ({"batch_size": 1}, (1, 2 * RATE)),
        ({"layout": "N 1 S", "batch_size": 2}, (2, 1, 2 * RATE)),
        ({"layout": "S", "batch_size": 1}, (2 * RATE,)),
        ({"channels": 2, "layout": "N C S", "batch_size": 2}, (2, 2, 2 * RATE)),
        ({"seconds": 0.5, "batch_size": 4}, (4, RATE // 2)),
    ],
)
def test_inputs_come_in_the_layout_and_length_that_the_model_takes(entries, shape):
    class Mean:
        described = MappingProxyType({})

        def __init__(self):
            self.seen = []

        def __call__(self, inputs):
            self.seen.append(tuple(inputs.shape))
            flat = inputs.reshape(1, -1) if inputs.ndim == 1 else inputs.flatten(1)
            return flat.square().mean(dim=1)[:, None].expand(-1, 2)

        def digest(self):
            return ""

    runner = Mean()
    asked = model(runner, **entries).about(tone(0.5, 0.9, 3000))
    asked.probabilities(values(asked).expand(2, -1, -1))
    assert shape in runner.seen


def test_windows_follow_each_other_and_the_last_is_filled_up():
    class First:
        described = MappingProxyType({})

        def __call__(self, inputs):
            return inputs[:, :1].expand(-1, 2)

        def digest(self):
            return ""

    ramp = Recording(torch.arange(2 * RATE)[None].float() / RATE, RATE, "ramp")
    asked = model(First(), seconds=0.8, overlap=0.5).about(ramp)
    outputs = asked.outputs(values(asked))
    torch.testing.assert_close(outputs[0, :, 0], torch.tensor([0.0, 0.4, 0.8, 1.2]))


def test_a_model_that_answers_at_random_is_refused():
    asked = model(Energy(lambda numbers: numbers * (1 + torch.rand(1)))).about(tone(0.5, 0.9, 3000))
    with pytest.raises(ValueError, match="tone: the model answers differently when it is asked"):
        asked.probabilities(values(asked))


def test_a_model_that_keeps_a_state_is_refused():
    class Remembers:
        described = MappingProxyType({})
        last = 0.0

        def __call__(self, inputs):
            rows = []
            for one in inputs:
                self.last = 0.5 * self.last + float(one.abs().mean())
                rows.append([self.last, 0.0])
            return torch.tensor(rows)

        def digest(self):
            return ""

    asked = model(Remembers()).about(tone(0.5, 0.9, 3000))
    with pytest.raises(ValueError, match="keeps a state"):
        asked.probabilities(values(asked))


@pytest.mark.parametrize(
    ("entries", "numbers", "message"),
    [
        ({"output": "multi_label"}, 3.0, "write `activation: sigmoid`, or"),
        ({"output": "probabilities"}, -1.0, "write `output: logits`, or"),
        ({}, torch.nan, "NaN or infinite"),
    ],
)
def test_numbers_that_are_not_what_was_said_are_one_sentence(entries, numbers, message):
    asked = model(Energy(lambda found: found * 0 + numbers), **entries).about(tone(0, 1, 3000))
    with pytest.raises(ValueError, match=message):
        asked.probabilities(values(asked))


def test_answers_of_another_shape_say_what_to_write():
    asked = model(Energy(lambda found: found[:, :, :1])).about(tone(0, 1, 3000))
    with pytest.raises(ValueError, match=r"shape \(1, 20, 1\) for 1 inputs.*2 classes.*output_lay"):
        asked.probabilities(values(asked))


def test_removal_never_adds_energy():
    asked = model().about(tone(0.5, 0.9, 3000))
    own = asked.spectrogram.values
    random = torch.rand(8, *own.shape, generator=torch.Generator().manual_seed(1))
    sounds = asked.sounds(torch.lerp(own.min().expand_as(own), own, random))
    assert bool((sounds.square().sum(-1) <= asked.waveform.square().sum()).all())


def test_a_spectrogram_alone_is_not_enough():
    asked = model()
    picture = asked.front_end.spectrogram(tone(0, 1, 3000))
    with pytest.raises(TypeError, match=r"classifier of waveforms.*give the Recording"):
        explain(picture, asked)
