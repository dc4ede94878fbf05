"""`daxaudio explain FOLDER --check`: a verdict beside each explanation of many."""

import json

import pytest
import torch

from daxaudio.commands.main import main
from daxaudio.containers import Recording
from daxaudio.data.audio import write_recording
from daxaudio.explainers.storage import load_explanation, load_facts
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.runs.seeds import generator

METHODS = ("rise", "energy")


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A model, and a folder of two recordings with silence at their ends."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "audio").mkdir()
    for name in "ab":
        wave = 0.2 * torch.randn(1, 8000, generator=generator(0, name))
        wave[:, :1500] = wave[:, 7000:] = 1e-5
        write_recording(Recording(wave, 8000), folder / f"audio/{name}.wav")
    module = SpectrogramResNet(2, depth=10, width=8, mean=-40.0, std=15.0)
    for name, vad in (("plain", {}), ("vad", {"vad": {"threshold": 0.001, "ends": 0.0}})):
        front_end = LogMel(8000, n_fft=256, hop_length=128, n_mels=16, **vad)
        save_black_box(BlackBox(module, front_end, ["low", "high"]), folder / name)
    return folder


def explain(asked, what, out, *options, model="plain"):
    words = ["explain", str(asked / what), "--model", str(asked / model), "--out", str(out)]
    words += ["--method", *METHODS, "--queries", "20", "--quiet", "--no_pictures"]
    assert main([*words, *options]) == 0


@pytest.mark.parametrize("model", ["plain", "vad"])
@pytest.mark.parametrize("level", ["quick", "full"])
def test_the_verdict_is_that_of_the_file_alone(asked, tmp_path, level, model):
    explain(asked, "audio", tmp_path / "all", "--check", level, model=model)
    explain(asked, "audio/b.wav", tmp_path / "b", "--check", level, model=model)
    for method in METHODS:
        many = load_facts(tmp_path / "all" / method / "b")["verdict"]
        one = load_facts(tmp_path / "b" / method)["verdict"]
        assert many == one
        assert many["level"] == level
        assert "verdict" in load_facts(tmp_path / "all" / method / "a")


def test_a_folder_is_checked_only_where_it_is_asked_for_and_later_too(asked, tmp_path):
    explain(asked, "audio", tmp_path)
    plain = {m: load_facts(tmp_path / m / "a") for m in METHODS}
    assert not any("verdict" in facts for facts in plain.values())
    assert "speaks against it" not in (tmp_path / "report.html").read_text()
    mask = load_explanation(tmp_path / "rise/a").mask
    explain(asked, "audio", tmp_path, "--check", "quick")
    for method in METHODS:
        facts = load_facts(tmp_path / method / "a")
        assert facts.pop("verdict")["level"] == "quick"
        assert facts == plain[method]
    assert torch.equal(load_explanation(tmp_path / "rise/a").mask, mask)
    verdict = load_facts(tmp_path / "rise/a")["verdict"]
    page = (tmp_path / "report.html").read_text()
    assert "speaks against it" in page
    assert f"rise: {verdict['summary']}" in page


def test_a_verdict_that_is_there_is_kept_and_a_quick_one_gives_way_to_a_full_one(asked, tmp_path):
    explain(asked, "audio", tmp_path, "--check", "quick")
    place = tmp_path / "rise/a/explanation.json"
    facts = json.loads(place.read_text())
    facts["verdict"]["summary"] = "kept"
    place.write_text(json.dumps(facts))
    explain(asked, "audio", tmp_path, "--check", "quick")
    assert load_facts(place.parent)["verdict"]["summary"] == "kept"
    for level in ("full", "quick"):
        explain(asked, "audio", tmp_path, "--check", level)
        verdict = load_facts(place.parent)["verdict"]
        assert verdict["level"] == "full"
        assert [finding["name"] for finding in verdict["findings"]][-1] == "sanity"
