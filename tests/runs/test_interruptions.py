"""A run that is stopped anywhere and started again stores what an undisturbed one does."""

import io
import itertools
import json
import math
import os

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from daxaudio.containers import Event, Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.kaldi import DataFolder
from daxaudio.experiments.compare import compare_folder
from daxaudio.experiments.folder import explain_folder
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.student import _share_explained
from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.perturbation.segments import QuickShift
from daxaudio.runs import files
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=512, hop_length=256, n_mels=16)
METHODS = ["dax_v4", "lime", "rise"]
SETTINGS = MethodSettings(
    queries=24,
    dax_v4=DaxV4(n_splits=1),
    rise=GridSampler(cells=(2, 4)),
    segmenter=QuickShift(max_dist=5.0),
)
MEASURING = MeasureSettings(n_steps=3, again=1, n_draws=1, n_stages=1)


class Pattern(nn.Module):
    """Two classes by a pattern of bins, so that every score differs."""

    def forward(self, spectrograms):
        weights = torch.linspace(-1, 1, 16)[:, None]
        level = (spectrograms / 20 * weights).mean((1, 2)) + spectrograms.std((1, 2)) / 50
        return torch.stack([level, -level], dim=1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    names = [f"r{i}" for i in range(2)]
    for i, name in enumerate(names):
        wave = 0.1 * torch.randn(6000, generator=generator(i, "noise"))
        wave[2000:4000] *= 5
        write_recording(Recording(wave[None], 8000, name), folder / f"{name}.wav")
    paths = {name: str(folder / f"{name}.wav") for name in names}
    labels = dict.fromkeys(names, "up")
    return DataFolder(paths, labels, {name: name for name in names}, dict.fromkeys(names, 0.75))


def explain(data, out):
    box = BlackBox(Pattern(), FRONT_END, ["up", "down"])
    explain_folder(box, data, METHODS, out, settings=SETTINGS)


def compare(data, out):
    box = BlackBox(Pattern(), FRONT_END, ["up", "down"])
    events = {name: [Event(0.25, 0.5, "up")] for name in data.ids}
    groups = ["deletion", "faithfulness", "form"]
    asked = {"groups": groups, "events": events, "settings": SETTINGS}
    compare_folder(box, data, METHODS, out, measure_settings=MEASURING, **asked)


def stored(folder):
    """Every file: arrays and numbers as they are, without the seconds that they took."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if path.suffix == ".npz":
            with np.load(io.BytesIO(content)) as arrays:
                content = {name: arrays[name].tobytes() for name in arrays.files}
        elif path.name == "explanation.json":
            content = json.loads(content)
            del content["seconds"]
        elif path.name == "cost.csv":
            table = pd.read_csv(path)
            content = table.drop(columns=[name for name in table if "seconds" in name]).to_csv()
        if path.relative_to(folder).parts[:2] not in (
            ("tables", "costs"),
            ("tables", "costs.parquet"),
        ):
            found[path.relative_to(folder)] = content
    return found


class Killed(BaseException):
    """As a kill: no error that anything mends."""


@pytest.mark.parametrize("work", [explain, compare])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_stopped_run_ends_as_an_undisturbed_one(corpus, tmp_path, monkeypatch, work, before):
    work(corpus, tmp_path / "whole")
    replace, due = os.replace, itertools.count(1)
    state = {"written": 0, "stop": next(due)}

    def stopping(source, target):
        state["written"] += 1
        if state["written"] != state["stop"]:
            return replace(source, target)
        state.update(written=0, stop=next(due))
        if not before:
            replace(source, target)
        raise Killed

    monkeypatch.setattr(files.os, "replace", stopping)
    n_killed = 0
    while True:
        try:
            work(corpus, tmp_path / "stopped")
        except Killed:
            n_killed += 1
            continue
        break
    assert n_killed >= 3
    assert stored(tmp_path / "stopped") == stored(tmp_path / "whole")


def test_what_somebody_cut_short_or_changed_is_made_again(corpus, tmp_path, caplog):
    compare(corpus, tmp_path / "out")
    before = stored(tmp_path / "out")
    folder = tmp_path / "out/explanations"
    (folder / "dax_v4/r0/explanation.npz").write_bytes(b"")
    (folder / "lime/r0/explanation.json").write_text('{"queries": "many"}')
    (folder / "rise/r1/explanation.json").write_text("[]")
    for place, content in enumerate(("", "[]", "{}")):
        (tmp_path / "out/measures/deletion" / METHODS[place] / "r1.json").write_text(content)
    compare(corpus, tmp_path / "out")
    assert stored(tmp_path / "out") == before
    assert caplog.text.count("cannot be read, and is made again") == 3


def test_the_share_explained_has_the_same_last_digit_every_time():
    random, threads = generator(0, "shares"), torch.get_num_threads()
    shares = torch.rand(1000, 2, generator=random).double()
    scores = torch.rand(1000, generator=random).double()
    torch.set_num_threads(max(2, threads))
    try:
        found = {_share_explained(shares, scores) for _ in range(50)}
    finally:
        torch.set_num_threads(threads)
    assert len(found) == 1


def test_the_share_explained_is_that_of_least_squares():
    random = generator(1, "shares")
    shares = torch.rand(200, 2, generator=random).double()
    scores = shares @ torch.tensor([0.3, -0.2]).double() + 0.1 * torch.rand(200, generator=random)
    columns = np.c_[np.ones(200), shares.numpy()]
    answers = columns @ np.linalg.lstsq(columns, scores.numpy(), rcond=None)[0]
    wanted = 1 - np.var(scores.numpy() - answers) / np.var(scores.numpy())
    assert _share_explained(shares, scores) == pytest.approx(wanted, rel=1e-12)
    linear = 2 * shares[:, 0] - shares[:, 1] + 3
    assert _share_explained(shares, linear) == pytest.approx(1, abs=1e-12)


def test_a_share_that_never_changes_explains_nothing():
    random = generator(2, "shares")
    one = torch.rand(200, generator=random)
    scores = one.double() + torch.rand(200, generator=random).double()
    alone = _share_explained(torch.stack([one, torch.full((200,), 0.3)], 1).double(), scores)
    for other in (2 * one + 1, torch.zeros(200)):
        both = _share_explained(torch.stack([one, other], dim=1).double(), scores)
        assert both == pytest.approx(alone, rel=1e-5)
    still = torch.full((200, 2), 0.1)
    assert _share_explained(still.double(), scores) == 0
    assert not math.isnan(alone)
