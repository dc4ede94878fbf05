# make demo: the main job on a small made corpus;  make lint: style, types
# make test: the test suite;  make fast: the tests that start no recipe
PYTHON ?= python3
venv := .venv
bin := $(venv)/bin
in_parallel := -n auto --maxprocesses 4 --dist loadfile

.PHONY: demo test fast lint install clean

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

clean:
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache
