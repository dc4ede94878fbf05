"""`import daxaudio` and its command cost next to nothing; all public names are there."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import daxaudio
from daxaudio.commands.main import COMMANDS

HEAVY = [
    "torch",
    "torchaudio",
    "torchvision",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "skimage",
    "sklearn",
]
HEAVY += ["pyarrow", "statsmodels", "matplotlib", "librosa", "soundfile", "jinja2", "yaml", "tqdm"]

RUN = """
import sys
sys.argv = ["daxaudio", *sys.argv[1:]]
try:
    {work}
except SystemExit as stop:
    print("code", stop.code)
print("loaded", *sys.modules)
"""


def after(work, *words):
    """What a fresh process printed, its exit code of argparse, and the modules that it loaded."""
    process = subprocess.run(
        [sys.executable, "-c", RUN.format(work=work), *words], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    text, loaded = process.stdout.rsplit("loaded ", 1)
    return text, process.stderr, {name.split(".")[0] for name in loaded.split()}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["nonsense"], 2),
        ([], 2),
    ],
)
def test_the_command_speaks_of_itself_without_heavy_imports(words, code):
    text, error, loaded = after("from daxaudio.commands.main import main; main()", *words)
    assert text.endswith(f"code {code}\n")
    assert not loaded & set(HEAVY)
    assert error.count("\n") == (1 if code else 0), error


def test_importing_the_package_imports_nothing_heavy():
    _, _, loaded = after("import daxaudio; dir(daxaudio); daxaudio.__all__")
    assert "daxaudio" in loaded
    assert not loaded & set(HEAVY)


def test_a_type_of_the_floor_needs_no_picture_table_or_vision():
    _, _, loaded = after("import daxaudio; daxaudio.Event(0.0, 1.0)")
    assert not loaded & {"torchvision", "pandas", "pyarrow", "scipy", "matplotlib", "skimage"}


LAZY = ["data", "features", "models", "perturbation", "explainers", "experiments"]
NAMESPACES = [*LAZY, "metrics", "plot", "report"]


@pytest.mark.parametrize("space", ["daxaudio", *(f"daxaudio.{name}" for name in NAMESPACES)])
def test_every_public_name_is_there(space):
    package = importlib.import_module(space)
    assert package.__all__
    for name in package.__all__:
        value = getattr(package, name)
        assert getattr(value, "__name__", name) == name
        assert name in dir(package)


@pytest.mark.parametrize("name", LAZY)
def test_a_namespace_imports_nothing_heavy_before_it_is_used(name):
    _, _, loaded = after(f"import daxaudio.{name} as space; dir(space)")
    assert not loaded & set(HEAVY)


def test_at_the_top_are_few_names_and_no_method():
    assert len(daxaudio.__all__) <= 26
    assert "Lime" not in dir(daxaudio)
    assert "Lime" in dir(daxaudio.explainers)


def test_modules_are_there_once_the_package_is_imported():
    names = {module.name for module in pkgutil.iter_modules(daxaudio.__path__)}
    assert names <= set(dir(daxaudio))
    text, _, _ = after("import daxaudio; print(daxaudio.runs.__name__)")
    assert text == "daxaudio.runs\n"


def test_a_misspelt_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'DaxV5'"):
        _ = daxaudio.DaxV5
    with pytest.raises(ImportError, match="DaxV5"):
        exec("from daxaudio import DaxV5")
    assert not hasattr(daxaudio, "__wrapped__")  # asked for by doctest and inspect


@pytest.mark.parametrize("name", ["", *(f".{name}" for name in LAZY)])
def test_type_checkers_are_told_of_the_same_names(name):
    package = importlib.import_module(f"daxaudio{name}")
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    told = {
        alias.asname: getattr(importlib.import_module(node.module), alias.name)
        for node in nodes
        for alias in node.names
        if alias.asname
    }
    assert set(told) == set(package.__all__)
    assert all(getattr(package, name) is value for name, value in told.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_module(name):
    module = importlib.import_module(f"daxaudio.commands.{name}")
    assert callable(module.configure)
    assert callable(module.run)


def test_every_module_that_configures_a_command_is_one():
    folder = importlib.import_module("daxaudio.commands").__path__
    modules = [module.name for module in pkgutil.iter_modules(folder)]
    found = {m: importlib.import_module(f"daxaudio.commands.{m}") for m in modules}
    assert {name for name, module in found.items() if hasattr(module, "configure")} == set(COMMANDS)


def test_librosa_is_loaded_where_it_is_used_and_no_sooner():
    modules = "explainers.catalogue features.frontends perturbation.segmenters plot commands.train"
    names = ", ".join(f"daxaudio.{name}" for name in [*modules.split(), "commands.explain"])
    _, _, loaded = after(f"import {names}")
    assert "torch" in loaded
    assert not loaded & {"librosa", "numba", "soxr"}
