# Everything a developer does here, from a fresh clone with Python >= 3.11, make and git. `make help` lists it.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STACK := $(RUN) -m local_stack

# The modules without a clock, a socket or a database: all their branches are cheap to test, so nearly all must be.
PURE := libs/events/campaign_events/*,*/campaign_command/campaign.py,*/campaign_command/contact.py,*/campaign_command/verdict.py,$\
*/campaign_command/caps.py,*/campaign_command/do_not_call.py,*/campaign_command/templates.py,$\
*/dialer/schedule.py,*/dialer/pacing.py,*/dialer/outcomes.py,*/dialer/queue.py,*/dialer/calls.py,*/dialer/breaker.py,$\
*/webhooks/addresses.py,*/webhooks/backoff.py,$\
*/analytics_projector/campaign_list.py,*/analytics_projector/campaign_analytics.py,*/analytics_projector/figures.py
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

# The lock's wheels are installed anew only when the lock changes, the project itself only when pyproject.toml does.
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed

# The dashboard's page is built by Node from a wheel, anew only when its sources change; no commit holds it.
WEB := services/dashboard/web
NPM := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm --prefix $(WEB) --loglevel=error
MODULES := $(WEB)/node_modules/.package-lock.json
BUNDLE := services/dashboard/dashboard/bundle/index.html

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

$(MODULES): $(WEB)/package-lock.json $(WEB)/package.json | $(INSTALLED)
	@echo "Installing what the dashboard's page is built with…"
	@$(NPM) ci --no-audit --no-fund >/dev/null
	@touch $@

$(BUNDLE): $(MODULES) $(WEB)/index.html $(WEB)/vite.config.ts $(WEB)/tsconfig.json $(shell find $(WEB)/src $(WEB)/public -type f)
	@echo "Building the dashboard's page…"
	@out=$$($(NPM) run build 2>&1) || { echo "$$out"; exit 1; }
	@touch $@

.PHONY: env lock-services kubernetes-check help setup up down status logs psql tail token demo test lint format schema-check types ci clean import bench-import bench-page release-data bundle page-types test-browser screenshots replay export import-log backfill audit rebuild

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## make .venv from requirements.lock (every other target does so too)
	@:

demo: $(INSTALLED) $(if $(API),,$(BUNDLE))  ## a whole campaign, from the import to the figures; [API=http://… [TOKEN=…]] of a running system
	@$(STACK) demo $(if $(API),--api $(API)) $(ARGS)

lock-services: $(INSTALLED)  ## the lock of the images, anew from requirements.lock
	@$(RUN) -m local_stack.services_lock

kubernetes-check: $(INSTALLED)  ## the Kubernetes manifests against their schemas; needs Go: [ARGS="--crd files…"]
	@$(RUN) deploy/kubernetes/check.py $(ARGS)

env: $(INSTALLED)  ## the secrets of docker compose, into .env: what is missing is made, what is there is kept
	@$(RUN) -m local_stack.env_file

up: $(INSTALLED) $(BUNDLE)  ## start PostgreSQL, Kafka, the services and the dashboard; stays up until Ctrl-C or make down
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

token: $(INSTALLED)  ## print a bearer token, good for 12 h: [role=viewer|operator|admin] [workspace=uuid] [of=compose]
	@$(STACK) token $(if $(of),--of $(of)) $(if $(role),--role $(role)) $(if $(workspace),--workspace $(workspace))

import: $(INSTALLED)  ## a contact file into a campaign of make up: file=… campaign=id|name [country=US update=1 dry_run=1 mapping=…]
	@test -n "$(file)" -a -n "$(campaign)" || { echo "error: name both: make import file=contacts.csv campaign=…" >&2; exit 2; }
	@$(STACK) import "$(file)" --campaign "$(campaign)" $(if $(country),--country $(country)) $(if $(update),--update) $(if $(dry_run),--dry-run) $(if $(mapping),--mapping '$(mapping)')

replay: $(INSTALLED)  ## what happened in a campaign, in words, and how it stood: campaign=id|name [as_of=2026-03-02T09:00:00Z from=…]
	@test -n "$(campaign)" || { echo "error: name a campaign: make replay campaign=…" >&2; exit 2; }
	@$(STACK) replay --campaign "$(campaign)" $(if $(as_of),--as-of "$(as_of)") $(if $(from),--from "$(from)") $(if $(format),--format $(format))

