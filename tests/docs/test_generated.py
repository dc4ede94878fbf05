"""What the documentation takes from the code: methods, measures, commands."""

import sys

import pytest
from conftest import ROOT

from daxaudio.commands.main import COMMANDS
from daxaudio.explainers.catalogue import METHODS
from daxaudio.metrics.catalogue import MEASURES

sys.path.insert(0, str(ROOT / "docs" / "generate"))

from catalogue_tables import list_commands, list_measures, list_methods


def test_every_method_has_its_row_with_what_it_needs():
    rows = {line.split("`")[1]: line for line in list_methods().splitlines() if "`" in line}
    assert list(rows) == list(METHODS)
    assert "| module |" in rows["grad_cam"]
    assert "| true events |" in rows["oracle"]
    assert "| queries | Q + 4 |" in rows["dax_v4"]


def test_the_first_page_names_every_method():
    text = (ROOT / "README.md").read_text()
    assert [name for name in METHODS if f"`{name}`" not in text] == []


def test_every_measure_is_defined():
    text = list_measures()
    for name, measure in MEASURES.items():
        assert f"`{name}`\n:   {measure.definition}" in text


INNER = ("data validate", "annotations convert", "prepare esc10")


@pytest.mark.parametrize("name", [*COMMANDS, *INNER])
def test_every_command_has_its_help(name):
    assert f"# daxaudio {name}\n\n```text\nusage: daxaudio {name} " in list_commands()
