"""What is missing of optional packages is said in one line, with the command that installs it."""

import importlib.util
import re
import sys

import pytest
from conftest import ROOT

from daxaudio.runs.extras import need

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


def test_a_package_within_one_that_is_missing_is_named_by_what_must_be_installed():
    with pytest.raises(ValueError, match=r"^x.onnx: needs missing_one; install it by: .*\[onnx\]"):
        need("missing_one.inner", "onnx", "x.onnx")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import missing_part", "No module named 'missing_part'"),
        ("raise ImportError('libc++.so.1: cannot open\\nshared object')", "libc.* open shared"),
        ("raise OSError('wrong ELF class')", "wrong ELF class"),
    ],
)
def test_an_installed_package_that_does_not_work_is_not_said_to_be_missing(
    source, why, tmp_path, monkeypatch
):
    (tmp_path / "broken_runtime.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=f"broken_runtime is installed but cannot.*{why}") as found:
        need("broken_runtime", "tflite", "x.tflite")
    assert "\n" not in str(found.value)
    sys.modules.pop("broken_runtime", None)


def test_every_extra_that_is_named_to_users_exists():
    named = set()
    for path in (ROOT / "daxaudio").rglob("*.py"):
        named |= set(re.findall(r'need\(\s*"[\w.]+",\s*"(\w+)"', path.read_text(encoding="utf-8")))
    assert named
    assert named <= EXTRAS.keys()


def test_the_tests_run_with_every_runtime():
    for module in ("onnx", "onnxruntime", "transformers", "ai_edge_litert"):
        assert importlib.util.find_spec(module)
