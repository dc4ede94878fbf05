"""Small ONNX files for tests: what they answer is known by hand."""

import numpy as np
import onnx
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT


def tensor(name, values, kind=FLOAT):
    values = np.asarray(values)
    return helper.make_tensor(name, kind, values.shape, values.ravel().tolist())


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def save(path, nodes, inputs, outputs, *, tensors=(), metadata=()):
    """Write a graph of nodes as an ONNX file."""
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(tensors))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict(metadata))
    onnx.save(model, path)
    return path


def save_means(path, n_samples="samples", batch="N", **more):
    """Answers with the mean of the sound and its negative: logits of two classes."""
    return save(
        path,
        [
            node("ReduceMean", "audio", "mean", axes=[1], keepdims=1),
            node("Neg", "mean", "negative"),
            node("Concat", "mean negative", "logits", axis=1),
        ],
        [value("audio", [batch, n_samples])],
        [value("logits", [batch, 2])],
        **more,
    )


def save_streaming(path, batch="batch"):
    """Of each chunk the sum of all sound so far, over the whole stream, plus a constant."""
    return save(
        path,
        [
            node("ReduceSum", "audio axis", "loud", keepdims=1),
            node("Add", "loud state", "stateN"),
            node("Add", "stateN offset", "output"),
        ],
        [value("audio", [batch, "samples"]), value("state", [batch, 1]), value("offset", [])],
        [value("output", [batch, 1]), value("stateN", [batch, 1])],
        tensors=[tensor("axis", [1], TensorProto.INT64)],
    )


def save_quantised(path, n_samples=4):
    """Answers in steps of 0.5 with the sound that it heard in steps of 0.25 around 128."""
    numbers = [
        tensor("in_scale", 0.25),
        tensor("in_zero", 128, TensorProto.UINT8),
        tensor("out_scale", 0.5),
        tensor("out_zero", 3, TensorProto.UINT8),
    ]
    return save(
        path,
        [
            node("DequantizeLinear", "audio in_scale in_zero", "real"),
            node("QuantizeLinear", "real out_scale out_zero", "scores"),
        ],
        [value("audio", [1, n_samples], TensorProto.UINT8)],
        [value("scores", [1, n_samples], TensorProto.UINT8)],
        tensors=numbers,
    )


def save_one_by_one(path):
    """Declares any batch, but reshapes to one input of four samples."""
    return save(
        path,
        [node("Reshape", "audio shape", "scores")],
        [value("audio", ["N", 4])],
        [value("scores", ["N", 4])],
        tensors=[tensor("shape", [1, 4], TensorProto.INT64)],
    )


def external_tensor(location, name="weight"):
    """A tensor of two ones that lies in a file."""
    found = onnx.TensorProto(name=name, data_type=FLOAT, dims=[2])
    found.data_location = onnx.TensorProto.EXTERNAL
    found.external_data.add(key="location", value=location)
    return found


def save_with_data(path, location, within="graph"):
    """Adds two numbers that lie in another file: a tensor of the graph, a node, or a branch."""
    held, nodes, tensors = external_tensor(location), [], []
    if within == "graph":
        tensors = [held]
    elif within == "node":
        nodes = [helper.make_node("Constant", [], ["weight"], value=held)]
    else:
        branch = helper.make_graph(
            [node("Identity", "inner", "chosen")],
            "branch",
            [],
            [value("chosen", [2])],
            [external_tensor(location, "inner")],
        )
        nodes = [node("If", "always", "weight", then_branch=branch, else_branch=branch)]
        tensors = [tensor("always", True, TensorProto.BOOL)]
    nodes.append(node("Add", "audio weight", "scores"))
    return save(
        path, nodes, [value("audio", ["N", 2])], [value("scores", ["N", 2])], tensors=tensors
    )
