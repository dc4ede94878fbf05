import math
from collections import Counter

import pandas as pd
import pytest
import torch

from daxaudio.commands.main import main
from daxaudio.containers import Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.folds import assign_folds, read_folds
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, load_black_box
from daxaudio.models.cross_validation import cross_validate
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=80, n_mels=16)


class Loudness(torch.nn.Module):
    """Logit of the second class: the mean level."""

    def forward(self, inputs):
        z = inputs.mean(dim=(1, 2)) / 10
        return torch.stack([-z, z], dim=1)


def tones(n=12):
    """Recordings with a tone; those of class "p" are louder, and rise."""
    recordings, classes = [], {}
    times = torch.arange(6000) / 8000
    for i in range(n):
        name, positive = f"r{i:02d}", i % 2
        wave = (0.1 + 0.4 * positive) * torch.sin(
            2 * math.pi * (600 + 900 * positive * times) * times
        )
        wave = wave + 0.01 * torch.randn(6000, generator=generator(i, "tones"))
        recordings.append(Recording(wave[None], 8000, name))
        classes[name] = "np"[positive]
    return recordings, classes


def test_no_model_scores_what_it_was_trained_on(tmp_path):
    recordings, classes = tones()
    folds = {recording.recording_id: i // 4 for i, recording in enumerate(recordings)}
    seen = {}

    def train(training, folder):
        seen[folder.name] = {recording.recording_id for recording in training}
        return BlackBox(Loudness(), FRONT_END, ["n", "p"])

    scores, summary = cross_validate(recordings, classes, folds, train, out=tmp_path)
    assert sorted(scores["recording_id"]) == sorted(classes)
    for row in scores.itertuples():
        assert row.fold == folds[row.recording_id]
        assert row.label == classes[row.recording_id]
        assert row.recording_id not in seen[f"fold{row.fold}"]
        assert len(seen[f"fold{row.fold}"]) == 8
    assert summary["fold"].tolist() == ["0", "1", "2", "mean", "std", "pooled"]
    assert summary["auc"].tolist() == [1, 1, 1, 1, 0, 1]  # the louder ones are positive
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "scores.csv"), scores)
    assert pd.read_csv(tmp_path / "folds.csv")["n"].tolist()[:3] == [4, 4, 4]


def test_what_cannot_be_cross_validated_is_refused(tmp_path):
    recordings, classes = tones(4)

    def train(training, folder):
        raise AssertionError("must not train")

    with pytest.raises(ValueError, match=r"3 recordings are in no fold, the first is 'r01'"):
        cross_validate(recordings, classes, {"r00": 0}, train, out=tmp_path)
    with pytest.raises(ValueError, match="needs two classes"):
        cross_validate(recordings, dict.fromkeys(classes, "n"), {}, train, out=tmp_path)
    by_class = {name: int(label == "p") for name, label in classes.items()}
    with pytest.raises(ValueError, match="outside fold 0 are not both of"):
        cross_validate(recordings, classes, by_class, train, out=tmp_path)


def test_folds_are_read_from_a_file(tmp_path):
    (tmp_path / "folds").write_text("a 0\n\nb 12\r\n")
    assert read_folds(tmp_path / "folds") == {"a": 0, "b": 12}


def test_folds_are_read_from_lists_as_dicova_has_them(tmp_path):
    for fold, names in enumerate(["a\nb\n", "c\n"]):
        (tmp_path / f"val_{fold}.csv").write_text(names)
        (tmp_path / f"train_{fold}.csv").write_text("x\n")
    assert read_folds(tmp_path) == {"a": 0, "b": 0, "c": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 0\na 1\n", r"folds:2: 'a' is already in fold 0"),
        ("a 0\nb one\n", r"folds:2: expected an id and the number of a fold, got 'b one'"),
        ("a 0\nb 0\n", "need two or more folds, got 1"),
        ("", "need two or more folds, got 0"),
    ],
)
def test_malformed_file_of_folds_is_refused(tmp_path, text, message):
    (tmp_path / "folds").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_folds(tmp_path / "folds")


