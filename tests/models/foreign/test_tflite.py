"""TFLite files answer as by hand and tell what they say of themselves."""

import flatbuffers
import pytest
import torch

from daxaudio.models.foreign.runner import Opening
from daxaudio.models.foreign.tflite import open_tflite

NEGATIVE = 59
"""The code of the operator in TFLite's schema."""


def table(builder, fields):
    """A table of fields by their slots; those that are made before it are `("offset", place)`."""
    builder.StartObject(max(fields) + 1)
    for slot, (kind, value) in fields.items():
        if kind == "offset":
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        else:
            getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
    return builder.EndObject()


def numbers(builder, values):
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependInt32(value)
    return "offset", builder.EndVector()


def tables(builder, places):
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return "offset", builder.EndVector()


def save_negative(path, shape=(1, 4)):
    """Answers with the negative of what it is given."""
    builder = flatbuffers.Builder(0)
    tensors = []
    for name in ("audio", "scores"):
        text, sizes = ("offset", builder.CreateString(name)), numbers(builder, shape)
        tensors.append(table(builder, {0: sizes, 3: text}))
    heard, answered = numbers(builder, [0]), numbers(builder, [1])
    operator = table(builder, {1: heard, 2: answered})
    parts = {0: tables(builder, tensors), 1: heard, 2: answered, 3: tables(builder, [operator])}
    graph = table(builder, parts)
    code = table(builder, {0: ("Int8", NEGATIVE), 2: ("Int32", 1), 3: ("Int32", NEGATIVE)})
    buffer = table(builder, {0: numbers(builder, [])})
    fields = {1: tables(builder, [code]), 2: tables(builder, [graph])}
    model = table(builder, {0: ("Uint32", 3), **fields, 4: tables(builder, [buffer])})
    builder.Finish(model, b"TFL3")
    path.write_bytes(builder.Output())
    return path


def test_a_file_answers_as_by_hand(tmp_path):
    runner = open_tflite(
        save_negative(tmp_path / "x.tflite"), Opening({"sample_rate": 8, "threads": 1})
    )
    assert runner.described == {
        "input": "waveform",
        "layout": "N S",
        "batch_size": 1,
        "seconds": 0.5,
    }
    assert runner.reading.n_classes == 4
    for sound in ([[1.0, 2.0, -3.0, 0.5]], [[0.0, 1.0, 0.0, 1.0]]):
        assert torch.equal(runner(torch.tensor(sound)), -torch.tensor(sound))


def test_another_length_is_heard_where_the_file_can(tmp_path):
    runner = open_tflite(save_negative(tmp_path / "x.tflite"), Opening({"threads": 1}))
    for n_samples in (6, 3):
        assert runner(torch.ones(1, n_samples)).tolist() == [[-1.0] * n_samples]


@pytest.mark.parametrize("content", [b"", b"junk", b"\x1c\0\0\0TFL3" + b"\xff" * 60])
def test_what_is_no_tflite_file_is_one_line(tmp_path, content):
    (tmp_path / "x.tflite").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.tflite: LiteRT cannot open it") as found:
        open_tflite(tmp_path / "x.tflite", Opening({"threads": 1}))
    assert "\n" not in str(found.value)
