"""ONNX files answer as by hand, tell what they say of themselves, and read nothing else."""

import logging
import re

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from onnx_models import (
    node,
    save,
    save_means,
    save_one_by_one,
    save_quantised,
    save_streaming,
    save_with_data,
    tensor,
    value,
)

from daxaudio.models.foreign.onnx import open_onnx
from daxaudio.models.foreign.runner import Opening

STREAM = {"input_name": "audio", "state": {"state": "stateN"}, "inputs": {"offset": 10}, "chunk": 2}


def opened(path, **told):
    return open_onnx(path, Opening(told))


def test_clip_level_logits_of_any_length(tmp_path):
    runner = opened(save_means(tmp_path / "x.onnx"), sample_rate=8000)
    assert runner.described == {"input": "waveform", "layout": "N S"}
    assert runner.reading.n_classes == 2
    assert not runner.reading.missing
    found = runner(torch.tensor([[1.0, 3.0, 5.0], [0.0, 0.0, 3.0]]))
    assert found.tolist() == [[3.0, -3.0], [1.0, -1.0]]


def test_a_fixed_shape_gives_window_and_batch(tmp_path):
    runner = opened(save_means(tmp_path / "x.onnx", 4000, batch=1), sample_rate=8000)
    assert runner.described["seconds"] == 0.5
    assert runner.described["batch_size"] == 1


def test_a_batch_that_is_too_small_for_the_file_is_filled_up(tmp_path):
    runner = opened(save_means(tmp_path / "x.onnx", 2, batch=3))
    assert runner.described["batch_size"] == 3
    assert runner(torch.tensor([[2.0, 4.0], [0.0, 2.0]])).tolist() == [[3.0, -3.0], [1.0, -1.0]]


def test_metadata_of_the_file_is_read_off(tmp_path):
    facts = {"names": "{0: 'dog', 1: 'cat'}", "sample_rate": "8000"}
    runner = opened(save_means(tmp_path / "x.onnx", 4000, metadata=facts))
    assert runner.described["classes"] == ("dog", "cat")
    assert (runner.described["sample_rate"], runner.described["seconds"]) == (8000, 0.5)


def test_state_starts_anew_for_every_query_and_every_batch(tmp_path):
    runner = opened(save_streaming(tmp_path / "x.onnx"), sample_rate=2, **STREAM)
    sound = torch.tensor([[1.0, 1.0, 2.0, 2.0, 5.0], [0.0, 1.0, 0.0, 1.0, 0.0]])
    by_hand = torch.tensor([[[12.0], [16.0], [21.0]], [[11.0], [12.0], [12.0]]])
    for _ in range(2):
        assert torch.equal(runner(sound), by_hand)
    assert torch.equal(runner(sound[1:]), by_hand[1:])
    assert runner.described["output_layout"] == "N L K"
    assert runner.described["frame_hop"] == 1.0


def test_context_repeats_the_end_of_the_chunk_before(tmp_path):
    runner = opened(save_streaming(tmp_path / "x.onnx"), **STREAM, context=1)
    # heard: 0 1 2 | 2 3 4
    assert runner(torch.tensor([[1.0, 2.0, 3.0, 4.0]])).flatten().tolist() == [13.0, 22.0]


def test_a_state_of_fixed_size_takes_one_query_at_a_time(tmp_path):
    runner = opened(save_streaming(tmp_path / "x.onnx", batch=1), **STREAM)
    assert runner.described["batch_size"] == 1


def test_what_cannot_be_read_off_is_asked_for_in_lines_of_a_description(tmp_path):
    lines = opened(save_streaming(tmp_path / "x.onnx")).reading.missing
    assert [line.partition("  #")[0] for line in lines] == [
        "input_name: audio",
        "state: {state: stateN}",
        "inputs: {offset: 1}",
        "chunk: 512",
    ]


def test_quantised_numbers_stand_for_real_ones(tmp_path):
    runner = opened(save_quantised(tmp_path / "x.onnx"))
    # in steps of 0.25 from -32 to 31.75; out in steps of 0.5 from -1.5
    found = runner(torch.tensor([[1.3, -0.9, 40.0, -40.0]]))
    assert found.tolist() == [[1.0, -1.0, 32.0, -1.5]]


