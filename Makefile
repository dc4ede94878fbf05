# make demo: the main job on a small made corpus;  make lint: style, types
# make test: the test suite;  make fast: the tests that start no recipe;  make docs: site/
PYTHON ?= python3
venv := .venv
bin := $(venv)/bin
in_parallel := -n auto --maxprocesses 4 --dist loadfile

.PHONY: demo test fast lint docs install clean

install: $(venv)/.installed

$(venv)/.installed: pyproject.toml
	@echo "installing into $(venv), once: 55 s to a few minutes and 5 GB, most of it torch"
	$(PYTHON) -m venv $(venv)
	$(bin)/python -m pip install --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: install
	recipes/planted/run.sh --exp_dir demo

test: install
	$(bin)/python -m pytest $(in_parallel)

fast: install
	$(bin)/python -m pytest $(in_parallel) -m 'not slow'

lint: install
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy

docs: $(venv)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(bin)/python -m mkdocs build --strict

$(venv)/.installed-docs: $(venv)/.installed
	$(bin)/python -m pip install --disable-pip-version-check -e '.[docs]'
	@touch $@

clean:
	rm -rf demo site .pytest_cache .mypy_cache .ruff_cache
