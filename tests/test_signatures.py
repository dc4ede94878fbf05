"""Arguments stand in one order everywhere, and what is beyond four is given by name."""

import ast

import pytest
from test_layers import modules

MOST = 4
"""Arguments that may be given by position."""


def functions_in(source):
    """Every function and method, but for those of names that begin with an underscore."""
    for node in ast.walk(ast.parse(source)):
        public = isinstance(node, ast.FunctionDef) and (
            not node.name.startswith("_") or node.name in ("__init__", "__call__")
        )
        if public:
            yield node.name, [one.arg for one in (*node.args.posonlyargs, *node.args.args)]


def positional(names):
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


FUNCTIONS = [
    (f"{module}.{name}", positional(names))
    for folder in ("daxaudio", "data_prep")
    for module, source in modules(folder)
    for name, names in functions_in(source)
]


def out_of_order(first, second, names):
    return first in names and second in names and names.index(first) > names.index(second)


def test_no_function_takes_more_than_four_arguments_by_position():
    assert len(FUNCTIONS) > 500
    long = {name: names for name, names in FUNCTIONS if len(names) > MOST}
    assert not long, "put a * before the rest"


@pytest.mark.parametrize("place", ["path", "folder"])
def test_what_is_written_stands_before_where(place):
    writing = [(n, a) for n, a in FUNCTIONS if n.split(".")[-1].startswith(("save_", "write_"))]
    assert len(writing) > 15
    # a report that is made from what lies in a folder is given the folder alone
    wrong = [name for name, names in writing if names[:1] == [place] and len(names) > 1]
    assert not wrong


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("spectrogram", "score_fn"),
        ("spectrogram", "score"),
        ("explanation", "black_box"),
        ("mask", "truth"),
        ("mask", "events"),
        ("profile", "events"),
        ("explanation", "events"),
    ],
)
def test_arguments_stand_in_one_order(first, second):
    assert any({first, second} <= set(names) for _, names in FUNCTIONS)
    wrong = [name for name, names in FUNCTIONS if out_of_order(first, second, names)]
    assert not wrong, f"{first} stands before {second}"


def test_a_function_in_another_order_would_be_found():
    source = "class A:\n    def f(self, score_fn, spectrogram, *, seed): ...\n    def _g(self): ..."
    ((name, names),) = functions_in(source)
    assert (name, positional(names)) == ("f", ["score_fn", "spectrogram"])
    assert out_of_order("spectrogram", "score_fn", positional(names))