def test_sixteen_bit_samples_are_scaled_and_do_not_wrap_around(tmp_path):
    path = save(
        tmp_path / "x.onnx",
        [node("Cast", "audio", "scores", to=TensorProto.FLOAT)],
        [value("audio", ["N", 2], TensorProto.INT16)],
        [value("scores", ["N", 2])],
    )
    runner = opened(path)
    assert runner.described["scale"] == 32768
    assert runner(torch.tensor([[0.6, 40000.0]])).tolist() == [[1.0, 32767.0]]


def test_a_file_that_fails_on_batches_is_asked_one_by_one(tmp_path, caplog):
    runner = opened(save_one_by_one(tmp_path / "x.onnx"))
    inputs = torch.arange(12.0).reshape(3, 4)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(runner(inputs), inputs)
        assert torch.equal(runner(inputs), inputs)
    (record,) = caplog.records
    assert "batch_size: 1" in record.getMessage()


def test_a_length_that_does_not_fit_is_one_line(tmp_path):
    runner = opened(save_means(tmp_path / "x.onnx", 4))
    with pytest.raises(
        ValueError, match=r"x.onnx: fails on .*\(1, 5\).*Got: 5 Expected: 4"
    ) as found:
        runner(torch.zeros(2, 5))
    assert "\n" not in str(found.value)


def test_the_output_that_has_the_classes_is_read(tmp_path):
    path = save(
        tmp_path / "x.onnx",
        [
            node("Neg", "audio", "embedding"),
            node("ReduceMean", "audio", "scores", axes=[1], keepdims=1),
        ],
        [value("audio", ["N", 4])],
        [value("embedding", ["N", 4]), value("scores", ["N", 1])],
    )
    assert opened(path, classes=("dog",)).reading.answer.name == "scores"
    assert opened(path, output_name="embedding").reading.answer.name == "embedding"
    (line,) = opened(path).reading.missing
    assert line.startswith("output_name: embedding  #")
    with pytest.raises(ValueError, match=r"x.onnx: output_name: there is no 'logits' among"):
        opened(path, output_name="logits")


@pytest.mark.parametrize(
    ("shape", "told", "layout"),
    [
        (["N", 1, "S"], {}, "N 1 S"),
        (["N", "S", 1], {}, "N S 1"),
        (["N", 2, "S"], {}, "N C S"),
        (["S"], {}, "S"),
        (["N", "T", 64], {"n_mels": 64}, "N T F"),
        ([1, 1, 96, 64], {"n_mels": 64}, "N 1 T F"),
        (["N", 64, 96, 1], {"n_mels": 64}, "N F T 1"),
    ],
)
def test_layout_is_read_off_the_shape(tmp_path, shape, told, layout):
    path = save(
        tmp_path / "x.onnx",
        [node("Identity", "audio", "scores")],
        [value("audio", shape)],
        [value("scores", shape)],
    )
    told = {"front_end": {"n_fft": 1024, **told}, "sample_rate": 16000} if told else {}
    assert opened(path, **told).described["layout"] == layout


def test_numbers_of_other_inputs_are_given_once_a_query(tmp_path):
    path = save(
        tmp_path / "x.onnx",
        [node("Add", "audio other", "scores")],
        [value("audio", ["N", "S"]), value("other", ["N", "S"])],
        [value("scores", ["N", "S"])],
    )
    runner = opened(path, inputs={"other": 2})
    assert runner(torch.zeros(3, 2)).tolist() == [[2.0, 2.0]] * 3
    with pytest.raises(ValueError, match=r"inputs: other takes numbers of shape"):
        opened(path, inputs={"other": "loud"})(torch.zeros(3, 2))


@pytest.mark.parametrize("within", ["graph", "node", "branch"])
def test_data_of_the_own_folder_is_read(tmp_path, within):
    np.ones(2, np.float32).tofile(tmp_path / "weights.bin")
    path = save_with_data(tmp_path / "x.onnx", "weights.bin", within)
    runner = opened(path)
    assert runner(torch.zeros(1, 2)).tolist() == [[1.0, 1.0]]
    before = runner.digest()
    np.zeros(2, np.float32).tofile(tmp_path / "weights.bin")
    assert opened(path).digest() != before


