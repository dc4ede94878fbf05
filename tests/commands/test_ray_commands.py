"""`--ray`: explaining and auditing on a Ray of two nodes gives what one process gives."""

import functools
import json

import numpy as np
import pytest
import soundfile
import torch
from engines.ray_nodes import ray_of
from made_coughs import EVENTS, open_ears, write_corpus

from daxaudio.audit.document import FILE
from daxaudio.audit.questions import Questions
from daxaudio.audit.run import Corpus, audit
from daxaudio.commands.main import main
from daxaudio.engines.on_ray import OnRay
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.resnet import SpectrogramResNet

pytestmark = pytest.mark.slow
ray = pytest.importorskip("ray", reason="daxaudio[ray] is not installed")

RATE = 8000


@pytest.fixture(scope="module")
def nodes():
    with ray_of(2) as nodes:
        yield nodes


@pytest.fixture
def subject(tmp_path, monkeypatch):
    """A working folder with an untrained network, four recordings, and one file that is none."""
    torch.manual_seed(0)
    module = SpectrogramResNet(2, depth=18, mean=-20.0, std=15.0)
    front_end = LogMel(sample_rate=RATE, n_fft=512, hop_length=256, n_mels=16)
    save_black_box(BlackBox(module, front_end, ["low", "high"]), tmp_path / "model")
    (tmp_path / "audio").mkdir()
    for i in range(4):
        noise = 0.1 * np.random.default_rng(i).normal(size=RATE // 2)
        soundfile.write(tmp_path / f"audio/r{i}.wav", noise, RATE)
    (tmp_path / "audio/broken.wav").write_text("no audio")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stored(out):
    """Arrays, tables and pages; facts without seconds; no costs."""
    found = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name, content = path.relative_to(out).as_posix(), path.read_bytes()
        if name.startswith(("tables/costs", "report.html")):
            continue
        if path.name == "explanation.json":
            content = json.loads(content)
            del content["seconds"]
        found[name] = content
    return found


def explain(out, *options):
    words = "explain audio --model model --method rise energy dax_v5 --queries 20 --no_pictures"
    return main([*words.split(), "--no_pages", "--quiet", "--out", out, *options])


def test_a_folder_explained_by_relative_names_has_the_same_bytes(nodes, subject):
    assert explain("one", "--workers", "1") == 0
    assert explain("many", "--ray", nodes.address, "--threads", "1") == 0
    one, many = stored(subject / "one"), stored(subject / "many")
    assert sum(name.endswith("explanation.npz") for name in one) == 12
    assert [name for name in one.keys() | many if one.get(name) != many.get(name)] == []
    assert not ray.is_initialized()


def test_an_audit_has_the_same_bytes(nodes, tmp_path):
    data = write_corpus(tmp_path, {"hum": 0.01})
    corpus = Corpus(data, "made coughs", dict.fromkeys(data.ids, EVENTS))
    hears_hum = functools.partial(open_ears, low=290, high=310, threshold=-23.5)
    asked = Questions(
        positive="p", n_explained=2, n_donors=2, n_controls=1, n_errors=1, queries=40,
        n_bootstrap=100, n_permutations=199, method="occlusion", second_method="rise",
    )  # fmt: skip
    audit(hears_hum, corpus, tmp_path / "one", asked)
    with OnRay(nodes.address, shared=tmp_path) as engine:
        audit(hears_hum, corpus, tmp_path / "many", asked, engine=engine)
    one, many = stored(tmp_path / "one"), stored(tmp_path / "many")
    assert FILE in one
    assert [name for name in one.keys() | many if one.get(name) != many.get(name)] == []


def test_a_ray_of_this_machine_begins_and_ends_with_the_command(subject):
    assert explain("one", "--workers", "1") == 0
    assert explain("local", "--ray", "local", "--workers", "1") == 0
    assert stored(subject / "local") == stored(subject / "one")
    assert not ray.is_initialized()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--gpus", "0"], "--gpus 0: Ray deals out the GPUs of all nodes; give all"),
        (["--gpus", "all", "--device", "cpu"], "--gpus says where workers run"),
        (["--workers", "0"], "must be a whole number from 1 on"),
    ],
)
def test_bad_options_are_one_line(subject, capsys, options, said):
    try:
        code = explain("out", "--ray", "local", *options)
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
