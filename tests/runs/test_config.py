import shutil
from pathlib import Path

import pytest
import torch
import yaml

from daxaudio.commands.sections import read_sections
from daxaudio.containers import Event, Spectrogram
from daxaudio.data.padding import NoisePadding
from daxaudio.explainers.catalogue import METHODS, check_methods, make_explainer
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.foreign.load import read_entries
from daxaudio.models.training import TrainingSettings
from daxaudio.runs.config import SECTIONS, build, load_config
from daxaudio.runs.seeds import derive_seed

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def picture(name):
    return Spectrogram(torch.zeros(64, 480), torch.arange(64.0), torch.arange(480.0), name)


def test_nothing_given_leaves_every_default():
    assert load_config(None) == {name: {} for name in SECTIONS}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainig: {epochs: 3}", "'trainig' is no section"),
        ("training: 3", "section 'training' must hold keys and values, got 3"),
        ("- 1", "must hold sections"),
        ("training: [", "not YAML"),
    ],
)
def test_file_that_is_no_configuration_is_named(tmp_path, text, message):
    path = tmp_path / "conf.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_config(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="no such configuration file"):
        load_config(tmp_path / "none.yaml")


def test_wrong_key_fails_with_its_section():
    with pytest.raises(ValueError, match=r"section 'training': .*epoch_s"):
        build(TrainingSettings, "training", {"epoch_s": 3})


def test_values_of_the_wrong_kind_are_named_and_numbers_as_text_are_taken():
    assert build(TrainingSettings, "training", {"learning_rate": "1e-3"}).learning_rate == 1e-3
    for settings, message in (
        ({"epochs": 2.5}, "epochs must be a whole number, got 2.5"),
        ({"epochs": "many"}, "epochs must be a number, got 'many'"),
        ({"learning_rate": -1}, "learning_rate must be above 0"),
        ({"label_smoothing": 1}, "label_smoothing must lie in"),
    ):
        with pytest.raises(ValueError, match=message):
            build(TrainingSettings, "training", settings)
    with pytest.raises(ValueError, match="time_shift must be true or false"):
        build(Augmentation, "augmentation", {"time_shift": "often"})


MODELS_OF_OTHERS = [
    path
    for path in sorted((RECIPES / "pretrained").glob("conf/*.yaml"))
    if path.name != "compare.yaml"  # settings of methods and measures
]


@pytest.mark.parametrize("path", MODELS_OF_OTHERS, ids=lambda path: path.stem)
def test_every_shipped_description_of_a_model_is_one(path, tmp_path):
    copy = Path(shutil.copy(path, tmp_path))
    classes = yaml.safe_load(copy.read_text()).get("classes")
    if isinstance(classes, str):  # a file that comes with the model
        (tmp_path / classes).write_text("wren\nrobin\n")
    entries = read_entries(copy, copy)
    assert entries["sample_rate"] in (16000, 22050, 48000)
    assert len(entries["classes"]) >= 1


CONFIGURATIONS = [
    path
    for path in sorted(RECIPES.glob("*/conf/*.yaml"))
    if path not in MODELS_OF_OTHERS and path.name != "questions.yaml"  # of an audit
]


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_every_shipped_configuration_builds_all_its_parts(path):
    config = read_sections(path)
    build(NoisePadding, "padding", config["padding"])
    settings = build(MethodSettings, "explain", config["explain"])
    for name in METHODS:
        assert make_explainer(name, picture("a"), settings, events=[Event(1, 2)])


def test_methods_keep_the_order_of_tables_and_unknown_ones_list_the_known():
    assert check_methods(["oracle", "dax_v1"]) == ["dax_v1", "oracle"]
    with pytest.raises(ValueError, match="method 'shap' is unknown; choose from dax_v1"):
        check_methods(["shap"])
    with pytest.raises(ValueError, match="no method named"):
        check_methods([])


def test_segment_methods_of_one_recording_share_their_draws_and_recordings_do_not():
    settings = MethodSettings(queries=50)

    def sampler(name, recording):
        return make_explainer(name, picture(recording), settings).sampler

    assert sampler("lime", "a") == sampler("dax_v2", "a") == sampler("dax_v1", "a")
    assert sampler("lime", "a") != sampler("lime", "b")


def test_seeds_are_exact_however_large():
    for name in ("dax_v1", "dax_v2", "dax_v4"):
        explainer = make_explainer(name, picture("a"), MethodSettings(), seed=3)
        assert explainer.seed == derive_seed(3, "a", name) > 2**53
    rise = make_explainer("rise", picture("a"), MethodSettings(), seed=3)
    assert rise.sampler.seed == derive_seed(3, "a", "grid") > 2**53


def test_settings_reach_their_methods():
    settings = MethodSettings(queries=50, dax=Dax(epochs=3, pool=2), dax_v4=DaxV4(n_splits=4))
    dax = make_explainer("dax_v1", picture("a"), settings)
    assert isinstance(dax, Dax)
    assert (dax.epochs, dax.pool, dax.loss.method, dax.sampler.n_samples) == (3, 2, "dax_v1", 50)
    closed = make_explainer("dax_v4", picture("a"), settings)
    assert isinstance(closed, DaxV4)
    assert (closed.n_splits, closed.sampler.n_samples) == (4, 50)
    with pytest.raises(ValueError, match="section 'dax'"):
        build(MethodSettings, "explain", {"dax": {"depth": 3}})
    with pytest.raises(ValueError, match="queries must be at least 10"):
        MethodSettings(queries=5)
