import os
import subprocess
import sys

import onnx
import pandas as pd
import pytest
from conftest import ROOT, finish
from onnx import TensorProto, helper

RUN = str(ROOT / "recipes" / "pretrained" / "run.sh")
WINDOW, FRAMES, NOTES = 43844, 4, 88


def start(*arguments):
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [RUN, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def save_loudness_of_notes(path):
    """Where the recipe looks for basic-pitch: every note is as likely as each quarter is loud."""
    sound = helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["n", WINDOW, 1])
    notes = [None, FRAMES, NOTES]
    answer = helper.make_tensor_value_info("StatefulPartitionedCall:1", TensorProto.FLOAT, notes)
    constants = {"quarters": [0, FRAMES, WINDOW // FRAMES], "notes": [1, 1, NOTES]}
    nodes = [
        helper.make_node("Reshape", ["sound", "quarters"], ["cut"]),
        helper.make_node("ReduceL2", ["cut"], ["loud"], axes=[2], keepdims=1),
        helper.make_node("Tanh", ["loud"], ["scores"]),
        helper.make_node("Tile", ["scores", "notes"], ["StatefulPartitionedCall:1"]),
    ]
    tensors = [
        helper.make_tensor(name, TensorProto.INT64, [3], values)
        for name, values in constants.items()
    ]
    graph = helper.make_graph(nodes, "loudness", [sound], [answer], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True)
    onnx.save(model, path)


@pytest.mark.slow
def test_recipe_runs_from_a_model_to_the_report(tmp_path):
    packages = tmp_path / "packages"
    save_loudness_of_notes(packages / "basic_pitch/saved_models/icassp_2022/nmp.onnx")
    options = ["--exp_dir", tmp_path, "--models", "basic_pitch", "--n", 2, "--queries", 40]
    finish(start(*options, "--stage", 2, "--methods", "dax_v4 random oracle"))
    summary = pd.read_csv(tmp_path / "summary.csv").set_index(["model", "method", "metric"])
    assert summary["mean"]["basic_pitch", "oracle", "frame_auc"] == 1.0
    assert (summary["n"] == 2).all()
    for metric in ("iou", "frame_auc", "best_threshold_iou", "mask_auc"):
        assert ("basic_pitch", "dax_v4", metric) in summary.index
    table = pd.read_csv(tmp_path / "pretrained.csv")
    assert table["method"].tolist() == ["dax_v4", "random", "oracle"]
    against = pd.read_csv(tmp_path / "pretrained_tests.csv")
    assert against["method"].tolist() == ["random"]
    text = (tmp_path / "RESULTS.md").read_text()
    assert "Apache-2.0" in text
    assert (tmp_path / "report.html").is_file()


def test_an_unknown_model_is_one_line(tmp_path):
    output = finish(start("--exp_dir", tmp_path, "--models", "silver"), code=2)
    assert output == "run.sh: --models: no model 'silver'\n"
