# Each target makes what it needs first: on a new machine Python 3.11+ and make are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help install run demo test check format bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "trackbridge needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12")'
	@echo "making $(VENV) (once) …"
	@$(PYTHON) -m venv $(VENV)

$(READY): $(BIN)/python pyproject.toml constraints.txt
	@echo "installing trackbridge into $(VENV) …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV): $(READY) requirements-dev.txt
	@echo "installing what tests and checks need …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -r requirements-dev.txt
	@touch $@

install: $(READY) ## put trackbridge into .venv
	@echo "done: $(BIN)/trackbridge --help"

run: $(READY) ## start the bridge (settings from the environment and .env)
	@$(BIN)/trackbridge serve

demo: $(READY) ## see it work: no account, no network, no configuration
	@$(BIN)/trackbridge demo

test: $(DEV) ## run every test
	@$(BIN)/python -m pytest

check: $(DEV) ## format, lint, types, import contract, shipped mappings
	@$(BIN)/ruff format --check bridge tests benchmarks
	@$(BIN)/ruff check bridge tests benchmarks
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/trackbridge check
	@$(BIN)/trackbridge test

format: $(DEV) ## rewrite the code in the house format
	@$(BIN)/ruff format bridge tests benchmarks
	@$(BIN)/ruff check --fix bridge tests benchmarks

bench: $(DEV) ## measure: ratios within one run, a table at the end
	@$(BIN)/python -m benchmarks

clean: ## remove .venv and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
