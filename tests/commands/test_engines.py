"""Explaining a folder by workers and in shards gives what one process gives, to the last bit."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from engines.killing import killing
from pyarrow import dataset

from daxaudio.commands.main import main
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.resnet import SpectrogramResNet

RATE, NAMES = 8000, [f"r{i}" for i in range(5)]


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    """An untrained network, and five recordings and one file that is no audio."""
    folder = tmp_path_factory.mktemp("subject")
    torch.manual_seed(0)
    module = SpectrogramResNet(2, depth=18, mean=-20.0, std=15.0)
    front_end = LogMel(sample_rate=RATE, n_fft=512, hop_length=256, n_mels=16)
    save_black_box(BlackBox(module, front_end, ["low", "high"]), folder / "model")
    (folder / "audio").mkdir()
    for i, name in enumerate(NAMES):
        draws = np.random.default_rng(i)
        soundfile.write(folder / f"audio/{name}.wav", 0.1 * draws.normal(size=RATE // 2), RATE)
    (folder / "audio/broken.wav").write_text("no audio")
    return folder


def words_of(subject, out, *options):
    words = ["explain", subject / "audio", "--model", subject / "model", "--out", out, "--quiet"]
    words += ["--method", "rise", "energy", "--queries", "20", "--no_pictures", "--no_pages"]
    return [*map(str, words), *options]


def run(subject, out, *options):
    assert main(words_of(subject, out, *options)) == 0
    return out


def stored(out):
    """Arrays and tables as they are on disk; facts without seconds; no costs, parts and page."""
    found = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = path.relative_to(out).as_posix()
        if name.startswith(("tables/costs", "report.html")) or "/shard-" in name:
            continue
        content = path.read_bytes()
        if path.name == "explanation.json":
            content = json.loads(content)
            del content["seconds"]
        found[name] = content
    return found


@pytest.fixture(scope="module")
def whole(subject, tmp_path_factory):
    """What one process stores."""
    return stored(run(subject, tmp_path_factory.mktemp("whole") / "out", "--workers", "1"))


def differences(found, expected):
    return sorted(name for name in found.keys() | expected if found.get(name) != expected.get(name))


def test_one_process_stores_explanations_and_tables(whole):
    tables = {"index", "predictions", "explanations", "warnings"}
    assert {f"tables/{name}.parquet" for name in tables} <= whole.keys()
    assert sum(name.endswith("explanation.npz") for name in whole) == 2 * len(NAMES)


def test_four_workers_store_the_same_bytes(subject, whole, tmp_path):
    out = run(subject, tmp_path / "out", "--workers", "4")
    assert differences(stored(out), whole) == []


def test_three_shards_merged_are_the_same_bytes(subject, whole, tmp_path, capsys):
    out = tmp_path / "out"
    for i in (3, 1, 2):
        run(subject, out, "--workers", "1", "--shard", f"{i}/3")
    assert f"shard 2/3 is done; when all are: daxaudio merge {out}" in capsys.readouterr().out
    assert not (out / "predictions.csv").exists()
    assert dataset.dataset(out / "tables/index").count_rows() == 2 * len(NAMES)
    assert main(["merge", str(out)]) == 0
    assert differences(stored(out), whole) == []
    said = capsys.readouterr().out
    assert "done 10" in said
    assert f"done: {out / 'report.html'}" in said


def test_a_choice_of_recordings_is_the_same_in_shards(subject, tmp_path):
    options = ["--n_recordings", "3", "--workers", "1"]
    expected = stored(run(subject, tmp_path / "one", *options))
    out = tmp_path / "many"
    for i in (1, 2):
        run(subject, out, *options, "--shard", f"{i}/2")
    assert main(["merge", str(out)]) == 0
    assert differences(stored(out), expected) == []


def test_shards_that_are_missing_are_named(subject, tmp_path, capsys):
    out = run(subject, tmp_path / "out", "--shard", "2/4")
    assert main(["merge", str(out)]) == 2
    assert "shards are missing (1/4, 3/4, 4/4); run them" in capsys.readouterr().err


def test_workers_that_are_killed_lose_nothing(subject, whole, tmp_path, caplog):
    for attempt in range(20):  # a run may be over before the first worker is hit at its work
        with killing(n_times=6, pause=0.4, seed=attempt):
            out = run(subject, tmp_path / str(attempt), "--workers", "2")
        assert differences(stored(out), whole) == []
        if "a worker is lost" in caplog.text:
            return
    pytest.fail("no worker was lost in 20 runs")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shard", "4/3"], "a shard is i/n"),
        (["--workers", "0"], "must be a whole number from 1 on"),
        (["--time_limit", "0"], "must be a number of seconds above 0"),
        (["--gpus", "97"], "--gpus 97: there is no GPU 97 here"),
        (["--gpus", "0", "--device", "cpu"], "--gpus says where workers run"),
    ],
)
def test_bad_options_are_one_line(subject, tmp_path, capsys, options, said):
    try:
        code = main(words_of(subject, tmp_path / "out", *options))
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_options_of_folders_are_refused_for_a_file(subject, tmp_path, capsys):
    words = ["explain", str(subject / "audio/r0.wav"), "--model", str(subject / "model")]
    assert main([*words, "--out", str(tmp_path / "out"), "--workers", "2"]) == 2
    assert "--workers goes with a folder" in capsys.readouterr().err


def test_every_format_of_the_tables_says_the_same(subject, whole, tmp_path):
    out = run(subject, tmp_path / "out")
    table = pd.read_parquet(out / "tables/predictions.parquet")
    pd.testing.assert_frame_equal(table, pd.read_parquet(out / "predictions.parquet"))
    index = pd.read_parquet(out / "tables/index.parquet")
    assert all((out / folder / "explanation.npz").is_file() for folder in index["folder"])
    costs = pd.read_parquet(out / "tables/costs.parquet")
    assert (costs.set_index(["job"])["queries"]["rise"] >= 20).all()
