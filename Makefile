# make demo    thirty days of a seeded shop on the embedded server, and what came of them
# make test    everything that CI runs: lint, and the tests on the wheel's newest PostgreSQL and on 15
# make run     start the embedded server, migrate it, and run DAY=2025-12-19, or FROM=… TO=…
# make help    all targets

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Three workers: two cores, and a test that waits. `make test WORKERS=0 ARGS='-k gate -x'` for one test.
WORKERS ?= 3
ARGS    ?=
# Tests that share an expensive fixture stay with one worker.
SIDE_BY_SIDE := -n $(WORKERS) --dist loadgroup

.DEFAULT_GOAL := help
PG ?= wheel

# Where it is set, each of a run's hundreds of processes compiles all modules for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup one test test-postgresql test-wheel test-15 lint format release migrate start stop psql report clean

help:  ## Say what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# Who runs needs no test tools; an environment that has them will do.
ENOUGH_TO_RUN := $(if $(wildcard $(VENV)/installed),setup,$(VENV)/installed-to-run)

UV := uv==0.13.9

# An environment that works is added to, not made anew: a server may be running from it.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	@echo "Installing what is needed into $(VENV): the first time this may take a minute"
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
	    { echo "No venv: on Debian or Ubuntu, apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@# In seconds instead of a minute; where uv does not reach the packages, pip has settings of this machine that may.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(UV)' && \
	    $(BIN)/uv pip install --quiet --compile-bytecode --python $(VENV) -r $(1) || \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(1)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
endef

setup: $(VENV)/installed  ## Make the virtual environment in .venv

$(VENV)/installed: requirements-test.txt requirements-run.txt
	$(call install,requirements-test.txt)

$(VENV)/installed-to-run: requirements-run.txt
	$(call install,requirements-run.txt)

test: lint  ## Lint, the tests on the wheel's newest PostgreSQL and on 15, and of the DAGs
	@# The DAGs' tests mostly wait for Airflow: beside the others they cost little time. Their output comes when they end.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-postgresql test-airflow

test-postgresql: setup
	@$(MAKE) --no-print-directory test-wheel
	@$(MAKE) --no-print-directory test-15

test-wheel: setup  ## The tests on the newest PostgreSQL of the wheel
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --pg=wheel $(ARGS)

# CI tests on the newest 15 that the package archive has. A machine of somebody's is left as it is.
NEWEST_15 := $(if $(and $(filter true,$(CI)),$(filter 0,$(shell id -u)),$(shell command -v apt-get)), \
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql-15 > /dev/null || \
    echo "The package archive gives no newer PostgreSQL 15: it stays as it is",:)

# What does not depend on the version has run on the wheel's (`pytest --pg=15` runs that, too).
test-15: setup  ## The tests of what depends on PostgreSQL's version, on this machine's 15, where it has one
	@$(NEWEST_15)
	@if [ -x /usr/lib/postgresql/15/bin/postgres ]; then \
	    /usr/lib/postgresql/15/bin/postgres --version; \
	    set -x; $(BIN)/python -m pytest $(SIDE_BY_SIDE) --pg=15 -m 'not once' $(ARGS); \
	else \
	    echo "PostgreSQL 15 is not installed in /usr/lib/postgresql/15: not tested on it (apt install postgresql-15)"; \
	fi

# The server stays, so that the next one starts at once and applies only the routines that changed.
one: setup  ## One test in ten seconds: K=part_of_its_name (PG=15 for PostgreSQL 15)
	$(BIN)/python -m pytest -q --pg=$(PG) --server=/tmp/warehouse-one-$(PG)-$(shell id -u) -k '$(K)' $(ARGS) \
	    $$(grep -rlE 'def test_\w*$(K)' tests)

lint: setup  ## Ruff, and whether released revisions are as they were released
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	cd alembic/versions && sha256sum --check --quiet RELEASED

format: setup  ## Let ruff format and mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

release: setup  ## Record the revisions as released, for good, and keep a warehouse of the newest in tests/releases
	cd alembic/versions && sha256sum *.sql > RELEASED
	$(BIN)/python -m trust.upgrades

start: $(ENOUGH_TO_RUN)  ## Start the embedded server and migrate it
	$(BIN)/python -m glue db start
	$(BIN)/python -m glue migrate

run: start  ## Start, migrate, and run DAY=2025-12-19, or FROM=2025-12-01 TO=2025-12-19
	@[ -n "$(DAY)$(and $(FROM),$(TO))" ] || { echo "Which days? make run DAY=2025-12-19, or FROM=… TO=…"; exit 2; }
	$(BIN)/python -m glue run $(if $(DAY),$(DAY),--from $(FROM) --to $(TO))

OUT ?= data/report

report: $(ENOUGH_TO_RUN)  ## Make the report of the warehouse, a folder of pages to open in a browser (OUT=data/report)
	$(BIN)/python -m glue report $(OUT)

psql: $(ENOUGH_TO_RUN)  ## Open psql on the warehouse
	$(BIN)/python -m glue db psql

stop: $(ENOUGH_TO_RUN)  ## Stop the embedded server
	$(BIN)/python -m glue db stop

clean:  ## Remove the virtual environment and caches; the data in .warehouse stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- Airflow -----------------------------------------------------------------------------------------

# Ignores itself in git. AIRFLOW_HOME is in there, too.
AIRFLOW_VENV := .airflow/venv
AIRFLOW_BIN  := $(AIRFLOW_VENV)/bin
# What requirements.txt is made from, besides requirements-test.txt (which has s3fs): Airflow, and its executors' needs.
# With Celery 5.7 the provider's worker does not start: it imports celery.backends.database.retry, which is gone.
LOCKED := apache-airflow==3.3.2 apache-airflow-providers-postgres==7.1.1 apache-airflow-providers-celery 'celery<5.7'

.PHONY: airflow env lock restore-check setup-airflow test-airflow

define install-uv
$(AIRFLOW_BIN)/python -m pip install --quiet --disable-pip-version-check '$(UV)'
endef

setup-airflow: $(AIRFLOW_VENV)/installed  ## Make the virtual environment of Airflow in .airflow/venv (180 packages)

$(AIRFLOW_VENV)/installed: requirements.txt
	@mkdir -p .airflow && echo '*' > .airflow/.gitignore
	$(PYTHON) -m venv --clear $(AIRFLOW_VENV)
	@$(install-uv)
	@# As above.
	@$(AIRFLOW_BIN)/uv pip install --quiet --python $(AIRFLOW_VENV) --require-hashes -r requirements.txt || \
	    $(AIRFLOW_BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

airflow: setup-airflow  ## Airflow without Docker, on the embedded server: http://127.0.0.1:8080 (Ctrl-C ends it)
	$(AIRFLOW_BIN)/python ops/run_airflow.py

test-airflow: setup-airflow  ## The tests of the DAGs, with real runs (AIRFLOW_HOME of their own)
	@# One process: to import Airflow costs more than most of its tests.
	$(AIRFLOW_BIN)/python -m pytest tests/dags $(ARGS)

env:  ## Write .env for docker compose, with random passwords; one that exists stays as it is
	@$(PYTHON) ops/make_env.py

restore-check: $(ENOUGH_TO_RUN)  ## Restore the newest dump of BACKUP_DIR into a scratch database and compare it with the original
	$(BIN)/python -m ops.backup check

lock:  ## Write requirements.txt anew: everything that works together, each with the hashes of its files
	@mkdir -p .airflow && echo '*' > .airflow/.gitignore
	$(PYTHON) -m venv --clear .airflow/lock
	.airflow/lock/bin/python -m pip install --quiet --disable-pip-version-check '$(UV)'
	@sed -n '/^#/p' requirements.txt > .airflow/lock/requirements.txt
	printf '%s\n' $(LOCKED) | cat - requirements-test.txt | sed 's/^-r /-r ..\/..\//' > .airflow/lock/wanted.in
	.airflow/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    .airflow/lock/wanted.in >> .airflow/lock/requirements.txt
	mv .airflow/lock/requirements.txt requirements.txt
	rm -rf .airflow/lock

# -- Trust: what the tests try for seconds, for as long as you like --------------------------------------

SEED  ?= 1
SEEDS ?= 20
DAYS  ?= 365

.PHONY: soak

soak: setup  ## A year of a shop's mishaps against a model of what must be there, SEEDS=20 times (SEED=1, DAYS=365)
	$(BIN)/python -m trust.soak --seed $(SEED) --seeds $(SEEDS) --days $(DAYS) $(ARGS)

COUNT ?=
ONLY  ?=

.PHONY: coverage mutants

coverage: setup  ## Which PL/pgSQL statements no test runs, by plpgsql_check's profiler on PostgreSQL 15
	$(BIN)/python -m trust.coverage --workers $(WORKERS) $(ARGS)

mutants: setup  ## A fault in the SQL, COUNT=150 times, and whether a test notices (ONLY=regex of ids; needs `make coverage`)
	$(BIN)/python -m trust.mutants --count $(or $(COUNT),150) --seed $(SEED) --only '$(ONLY)' $(ARGS)

.PHONY: hostile exhaustion

hostile: setup  ## Hostile files, COUNT=100000 records and giants of a gigabyte, each compared with an oracle (SEED=1, PG=15)
	$(BIN)/python -m trust.hostile --seed $(SEED) --count $(or $(COUNT),100000) --pg $(PG) $(ARGS)

exhaustion: setup  ## Disk, connections, locks, time, client, network and API taken away, COUNT=60 times (SEED=1, PG=15)
	$(BIN)/python -m trust.exhaustion --seed $(SEED) --count $(or $(COUNT),60) --pg $(PG) $(ARGS)

.PHONY: kills

kills: setup  ## Client, session, process or server killed at a statement of a day, COUNT=150 times, and what is left (ARGS=--all)
	$(BIN)/python -m trust.kills --count $(COUNT) --seed $(SEED) $(ARGS)

# -- Demo and documents ------------------------------------------------------------------------------

.PHONY: demo docs site

demo: $(ENOUGH_TO_RUN)  ## Run thirty days of a seeded shop on the embedded server (END=2025-12-19 fixes the last one, HERE=1: in the empty warehouse of WAREHOUSE_DSN)
	$(BIN)/python -m glue demo $(if $(END),--end $(END)) $(if $(HERE),--here)

docs: setup  ## Write what the pages' commands print, and the pages of docs/reference that the warehouse says itself
	$(BIN)/python docs/reference.py
	$(BIN)/python docs/pages.py --write

SITE_VENV := .site-venv

site: $(SITE_VENV)/installed  ## Build the pages of docs/ into .site/ (open .site/index.html)
	$(SITE_VENV)/bin/zensical build --clean --strict
	@echo "open .site/index.html"

$(SITE_VENV)/installed: requirements-docs.txt
	$(PYTHON) -m venv --clear $(SITE_VENV)
	$(SITE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

# -- Benchmark ---------------------------------------------------------------------------------------

BENCH_VENV := .bench/venv
BENCH_ARGS ?=

.PHONY: setup-bench bench-small bench

setup-bench: $(BENCH_VENV)/installed  ## Make the virtual environment of the benchmark in .bench/venv

$(BENCH_VENV)/installed: bench/requirements.txt requirements-run.txt
	@mkdir -p .bench && echo '*' > .bench/.gitignore
	$(PYTHON) -m venv --clear $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-run.txt -r bench/requirements.txt
	@touch $@

bench-small: setup-bench  ## Two minutes: the warehouse beside the floor and row by row, and what each step costs
	$(BENCH_VENV)/bin/python -m bench contenders steps --without-dbt --orders 20000 --events 100000 $(BENCH_ARGS)

bench: setup-bench  ## The whole report, in bench/README.md: forty minutes, 20 GB of disk (BENCH_ARGS='--days 365')
	$(BENCH_VENV)/bin/python -m bench full --results bench/results/full.json $(BENCH_ARGS); measured=$$?; \
	    $(BENCH_VENV)/bin/python -m bench.report bench/results/full.json && exit $$measured