@pytest.mark.parametrize("within", ["graph", "node", "branch"])
@pytest.mark.parametrize("way", ["absolute", "above", "link", "folder_link"])
def test_data_outside_the_own_folder_is_never_read(tmp_path, within, way):
    secret, own = tmp_path / "secret" / "key.bin", tmp_path / "own"
    secret.parent.mkdir()
    own.mkdir()
    np.ones(2, np.float32).tofile(secret)
    (own / "link.bin").symlink_to(secret)
    (own / "there").symlink_to(secret.parent)
    locations = {
        "absolute": str(secret),
        "above": "../secret/key.bin",
        "link": "link.bin",
        "folder_link": "there/key.bin",
    }
    path = save_with_data(own / "x.onnx", locations[way], within)
    with pytest.raises(ValueError, match=f"wants to read '{re.escape(locations[way])}'"):
        opened(path)


def test_a_model_that_is_a_link_has_its_data_where_it_lies(tmp_path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    np.ones(2, np.float32).tofile(tmp_path / "blobs" / "data")
    save_with_data(tmp_path / "blobs" / "model", "weights.bin")
    for name, blob in (("x.onnx", "model"), ("weights.bin", "data")):
        (tmp_path / "snapshot" / name).symlink_to(tmp_path / "blobs" / blob)
    from daxaudio.models.foreign.onnx_file import look_at

    (data,) = look_at(tmp_path / "snapshot" / "x.onnx").data
    assert data.resolve() == tmp_path / "blobs" / "data"


def test_data_that_is_not_there_is_named(tmp_path):
    path = save_with_data(tmp_path / "x.onnx", "weights.bin")
    with pytest.raises(ValueError, match=r"its data 'weights.bin' is not beside it"):
        opened(path)


@pytest.mark.parametrize("content", [b"", b"junk", b"\x80" * 40, b"PK\x03\x04" + b"\0" * 30])
def test_what_is_no_onnx_file_is_one_line(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"x.onnx: (is no ONNX file|onnxruntime cannot)") as found:
        opened(tmp_path / "x.onnx")
    assert "\n" not in str(found.value)


def test_operators_that_are_not_the_runtime_s_own_are_refused(tmp_path):
    path = save(
        tmp_path / "x.onnx",
        [node("Strange", "audio", "scores", domain="somebody")],
        [value("audio", ["N", 2])],
        [value("scores", ["N", 2])],
    )
    with pytest.raises(ValueError, match=r"x.onnx: onnxruntime cannot open it: .*Strange"):
        opened(path)


def test_a_scale_that_is_no_single_number_is_not_taken_for_one(tmp_path):
    path = save(
        tmp_path / "x.onnx",
        [node("DequantizeLinear", "audio scales zeros", "scores", axis=1)],
        [value("audio", [1, 2], TensorProto.UINT8)],
        [value("scores", [1, 2])],
        tensors=[tensor("scales", [1, 2]), tensor("zeros", [0, 0], TensorProto.UINT8)],
    )
    assert opened(path).reading.audio.scale is None


def _varint(value):
    low = [value >> shift & 127 for shift in range(0, max(1, value.bit_length()), 7)]
    return bytes([*(one | 128 for one in low[:-1]), low[-1]])


@pytest.mark.parametrize("tag", [7 << 3 | 2 | 1 << 33, 2])
def test_a_field_that_a_runtime_would_read_otherwise_is_refused(tmp_path, tag):
    # a runtime drops all but 32 bits of the tag and finds the graph behind it
    path = save_with_data(tmp_path / "x.onnx", "../secret.bin")
    model = onnx.load(path, load_external_data=False)
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    hidden = _varint(tag) + _varint(len(graph)) + graph
    path.write_bytes(model.SerializeToString() + hidden)
    with pytest.raises(ValueError, match=r"is no ONNX file \(a field has the number"):
        open_onnx(path, Opening({"sample_rate": 16000}))
