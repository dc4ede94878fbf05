"""The cough recipe on a small planted corpus with everything wrong that real ones have."""

import csv
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from conftest import ROOT, finish, prepare_command

from daxaudio.commands.main import exit_code_of
from daxaudio.containers import Event, Spectrogram
from daxaudio.data.audio import duration_of
from daxaudio.data.formats import AnnotatedRecording, Tier, write_annotations
from daxaudio.explainers.catalogue import make_explainer
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import load_explanation
from daxaudio.features.frontends import make_front_end
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.blackbox import load_black_box
from daxaudio.models.blstm import WindowBlstm
from daxaudio.models.training import TrainingSettings
from daxaudio.runs.config import build, load_config
from daxaudio_data_prep.synthetic.cough_files import Truth

sys.path.insert(0, str(ROOT / "recipes" / "coswara"))
import explain_folds
import planted_report
from planted import count_found, expected_phase, find_planted, tabulate_planted

PHASES = (
    Event(0.0, 0.3, "noise"),
    Event(0.3, 0.7, "inhale"),
    Event(0.7, 0.8, "comoress"),
    Event(0.8, 1.1, "cough"),
    Event(1.1, 1.4, "noise"),
)
CONFIG = """
front_end:
  {sample_rate: 16000, n_fft: 512, hop_length: 160, n_mels: 16, peak_normalise: true,
   vad: {threshold: 0.0001}}
model: {kind: blstm, window: 11, hop: 11, training_hop: 11, hidden: 8}
training: {epochs: 3, batch_size: 16, learning_rate: 0.02, label_smoothing: 0.0}
augmentation: {padding_probability: 0.0, frequency_mask: 0, time_mask: 0, mixup_alpha: 0.0}
explain:
  queries: 24
  dax_v5: {n_splits: 2, grids: [[2, 4], [2, 8]]}
  rise: {cells: [2, 6]}
"""


