"""The default fill goes by the model: floor where it hears masked sound, else the mean."""

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.experiments import explain as explaining
from daxaudio.experiments.explain import explain, for_model, judge_of_run
from daxaudio.explainers.catalogue import METHODS, make_explainer
from daxaudio.explainers.settings import MethodSettings, read_stored_settings
from daxaudio.perturbation.fills import FILLS
from daxaudio.runs.config import build

PICTURE = Spectrogram(
    torch.randn(16, 40, generator=torch.Generator().manual_seed(0)) * 10 - 30,
    torch.arange(16.0),
    torch.arange(40) / 50,
    "a",
)
FILLED = [name for name, row in METHODS.items() if "fill" in row.settings and not row.gradients]


class Asked:
    """Notes the lowest and the mean value that stood where everything was masked off."""

    def __init__(self, masks_sound):
        self.masks_sound, self.inputs = masks_sound, []

    def __call__(self, inputs):
        self.inputs.append(inputs.clone())
        return inputs[:, 4, 10:14].mean(dim=1)

    @property
    def background(self):
        return self.inputs[0][1]


@pytest.mark.parametrize("method", ["dax_v4", "rise", "lime", "kernel_shap", "occlusion"])
@pytest.mark.parametrize(
    ("masks_sound", "level"), [(True, PICTURE.values.min()), (False, PICTURE.values.mean())]
)
def test_the_default_fill_is_that_of_the_model(method, masks_sound, level):
    asked = Asked(masks_sound)
    explain(PICTURE, asked, method, queries=40)
    assert bool((asked.background == level).all())


def test_a_fill_that_was_chosen_stays():
    asked = Asked(masks_sound=True)
    explain(PICTURE, asked, "rise", settings=MethodSettings(queries=20, fill="global_mean"))
    assert bool((asked.background == PICTURE.values.mean()).all())


@pytest.mark.parametrize("masks_sound", [True, False])
def test_an_explanation_is_judged_with_the_fill_that_it_was_made_with(masks_sound, monkeypatch):
    fills = []
    found = explain(PICTURE, Asked(masks_sound), "rise", queries=20)
    monkeypatch.setattr(explaining, "judge", lambda *args, fill, **others: fills.append(fill))
    judge_of_run(found, Asked(masks_sound), "quick", settings=MethodSettings())
    assert fills == [found.settings["sampler"]["fill"]]


def test_what_is_resolved_is_resolved_once():
    once = for_model(MethodSettings(), Asked(masks_sound=True))
    assert (once.fill, for_model(once, Asked(masks_sound=False)).fill) == ("floor", "floor")


def test_settings_from_before_the_fill_was_stored_had_the_mean():
    assert read_stored_settings({"queries": 60})["fill"] == "global_mean"


ON_CELLS = ("dax_v4", "dax_v5", "rise", "base1", "occlusion")


@pytest.mark.parametrize("fill", [name for name, row in FILLS.items() if not row.in_sound])
@pytest.mark.parametrize("method", FILLED)
def test_every_method_takes_every_fill_that_its_parts_can_have(method, fill):
    quick = {"dax": {"epochs": 1}, "occlusion": {"window": [8, 8]}}
    quick |= {name: {"n_splits": 1} for name in ("dax_v4", "dax_v5")}
    settings = build(MethodSettings, "explain", {"queries": 24, "fill": fill, **quick})
    explainer = make_explainer(method, PICTURE, settings)
    if fill == "segment_mean" and method in ON_CELLS:
        with pytest.raises(ValueError, match="needs segments"):
            explainer(PICTURE, Asked(False))
    else:
        found = explainer(PICTURE, Asked(False))
        assert bool(found.mask.isfinite().all())


def test_an_unknown_fill_is_one_line():
    for make in (MethodSettings, lambda **own: build(MethodSettings, "explain", own)):
        with pytest.raises(ValueError, match=r"fill must be one of auto, floor, .*, got 'zero'"):
            make(fill="zero")
