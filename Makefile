# make demo: the main job on a small made corpus;  make test: the test suite;  make lint: style, types
PYTHON ?= python3
venv := .venv
bin := $(venv)/bin

.PHONY: demo test lint install clean

install: $(venv)/.installed

$(venv)/.installed: pyproject.toml
	@echo "installing into $(venv), once: 55 s to a few minutes and 5 GB, most of it torch"
	$(PYTHON) -m venv $(venv)
	$(bin)/python -m pip install --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: install
	recipes/planted/run.sh --exp_dir demo

test: install
	$(bin)/python -m pytest

lint: install
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy

clean:
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache
