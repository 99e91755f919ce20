# Everything a developer does here, from a fresh clone with Python >= 3.11, make and git. `make help` lists it.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STACK := $(RUN) -m local_stack

# The modules without a clock, a socket or a database: all their branches are cheap to test, so nearly all must be.
PURE := libs/events/campaign_events/*,*/campaign_command/campaign.py,*/campaign_command/contact.py,*/campaign_command/verdict.py,$\
*/campaign_command/caps.py,*/campaign_command/do_not_call.py,*/campaign_command/templates.py,$\
*/dialer/schedule.py,*/dialer/pacing.py,*/dialer/outcomes.py,*/dialer/queue.py,*/dialer/calls.py,*/dialer/breaker.py,$\
*/analytics_projector/campaign_list.py,*/analytics_projector/campaign_analytics.py,*/analytics_projector/figures.py
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

# The lock's wheels are installed anew only when the lock changes, the project itself only when pyproject.toml does.
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed

$(LOCKED): requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "error: there is no $(PYTHON): install Python 3.11 or newer, or name one with PYTHON=…" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is too old ($$($(PYTHON) -V 2>&1)): install Python 3.11 or newer, or name one with PYTHON=…" >&2; exit 2; }
	@echo "Installing the locked dependencies into $(VENV) (a minute or two, once)…"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV) >/dev/null || { echo "error: $(PYTHON) cannot make a virtual environment: install its venv package (python3-venv)" >&2; exit 2; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-input --no-build-isolation --no-deps -e .
	@touch $@

.PHONY: help setup up down status logs psql tail token demo test lint format types ci clean import bench-import

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## make .venv from requirements.lock (every other target does so too)
	@:

demo: $(INSTALLED)  ## a whole campaign, from the import to the figures, in this terminal
	@$(STACK) demo $(ARGS)

up: $(INSTALLED)  ## start PostgreSQL, Kafka and the services; stays up until Ctrl-C or make down
	@$(STACK) up

down: $(INSTALLED)  ## end what make up started, from another shell; the state is kept
	@$(STACK) down

status: $(INSTALLED)  ## what runs: pid, ready, memory, restarts, address
	@$(STACK) status

logs: $(INSTALLED)  ## follow the logs: [service=dialer]
	@$(STACK) logs $(service)

psql: $(INSTALLED)  ## a prompt on a service's database: [service=campaign-command]
	@$(STACK) psql $(service)

tail: $(INSTALLED)  ## print a topic as JSON lines: topic=campaign-events [from=beginning]
	@test -n "$(topic)" || { echo "error: name a topic: make tail topic=campaign-events" >&2; exit 2; }
	@$(STACK) tail $(topic) $(if $(filter beginning,$(from)),--beginning)

token: $(INSTALLED)  ## print a bearer token, good for 12 h: [role=viewer|operator|admin] [workspace=uuid]
	@$(STACK) token $(if $(role),--role $(role)) $(if $(workspace),--workspace $(workspace))

import: $(INSTALLED)  ## a contact file into a campaign of make up: file=… campaign=id|name [country=US update=1 dry_run=1 mapping=…]
	@test -n "$(file)" -a -n "$(campaign)" || { echo "error: name both: make import file=contacts.csv campaign=…" >&2; exit 2; }
	@$(STACK) import "$(file)" --campaign "$(campaign)" $(if $(country),--country $(country)) $(if $(update),--update) $(if $(dry_run),--dry-run) $(if $(mapping),--mapping '$(mapping)')

bench-import: $(INSTALLED)  ## a million contacts against raw COPY; minutes: [ARGS="--rows 100000 1000000"]
	@$(RUN) tests/bench/import_bench.py $(ARGS)

test: $(INSTALLED)  ## all tests but chaos and bench, with branch coverage: [ARGS=tests/unit]
	@$(RUN) -m pytest -n 2 --dist loadfile --cov --cov-branch --cov-report=term:skip-covered --ignore=tests/chaos --ignore=tests/bench $(ARGS)
	@test -n "$(ARGS)" || { report=$$($(RUN) -m coverage report --include="$(PURE)" --fail-under=95) || { echo "$$report"; exit 1; }; }

lint: $(INSTALLED)  ## ruff: rules and format
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

format: $(INSTALLED)  ## let ruff put it right
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

types: $(INSTALLED)  ## mypy --strict
	@$(RUN) -m mypy libs services deploy tests

ci: lint types test  ## what the continuous integration runs

clean: $(INSTALLED)  ## remove the local state (databases, topics, logs, secrets) and the tools' caches
	@$(STACK) clean
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .coverage
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
