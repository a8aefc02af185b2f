# Two commands for a newcomer: `make demo` and `make test`. Both set up what they need in .venv/.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# How many processes run the tests, and how: `make unit PYTEST=` is one, `make unit PYTEST='-k licence'` some tests.
PYTEST ?= --numprocesses=auto --maxprocesses=8 --no-loadscope-reorder
PIP_AUDIT ?= $(BIN)/pip-audit
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lint types unit notices docs pictures bench audit-deps dist clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.demo  ## set up and run the whole chain on the sample, then a toy of the study
	$(BIN)/universe-gan demo

test: lint types unit  ## set up and run lint, types and every test this machine can run

lint: $(VENV)/.test  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test  ## mypy, strict
	$(BIN)/mypy

unit: $(VENV)/.test  ## pytest on every core; tests say what they skip and why
	$(BIN)/python -m pytest $(PYTEST)

notices: $(VENV)/.core  ## write the generated parts of LICENSES.md again
	$(BIN)/python -m universe_gan.shell.notices

docs: $(VENV)/.docs  ## build the documentation in docs/_build/html/; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html in a browser"

pictures: $(VENV)/.test  ## make the pictures of the README and the documentation again (Chromium)
	$(BIN)/python docs/pictures.py

bench: $(VENV)/.bench  ## measure collecting and curating on this machine
	$(BIN)/python benchmarks/collect.py
	$(BIN)/python benchmarks/curate.py
	$(BIN)/python benchmarks/republish.py
	$(BIN)/python benchmarks/duplicates.py pairs
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/scale.py

audit-deps: $(VENV)/.audit  ## ask the advisories about every installed package; needs the network
	@found=$$($(PIP_AUDIT) --local --skip-editable --progress-spinner=off 2>&1); code=$$?; echo "$$found"; \
	if echo "$$found" | grep -q 'could not be audited' || \
	  { [ $$code -ne 0 ] && ! echo "$$found" | grep -qE 'Found [0-9]+ known vulnerabilit'; }; then \
	  echo 'audit-deps: the advisories could not be asked about all of these packages (offline, or a mirror' \
	    'without them): nothing is known of the others' >&2; exit 2; fi; exit $$code

dist: $(VENV)/.test  ## wheel and sdist into dist/; the same bytes from the same commit
	rm -rf dist
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(BIN)/python -m build --no-isolation
	$(BIN)/python -m pytest tests/real/test_wheel.py

clean:  ## remove the environment and the demo
	rm -rf $(VENV) demo docs/_build

$(BIN)/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "universe-gan needs Python 3.11 or newer: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(BIN)/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --editable '.[verify]'
	@touch $@

$(VENV)/.demo: $(BIN)/pip pyproject.toml constraints.txt
	@echo "setting up $(VENV)/ with PyTorch and what else the demo needs: some minutes, about 2 GB on disk"
	$(BIN)/pip install --quiet --editable '.[verify,train,colour,upscale]'
	@touch $@ $(VENV)/.core

$(VENV)/.test: $(BIN)/pip pyproject.toml constraints.txt
	@echo "setting up $(VENV)/ with what the tests need: some minutes, about 3 GB on disk"
	$(BIN)/pip install --quiet --editable '.[verify,train,colour,upscale,film,quiz,s3,cluster,docs,test]'
	@touch $@ $(VENV)/.docs $(VENV)/.demo $(VENV)/.core

$(VENV)/.docs: $(BIN)/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --editable '.[verify,train,colour,upscale,docs]'
	@touch $@ $(VENV)/.demo $(VENV)/.core

$(VENV)/.audit: $(VENV)/.test
	$(BIN)/pip install --quiet pip-audit
	@touch $@

$(VENV)/.bench: $(BIN)/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --editable '.[verify,train,bench]'
	@touch $@ $(VENV)/.core