def test_missing_folds_are_named(tmp_path):
    with pytest.raises(ValueError, match="no such file of folds"):
        read_folds(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no lists val_0\.csv"):
        read_folds(tmp_path)


def test_dealt_folds_have_both_classes_evenly_and_keep_groups_together():
    classes = {f"r{i}": "p" if i < 34 else "n" for i in range(200)}
    groups = {name: f"speaker{int(name[1:]) // 2}" for name in classes}
    folds = assign_folds(classes, groups, 5, seed=3)
    for label, share in (("p", 34 / 5), ("n", 166 / 5)):
        counts = Counter(fold for name, fold in folds.items() if classes[name] == label)
        assert sorted(counts) == [0, 1, 2, 3, 4]
        assert all(abs(count - share) <= 2 for count in counts.values())
    assert all(len({folds[m] for m in classes if groups[m] == g}) == 1 for g in groups.values())


def test_dealt_folds_depend_on_the_seed_and_not_on_the_order():
    classes = {f"r{i}": "np"[i % 2] for i in range(40)}
    groups = {name: name for name in classes}
    backwards = dict(reversed(classes.items()))
    assert assign_folds(classes, groups, 4, 1) == assign_folds(backwards, groups, 4, 1)
    assert assign_folds(classes, groups, 4, 1) != assign_folds(classes, groups, 4, 2)


def test_fold_that_would_lack_a_class_is_refused():
    classes = {"a": "p", "b": "n", "c": "n", "d": "n"}
    for n_folds in (2, 10**30):  # at once
        with pytest.raises(
            ValueError, match="class 'p' has only 1 recordings, and each fold needs"
        ):
            assign_folds(classes, {name: name for name in classes}, n_folds)
    together = {"a1": "p", "a2": "p", "b": "n", "c": "n"}
    with pytest.raises(ValueError, match="fold 1 would get no recording of class 'p'"):
        assign_folds(together, {name: name[0] for name in together}, 2)
    with pytest.raises(ValueError, match="at least 2"):
        assign_folds(classes, classes, 1)


@pytest.fixture
def data(tmp_path):
    """A data folder of eight recordings of eight speakers."""
    recordings, classes = tones(8)
    paths = {}
    for recording in recordings:
        paths[recording.recording_id] = str(tmp_path / f"{recording.recording_id}.wav")
        write_recording(recording, paths[recording.recording_id])
    same = {name: name for name in classes}
    write_data_folder(
        DataFolder(paths, classes, same, dict.fromkeys(classes, 0.75)), tmp_path / "data"
    )
    (tmp_path / "conf.yaml").write_text(
        "front_end: {sample_rate: 8000, n_fft: 256, hop_length: 80, n_mels: 16,\n"
        "  peak_normalise: true, vad: {threshold: 1e-4}}\n"
        "model: {kind: blstm, hidden: 4, hop: 51}\n"
        "augmentation: {padding_probability: 0, mixup_alpha: 0}\n"
        "training: {epochs: 1, optimiser: amsgrad, schedule: constant, oversample: true}\n"
    )
    return tmp_path / "data"


def arguments(data, out, *more):
    config = str(data.parent / "conf.yaml")
    return ["train", str(data), "--out", str(out), "--config", config, "--quiet", *more]


def test_train_cross_validates_and_keeps_the_models_it_has(tmp_path, data, capsys):
    out = tmp_path / "out"
    assert main(arguments(data, out, "--folds", "2")) == 0
    assert "fold pooled: AUC" in capsys.readouterr().out
    names = sorted(path.name for path in out.iterdir())
    tables = ["folds.csv", "scores.csv", "scores.parquet"]
    assert names == ["bad_files.txt", "fold0", "fold1", *tables]
    assert load_black_box(out / "fold1").training["recordings"] == 4
    first = (out / "scores.csv").read_bytes()
    assert len(pd.read_csv(out / "scores.csv")) == 8
    assert main(arguments(data, out, "--folds", "2")) == 0
    assert capsys.readouterr().out.count("holds this very model") == 2
    assert (out / "scores.csv").read_bytes() == first
    assert main(arguments(data, out, "--folds", "2", "--seed", "9")) == 2
    assert "another --out" in capsys.readouterr().err


def test_train_takes_folds_from_a_file_and_one_blstm_without(tmp_path, data, capsys):
    lines = [f"r{i:02d} {i // 4}\n" for i in range(8)]
    (tmp_path / "folds").write_text("".join(lines))
    assert main(arguments(data, tmp_path / "cv", "--folds", str(tmp_path / "folds"))) == 0
    held = pd.read_csv(tmp_path / "cv" / "scores.csv").set_index("recording_id")["fold"]
    assert held.to_dict() == {f"r{i:02d}": i // 4 for i in range(8)}
    assert main(arguments(data, tmp_path / "one")) == 0
    box = load_black_box(tmp_path / "one")
    assert box.module.settings["n_bins"] == 16
    assert box.front_end.vad is not None


def test_train_names_an_unknown_kind_of_model(tmp_path, data, capsys):
    (data.parent / "conf.yaml").write_text("model: {kind: transformer}\n")
    assert main(arguments(data, tmp_path / "out")) == 2
    assert "kind must be one of ['blstm', 'resnet']" in capsys.readouterr().err
