"""The settings of methods: parts in code, keys and values in files, and the same in both."""

import dataclasses
import json

import pytest

from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.forest import Forest
from daxaudio.explainers.gradient import SmoothGrad
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.settings import MethodSettings, read_stored_settings
from daxaudio.perturbation.quasi_random import ReplicatedSampler
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler
from daxaudio.perturbation.segments import Grid, QuickShift
from daxaudio.perturbation.time_runs import RunSampler
from daxaudio.runs.config import build

SECTIONS = {
    "queries": 60,
    "segmenter": {"kind": "grid", "n_time_bands": 6},
    "dax": {"epochs": 3, "polarity": "checked"},
    "dax_authors": {"epochs": 2, "at_most": 60},
    "dax_v4": {"softness": 0.1, "grids": [[2, 24], [4, 24]], "keep": 0.4},
    "lime": {"kernel_width": 0.5},
    "rise": {"cells": [3, 9], "antithetic": True},
    "occlusion": {"window": [16, 16]},
    "forest": {"n_trees": 30, "duration": 0.2, "runs": [2, 4]},
    "hsic": {"cells": [2, 5]},
    "sobol": {"cells": [1, 8]},
    "freq_rise": {"cells": [6, 8], "window": 0.05},
    "smooth_grad": {"n_samples": 7},
    "integrated_gradients": {"n_steps": 9},
    "expected_gradients": {"n_samples": 9, "fills": ["noise"]},
    "grad_cam": {"layer": "conv1"},
}


def test_sections_hold_the_parts_that_their_keys_build():
    settings = build(MethodSettings, "explain", SECTIONS)
    assert settings.segmenter == Grid(n_time_bands=6)
    assert settings.dax == Dax(epochs=3, polarity="checked")
    grids = MultiGridSampler(grids=((2, 24), (4, 24)), keep=0.4)
    assert settings.dax_v4 == DaxV4(grids, softness=0.1)
    assert settings.rise == GridSampler(cells=(3, 9), antithetic=True)
    assert settings.forest == Forest(RunSampler(duration=0.2, runs=(2, 4)), n_trees=30)


def test_what_is_stored_is_what_a_configuration_says_and_reads_back():
    settings = build(MethodSettings, "explain", SECTIONS)
    stored = json.loads(json.dumps(settings.as_dict()))
    assert {name: stored[name] for name in SECTIONS} == SECTIONS
    assert build(MethodSettings, "explain", stored) == settings
    assert read_stored_settings(stored) == stored


@pytest.mark.parametrize(
    "section",
    [
        {"kind": "time_bands", "n_bands": 9},
        {"kind": "time_bands", "duration": 0.1},
        {"kind": "slic"},
        {"kind": "harmonic_percussive"},
        {"kind": "agglomerative", "n_time_bands": 5},
    ],
    ids=str,
)
def test_every_kind_of_segmenter_is_stored_and_reads_back(section):
    settings = build(MethodSettings, "explain", {"segmenter": section})
    assert settings.as_dict()["segmenter"] == section
    assert build(MethodSettings, "explain", settings.as_dict()) == settings


def test_a_default_that_is_written_out_is_the_same_setting():
    written = build(MethodSettings, "explain", {"rise": {"cells": [4, 12]}, "dax": {"epochs": 10}})
    assert written == MethodSettings()
    assert written.as_dict() == MethodSettings().as_dict()


def test_settings_of_older_runs_are_recognised_and_others_are_refused():
    old = {"queries": 60, "quick_shift": {"max_dist": 5.0}, "dax": {"precision": "fp32"}}
    found = read_stored_settings(old)
    same = MethodSettings(queries=60, segmenter=QuickShift(max_dist=5.0), dax=Dax(precision="fp32"))
    assert found == same.resolved().as_dict()
    with pytest.raises(ValueError, match="section 'rise': unknown key 'cell'"):
        read_stored_settings({"rise": {"cell": [2, 3]}})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"rise": GridSampler(n_samples=7)}, "n_samples of 'rise'"),
        ({"smooth_grad": SmoothGrad(seed=3)}, "seed of 'smooth_grad'"),
        ({"lime": Lime(MultiGridSampler())}, "sampler of 'lime'"),
        ({"dax_v4": DaxV4(MultiGridSampler(n_samples=7))}, "n_samples of 'dax_v4'"),
        ({"forest": Forest(RunSampler(fill="floor"))}, "fill of 'forest'"),
        ({"sobol": ReplicatedSampler(seed=7)}, "seed of 'sobol'"),
    ],
)
def test_what_the_run_sets_is_never_set_in_vain(changes, name):
    with pytest.raises(ValueError, match=f"^{name} is set by the run; leave it out$"):
        dataclasses.replace(MethodSettings(), **changes)


def test_keys_and_values_in_place_of_a_part_are_one_line():
    with pytest.raises(TypeError, match=r"^rise must be a part such as GridSampler\(...\)"):
        MethodSettings(rise={"cells": [2, 4]})
