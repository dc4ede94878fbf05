"""Whether a file of torch.export can be opened without running what its maker wrote into it.

`torch.export.load` trusts what it reads: it unpickles entries that say so, sample inputs that
cannot be read otherwise and custom objects; evaluates the texts of sizes and guards; builds the
source of a function from names; imports modules that a tree of inputs names; and calls whatever a
node names. So everything here goes by what is known to be harmless; nothing else is let through.
"""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import torch

_RECORDS = re.compile(
    r"archive_format|archive_version|byteorder|\.format_version|\.storage_alignment"
    r"|\.data/(version|serialization_id)|models/model\.json|extra/.*"
    r"|data/weights/(weight_\d+|model_weights_config\.json)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json)|data/sample_inputs/model\.pt"
)
_NAME = re.compile(r"[\w.]*", re.ASCII)
_VERSION = re.compile(r"[\w.+<>= ]*", re.ASCII)
_SYMBOL = re.compile(r"[a-z]{1,4}\d*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_OPERATOR = re.compile(
    r"_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|eq|ne|lt|le|gt|ge|and_|or_|not_"
    r"|getitem)|math\.(trunc|ceil|floor|sqrt)|torch\.sym_(int|float|max|min|not|ite|sqrt)"
    r"|torch\._sym_sqrt|torch\.ops\.higher_order\.wrap_with_(set_grad_enabled|autocast)"
)
_ATEN = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)", re.ASCII)
_FUNCTIONS = {
    *("Symbol", "Integer", "Float", "Rational", "Add", "Mul", "Pow", "Max", "Min", "Mod", "Abs"),
    *("FloorDiv", "ModularIndexing", "Where", "PythonMod", "CleanDiv", "CeilToInt", "FloorToInt"),
    *("CeilDiv", "LShift", "RShift", "PowByNatural", "FloatPow", "FloatTrueDiv", "IntTrueDiv"),
    *("IsNonOverlappingAndDenseIndicator", "TruncToFloat", "TruncToInt", "RoundToInt"),
    *("RoundDecimal", "ToFloat", "Identity", "floor", "ceiling", "And", "Or", "Not", "Eq", "Ne"),
    *("Lt", "Le", "Gt", "Ge", "Equality", "Unequality", "StrictLessThan", "LessThan"),
    *("StrictGreaterThan", "GreaterThan"),
}
"""What the text of a size may call."""

_GUARD = re.compile(
    r"(L\['\w+'\](\[\d+\])?\.size\(\)\[\d+\]|\d+|[-+*/%() ]|[=!<>]=|[<>]| and )*", re.ASCII
)
"""Sizes of inputs, numbers, and how they compare."""

_NODES = (
    *(ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.BinOp),
    *(ast.UnaryOp, ast.Compare, ast.operator, ast.unaryop, ast.cmpop),
)
_TREES = (None, "builtins.tuple", "builtins.list", "builtins.dict")


