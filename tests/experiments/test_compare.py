import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from daxaudio.containers import Event, Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.evidence import Evidence
from daxaudio.data.kaldi import DataFolder, read_utterance
from daxaudio.experiments.compare import (
    RUNNER_UP,
    WRONG_LABEL,
    compare_folder,
    draw_wrong_label,
)
from daxaudio.experiments.groups import check_groups
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import load_explanation, load_facts
from daxaudio.features.frontends import LogMel
from daxaudio.features.vad import EnergyVad, reduce_to
from daxaudio.metrics import perturbation_curves, rank_correlation, score_profile, sparseness
from daxaudio.metrics.catalogue import GROUPS, MEASURES
from daxaudio.models.blackbox import BlackBox
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.perturbation.segments import QuickShift
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=512, hop_length=256, n_mels=16)
METHODS = ["lime", "kernel_shap", "rise", "gradient", "random", "energy", "oracle"]
SETTINGS = MethodSettings(
    queries=30, rise=GridSampler(cells=(2, 4)), segmenter=QuickShift(max_dist=5.0)
)
MEASURING = MeasureSettings(n_steps=4, again=1, n_draws=1, n_stages=2)
NAMES = ["low", "middle", "high"]


class Bands(nn.Module):
    """Three classes: more level in the lower, the middle or the upper bands; little is random."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(16, 3, 1, bias=False)
        with torch.no_grad():
            self.conv.weight.fill_(-0.05)
            for band in range(3):
                self.conv.weight[band, 5 * band : 5 * band + 5] = 0.1

    def forward(self, spectrograms):
        return self.conv(spectrograms).mean(dim=2)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Four recordings with a tone from 0.5 s to 1 s; the last one has a wrong label."""
    folder = tmp_path_factory.mktemp("corpus")
    labels, events, times = {}, {}, torch.arange(12000) / 8000
    for i, (label, tone) in enumerate(
        [("low", 200), ("middle", 1100), ("high", 2800), ("low", 2800)]
    ):
        name = f"r{i}"
        noise = 0.01 * torch.randn(12000, generator=generator(i, "noise"))
        wave = noise + torch.sin(2 * torch.pi * tone * times) * ((times >= 0.5) & (times < 1.0))
        write_recording(Recording(wave[None], 8000, name), folder / f"{name}.wav")
        labels[name], events[name] = label, [Event(0.5, 1.0, label)]
    paths = {name: str(folder / f"{name}.wav") for name in labels}
    data = DataFolder(paths, labels, {name: name for name in labels}, dict.fromkeys(labels, 1.5))
    return data, events


def compare(corpus, out, groups=("all",), methods=METHODS, box=None, **changes):
    data, events = corpus
    box = box or BlackBox(Bands(), FRONT_END, NAMES)
    settings = {"events": events, "settings": SETTINGS, "measure_settings": MEASURING}
    own = changes.get("events", events) or {}
    settings["evidence"] = {
        name: [Evidence(event.start, event.end, 0.0, 4000.0, event.label) for event in known]
        for name, known in own.items()
    }
    compare_folder(box, data, methods, out, groups=groups, **{**settings, **changes})
    return pd.read_csv(out / "results.csv", keep_default_na=False, na_values="")


