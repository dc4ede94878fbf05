import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from daxaudio.containers import Event, Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.kaldi import DataFolder
from daxaudio.engines import attempts
from daxaudio.experiments import explain as explaining, explaining_run
from daxaudio.experiments.explain import explain
from daxaudio.experiments.folder import explain_folder
from daxaudio.experiments.predict import predict_folder
from daxaudio.experiments.score import (
    end_of,
    find_explanations,
    score_folder,
    total_cost,
)
from daxaudio.explainers.catalogue import METHODS
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.explainers.storage import load_explanation, save_explanation
from daxaudio.features.frontends import LogMel
from daxaudio.metrics.catalogue import GROUPS, MEASURES
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.precision import choose_precision
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.perturbation.segments import QuickShift
from daxaudio.runs.progress import show_progress
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=512, hop_length=256, n_mels=16)
SETTINGS = MethodSettings(
    queries=30, dax=Dax(epochs=1), dax_v4=DaxV4(n_splits=2),
    rise=GridSampler(cells=(2, 4)), occlusion=Occlusion(window=(8, 8)),
    segmenter=QuickShift(max_dist=5.0),
)  # fmt: skip
QUICK = ["dax_v4", "lime", "rise", "occlusion", "random", "energy", "oracle"]


class LoudestHalf(nn.Module):
    """Two classes: more level in the lower or in the upper bands."""

    def forward(self, spectrograms):
        low, high = spectrograms[:, :8].mean((1, 2)), spectrograms[:, 8:].mean((1, 2))
        return torch.stack([low - high, high - low], dim=1) / 10


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Four recordings: noise, and a tone from 0.5 s to 1 s; one file is no audio."""
    folder = tmp_path_factory.mktemp("corpus")
    labels, events = {}, {}
    for i in range(4):
        name, label = f"r{i}", ("low", "high")[i % 2]
        noise = 0.01 * torch.randn(12000, generator=generator(i, "noise"))
        times = torch.arange(12000) / 8000
        tone = torch.sin(2 * torch.pi * (150, 3000)[i % 2] * times)
        wave = noise + tone * ((times >= 0.5) & (times < 1.0))
        write_recording(Recording(wave[None], 8000, name), folder / f"{name}.wav")
        labels[name], events[name] = label, [Event(0.5, 1.0, label)]
    (folder / "bad.wav").write_text("no audio")
    labels["bad"] = "low"
    paths = {name: str(folder / f"{name}.wav") for name in labels}
    data = DataFolder(paths, labels, {name: name for name in labels}, dict.fromkeys(labels, 1.5))
    return data, events


def black_box():
    return BlackBox(LoudestHalf(), FRONT_END, ["low", "high"])


def explain_some(corpus, out, methods, names, settings=SETTINGS, seed=0, box=None):
    data, events = corpus
    asked = {"recording_ids": names, "events": events, "settings": settings, "seed": seed}
    explain_folder(box or black_box(), data, methods, out, **asked)


def run(corpus, out, methods=QUICK, names=("r0", "r1"), seed=0, box=None):
    explain_some(corpus, out, methods, names, seed=seed, box=box)
    return score_folder(out, corpus[1], out)[0]


def test_unreadable_recording_is_listed_and_ends_nothing(corpus, tmp_path):
    table = predict_folder(black_box(), corpus[0], tmp_path / "p.csv")
    assert table["recording_id"].tolist() == ["bad", "r0", "r1", "r2", "r3"]
    assert table["correct"].tolist() == [0, 1, 1, 1, 1]
    assert "bad.wav" in table["problem"][0]
    assert pd.read_csv(tmp_path / "p.csv")["problem"].notna().tolist() == [True] + [False] * 4


def test_label_unknown_to_the_model_is_listed(corpus, tmp_path):
    box = BlackBox(LoudestHalf(), FRONT_END, ["cat", "high"])
    table = predict_folder(box, corpus[0], tmp_path / "p.csv")
    assert table.set_index("recording_id")["problem"]["r0"].startswith("class 'low' is unknown")


def test_results_do_not_depend_on_order_or_on_an_interruption(corpus, tmp_path, monkeypatch):
    expected = run(corpus, tmp_path / "whole")
    backwards = run(corpus, tmp_path / "backwards", QUICK[::-1], ("r1", "r0"))

    stored = []
    real = explaining.save_explanation

    def stop_in_the_middle(folder, explanation, facts):
        if len(stored) == 5:
            raise KeyboardInterrupt
        stored.append(folder)
        real(folder, explanation, facts)

    monkeypatch.setattr(explaining, "save_explanation", stop_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        run(corpus, tmp_path / "stopped")
    monkeypatch.setattr(explaining, "save_explanation", real)
    resumed = run(corpus, tmp_path / "stopped")
    pd.testing.assert_frame_equal(backwards, expected)
    pd.testing.assert_frame_equal(resumed, expected)
    assert (tmp_path / "stopped/results.csv").read_bytes() == (
        tmp_path / "whole/results.csv"
    ).read_bytes()


def test_what_is_stored_is_not_asked_again(corpus, tmp_path):
    run(corpus, tmp_path)
    box = black_box()
    run(corpus, tmp_path, box=box)
    assert box.n_queries == 0


def test_folder_of_another_seed_is_refused(corpus, tmp_path):
    run(corpus, tmp_path, ["energy"])
    with pytest.raises(ValueError, match="of another seed"):
        run(corpus, tmp_path, ["energy"], seed=1)


def test_folder_of_another_model_or_recording_is_refused(corpus, tmp_path):
    data, events = corpus
    run(corpus, tmp_path, ["energy"])
    other = {"fp32": "bf16", "bf16": "fp32"}[choose_precision().precision]
    box = BlackBox(LoudestHalf(), FRONT_END, ["low", "high"], precision=other)
    with pytest.raises(ValueError, match="another model or precision"):
        run(corpus, tmp_path, ["energy"], box=box)
    changed = dataclasses.replace(data, wav_scp={**data.wav_scp, "r0": data.wav_scp["r2"]})
    with pytest.raises(ValueError, match="another recording"):
        run((changed, events), tmp_path, ["energy"])


def test_settings_with_tuples_are_the_same_run_again(corpus, tmp_path):
    for _ in range(2):
        settings = MethodSettings(queries=30, rise=GridSampler(cells=(2, 4)))
        explain_some(corpus, tmp_path, ["rise"], ["r0"], settings)


def test_a_recording_that_cannot_be_read_any_more_is_listed_and_ends_nothing(corpus, tmp_path):
    data, events = corpus
    gone = dataclasses.replace(data, wav_scp={**data.wav_scp, "r0": str(tmp_path / "gone.wav")})
    run((gone, events), tmp_path, ["energy", "random"])
    problems = pd.read_csv(tmp_path / "problems.csv")
    assert set(problems["method"]) == {"random", "energy"}
    assert problems["problem"].str.contains("gone.wav: no such file").all()
    assert (tmp_path / "energy" / "r1").is_dir()


def test_method_that_cannot_handle_a_recording_is_listed_and_ends_nothing(corpus, tmp_path):
    finer = MethodSettings(queries=30, rise=GridSampler(cells=(2, 4000)))
    explain_some(corpus, tmp_path, ["rise", "energy"], ["r0", "r1"], finer)
    problems = pd.read_csv(tmp_path / "problems.csv")
    assert problems["recording_id"].tolist() == ["r0", "r1"]
    assert problems["method"].tolist() == ["rise", "rise"]
    assert "finer than the spectrogram" in problems["problem"][0]
    results, _ = score_folder(tmp_path, corpus[1], tmp_path)
    assert results["method"].unique().tolist() == ["energy"]
    with pytest.raises(ValueError, match="nothing could be explained"):
        explain_some(corpus, tmp_path, ["rise"], ["r0"], finer)


def unsure(monkeypatch):
    """Makes `energy` warn of every recording, and `lime` of r0 twice."""
    real = explaining_run.explain

    def explain(*arguments, **settings):
        explanation = real(*arguments, **settings)
        name = (explanation.method, explanation.spectrogram.recording_id)
        warnings = ("One, of 3.",) if name[0] == "energy" else ()
        warnings += ("Two.", "A third.") if name == ("lime", "r0") else ()
        return dataclasses.replace(explanation, warnings=warnings)

    monkeypatch.setattr(explaining_run, "explain", explain)


def test_warnings_are_listed_also_after_an_interruption(corpus, tmp_path, monkeypatch):
    unsure(monkeypatch)
    methods = ["lime", "energy", "random"]
    run(corpus, tmp_path / "whole", methods)
    whole = (tmp_path / "whole/warnings.csv").read_text()
    assert whole.splitlines() == [
        "recording_id,method,warning",
        'r0,energy,"One, of 3."',
        "r0,lime,Two.",
        "r0,lime,A third.",
        'r1,energy,"One, of 3."',
    ]
    stored, real = [], explaining.save_explanation

    def stop_in_the_middle(folder, explanation, facts):
        if len(stored) == 4:
            raise KeyboardInterrupt
        stored.append(folder)
        real(folder, explanation, facts)

    monkeypatch.setattr(explaining, "save_explanation", stop_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        run(corpus, tmp_path / "stopped", methods, ("r1", "r0"))
    monkeypatch.setattr(explaining, "save_explanation", real)
    run(corpus, tmp_path / "stopped", methods, ("r1", "r0"))
    assert (tmp_path / "stopped/warnings.csv").read_text() == whole
    # one more method later: what was listed stays
    run(corpus, tmp_path / "stopped", ["occlusion"])
    assert (tmp_path / "stopped/warnings.csv").read_text() == whole


def test_without_warnings_the_list_has_a_header_only(corpus, tmp_path):
    run(corpus, tmp_path, ["energy"])
    assert (tmp_path / "warnings.csv").read_text() == "recording_id,method,warning\n"


def test_oracle_without_an_event_is_listed(corpus, tmp_path):
    explain_some((corpus[0], {}), tmp_path, ["oracle", "energy"], ["r0"])
    assert "needs a true event" in pd.read_csv(tmp_path / "problems.csv")["problem"][0]


def test_unknown_method_of_somebody_else_is_scored_after_ours(corpus, tmp_path):
    run(corpus, tmp_path, ["energy"])
    explanation = load_explanation(tmp_path / "energy/r0")
    save_explanation(dataclasses.replace(explanation, method="mine"), tmp_path / "mine/r0")
    results, _ = score_folder(tmp_path, corpus[1], tmp_path)
    assert results["method"].unique().tolist() == ["energy", "mine"]


def test_another_seed_draws_other_masks(corpus, tmp_path):
    first, other = run(corpus, tmp_path / "a"), run(corpus, tmp_path / "b", seed=1)
    assert not first.equals(other)


def test_methods_on_the_same_segments_share_their_queries(corpus):
    data, _ = corpus
    box = black_box()
    spectrogram = FRONT_END.spectrogram(
        Recording(torch.randn(1, 12000, generator=generator(0)), 8000, "r0")
    )
    methods, low, shared = ["dax_v1", "dax_v2", "lime"], box.score_fn("low"), SharedQueries()
    found = [explain(spectrogram, low, m, settings=SETTINGS, shared=shared) for m in methods]
    assert [explanation.method for explanation in found] == methods
    assert {explanation.n_queries for explanation in found} == {32}
    assert box.n_queries == 32
    assert len(data.text) == 5


def test_scores_hold_every_method_and_metric_in_the_order_of_tables(corpus, tmp_path):
    results = run(corpus, tmp_path)
    assert list(results.columns) == ["recording_id", "method", "metric", "value"]
    order = [name for name in METHODS if name in QUICK]
    assert results["method"].unique().tolist() == order
    metrics = results["metric"].unique().tolist()
    assert metrics == [name for name in MEASURES if name in metrics]
    assert set(metrics) >= {*GROUPS["localisation"], "frame_f1"}
    assert len(results) == 2 * len(QUICK) * len(metrics)
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert list(summary.columns) == ["method", "metric", "mean", "std", "n"]
    assert summary["n"].unique().tolist() == [2]
    oracle = summary[(summary["method"] == "oracle") & (summary["metric"] == "frame_auc")]
    assert oracle["mean"].item() == 1.0
    cost = total_cost(tmp_path)
    assert cost["method"].tolist() == order
    assert cost.set_index("method")["queries"]["lime"] == 32


def test_explanation_files_tell_the_run(corpus, tmp_path):
    run(corpus, tmp_path, ["lime"])
    facts = json.loads((tmp_path / "lime/r1/explanation.json").read_text())
    assert facts["target"] == "high"
    assert facts["seed"] == 0
    assert int(facts["derived_seed"]) > 2**32
    assert facts["audio"].endswith("r1.wav")


def test_events_of_a_longer_recording_are_refused(corpus, tmp_path):
    run(corpus, tmp_path, ["energy"])
    longer = {name: [Event(2.0, 2.5)] for name in corpus[1]}
    with pytest.raises(ValueError, match=r"an event ends at 2\.500 s, but the recording 'r0' at"):
        score_folder(tmp_path, longer, tmp_path)


def test_one_event_after_the_end_costs_only_its_own_recording(corpus, tmp_path, caplog):
    events = corpus[1]
    run(corpus, tmp_path, ["energy"])
    results, _ = score_folder(tmp_path, events, tmp_path / "right")
    end = max(float(load_explanation(p).spectrogram.times[-1]) for p in find_explanations(tmp_path))
    late = {**events, "r1": [*events["r1"], Event(1.0, end + 0.3)]}
    some, _ = score_folder(tmp_path, late, tmp_path / "some")
    others = results[results["recording_id"] != "r1"].reset_index(drop=True)
    assert 0 < len(others) < len(results)
    pd.testing.assert_frame_equal(some, others)
    assert "left out: " in caplog.text
    assert "r1: an event ends at" in caplog.text


def test_what_lies_shortly_after_the_end_is_not_looked_for(corpus, tmp_path):
    run(corpus, tmp_path, ["energy"])
    ends = {p.name: end_of(load_explanation(p).spectrogram) for p in find_explanations(tmp_path)}
    results = [
        score_folder(
            tmp_path, {n: [Event(0.5, end + over)] for n, end in ends.items()}, tmp_path / "o"
        )[0]
        for over in (0.0, 0.09)
    ]
    pd.testing.assert_frame_equal(*results)


def test_missing_events_and_explanations_are_named(corpus, tmp_path):
    run(corpus, tmp_path, ["energy"])
    with pytest.raises(ValueError, match="events name no recording 'r0'"):
        score_folder(tmp_path, {}, tmp_path)
    with pytest.raises(ValueError, match="no explanation at or below"):
        score_folder(tmp_path / "empty", {}, tmp_path)


def test_changed_settings_are_refused_for_the_methods_that_they_change_only(corpus, tmp_path):
    changed = dataclasses.replace(SETTINGS, rise=GridSampler(cells=(3, 6)))
    run(corpus, tmp_path, ["lime", "rise"], ["r0"])
    explain_some(corpus, tmp_path, ["lime"], ["r0"], changed)
    with pytest.raises(ValueError, match="an explanation of another setting of 'rise'"):
        explain_some(corpus, tmp_path, ["rise"], ["r0"], changed)


def test_folder_of_another_class_is_refused(corpus, tmp_path):
    data, events = corpus
    run(corpus, tmp_path, ["energy"], ["r0"])
    relabelled = dataclasses.replace(data, text={**data.text, "r0": "high"})
    with pytest.raises(ValueError, match="of another class; remove the folder"):
        explain_some((relabelled, events), tmp_path, ["energy"], ["r0"])


def test_the_time_that_is_told_is_that_of_what_is_not_stored_yet(
    corpus, tmp_path, monkeypatch, capsys
):
    clock, save = [0.0], explaining.save_explanation

    def tick(seconds=1e-6):
        clock[0] += seconds
        return clock[0]

    def save_in_ten_seconds(*what):
        tick(10)
        save(*what)

    monkeypatch.setattr(explaining, "save_explanation", save_in_ten_seconds)
    monkeypatch.setattr(attempts, "time", SimpleNamespace(perf_counter=tick))
    run(corpus, tmp_path, ["random"], ["r0"])
    with show_progress():
        explain_some(corpus, tmp_path, ["random"], ["r0", "r1", "r2", "r3"])
    assert capsys.readouterr().err.count("3 explanations, about 30 s") == 1


@pytest.mark.parametrize("array", ["mask", "attribution"])
def test_what_was_changed_to_no_number_is_explained_anew(corpus, tmp_path, caplog, array):
    before = run(corpus, tmp_path, ["rise"])
    file = tmp_path / "rise/r0/explanation.npz"
    with np.load(file) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    content[array][3, 4] = np.nan
    np.savez_compressed(file, **content)
    pd.testing.assert_frame_equal(run(corpus, tmp_path, ["rise"]), before)
    assert [r.message for r in caplog.records] == [
        f"{file.parent}: cannot be read, and is made again"
    ]