def run(script, *arguments):
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [str(ROOT / "recipes" / "coswara" / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def people_of(corpus):
    with open(corpus / "combined_data.csv", newline="", encoding="utf-8") as file:
        return {row["id"]: row["covid_status"] for row in csv.DictReader(file)}


def audio_of(corpus, participant):
    (path,) = corpus.glob(f"*/{participant}/cough-heavy.wav")
    return path


def spoil(root):
    """A missing file, an empty one, stereo, another rate, an odd status, no annotation."""
    corpus = root / "corpus"
    people = people_of(corpus)
    by_class = {
        positive: [name for name, status in people.items() if ("positive" in status) == positive]
        for positive in (True, False)
    }
    names = dict(
        zip(
            ("missing", "empty", "stereo", "slow", "odd", "bare"),
            (*by_class[True][:3], *by_class[False][:3]),
            strict=True,
        )
    )
    audio_of(corpus, names["missing"]).unlink()
    audio_of(corpus, names["empty"]).write_bytes(b"")
    path = audio_of(corpus, names["stereo"])
    samples, rate = soundfile.read(path)
    soundfile.write(path, np.stack([samples, samples], axis=1), rate)
    path = audio_of(corpus, names["slow"])
    soundfile.write(path, samples[::4], rate // 4)
    table = corpus / "combined_data.csv"
    status = people[names["odd"]]
    lines = [
        line.replace(status, "perhaps") if line.startswith(names["odd"]) else line
        for line in table.read_text().splitlines(keepends=True)
    ]
    table.write_text("".join(lines))
    (root / "phases" / f"{names['bare']}.TextGrid").unlink()
    return names


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The recipe, run on a spoilt corpus with a front end that deletes silence."""
    root = tmp_path_factory.mktemp("coughs")
    for name in ("AAA", "BBB", "CCC"):
        grid = AnnotatedRecording(name, (Tier("type", PHASES),), PHASES[-1].end)
        write_annotations([grid], root / "timings" / f"{name}.TextGrid")
    words = ["--textgrids", root / "timings", "--out", root / "corpus", "--n", 16, "--phase"]
    words += ["cough", "--evidence", "wheeze", "--annotations", root / "phases"]
    assert prepare_command("planted_coughs")(words) == 0
    names = spoil(root)
    (root / "tiny.yaml").write_text(CONFIG)
    arguments = [
        "--corpus", root / "corpus", "--annotations", root / "phases", "--exp_dir", root / "exp",
        "--config", root / "tiny.yaml", "--folds", 2, "--methods", "dax_v5 rise random energy",
    ]  # fmt: skip
    output = finish(run("run.sh", *arguments))
    return root, names, arguments, output


def lines_of(path):
    return dict(line.split("\t", 1) for line in path.read_text().splitlines())


@pytest.mark.slow
def test_what_is_wrong_with_a_corpus_is_listed_and_ends_nothing(finished):
    root, names, _, output = finished
    data = root / "exp" / "data"
    bad = {path.split("/")[-2]: why for path, why in lines_of(data / "bad_files.txt").items()}
    assert bad[names["missing"]].startswith("missing file")
    assert bad[names["empty"]].startswith("zero-length")
    assert bad[names["odd"]] == "unknown status: 'perhaps'"
    assert len(bad) == 3
    other = lines_of(data / "other_formats.txt")
    assert "2 channels" in other[f"{names['stereo']}_cough-heavy"]
    assert "11025 Hz, not 44100 Hz" in other[f"{names['slow']}_cough-heavy"]
    assert list(lines_of(data / "without_annotation.txt")) == [f"{names['bare']}_cough-heavy"]
    assert "unknown status 1" in output
    text = (root / "exp" / "RESULTS.md").read_text()
    assert "| data/bad_files.txt | files that could not be used | 3 |" in text


@pytest.mark.slow
def test_every_recording_is_explained_by_the_classifier_that_has_not_seen_it(finished):
    root, names, _, _ = finished
    exp = root / "exp"
    folds = dict(line.split() for line in (exp / "data" / "folds").read_text().splitlines())
    scores = pd.read_csv(exp / "models" / "scores.csv")
    assert len(scores) == 13
    predictions = pd.read_csv(exp / "predictions.csv")
    right = set(predictions.loc[predictions["correct"] == 1, "recording_id"])
    expected = right - {f"{names['bare']}_cough-heavy"}
    assert expected
    for method in ("dax_v5", "rise", "random", "energy"):
        folders = list((exp / "explanations").glob(f"fold*/{method}/*"))
        assert {folder.name for folder in folders} == expected
        assert all(folder.parts[-3] == f"fold{folds[folder.name]}" for folder in folders)
    table = pd.read_csv(exp / "models" / "folds.csv")
    assert table["fold"].tolist() == ["0", "1", "mean", "std", "pooled"]


@pytest.mark.slow
def test_masks_are_on_the_time_axis_of_the_whole_recording(finished):
    root = finished[0]
    folders = list((root / "exp" / "explanations").glob("fold*/energy/*"))
    assert folders
    for folder in folders:
        explanation = load_explanation(folder)
        participant = folder.name.rsplit("_", 1)[0]
        times = explanation.spectrogram.times
        # whole hops of 10 ms from the first sample on, as without any deletion
        assert times[0] == 0
        assert float(times.diff().max()) == pytest.approx(0.01)
        path = audio_of(root / "corpus", participant)
        assert len(times) == pytest.approx(1 + duration_of(path) / 0.01, abs=1)
        # the first 100 ms are deleted by the settings: no mask there
        assert not explanation.mask[:, times < 0.09].any()
        assert explanation.mask.any()


@pytest.mark.slow
def test_the_report_names_the_planted_phase_and_shows_pictures(finished):
    root, _, _, output = finished
    exp = root / "exp"
    text = (exp / "RESULTS.md").read_text()
    for words in (
        "synthetic",
        "Planted evidence: which phase comes first",
        "cough, paper",
        "Share of the mask over share of the time",
        "recipes/coswara/run.sh --corpus",
    ):
        assert words in text
    assert "planted phase first" in output
    page = (exp / "report.html").read_text()
    assert page.count("<article ") == len(list((exp / "pictures/phases/dax_v5").glob("*.png")))
    assert "<audio controls" in page
    for name in ("phases", "phases_summary", "phases_tests", "events_found", "recordings_found"):
        assert len(pd.read_csv(exp / f"{name}.csv")) > 0


@pytest.mark.slow
def test_another_call_keeps_what_is_there_and_adds_methods(finished):
    root, _, arguments, _ = finished
    exp = root / "exp"
    before = pd.read_csv(exp / "phases.csv")
    made = {path: path.stat().st_mtime_ns for path in exp.glob("explanations/*/*/*/*.json")}
    more = [*arguments[:-1], "dax_v5 energy all_ones", "--n_recordings", 2, "--stage", 3]
    finish(run("run.sh", *more))
    assert {path: path.stat().st_mtime_ns for path in made} == made
    after = pd.read_csv(exp / "phases.csv")
    known = after[after["method"] != "all_ones"].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        known.sort_values(list(known)[:5]).reset_index(drop=True),
        before.sort_values(list(before)[:5]).reset_index(drop=True),
    )
    assert after.loc[after["method"] == "all_ones", "recording_id"].nunique() == 2


@pytest.mark.slow
def test_dicova_trains_on_its_own_folds_without_recordings_that_are_in_none(finished, tmp_path):
    root = finished[0]
    corpus = tmp_path / "dicova"
    (corpus / "AUDIO" / "cough").mkdir(parents=True)
    (corpus / "LISTS").mkdir()
    rows, names = ["SUB_ID COVID_STATUS Gender"], []
    for participant, status in people_of(root / "corpus").items():
        path = next((root / "corpus").glob(f"*/{participant}/cough-heavy.wav"), None)
        if path is None or path.stat().st_size == 0:
            continue
        samples, rate = soundfile.read(path)
        soundfile.write(corpus / "AUDIO" / "cough" / f"{participant}.flac", samples, rate)
        rows.append(f"{participant} {'p' if 'positive' in status else 'n'} m")
        names.append(participant)
    (corpus / "metadata.csv").write_text("\n".join(rows) + "\n")
    for fold in (0, 1):
        for part, own in (("val", names[1 + fold :: 2]), ("train", names[2 - fold :: 2])):
            (corpus / "LISTS" / f"{part}_{fold}.csv").write_text("\n".join(own) + "\n")
    arguments = [
        "--corpus", corpus, "--annotations", root / "phases", "--exp_dir", tmp_path / "exp",
        "--config", root / "tiny.yaml", "--stop_stage", 2,
    ]  # fmt: skip
    output = finish(run("run.sh", *arguments))
    assert "in no validation list: 1" in output
    assert lines_of(tmp_path / "exp/models/bad_files.txt") == {names[0]: "in no fold"}
    scores = pd.read_csv(tmp_path / "exp/models/scores.csv")
    assert set(scores["recording_id"]) == set(names[1:])


@pytest.mark.parametrize("script", ["run.sh", "planted.sh"])
def test_wrong_options_are_one_line_and_exit_code_2(script):
    folders = {
        "run.sh": ["--corpus", "a", "--annotations", "b", "--exp_dir", "c"],
        "planted.sh": ["--textgrids", "a", "--exp_dir", "c"],
    }
    given = folders[script]
    for arguments in (["--corpse", "x"], ["--exp_dir"], [], [*given, "--stage", ""]):
        process = run(script, *arguments)
        output = process.communicate()[0]
        assert process.returncode == 2
        assert output.count("\n") == 1, output
    assert "usage" in finish(run(script, "--help"))


# which phase comes first, by hand


def values_of(**masses):
    """Mass by method and phase in one positive recording of 10 s: 2 s cough, 3 s inhale, 5 noise.

    seconds  0    2      5           10
    phase    |cough|inhale|noise......|
    """
    masses["chance"] = {"cough": 0.2, "inhale": 0.3, "noise": 0.4, "": 0.05, "unlabelled": 0.05}
    rows = [
        ("x_cough-heavy", "p", method, phase, "mass", value)
        for method, own in masses.items()
        for phase, value in own.items()
    ]
    columns = ["recording_id", "target", "method", "phase", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


EVEN = {"cough": 0.2, "inhale": 0.3, "noise": 0.4, "": 0.05, "unlabelled": 0.05}


def test_the_densest_phase_comes_first():
    # cough 0.3 of 0.2, inhale 0.4 of 0.3, background 0.3 of 0.5
    rise = {"cough": 0.3, "inhale": 0.4, "noise": 0.1, "": 0.1, "unlabelled": 0.1}
    found = find_planted(values_of(rise=rise), {"x": "cough"})
    row = found.iloc[0]
    assert (row["first"], row["found"], row["n_phases"]) == ("cough", 1, 3)
    assert row["mass_over_chance"] == pytest.approx(1.5)
    assert find_planted(values_of(rise=rise), {"x": "inhale"}).iloc[0]["found"] == 0


def test_all_that_is_no_sound_is_one_background():
    rise = {"cough": 0.1, "inhale": 0.2, "noise": 0.3, "": 0.2, "unlabelled": 0.2}
    row = find_planted(values_of(rise=rise), {"x": "background"}).iloc[0]
    assert (row["first"], row["found"]) == ("background", 1)
    assert row["mass_over_chance"] == pytest.approx(1.4)


def test_negative_recordings_are_not_asked():
    values = values_of(rise=EVEN).assign(target="n")
    assert find_planted(values, {"x": "cough"}).empty


def test_a_mask_without_information_finds_nothing():
    found = find_planted(values_of(all_ones=EVEN), {"x": "background"}).iloc[0]
    assert (found["first"], found["found"]) == ("nothing", 0)


def test_a_hum_alone_is_to_be_found_in_the_background():
    def truth(phase, confounder):
        return Truth("x", "positive_mild", "AAA", phase, "none", 0.0, confounder, ())

    assert expected_phase(truth("none", "hum")) == "background"
    assert expected_phase(truth("cough", "hum")) == "cough"
    assert expected_phase(truth("none", "none")) == "none"


def test_a_recording_of_nobody_is_named():
    with pytest.raises(ValueError, match="names no participant 'x'"):
        find_planted(values_of(rise=EVEN), {"y": "cough"})


def test_corpora_are_reported_side_by_side(tmp_path, capsys):
    rise = {"cough": 0.3, "inhale": 0.3, "noise": 0.3, "": 0.05, "unlabelled": 0.05}
    for corpus in ("cough", "inhale"):
        found = find_planted(values_of(dax_v5=rise, energy=EVEN), {"x": corpus})
        (tmp_path / corpus / "models").mkdir(parents=True)
        found.to_csv(tmp_path / corpus / "planted_found.csv", index=False)
        rows = "fold,n,n_positive,auc,sensitivity\n0,4,2,0.75,0.5\n1,4,2,1,1\n"
        rows += "mean,,,0.875,0.75\nstd,,,0.177,0.354\npooled,8,4,0.9,0.75\n"
        (tmp_path / corpus / "models" / "folds.csv").write_text(rows)
    words = ["--exp_dir", str(tmp_path), "--corpora", "cough", "inhale", "--command", "as typed"]
    assert exit_code_of("planted_report.py", lambda: planted_report.main(words)) == 0
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| dax_v5 | 1.00 (1 of 1) | 0.00 (0 of 1) |" in text
    assert "| cough | 0.875 (0.177) | 0.750 | 0.900 |" in text
    assert "as typed" in text
    words[4] = "throat"
    assert exit_code_of("planted_report.py", lambda: planted_report.main(words)) == 2
    assert "planted_found.csv: no such file" in capsys.readouterr().err


@pytest.mark.slow
def test_explanations_of_other_folds_or_models_are_refused(finished):
    exp = finished[0] / "exp"
    (folder, *_) = sorted((exp / "explanations").glob("fold0/energy/*"))
    boxes = {fold: load_black_box(exp / "models" / f"fold{fold}") for fold in (0, 1)}
    folds = dict(line.split() for line in (exp / "data" / "folds").read_text().splitlines())
    fold_of = {name: int(fold) for name, fold in folds.items()}
    explain_folds.check_stored(exp / "explanations", fold_of, boxes)
    with pytest.raises(ValueError, match="is of another fold or model; remove"):
        explain_folds.check_stored(exp / "explanations", {**fold_of, folder.name: 1}, boxes)
    with pytest.raises(ValueError, match="is of another fold or model; remove"):
        explain_folds.check_stored(exp / "explanations", fold_of, {0: boxes[1], 1: boxes[0]})


@pytest.mark.parametrize("path", sorted((ROOT / "recipes/coswara/conf").glob("*.yaml")), ids=str)
def test_configurations_build_all_that_they_name(path):
    config = load_config(path)
    front_end = make_front_end(config["front_end"])
    settings = {key: value for key, value in config["model"].items() if key != "kind"}
    network = build(WindowBlstm, "model", settings)
    assert sum(parameter.numel() for parameter in network.parameters()) == 741505
    assert front_end.hop_length / front_end.sample_rate == 0.01
    build(TrainingSettings, "training", config["training"])
    build(Augmentation, "augmentation", config["augmentation"])
    explain = build(MethodSettings, "explain", config["explain"])
    picture = Spectrogram(torch.zeros(64, 400), torch.arange(64.0), torch.arange(400.0), "a")
    assert make_explainer("dax_v5", picture, explain).sampler.grids[0] == (2, 24)


def test_nothing_is_found_where_nothing_is_planted_or_marked():
    values = values_of(rise=EVEN, lime=dict.fromkeys(EVEN, np.nan))
    found = find_planted(values, {"x": "none"}).set_index("method")
    assert np.isnan(found.loc["rise", "found"])
    assert found.loc["lime", "first"] == "nothing"


def test_the_table_counts_by_method_and_names_chance():
    rise = {"cough": 0.3, "inhale": 0.3, "noise": 0.3, "": 0.05, "unlabelled": 0.05}
    found = find_planted(values_of(rise=rise, energy=EVEN), {"x": "cough"})
    table = tabulate_planted(found)
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    assert rows["rise"]["planted phase first"] == count_found(found, "rise") == "1.00 (1 of 1)"
    assert rows["rise"]["mass over chance there"] == "1.50"
    assert rows["chance"]["planted phase first"] == "0.33"
