# make test    everything that CI runs: lint, and the tests on the wheel's newest PostgreSQL and on 15
# make run     start the embedded server, migrate it, and run DAY=2025-12-19, or FROM=… TO=…
# make help    all targets

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Two workers: what a small machine has. `make test WORKERS=0 ARGS='-k gate -x'` for one test.
WORKERS ?= 2
ARGS    ?=

.DEFAULT_GOAL := help
.PHONY: help setup test test-wheel test-15 lint format freeze migrate start stop psql clean

help:  ## Say what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/installed  ## Make the virtual environment in .venv

$(VENV)/installed: requirements-test.txt requirements-run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || \
	    { echo "No venv: on Debian or Ubuntu, apt install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@

test: lint test-wheel test-15  ## Lint, and the tests on the wheel's newest PostgreSQL and on 15

test-wheel: setup  ## The tests on the newest PostgreSQL of the wheel
	$(BIN)/python -m pytest -n $(WORKERS) --pg=wheel $(ARGS)

test-15: setup  ## The tests on this machine's PostgreSQL 15, where it has one
	@if [ -x /usr/lib/postgresql/15/bin/postgres ]; then \
	    set -x; $(BIN)/python -m pytest -n $(WORKERS) --pg=15 $(ARGS); \
	else \
	    echo "PostgreSQL 15 is not installed in /usr/lib/postgresql/15: not tested on it (apt install postgresql-15)"; \
	fi

lint: setup  ## Ruff, and whether the frozen schema is current
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python alembic/freeze.py --check

format: setup  ## Let ruff format and mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

freeze: setup  ## Write alembic/versions/0001_initial.sql from db/schema; a released revision is never rewritten
	$(BIN)/python alembic/freeze.py

start: setup  ## Start the embedded server and migrate it
	$(BIN)/python -m glue db start
	$(BIN)/python -m glue migrate

run: start  ## Start, migrate, and run DAY=2025-12-19, or FROM=2025-12-01 TO=2025-12-19
	@[ -n "$(DAY)$(and $(FROM),$(TO))" ] || { echo "Which days? make run DAY=2025-12-19, or FROM=… TO=…"; exit 2; }
	$(BIN)/python -m glue run $(if $(DAY),$(DAY),--from $(FROM) --to $(TO))

psql: setup  ## Open psql on the warehouse
	$(BIN)/python -m glue db psql

stop: setup  ## Stop the embedded server
	$(BIN)/python -m glue db stop

clean:  ## Remove the virtual environment and caches; the data in .warehouse stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
