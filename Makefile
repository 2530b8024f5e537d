# Everything from a machine that has only Python 3.11 or newer and a C++ compiler.

BASE_PYTHON ?= python3
PYTHON := .venv/bin/python
# NEURON's compiler of mechanisms is looked up on the path.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# Tests with several MPI processes are for machines that can run such.
MPI := $(shell command -v mpirun >/dev/null && echo ,mpi)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow crash bench lint docs clean

help:
	@echo "make demo       record two experiments, query and export them into demo/"
	@echo "make test       the quick tests"
	@echo "make test-slow  the long tests"
	@echo "make crash      100,000 states of the disk after a power loss (about an hour)"
	@echo "make bench      time and size, compared with peers"
	@echo "make lint       style and types"
	@echo "make docs       the documentation, into build/docs"
	@echo "make clean      remove what the others made, except .venv"

demo: .venv/demo.stamp
	$(PYTHON) -m archive.demo

test: .venv/dev.stamp
	$(PYTHON) -m pytest -m "not slow" -n auto

test-slow: .venv/dev.stamp
	$(PYTHON) -m pytest -m slow -n auto

crash: .venv/dev.stamp
	ARCHIVE_CRASH_STATES=100000 $(PYTHON) -m pytest -m slow -n auto tests/crash/test_power_loss.py

bench: .venv/dev.stamp
	$(PYTHON) tests/benchmarks/run.py

lint: .venv/dev.stamp
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

docs: .venv/dev.stamp
	$(PYTHON) -m sphinx -W --keep-going -q -b html -d build/doctrees docs build/docs

clean:
	rm -rf build dist demo .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find archive schemas tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON):
	$(BASE_PYTHON) -m venv .venv

# The first import of pyNN.neuron compiles PyNN's mechanisms, for some minutes, into .venv:
# done here, so that no test and no demo waits for it.
.venv/demo.stamp: pyproject.toml | $(PYTHON)
	$(PYTHON) -m pip install --quiet --editable ".[plot,pynn,brian2]"
	$(PYTHON) -c "import pyNN.neuron"
	touch $@

.venv/dev.stamp: pyproject.toml | $(PYTHON)
	$(PYTHON) -m pip install --quiet --editable ".[dev$(MPI)]"
	$(PYTHON) -c "import pyNN.neuron"
	touch $@