@pytest.fixture(scope="module")
def compared(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared")
    return compare(corpus, out), out


def test_every_measure_of_every_method_is_in_the_table(compared):
    results, _ = compared
    found = results.groupby("method", sort=False)["metric"].unique()
    assert found.index.tolist() == METHODS
    single = {name for name, row in MEASURES.items() if not row.of_set} - {"focus"}  # one class
    for metrics in found:
        assert set(metrics) == single


def test_what_is_measured_over_all_recordings_is_in_the_summary_alone(compared):
    results, out = compared
    summary = pd.read_csv(out / "summary.csv").set_index(["metric", "method"])
    assert "psds" not in set(results["metric"])
    assert summary["mean"]["psds"].to_dict().keys() == set(METHODS)
    assert summary["mean"]["psds", "oracle"] == 1
    assert (summary["n"]["psds"] == 3).all()
    assert summary["std"]["psds"].isna().all()


def test_deleted_silence_is_zero_in_what_is_stored_and_is_not_asked_about(corpus, tmp_path):
    front_end = LogMel(8000, 512, 256, 16, vad=EnergyVad(threshold=0.01, ends=0.0))
    box = BlackBox(Bands(), front_end, NAMES)
    groups = ["deletion", "localisation", "form", "labels"]
    results = compare(corpus, tmp_path, groups, ["rise", "energy"], box)
    data, _ = corpus
    score_fn = box.score_fn("low")
    for method in ("rise", "energy"):
        stored = load_explanation(tmp_path / "explanations" / method / "r0")
        times = stored.spectrogram.times
        assert len(times) == 1 + 12000 // 256
        assert not stored.mask[:, (times < 0.43) | (times > 1.07)].any()
        assert stored.mask[:, (times > 0.5) & (times < 1.0)].any()
        part = box.front_end.spectrogram(read_utterance(data, "r0", 8000))
        assert len(part.times) < len(times)
        asked = reduce_to(part, stored)
        background = part.values.mean().expand_as(part.values)
        (curve,) = perturbation_curves(
            asked.mask[None], part.values, background, score_fn, direction="insertion", n_steps=4
        )
        row = results.query(
            f"recording_id == 'r0' and method == '{method}' and metric == 'insertion_auc'"
        )
        # ties are broken by a drawn order, hence the tolerance
        assert row["value"].item() == pytest.approx(curve.auc, abs=1e-3)
        found = results.query(f"recording_id == 'r0' and method == '{method}'")
        values = found.set_index("metric")["value"]
        assert values["sparseness"] == pytest.approx(sparseness(asked.mask), abs=1e-5)
        other = reduce_to(part, load_explanation(tmp_path / WRONG_LABEL / method / "r0"))
        correlation = rank_correlation(asked.mask, other.mask)
        assert values["wrong_label_correlation"] == pytest.approx(correlation, abs=1e-5)
        whole = score_profile(stored.profile, times, [Event(0.5, 1.0)])
        assert values["frame_auc"] == pytest.approx(whole["frame_auc"], abs=1e-5)


def test_values_lie_in_the_range_that_the_catalogue_states(compared):
    for metric, values in compared[0].groupby("metric")["value"]:
        known = values.dropna()
        assert known.between(MEASURES[metric].low - 1e-6, MEASURES[metric].high + 1e-6).all()


def test_oracle_and_random_stand_at_the_ends_of_localisation(compared):
    means = pd.read_csv(compared[1] / "summary.csv").set_index(["method", "metric"])["mean"]
    assert means["oracle", "iou"] == means["oracle", "relevance_mass"] == 1
    assert means["random", "iou"] < 0.5
    assert means["lime", "deletion_auc"] < means["random", "deletion_auc"]


def test_each_measure_of_masks_again_is_made_for_as_many_recordings_as_asked(compared):
    counts = compared[0].groupby("metric")["recording_id"].nunique()
    assert counts["max_sensitivity"] == counts["randomisation_correlation"] == 1
    assert counts["iou"] == counts["deletion_auc"] == 3


def test_wrongly_predicted_recordings_are_explained_for_their_true_class(compared):
    results, out = compared
    rows = results[results["metric"] == "wrongly_predicted_iou"]
    assert rows["recording_id"].unique().tolist() == ["r3"]
    assert load_facts(out / "explanations_wrongly_predicted/rise/r3")["target"] == "low"


def test_other_labels_are_a_wrong_one_and_the_runner_up(compared):
    _, out = compared
    predictions = pd.read_csv(out / "explanations/predictions.csv").set_index("recording_id")
    for name in ("r0", "r1", "r2"):
        wrong = load_facts(out / WRONG_LABEL / "lime" / name)["target"]
        assert wrong in set(NAMES) - {predictions.label[name]}
        assert wrong == draw_wrong_label(NAMES, predictions.label[name], name, 0)
    # the tone of 200 Hz speaks against the highest band as much as against the middle one
    assert load_facts(out / RUNNER_UP / "lime" / "r2")["target"] in NAMES[:2]


def test_correlation_with_the_wrong_label_is_that_of_the_stored_masks(compared):
    results, out = compared
    row = results.query("recording_id == 'r1' and method == 'gradient'").set_index("metric")
    masks = [
        load_explanation(out / folder / "gradient" / "r1").mask
        for folder in ("explanations", WRONG_LABEL)
    ]
    expected = rank_correlation(*masks)
    assert row["value"]["wrong_label_correlation"] == pytest.approx(expected, abs=1e-5)


def test_reference_that_ignores_the_model_does_not_change_with_it(compared):
    results = compared[0].set_index(["method", "metric"])["value"]
    assert (results["energy", "wrong_label_correlation"] == 1).all()
    assert results["energy", "randomisation_correlation"] == 1


def test_a_second_run_asks_nothing_but_predictions_and_gives_the_same(compared, corpus):
    results, out = compared
    box = BlackBox(Bands(), FRONT_END, NAMES)
    again = compare(corpus, out, box=box)
    pd.testing.assert_frame_equal(results, again)
    assert box.n_queries == 4 + 3  # predictions, and the runner-up of each


def test_methods_one_by_one_give_what_all_together_gave(compared, corpus, tmp_path):
    groups = ("localisation", "deletion", "faithfulness", "form")
    for methods in (["rise"], ["rise", "lime"]):
        alone = compare(corpus, tmp_path, groups, methods)
    together = compared[0]
    together = together[
        together["method"].isin(["rise", "lime"]) & together["metric"].isin(alone["metric"])
    ]
    pd.testing.assert_frame_equal(alone, together.reset_index(drop=True))


def test_queries_are_shared_between_classes_and_methods(corpus, tmp_path):
    box = BlackBox(Bands(), FRONT_END, NAMES)
    compare(corpus, tmp_path, ("localisation", "labels"), ["lime", "base2"], box, n_recordings=1)
    # predictions, the segments of lime that base2 learns from, and the input and the background
    # together; the runner-up's scores are asked alone
    assert box.n_queries == 4 + 30 + 2 + 1


def test_stored_curves_give_the_areas_of_the_table(compared):
    results, out = compared
    curves = pd.read_csv(out / "curves.csv")
    for unit, suffix in (("bins", ""), ("frames", "_frames"), ("events", "_events")):
        one = curves.query(
            "recording_id == 'r0' and method == 'lime' and direction == 'deletion' "
            f"and unit == '{unit}' and fill == 'global_mean'"
        )
        area = np.trapezoid(one["score"], one["share"])
        row = results.query("recording_id == 'r0' and method == 'lime'").set_index("metric")
        assert row["value"][f"deletion_auc{suffix}"] == pytest.approx(area, abs=1e-5)


def test_changed_settings_of_a_measure_are_measured_anew(corpus, tmp_path):
    compare(corpus, tmp_path, ("deletion",), ["lime"], n_recordings=1)
    path = next((tmp_path / "measures" / "deletion" / "lime").iterdir())
    first = json.loads(path.read_text())
    finer = dataclasses.replace(MEASURING, n_steps=8)
    compare(corpus, tmp_path, ("deletion",), ["lime"], n_recordings=1, measure_settings=finer)
    second = json.loads(path.read_text())
    assert len(first["curves"][0]["shares"]) == 5
    assert len(second["curves"][0]["shares"]) == 9


def test_method_that_cannot_explain_the_model_is_listed_and_ends_nothing(corpus, tmp_path):
    class NoLayer(nn.Module):
        def forward(self, spectrograms):
            bands = [spectrograms[:, start : start + 5].mean((1, 2)) for start in (0, 5, 10)]
            return torch.stack(bands, dim=1) / 5

    box = BlackBox(NoLayer(), FRONT_END, NAMES)
    results = compare(corpus, tmp_path, ("form",), ["gradient", "grad_cam"], box)
    problems = pd.read_csv(tmp_path / "problems.csv")
    assert set(results["method"]) == {"gradient"}
    assert problems["method"].tolist() == ["grad_cam"] * 3


def test_without_events_what_needs_them_is_left_out(corpus, tmp_path):
    results = compare(corpus, tmp_path, methods=["rise", "energy"], events={})
    assert not set(results["metric"]) & {*GROUPS["localisation"], "deletion_auc_events"}
    assert "deletion_auc" in set(results["metric"])


def test_cost_counts_queries_gradients_and_seconds(compared):
    cost = pd.read_csv(compared[1] / "cost.csv").set_index("method")
    assert cost["queries"]["lime"] == 32
    assert cost["gradients"][["gradient", "lime"]].tolist() == [1, 0]
    rest = cost["seconds"] - cost["query_seconds"] - cost["fit_seconds"]
    assert rest.abs().max() <= 0.002  # each is rounded to a thousandth


def test_wrong_labels_are_drawn_alike_in_any_order_and_evenly():
    drawn = [draw_wrong_label(NAMES, "low", f"r{i}", 0) for i in range(400)]
    assert "low" not in drawn
    assert 150 < drawn.count("high") < 250
    assert drawn[7] == draw_wrong_label(NAMES, "low", "r7", 0)


def test_unknown_group_is_named_with_the_known_ones():
    assert check_groups(["all"]) == list(GROUPS)
    with pytest.raises(ValueError, match="metrics 'iou' is unknown; choose from all, local"):
        check_groups(["iou"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_steps": 0},
        {"again": 0},
        {"radius": 0.0},
        {"radius": float("inf")},
        {"again_queries": 5},
        {"again_of": ("lime",)},
        {"again_of": {"random": "two"}},
        {"again_of": {"lime": -3}},
    ],
)
def test_measure_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MeasureSettings(**wrong)


def test_no_recording_right_says_where_to_look(corpus, tmp_path):
    data, events = corpus
    tables = (data.wav_scp, data.text, data.utt2spk, data.utt2dur)
    one = DataFolder(*({"r3": table["r3"]} for table in tables))
    said = r"of 1 recordings the model classifies 0 correctly; see .*predictions.csv"
    with pytest.raises(ValueError, match=f"nothing to explain: {said}"):
        compare((one, events), tmp_path)


def test_corrected_events_give_the_oracle_anew(corpus, tmp_path):
    data, events = corpus
    compare(corpus, tmp_path, ("localisation",), ["oracle"])
    moved = {name: [Event(0.1, 0.4, "moved")] for name in events}
    again = compare((data, moved), tmp_path, ("localisation",), ["oracle"])
    assert (again.query("metric == 'iou'")["value"] == 1).all()


def test_method_that_cannot_be_explained_again_is_listed_and_ends_nothing(corpus, tmp_path):
    few = dataclasses.replace(MEASURING, again_queries=10)
    methods = ["dax_v4", "random"]
    results = compare(
        corpus,
        tmp_path,
        ("form", "sanity"),
        methods,
        settings=MethodSettings(queries=60),
        measure_settings=few,
    )
    problems = pd.read_csv(tmp_path / "problems.csv")
    assert problems[["method", "part"]].values.tolist() == [["dax_v4", "sanity"]]
    assert "DAX V4 needs at least" in problems["problem"][0]
    assert set(results.query("metric == 'sparseness'")["method"]) == set(methods)
    assert set(results.query("metric == 'randomisation_ssim'")["method"]) == {"random"}


def test_a_recording_with_events_after_its_end_is_listed_and_the_others_are_compared(
    corpus, tmp_path
):
    data, events = corpus
    wrong = {**events, "r1": [Event(8.0, 9.0)], "r0": [Event(0.2, 1.5 + 0.09)]}
    results = compare((data, wrong), tmp_path, ("form", "localisation"), ["random"])
    problems = pd.read_csv(tmp_path / "problems.csv")
    assert problems[["recording_id", "part"]].values.tolist() == [["r1", "events"]]
    assert "ends at 9.000 s, but the recording 'r1' at 1.500 s" in problems["problem"][0]
    assert "r0" in set(results["recording_id"])
    assert "r1" not in set(results["recording_id"])


def test_events_that_fit_no_recording_are_refused_before_any_work(corpus, tmp_path):
    wrong = {name: [Event(8.0, 9.0)] for name in corpus[1]}
    with pytest.raises(ValueError, match=r"no recording has events that fit .* at 9.000 s"):
        compare((corpus[0], wrong), tmp_path, ("form",), ["random"])
    assert not list(tmp_path.glob("explanations/random"))


@pytest.mark.parametrize("groups", [["localisation"], ["localisation", "wrongly_predicted"]])
def test_measures_that_need_events_say_so_at_once(corpus, tmp_path, groups):
    with pytest.raises(ValueError, match="need the true events: give --events"):
        compare((corpus[0], {}), tmp_path, groups, ["random"])


def test_a_smaller_run_in_the_same_folder_leaves_nothing_of_the_larger_one(corpus, tmp_path):
    compare(corpus, tmp_path, ("form", "deletion"), ["random", "energy", "gradient"])
    compare(corpus, tmp_path, ("form",), ["random"], n_recordings=1)
    assert not (tmp_path / "curves.csv").exists()
    assert pd.read_csv(tmp_path / "cost.csv")["method"].tolist() == ["random"]
    assert pd.read_csv(tmp_path / "explanations/warnings.csv").empty


def test_settings_of_the_run_lie_beside_its_results(compared):
    stored = json.loads((compared[1] / "settings.json").read_text())
    assert stored["compare"]["n_steps"] == 4
    assert stored["explain"]["queries"] == 30
    assert stored["metrics"] == list(GROUPS)


def test_with_noise_as_the_fill_nothing_is_measured_twice(corpus, tmp_path):
    noisy = dataclasses.replace(SETTINGS, fill="noise")
    results = compare(corpus, tmp_path, ("deletion",), ["random"], settings=noisy, n_recordings=1)
    assert "deletion_auc" in set(results["metric"])
    assert "deletion_auc_noise" not in set(results["metric"])


def test_empty_data_folder_is_one_clear_error(tmp_path):
    with pytest.raises(ValueError, match=r"holds no recording: its wav.scp is empty"):
        compare((DataFolder({}, {}, {}, {}), {}), tmp_path)
