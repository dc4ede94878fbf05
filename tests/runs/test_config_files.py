"""Every key of a configuration is used as it stands, or is one line with the file's name."""

import pytest
import yaml

from daxaudio.commands.main import main
from daxaudio.commands.sections import read_sections
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.training import TrainingSettings
from daxaudio.runs.config import SECTIONS, build, load_config, read_yaml


def configuration(folder, text):
    path = folder / "conf.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: {epochs: 3, epochs: 4}", "line 1: .*key 'epochs' stands twice"),
        (
            "explain:\n  queries: 20\nexplain:\n  queries: 30",
            "line 3: .*key 'explain' stands twice",
        ),
        ("explain: &a\n  dax: *a", "line 2: .*no anchors"),
        ("explain: &a [*a]", "no anchors"),
        ("explain: " + "[" * 2000, "nested too deeply"),
        ("training: !!python/object:os.system {}", "could not determine a constructor"),
        ("training: {epochs: 2026-13-45}", "not YAML that can be read: month must be in"),
        ("training: \x07", "not YAML that can be read: .*special characters"),
    ],
)
def test_what_yaml_may_hide_is_refused_with_the_file_and_the_line(tmp_path, text, message):
    path = configuration(tmp_path, text)
    with pytest.raises(ValueError, match=rf"conf\.yaml.*{message}"):
        load_config(path)


def test_text_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "conf.yaml"
    path.write_bytes("explain: {fill: größe}".encode("latin-1"))
    with pytest.raises(ValueError, match=r"conf\.yaml: is not UTF-8 text"):
        load_config(path)


@pytest.mark.parametrize("text", ["", "explain:", "explain: {}\ntraining:\n"])
def test_empty_sections_leave_every_default(tmp_path, text):
    assert load_config(configuration(tmp_path, text)) == {name: {} for name in SECTIONS}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("explain: {querys: 20}", r"'explain': unknown key 'querys' \(queries\?\); known: queries"),
        ("black_box: {device: [1]}", r"'black_box': device must be a text, got \[1\]"),
        ("padding: {noise: 3}", "'padding': noise must be a text, got 3"),
        ("explain: {rise: {n_samples: 9}}", "'rise': unknown key 'n_samples'.*known: cells, keep"),
        ("explain: {lime: {sampler: 9}}", "'lime': unknown key 'sampler'.*; known: kernel_width"),
        ("explain: {occlusion: {stride: [1, 1]}}", "'occlusion': unknown key 'stride'.*: window"),
        ("explain: {dax: {seed: 3}}", "'dax': unknown key 'seed'.*; known: student"),
        ("explain: {dax_v4: {sampler: 3}}", "'dax_v4': unknown key 'sampler'.*grids, keep"),
        ("explain: {smooth_grad: {seed: 3}}", "'smooth_grad': unknown key 'seed'"),
        (
            "explain: {integrated_gradients: {fill: floor}}",
            "'integrated_gradients': unknown key",
        ),
        ("black_box: {folder: elsewhere}", "'black_box': unknown key 'folder'; known: device"),
        ("model: {n_classes: 3}", "'model': unknown key 'n_classes'.*; known: kind, depth"),
        ("model: {kind: blstm, depth: 18}", "'model': unknown key 'depth'"),
        ("model: {kind: tree}", r"'model': kind must be one of \['blstm', 'resnet'\], got 'tree'"),
        ("front_end: {n_mel: 64}", r"'front_end': unknown key 'n_mel' \(n_mels\?\)"),
        ("augmentation: {1: 2}", "'augmentation': unknown key 1; known"),
        ("training: {epoch: 3}", r"'training': unknown key 'epoch' \(epochs\?\)"),
        ("padding: {snr: 3}", r"'padding': unknown key 'snr'.*known: min_duration"),
        ("compare: {step: 3}", "'compare': unknown key 'step'"),
    ],
)
def test_every_section_is_looked_at_and_its_keys_are_listed(tmp_path, text, message):
    path = configuration(tmp_path, text)
    with pytest.raises(ValueError, match=rf"conf\.yaml: section {message}"):
        read_sections(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("explain: {rise: [1]}", r"'explain': rise must hold keys and values, got \[1\]"),
        ("explain: {queries: .inf}", "'explain': queries must be a finite number, got inf"),
        ("training: {epochs: 1e400}", "'training': epochs must be a finite number, got '1e400'"),
        ("training: {epochs: 1.0e+400}", "epochs must be a finite number, got inf"),
        ("explain: {fill: 3}", "'explain': fill must be one of .*global_mean.*, got 3"),
        ("explain: {queries: [1, 2]}", r"queries must be a number, got \[1, 2\]"),
        ("explain: {queries: }", "queries must be a number, got None"),
        ("explain: {rise: {cells: 4}}", "section 'rise': cells must be a list, got 4"),
        ("explain: {rise: {cells: [4]}}", r"cells must be a list of 2, got \[4\]"),
        ("explain: {rise: {cells: [a, 4]}}", "cells must be a number, got 'a'"),
        ("explain: {dax_v4: {grids: [[2, x]]}}", "section 'dax_v4': grids must be a number"),
        ("explain: {dax: {at_most: many}}", "at_most must be a number, got 'many'"),
        ("explain: {grad_cam: {layer: 3}}", "layer must be a text, got 3"),
        ("model: {depth: deep}", "'model': depth must be"),
        ("padding: {noise: [white]}", r"'padding': noise must be a text, got \['white'\]"),
        ("model: {kind: [resnet]}", r"'model': kind must be one of .*, got \['resnet'\]"),
        ("model: {kind: {a: 1}}", "'model': kind must be one of"),
        ("padding: {snr_db: loud}", "'padding': snr_db must be a number, got 'loud'"),
    ],
)
def test_values_that_do_not_fit_are_named_with_the_file(tmp_path, text, message):
    path = configuration(tmp_path, text)
    with pytest.raises(ValueError, match=rf"conf\.yaml: .*{message}"):
        read_sections(path)


def test_section_that_a_command_does_not_use_is_looked_at_all_the_same(tmp_path, capsys):
    path = configuration(tmp_path, "trainig:\n  epochs: 3\n")
    asked = ["pad", "a.wav", "--out", str(tmp_path / "out"), "--config", str(path)]
    assert main(asked) == 2
    assert "'trainig' is no section (training?)" in capsys.readouterr().err
    path.write_text("compare: {step: 3}")
    assert main(asked) == 2
    assert f"{path}: section 'compare': unknown key 'step'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_noise_that_lies_elsewhere_is_not_looked_for_where_nothing_is_padded(tmp_path):
    path = configuration(tmp_path, "padding: {noise: /no/such/folder}")
    assert read_sections(path)["padding"] == {"noise": "/no/such/folder"}


def test_values_come_as_their_constructors_want_them():
    settings = build(MethodSettings, "explain", {"rise": {"cells": [4, 12]}, "queries": "2e3"})
    assert settings.queries == 2000
    assert type(settings.queries) is int
    assert build(TrainingSettings, "training", {"epochs": 2**60}).epochs == 2**60


def test_plain_yaml_stays_what_safe_yaml_is():
    text = "a: [1, 2.5, yes, null, text]\nb: {c: {d: e}}\n"
    assert read_yaml(text, "x") == yaml.safe_load(text)


def test_what_is_there_but_no_file_is_not_called_missing(tmp_path):
    with pytest.raises(ValueError, match="is a folder, a pipe or a device"):
        load_config(tmp_path)
    with pytest.raises(ValueError, match="no such configuration file"):
        load_config(tmp_path / "none.yaml")
