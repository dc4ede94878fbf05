import os
import subprocess
import sys

import numpy as np
import onnx
import pandas as pd
import pytest
from conftest import ROOT, finish
from onnx import TensorProto, helper, numpy_helper

RUN = str(ROOT / "recipes" / "pretrained" / "run.sh")
WINDOW, NOTES = 43844, 88
FRAME, FRAMES = 1024, WINDOW // 1024


def start(*arguments):
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [RUN, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def save_ear_for_a4(path):
    """Where the recipe looks for basic-pitch: every note is as likely as 440 Hz is loud."""
    sound = helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["n", WINDOW, 1])
    notes = [None, FRAMES, NOTES]
    answer = helper.make_tensor_value_info("StatefulPartitionedCall:1", TensorProto.FLOAT, notes)
    phases = 2 * np.pi * 440 / 22050 * np.arange(FRAME)
    filters = np.stack([np.cos(phases), np.sin(phases)]) * np.hanning(FRAME)
    weights = (filters[:, None, :] / 10).astype(np.float32)
    nodes = [
        helper.make_node("Reshape", ["sound", "flat"], ["cut"]),
        helper.make_node("Conv", ["cut", "filters"], ["heard"], strides=[FRAME]),
        helper.make_node("ReduceL2", ["heard"], ["loud"], axes=[1], keepdims=1),
        helper.make_node("Tanh", ["loud"], ["scores"]),
        helper.make_node("Transpose", ["scores"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("Tile", ["frames", "times"], ["StatefulPartitionedCall:1"]),
    ]
    constants = {"flat": [0, 1, WINDOW], "times": [1, 1, NOTES]}
    tensors = [
        helper.make_tensor(name, TensorProto.INT64, [3], values)
        for name, values in constants.items()
    ]
    tensors.append(numpy_helper.from_array(weights, "filters"))
    graph = helper.make_graph(nodes, "ear", [sound], [answer], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True)
    onnx.save(model, path)


@pytest.mark.slow
def test_recipe_runs_from_a_model_to_the_report(tmp_path):
    packages = tmp_path / "packages"
    save_ear_for_a4(packages / "basic_pitch/saved_models/icassp_2022/nmp.onnx")
    options = ["--exp_dir", tmp_path, "--models", "basic_pitch", "--n", 2, "--queries", 40]
    finish(start(*options, "--stage", 2, "--methods", "dax_v5 random energy oracle"))
    summary = pd.read_csv(tmp_path / "summary.csv").set_index(["model", "method", "metric"])
    assert summary["mean"]["basic_pitch", "oracle", "frame_auc"] == 1.0
    assert (summary["n"] == 2).all()
    for metric in ("iou", "best_threshold_iou", "mask_auc", "insertion_auc", "average_drop"):
        assert ("basic_pitch", "dax_v5", metric) in summary.index
    auc = summary["mean"].xs("frame_auc", level="metric")["basic_pitch"]
    assert auc["energy"] < 0.5 < 0.8 < auc["dax_v5"]
    results = pd.read_csv(tmp_path / "results.csv")
    assert set(results["recording_id"]) == {"notes-0000", "notes-0001"}
    table = pd.read_csv(tmp_path / "pretrained.csv")
    assert table["method"].tolist() == ["dax_v5", "random", "energy", "oracle"]
    against = pd.read_csv(tmp_path / "pretrained_tests.csv")
    assert against["method"].tolist() == ["random", "energy"]
    text = (tmp_path / "RESULTS.md").read_text()
    assert "Apache-2.0" in text
    assert (tmp_path / "report.html").is_file()


def test_an_unknown_model_is_one_line(tmp_path):
    output = finish(start("--exp_dir", tmp_path, "--models", "silver"), code=2)
    assert output == "run.sh: --models: no model 'silver'\n"


def test_weights_that_are_not_for_commerce_are_taken_only_when_asked_for(tmp_path):
    output = finish(start("--exp_dir", tmp_path, "--models", "birdnet"), code=2)
    assert output.count("\n") == 1
    assert "birdnet is under CC BY-NC-SA 4.0; take it by --noncommercial yes" in output


def test_a_scene_counts_where_the_score_falls_with_its_sound(tmp_path):
    folder = tmp_path / "packages/basic_pitch/saved_models/icassp_2022"
    save_ear_for_a4(folder / "nmp.onnx")
    options = ["--exp_dir", tmp_path, "--models", "basic_pitch", "--n", 2]
    finish(start(*options, "--stage", 2, "--stop_stage", 2))
    scores = pd.read_csv(tmp_path / "basic_pitch/scenes/scores.csv")
    assert (scores["score_without"] < 0.5 * scores["score"]).all()
    assert (scores["score_alone"] > 0.8 * scores["score"]).all()
    assert scores["chosen"].tolist() == [1, 1]
