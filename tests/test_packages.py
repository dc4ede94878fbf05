"""What an installation holds: every package, and no top-level name but our own."""

import pytest
from conftest import ROOT

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]


def packages_of(folder, name):
    for path in (ROOT / folder).rglob("__init__.py"):
        yield ".".join([name, *path.parent.relative_to(ROOT / folder).parts])


def test_every_package_is_installed():
    ours = {*packages_of("daxaudio", "daxaudio"), *packages_of("data_prep", "daxaudio_data_prep")}
    assert sorted(SETTINGS["packages"]) == sorted(ours)


def test_data_preparation_takes_no_name_of_others():
    installed = {name.split(".")[0] for name in SETTINGS["packages"]}
    assert installed == {"daxaudio", "daxaudio_data_prep"}
    assert SETTINGS["package-dir"]["daxaudio_data_prep"] == "data_prep"


def test_data_files_are_installed():
    patterns = SETTINGS["package-data"]
    folders = {"daxaudio": ROOT / "daxaudio", "daxaudio_data_prep": ROOT / "data_prep"}
    for name, folder in folders.items():
        listed = {path for pattern in patterns[name] for path in folder.glob(pattern)}
        found = {
            path
            for path in folder.rglob("*")
            if path.is_file() and path.suffix not in (".py", ".pyc")
        }
        assert found <= listed, f"{name}: {found - listed} would not be installed"
