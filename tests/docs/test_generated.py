"""What the documentation takes from the code: methods, fills, measures, commands."""

import sys

import pytest
from conftest import ROOT

from daxaudio.commands.main import COMMANDS
from daxaudio.commands.sections import read_sections
from daxaudio.explainers.catalogue import METHODS
from daxaudio.explainers.settings import MethodSettings
from daxaudio.metrics.catalogue import MEASURES
from daxaudio.models.foreign.description import ENTRIES
from daxaudio.perturbation.fills import FILLS
from daxaudio.runs.config import build

sys.path.insert(0, str(ROOT / "docs" / "generate"))

from catalogue_tables import (
    list_commands,
    list_entries,
    list_fills,
    list_measures,
    list_methods,
)


def test_every_method_has_its_row_with_what_it_needs():
    rows = {line.split("`")[1]: line for line in list_methods().splitlines() if "`" in line}
    assert list(rows) == list(METHODS)
    assert "| module |" in rows["grad_cam"]
    assert "| true events |" in rows["oracle"]
    assert "| queries | Q + 4 |" in rows["dax_v4"]


def test_the_first_page_names_every_method():
    text = (ROOT / "README.md").read_text()
    assert [name for name in METHODS if f"`{name}`" not in text] == []


def test_every_entry_of_a_description_is_explained():
    rows = {line.split("`")[1]: line for line in list_entries().splitlines() if "`" in line}
    assert list(rows) == list(ENTRIES)
    assert rows["sample_rate"] == "| `sample_rate` | samples per second that it takes. | needed |"
    assert rows["padding"].endswith("that pads it itself. | `zeros` |")


def test_every_measure_is_defined():
    text = list_measures()
    for name, measure in MEASURES.items():
        assert f"`{name}`\n:   {measure.definition}" in text


INNER = ("data validate", "annotations convert", "prepare esc10")


@pytest.mark.parametrize("name", [*COMMANDS, *INNER])
def test_every_command_has_its_help(name):
    assert f"# daxaudio {name}\n\n```text\nusage: daxaudio {name} " in list_commands()


def test_the_table_of_fills_says_of_each_whether_it_may_add_energy():
    rows = {line.split("`")[1]: line for line in list_fills().splitlines() if "`" in line}
    assert tuple(rows) == tuple(FILLS)
    assert all(("| yes |" in rows[name]) == row.adds_energy for name, row in FILLS.items())


def test_the_configuration_of_fills_of_the_sound_is_one(tmp_path):
    text = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(text.split("```yaml\n")[1].split("```")[0])
    section = read_sections(tmp_path / "a.yaml")["explain"]
    assert FILLS[build(MethodSettings, "explain", section).fill].in_sound
