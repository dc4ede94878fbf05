"""Modules import downwards only. The table says who may import whom; it is the picture to read."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ALLOWED = {
    "runs": "",
    "containers": "runs",
    "data": "containers runs",
    "features": "containers data runs",
    "metrics": "containers runs",
    "models": "containers data features metrics runs",
    "perturbation": "containers runs",
    "explainers": "containers models perturbation runs",
    "plot": "containers metrics runs",
    "engines": "runs",
    "experiments": "containers data engines explainers features metrics models perturbation plot "
    "runs",
    "audit": "containers data engines experiments explainers features metrics models perturbation "
    "plot runs",
    "report": "audit containers data experiments explainers metrics plot runs",
    "commands": "audit containers data engines experiments explainers features metrics models "
    "perturbation plot report runs",
    "data_prep": "containers data features runs data_prep",
}
"""Folder of `daxaudio`: folders that it may import. Data flows down the table."""


OURS = ("daxaudio", "data_prep", "daxaudio_data_prep", "recipes")


def imports_in(source, module):
    """Full names of what a module imports from us, wherever in the file; relative ones resolved."""
    package = module.split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level] if node.level else []
            origin = ".".join([*parent, *([node.module] if node.module else [])])
            names = [f"{origin}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (n for n in names if n.split(".")[0] in OURS)


def layer_of(name):
    """`daxaudio.plot.drawing.new_figure` is in layer `plot`; `daxaudio.Recording` in none, ""."""
    parts = name.split(".")
    if parts[0] != "daxaudio":
        return "data_prep" if parts[0] == "daxaudio_data_prep" else parts[0]
    return parts[1] if len(parts) > 1 and parts[1] in ALLOWED else ""


def modules(folder):
    """Name of each module under a folder of the project, and its source."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts), path.read_text(encoding="utf-8")


def is_method(name):
    """Whether a module holds a method: `daxaudio.explainers.lime`, but none of the catalogue's."""
    parts = name.split(".")
    return parts[:2] == ["daxaudio", "explainers"] and len(parts) > 2 and parts[2] in METHODS


def explains(source):
    """Whether a module has a public class that is called with a spectrogram and a black box."""
    return any(
        isinstance(function, ast.FunctionDef)
        and function.name == "__call__"
        and "score_fn" in [argument.arg for argument in function.args.args]
        for part in ast.walk(ast.parse(source))
        if isinstance(part, ast.ClassDef) and not part.name.startswith("_")
        for function in part.body
    )


METHODS = {
    name.split(".")[2] for name, source in modules("daxaudio/explainers") if explains(source)
}
"""Files of methods, and the folder of DAX: none may import another one."""


def may_import(module, imported):
    """Whether the table lets a module import something."""
    own, other = layer_of(module), layer_of(imported)
    if is_method(module) and is_method(imported):
        return module.split(".")[2] == imported.split(".")[2]
    return other == own or other in ALLOWED[own].split()


LIBRARY = [
    name
    for folder in ("daxaudio", "data_prep")
    for name, _ in modules(folder)
    if name != "daxaudio.__init__"
]


def test_the_root_holds_the_containers_and_folders_only():
    found = {path.name for path in (ROOT / "daxaudio").iterdir()} - {"__pycache__"}
    folders = {name for name in ALLOWED if name not in ("containers", "data_prep")}
    assert found == {"__init__.py", "containers.py", "py.typed", *folders}


LOOKED_UP = {
    "daxaudio.containers": {"daxaudio.features", "daxaudio.metrics", "daxaudio.plot"},
    "daxaudio.runs.lazy": {""},
    "daxaudio.runs.extras": {""},
    "daxaudio.models.foreign.function": {""},
    "daxaudio.commands.main": {"daxaudio.commands."},
    "daxaudio.commands.prepare": {"daxaudio_data_prep."},
    "daxaudio.models.foreign.load": {"daxaudio.models.foreign."},
}
"""Modules that are looked up by name when they are needed. One way leads past the table: an
explanation is drawn, read and heard by its own methods. `prepare` starts data preparation, a
package of its own, the public names of a folder are its own or, of `daxaudio`, any, extras are
packages of others, and a function is the user's."""


