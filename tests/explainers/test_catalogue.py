import dataclasses

import pytest

from daxaudio.containers import Event
from daxaudio.explainers.catalogue import (
    METHODS,
    SETTINGS_OF,
    MethodSettings,
    check_methods,
    make_explainer,
)

CHANGES = {
    "queries": 400,
    "fill": "floor",
    "quick_shift": {"max_dist": 5.0},
    "dax": {"epochs": 3},
    "dax_v4": {"n_splits": 2},
    "lime": {"kernel_width": 0.5},
    "rise": {"cells": (3, 9)},
    "occlusion": {"window": (8, 8)},
    "smooth_grad": {"n_samples": 7},
    "integrated_gradients": {"n_steps": 9},
    "grad_cam": {"of": "probability"},
}


def explainer_of(method, settings):
    return make_explainer(method, settings, 0, "a", (64, 200), [Event(0.5, 1.0)])


def test_every_field_of_the_settings_is_tried_but_one_that_changes_no_result():
    fields = {field.name for field in dataclasses.fields(MethodSettings)}
    assert fields - set(CHANGES) == {"batch_size"}


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_depends_on_the_settings_that_are_listed_for_it_and_no_other(method, field):
    changed = dataclasses.replace(MethodSettings(), **{field: CHANGES[field]})
    before, after = (explainer_of(method, settings) for settings in (MethodSettings(), changed))
    assert (repr(before) != repr(after)) == (field in SETTINGS_OF.get(method, ()))


def test_names_come_once_and_in_the_order_of_tables():
    assert check_methods(["random", "rise", "rise", "dax_v4"]) == ["dax_v4", "rise", "random"]


def test_unknown_method_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="method 'shap' is unknown; choose from dax_v1"):
        check_methods(["shap"])


def test_grids_of_dax_v4_are_among_its_settings():
    settings = MethodSettings(queries=60, dax_v4={"grids": [[2, 8], [4, 8]], "keep": 0.4})
    explainer = make_explainer("dax_v4", settings, 0, "a", (24, 60))
    assert explainer.sampler.grids == ((2, 8), (4, 8))
    assert (explainer.sampler.keep, explainer.sampler.n_samples) == (0.4, 60)
    assert explainer == make_explainer("dax_v4", settings, 0, "a", (64, 480))
    with pytest.raises(ValueError, match="grids need one or more"):
        MethodSettings(dax_v4={"grids": [[2, 0]]})


def test_oracle_needs_an_event():
    with pytest.raises(ValueError, match="'oracle' needs a true event of recording 'a'"):
        make_explainer("oracle", MethodSettings(), 0, "a", (64, 200))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"grad_cam": {"depth": 3}}, "section 'grad_cam'"),
        ({"dax_v4": {"grid": [[2, 8]]}}, "section 'dax_v4'.*'grid'"),
        ({"smooth_grad": {"n_samples": 0}}, "n_samples must be at least 1"),
        ({"queries": 3}, "queries must be at least 10"),
    ],
)
def test_settings_that_do_not_fit_are_refused_at_once(section, message):
    with pytest.raises(ValueError, match=message):
        MethodSettings(**section)