def unsafe_part(content: bytes) -> str:
    """What in a file could run code when it is opened or asked; "" where nothing could.

    Args:
        content: of the file, whole: what is checked is what must be opened.

    Raises:
        ValueError: when it is no archive of torch.export.

    Example:
        >>> unsafe_part(b"")
        Traceback (most recent call last):
        ValueError: it is no archive of torch.export
    """
    try:
        reader = torch._C.PyTorchFileReader(io.BytesIO(content))
        names = reader.get_all_records()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            seen = [name.partition("/")[2] for name in archive.namelist()]
    except (RuntimeError, zipfile.BadZipFile):
        raise ValueError("it is no archive of torch.export") from None
    # both readers of the archive must find the same, and the older format is not opened
    if sorted(seen) != sorted(names) or len(set(names)) != len(names):
        return "records that readers of the archive disagree about"
    if "models/model.json" not in names:
        raise ValueError("it is no archive of torch.export: it has no models/model.json")
    unknown = [name for name in names if not _RECORDS.fullmatch(name)]
    if unknown:
        return f"the record {unknown[0]!r}"
    try:
        return next(_unsafe(reader, names), "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"its model.json cannot be read ({type(error).__name__})") from error


def _unsafe(reader: Any, names: list[str]) -> Iterator[str]:
    for name in names:
        if name.endswith("_config.json"):
            entries = json.loads(reader.get_record(name))["config"].values()
            yield from (f"a pickle ({name})" for entry in entries if _pickled(entry))
    sample_inputs = "data/sample_inputs/model.pt"
    if sample_inputs in names and (held := reader.get_record(sample_inputs)):
        try:
            torch.load(io.BytesIO(held), weights_only=True)
        except Exception:
            yield f"a pickle ({sample_inputs})"
    yield from _in_json(json.loads(reader.get_record("models/model.json")), "")


def _pickled(entry: Any) -> bool:
    plain = re.fullmatch(r"(weight|tensor)_\d+", entry["path_name"])
    return entry.get("use_pickle") is not False or plain is None


def _in_json(value: Any, key: str) -> Iterator[str]:
    """Texts of a program that are not known to be harmless, each under the key of its entry."""
    if isinstance(value, dict):
        for inner, held in value.items():
            if key != "metadata" and not _NAME.fullmatch(inner):
                yield f"the name {inner[:40]!r}"
            yield from _in_json(held, key if key == "metadata" else inner)
    elif isinstance(value, list):
        for held in value:
            yield from _in_json(held, key)
    elif isinstance(value, str) and not _is_harmless(value, key):
        yield f"{key} {value[:60]!r}"


def _is_harmless(text: str, key: str) -> bool:
    if key == "as_string":  # an argument of an operator, which is never more than a text
        return True
    if key == "metadata":  # where a node comes from; may become a comment
        return not _CONTROL.search(text)
    if key == "expr_str":
        return _is_size(text)
    if key == "guards_code":
        return _GUARD.fullmatch(text) is not None
    if key in ("in_spec", "out_spec"):
        return text == "" or _is_plain_tree(json.loads(text)[1])
    if key == "target":
        return _is_operator(text)
    return bool((_VERSION if key == "torch_version" else _NAME).fullmatch(text))


def _is_size(text: str) -> bool:
    """Whether a text says a number by symbols, numbers and known functions alone."""
    try:
        parts = list(ast.walk(ast.parse(text, mode="eval")))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    called = {id(part.func) for part in parts if isinstance(part, ast.Call)}
    return all(_is_part_of_a_size(part, id(part) in called) for part in parts)


def _is_part_of_a_size(part: ast.AST, called: bool) -> bool:
    if called:
        return isinstance(part, ast.Name) and part.id in _FUNCTIONS
    if isinstance(part, ast.Constant):
        text = part.value
        return isinstance(text, bool | int | float) or (
            isinstance(text, str) and _SYMBOL.fullmatch(text) is not None
        )
    if isinstance(part, ast.Name):
        return _SYMBOL.fullmatch(part.id) is not None
    return isinstance(part, _NODES)


def _is_plain_tree(tree: Any) -> bool:
    """Whether inputs are put together by tuples, lists and dictionaries with names alone."""
    kind, context = tree["type"], tree["context"]
    held = json.loads(context) if isinstance(context, str) else context
    names = held if isinstance(held, list) else [held]
    return (
        kind in _TREES
        and all(name is None or (isinstance(name, str) and _NAME.fullmatch(name)) for name in names)
        and all(_is_plain_tree(inner) for inner in tree["children_spec"])
    )


def _is_operator(target: str) -> bool:
    """Whether a node calls an operator on numbers that torch itself holds."""
    if _OPERATOR.fullmatch(target):
        return True
    found = _ATEN.fullmatch(target)
    if found is None:
        return False
    name, overload = found.groups()
    try:
        schema = getattr(getattr(torch.ops.aten, name), overload)._schema
        # operators of the interpreter of TorchScript are not among these; they write files
        torch._C._dispatch_find_schema_or_throw(f"aten::{name}", schema.overload_name)
    except (AttributeError, RuntimeError):
        return False
    return all("file" not in argument.name for argument in schema.arguments)