audit: $(INSTALLED)  ## check every call and the log again; fails on findings: [campaign=id|name format=jsonl]
	@$(STACK) audit $(if $(campaign),--campaign "$(campaign)") $(if $(format),--format $(format))

export: $(INSTALLED)  ## a campaign's log as JSON lines: campaign=id|name > log.jsonl
	@test -n "$(campaign)" || { echo "error: name a campaign: make export campaign=…" >&2; exit 2; }
	@$(STACK) export --campaign "$(campaign)"

import-log: $(INSTALLED)  ## an exported log into an empty system, as a copy to look at: file=log.jsonl
	@test -n "$(file)" || { echo "error: name a file: make import-log file=log.jsonl" >&2; exit 2; }
	@$(STACK) import-log "$(file)"

backfill: $(INSTALLED)  ## publish the log again: to=topic [of=suppression-events from=position rate=5000]
	@test -n "$(to)" || { echo "error: name a topic: make backfill to=…" >&2; exit 2; }
	@$(STACK) backfill --to "$(to)" $(if $(of),--of "$(of)") $(if $(from),--from "$(from)") $(if $(rate),--rate "$(rate)")

rebuild: $(INSTALLED)  ## fold the read side or the dialer's queue anew, while they run: service=analytics-projector|dialer
	@test -n "$(service)" || { echo "error: name a service: make rebuild service=analytics-projector" >&2; exit 2; }
	@$(STACK) rebuild "$(service)"

bench-import: $(INSTALLED)  ## a million contacts against raw COPY; minutes: [ARGS="--rows 100000 1000000"]
	@$(RUN) tests/bench/import_bench.py $(ARGS)

bench-page: $(INSTALLED) $(BUNDLE)  ## first paint of the dashboard, and turning pages of 10,000 campaigns: [ARGS="--campaigns 1000"]
	@PYTHONPATH=. $(RUN) tests/bench/page_bench.py $(ARGS)

release-data: $(INSTALLED)  ## keep what this version stores, for the tests of later upgrades: version=1.2.3
	@$(RUN) -m local_stack.release_data "$(version)"

bundle: $(BUNDLE)  ## build the dashboard's page (make up does so, too)
	@:

page-types: $(MODULES)  ## the page's TypeScript types, anew from the services' OpenAPI
	@$(RUN) -m local_stack.page_types

test: $(INSTALLED) $(BUNDLE)  ## all tests but chaos and bench, with branch coverage: [ARGS=tests/unit]
	@$(RUN) -m pytest -n 2 --dist loadfile --cov --cov-branch --cov-report=term:skip-covered --ignore=tests/chaos --ignore=tests/bench --ignore=tests/browser $(ARGS)
	@test -n "$(ARGS)" || { report=$$($(RUN) -m coverage report --include="$(PURE)" --fail-under=95) || { echo "$$report"; exit 1; }; }
	@test -n "$(ARGS)" || $(MAKE) test-browser

# A process of its own: the browser's event loop and those of the other tests don't go together.
test-browser: $(INSTALLED) $(BUNDLE)  ## the dashboard in a real browser (skipped, and said so, where there is none)
	@$(RUN) -m local_stack.page_types --check
	@$(RUN) -m pytest tests/browser $(BROWSER_ARGS)

screenshots: $(INSTALLED) $(BUNDLE)  ## the pictures of docs/images
	@$(RUN) -m pytest tests/browser/screenshots.py

lint: $(INSTALLED)  ## ruff: rules and format
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

format: $(INSTALLED)  ## let ruff put it right
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

schema-check: $(INSTALLED)  ## whether the facts only grow, compared with git: [against=ref]
	@$(RUN) libs/events/schema_check.py $(if $(against),--against $(against))

types: $(INSTALLED) $(MODULES)  ## mypy --strict, and tsc for the dashboard's page
	@$(RUN) -m mypy libs services deploy tests
	@$(NPM) run check >/dev/null || $(NPM) run check

ci: lint types schema-check test  ## what the continuous integration runs

clean: $(INSTALLED)  ## remove the local state (databases, topics, logs, secrets) and the tools' caches
	@$(STACK) clean
	@rm -rf $(dir $(BUNDLE)) $(WEB)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .coverage
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
