"""Modules import downwards only. The table says who may import whom; it is the picture to read."""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOOR = {
    "batches",
    "containers",
    "seeds",
    "seconds",
    "files",
    "settings",
    "config",
    "names",
    "once",
    "precision",
    "real_numbers",
    "asking",
    "memory",
    "tolerances",
}
"""Everything may use these."""

ALLOWED = {
    # the floor: they import nothing of the package
    "real_numbers": set(),
    "memory": set(),
    "batches": set(),
    "tolerances": set(),
    "seeds": set(),
    "seconds": set(),
    "files": set(),
    "settings": set(),
    "names": set(),
    "once": set(),
    "precision": {"once"},
    "config": {"files"},
    "networks": set(),
    # nearly so
    "containers": {"real_numbers", "tolerances"},
    "asking": {"containers", "real_numbers"},
    # audio, annotations, spectrograms
    "channels": FLOOR,
    "resampling": FLOOR,
    "decoding": FLOOR,
    "audio": FLOOR | {"channels", "decoding", "resampling"},
    "annotations": FLOOR,
    "formats": FLOOR | {"annotations"},
    "kaldi": FLOOR | {"audio", "decoding"},
    "vad": FLOOR,
    "folds": FLOOR,
    "frontends": FLOOR | {"vad", "resampling"},
    "quick_shift": set(),
    "segments": FLOOR | {"quick_shift"},
    "padding": FLOOR | {"audio", "kaldi"},
    # classifiers and black boxes
    "models": FLOOR | {"audio", "frontends", "padding"},
    "gradients": FLOOR,
    "layer_axes": FLOOR,
    "layers_of_modules": FLOOR | {"gradients", "layer_axes"},
    "signed_maps": FLOOR | {"gradients", "one_query"},
    "progress": FLOOR | {"seconds"},
    "passes": FLOOR | {"progress"},
    "compiled": FLOOR | {"gradients"},
    "blackbox": FLOOR | {"audio", "frontends", "models", "gradients", "passes", "compiled"},
    # perturbations, and what the black box says of them
    "perturbation": FLOOR | {"segments"},
    "textures": FLOOR,
    "querying": FLOOR | {"progress", "asking"},
    "neighbourhood": FLOOR | {"querying", "segments", "perturbation"},
    "neighbourhood_files": FLOOR | {"perturbation"},
    "polarity": FLOOR,
    "one_query": FLOOR,
    "descent": set(),
    "distillation": FLOOR | {"descent", "neighbourhood"},
    # explanations; no file of `explainers` may import another one
    "explainers": FLOOR
    | {
        "segments",
        "perturbation",
        "neighbourhood",
        "querying",
        "polarity",
        "networks",
        "one_query",
        "distillation",
        "textures",
        "gradients",
        "layer_axes",
        "layers_of_modules",
        "signed_maps",
    },
    # what is made of explanations
    "metrics": FLOOR,
    "randomisation": FLOOR | {"metrics"},
    "plot": FLOOR | {"metrics"},
    "store": FLOOR,
    # the top
    "methods": FLOOR | {"segments", "perturbation", "neighbourhood", "polarity", "explainers"},
}
"""Layer: layers it may import. A layer is a module or a package of `daxaudio`, with all in it."""

TOP = {
    "verdict",
    "results",
    "compare",
    "predicting",
    "audio_folders",
    "shared_queries",
    "pooling",
    "measuring",
    "cross_validation",
    "comparison",
    "comparison_tables",
    "protocol",
    "report",
    "commands",
    "cli",
}
"""These may import any layer."""

DATA_PREP_MAY_IMPORT = FLOOR | {"audio", "annotations", "folds", "formats", "kaldi", "padding"}


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
        yield from (n for n in names if n.split(".")[0] in ("daxaudio", "data_prep", "recipes"))


def layer_of(name):
    """`daxaudio.plot.drawing.new_figure` is in layer `plot`; `daxaudio.Recording` in none, ""."""
    parts = name.split(".")
    if parts[0] != "daxaudio":
        return parts[0]
    if ".".join(parts[1:3]) in ALLOWED:
        return ".".join(parts[1:3])
    known = ALLOWED.keys() | TOP | {path.stem for path in (ROOT / "daxaudio").iterdir()}
    return parts[1] if len(parts) > 1 and parts[1] in known else ""


def modules(folder):
    """Name of each module under a folder of the project, and its source."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts), path.read_text(encoding="utf-8")


def may_import(module, imported):
    """Whether the table lets a module of `daxaudio` import something."""
    own, other = layer_of(module), layer_of(imported)
    if other in ("data_prep", "recipes"):
        return False
    if own == "explainers" == other:
        return module == "daxaudio.explainers.__init__"
    return own in TOP or other == own or other in ALLOWED[own]


LIBRARY = [name for name, _ in modules("daxaudio") if name != "daxaudio.__init__"]


@pytest.mark.parametrize("module", LIBRARY)
def test_every_module_is_in_the_table(module):
    assert layer_of(module) in ALLOWED.keys() | TOP, (
        f"{module} is in no layer: add a line to ALLOWED in tests/test_layers.py that says what "
        "it may import"
    )


@pytest.mark.parametrize("module", LIBRARY)
def test_modules_import_only_what_the_table_allows(module):
    source = dict(modules("daxaudio"))[module]
    wrong = [name for name in imports_in(source, module) if not may_import(module, name)]
    assert not wrong, f"{module} may not import {', '.join(wrong)}"


def test_data_preparation_imports_only_what_the_table_allows():
    for module, source in modules("data_prep"):
        for name in imports_in(source, module):
            layer = layer_of(name)
            assert layer in DATA_PREP_MAY_IMPORT | {"data_prep"}, f"{module} may not import {name}"


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


def test_the_table_names_only_layers_that_it_knows():
    assert set().union(*ALLOWED.values()) <= ALLOWED.keys()


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
        ("daxaudio.explainers.__init__", "daxaudio.explainers.rise.Rise", True),
        ("daxaudio.explainers.lime", "daxaudio.neighbourhood.query", True),
        ("daxaudio.explainers.lime", "daxaudio.metrics.iou", False),
        ("daxaudio.containers", "daxaudio.files", False),
        ("daxaudio.metrics.iou", "daxaudio.frontends.LogMel", False),
        ("daxaudio.metrics.iou", "daxaudio.metrics.events.event_frames", True),
        ("daxaudio.plot.bars", "daxaudio.metrics.iou", True),
        ("daxaudio.plot.bars", "daxaudio.Recording", False),
        ("daxaudio.audio", "data_prep.esc10", False),
        ("daxaudio.cli", "recipes.esc10.report", False),
        ("daxaudio.cli", "daxaudio.explainers.lime", True),
    ],
)
def test_the_table_is_read_right(module, imported, allowed):
    assert may_import(module, imported) is allowed
