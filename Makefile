# Each target makes what it needs first: on a new machine Python 3.11+ and make are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev
FUZZ   := $(VENV)/.ready-fuzz
AUDIT  := build/audit/.ready
PIP    := -m pip install -q --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install run demo test check format bench faults fuzz audit sbom clean

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

test: $(DEV) ## run every test, a file at a time on each core and on one more: many wait
	@$(BIN)/python -m pytest -n $$($(BIN)/python -c 'import os; print(os.cpu_count() + 1)') --dist loadfile --no-loadscope-reorder

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

faults: $(DEV) ## do to a running bridge what happens to programs: at most ten minutes, a table at the end
	@$(BIN)/python -m tests.faults

$(FUZZ): $(DEV) requirements-fuzz.txt
	@echo "installing the fuzzer …"
	@$(BIN)/python $(PIP) -r requirements-fuzz.txt || { echo "the fuzzer has no wheel for this machine: it needs Linux on x86-64 and Python 3.11 to 3.13"; exit 1; }
	@touch $@

fuzz: $(FUZZ) ## look for inputs that break a promise: FUZZ_SECONDS (60) for each target
	@$(BIN)/python -m tests.fuzz

$(AUDIT): $(BIN)/python requirements-audit.txt constraints.txt
	@echo "installing what audits need …"
	@$(BIN)/python -m venv build/audit
	@build/audit/bin/python $(PIP) -r requirements-audit.txt
	@touch $@

audit: $(AUDIT) ## ask PyPI for known holes in everything that is pinned
	@rm -f build/audit.json
	@-build/audit/bin/pip-audit -r constraints.txt --no-deps --disable-pip --progress-spinner off -f json -o build/audit.json 2>build/audit.log
	@$(BIN)/python -m tests.audit build/audit.json

sbom: $(AUDIT) ## what an installation consists of: dist/trackbridge.cdx.json (CycloneDX)
	@rm -rf build/sbom && mkdir -p dist && $(BIN)/python -m venv --without-pip build/sbom
	@build/audit/bin/python -m pip --python build/sbom/bin/python install -q --disable-pip-version-check -c constraints.txt .
	@sed "s/^dynamic = .*/version = \"$$($(BIN)/python -c 'import bridge; print(bridge.__version__)')\"/" pyproject.toml >build/sbom.toml
	@build/audit/bin/cyclonedx-py environment build/sbom/bin/python --pyproject build/sbom.toml --output-reproducible -o dist/trackbridge.cdx.json
	@echo "dist/trackbridge.cdx.json"

clean: ## remove .venv and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
