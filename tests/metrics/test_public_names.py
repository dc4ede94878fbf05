"""`daxaudio.metrics` has all public functions of its files, and costs little to import."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

from daxaudio import metrics

INNER = {
    *("check_map", "check_over_time", "check_scores", "match_most"),
    *("check_masks", "check_profile", "to_array", "count_above", "set_iou", "fill_jumps"),
    *("compare_stage", "groups_that_need", "signed_rank_p_value"),
}
"""Functions that measures are made of."""


@pytest.mark.parametrize("name", [file.name for file in pkgutil.iter_modules(metrics.__path__)])
def test_all_public_functions_of_a_file_are_there(name):
    module = importlib.import_module(f"daxaudio.metrics.{name}")
    own = {
        key
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and key[0] != "_"
    }
    assert own - INNER <= set(metrics.__all__)


def test_importing_the_measures_imports_no_statistics():
    code = "import sys, daxaudio.metrics; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pandas", "scipy.stats", "scipy.optimize", "sklearn", "statsmodels", "skimage.metrics"}
    assert not heavy & set(run.stdout.split())