def lookups_in(source):
    """What a module imports by name; of a name that is put together, how it begins."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "importlib":
            assert [alias.name for alias in node.names] == ["metadata"], "write importlib.NAME"
        if isinstance(node, ast.Call) and LOOK_UP.search(ast.unparse(node.func)):
            given = node.args[0]
            first = given.values[0] if isinstance(given, ast.JoinedStr) else given
            yield first.value if isinstance(first, ast.Constant) else ""


LOOK_UP = re.compile(r"(import_module|__import__|spec_from_\w+)$")


def test_nothing_is_looked_up_past_the_table_but_by_an_explanation():
    found = {
        module: lookups
        for folder in ("daxaudio", "data_prep")
        for module, source in modules(folder)
        if (lookups := set(lookups_in(source)))
    }
    assert found == LOOKED_UP


def test_lookups_are_found_in_every_form():
    assert list(lookups_in("import importlib\nimportlib.import_module(f'a.{name}')"))
    assert list(lookups_in("__import__('daxaudio.plot')"))
    with pytest.raises(AssertionError, match="write importlib"):
        list(lookups_in("from importlib import import_module as find\nfind('daxaudio.plot')"))


@pytest.mark.parametrize("module", LIBRARY)
def test_modules_import_only_what_the_table_allows(module):
    source = dict(modules(module.split(".")[0]))[module]
    wrong = [name for name in imports_in(source, module) if not may_import(module, name)]
    assert not wrong, f"{module} may not import {', '.join(wrong)}"


def test_no_file_is_too_long_to_fit_in_the_head():
    long = {
        name: source.count("\n")
        for folder in ("daxaudio", "data_prep", "recipes", "benchmarks", "tests")
        for name, source in modules(folder)
        if source.count("\n") > 400
    }
    assert not long, f"split by subject: {long}"


def test_nothing_imports_recipes():
    for folder in ("daxaudio", "data_prep", "tests"):
        for module, source in modules(folder):
            names = [name for name in imports_in(source, module) if layer_of(name) == "recipes"]
            assert not names, f"{module} may not import {', '.join(names)}"


def test_no_two_layers_import_each_other():
    graph = {}
    for module, source in modules("daxaudio"):
        if module != "daxaudio.__init__":
            used = {layer_of(name) for name in imports_in(source, module)} - {""}
            graph.setdefault(layer_of(module), set()).update(used - {layer_of(module)})
    # raises CycleError, which names the circle
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) >= len(graph)


def test_files_of_methods_are_known_by_what_they_hold():
    assert {"dax", "references", "rise"} <= METHODS
    assert not METHODS & {"attribution", "catalogue", "settings", "shared_queries", "storage"}


def test_the_table_names_only_folders_that_it_knows():
    assert {name for names in ALLOWED.values() for name in names.split()} <= ALLOWED.keys()


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("daxaudio.plot.bars", "from daxaudio.audio import x", ["daxaudio.audio.x"]),
        ("daxaudio.plot.bars", "import daxaudio.audio as a, os", ["daxaudio.audio"]),
        ("daxaudio.plot.bars", "from daxaudio import audio", ["daxaudio.audio"]),
        ("daxaudio.plot.bars", "from .axes import x", ["daxaudio.plot.axes.x"]),
        ("daxaudio.plot.__init__", "from .axes import x", ["daxaudio.plot.axes.x"]),
        ("daxaudio.plot.bars", "from .. import audio", ["daxaudio.audio"]),
        ("daxaudio.plot.bars", "def f():\n    import data_prep.esc10", ["data_prep.esc10"]),
        ("daxaudio.plot.bars", "import numpy\nfrom torch import nn", []),
    ],
)
def test_imports_are_found_in_every_form(module, source, found):
    assert list(imports_in(source, module)) == found


@pytest.mark.parametrize(
    ("module", "imported", "allowed"),
    [
        ("daxaudio.explainers.lime", "daxaudio.explainers.rise.Rise", False),
        ("daxaudio.explainers.dax.joint", "daxaudio.explainers.rise.Rise", False),
        ("daxaudio.explainers.dax.joint", "daxaudio.explainers.dax.networks", True),
        ("daxaudio.explainers.catalogue", "daxaudio.explainers.rise.Rise", True),
        ("daxaudio.explainers.lime", "daxaudio.perturbation.query", True),
        ("daxaudio.explainers.lime", "daxaudio.metrics.iou", False),
        ("daxaudio.containers", "daxaudio.data.audio", False),
        ("daxaudio.runs.files", "daxaudio.containers.Event", False),
        ("daxaudio.metrics.iou", "daxaudio.features.frontends.LogMel", False),
        ("daxaudio.metrics.iou", "daxaudio.metrics.events.event_frames", True),
        ("daxaudio.experiments.score", "daxaudio.report.tables", False),
        ("daxaudio.plot.bars", "daxaudio.metrics.iou", True),
        ("daxaudio.plot.bars", "daxaudio.Recording", False),
        ("daxaudio.data.audio", "data_prep.esc10", False),
        ("daxaudio.commands.main", "recipes.esc10.report", False),
        ("daxaudio.commands.main", "daxaudio.explainers.lime", True),
        ("data_prep.esc10", "daxaudio.models.training", False),
    ],
)
def test_the_table_is_read_right(module, imported, allowed):
    assert may_import(module, imported) is allowed
