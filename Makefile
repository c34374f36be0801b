# Everything that is made lies in one folder, and can be made again.
HOME_DIR := $(abspath $(or $(SMARKETING_HOME),.smarketing))
BIN := $(HOME_DIR)/venv/bin
CONFIG ?= .
PYTHON ?= python3.11

export SMARKETING_HOME := $(HOME_DIR)
export SMARKETING_CONFIG := $(abspath $(CONFIG))
export PYTHONPYCACHEPREFIX := $(HOME_DIR)/cache/python
export HYPOTHESIS_STORAGE_DIRECTORY := $(HOME_DIR)/cache/hypothesis
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help nightly scoreboard dsn up down check test lint types soak bench docs reference lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

nightly: $(BIN)/smarketing ## Run a whole night and show the scoreboard (CONFIG=examples/olist for another company)
	@$(BIN)/smarketing nightly

scoreboard: $(BIN)/smarketing ## Show the published scoreboard again
	@$(BIN)/smarketing scoreboard

dsn: $(BIN)/smarketing ## Print a URI that reads the published marts: psql "$(make -s dsn)"
	@$(BIN)/smarketing dsn

up: $(BIN)/smarketing ## Run Airflow with its scheduler and UI, until Ctrl-C
	@$(BIN)/smarketing up

down: $(BIN)/smarketing ## Stop the embedded PostgreSQL
	@$(BIN)/smarketing down

check: $(BIN)/smarketing ## Check the agreement and explain every fault
	@$(BIN)/smarketing agreement check

test: lint types $(BIN)/smarketing ## Run style checks, type checks and all tests but the long ones
	@# whole nights first: what takes longest must not begin last
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(BIN)/smarketing ## Check the style of Python and SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python tests/lint_sql.py

types: $(BIN)/smarketing ## Check the types
	@$(BIN)/mypy plugins dags expectations tests bench

soak: $(BIN)/smarketing ## Run the long tests: kills, many seeds, every service of docker-compose
	@$(BIN)/pytest -m slow

bench: $(BIN)/smarketing ## Measure business time, all models on ten million events, whole nights, sources behind an API
	@$(BIN)/python bench/business_time.py
	@$(BIN)/python bench/marts.py
	@$(BIN)/python bench/nights.py
	@$(BIN)/python bench/sources.py
	@$(BIN)/python bench/salesforce_bulk.py
	@$(BIN)/python bench/marketo_bulk.py

docs: $(BIN)/smarketing ## Write the models' documentation as one page, docs/index.html in the home folder
	@$(BIN)/smarketing docs

reference: $(BIN)/smarketing ## Write the agreement's JSON Schema and the tables of its page anew
	@$(BIN)/smarketing agreement schema > agreements/agreement.schema.json
	@$(BIN)/python -m smarketing.agreement.reference docs/agreement.md

lock: ## Compile requirements.in into requirements.lock (names, versions, hashes)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
	  --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --no-emit-options --output-file requirements.lock requirements.in

clean: ## Stop the server and remove everything that was made
	@if [ -x $(BIN)/smarketing ]; then $(BIN)/smarketing down; fi
	@if [ -e "$(HOME_DIR)" ] && [ ! -e "$(HOME_DIR)/.made" ]; then \
	  echo "$(HOME_DIR) was not made by this project: remove it yourself."; exit 1; fi
	@rm -rf "$(HOME_DIR)"

# the environment: built again whenever the lock changes
$(BIN)/smarketing: requirements.lock
	@mkdir -p $(HOME_DIR) && touch $(HOME_DIR)/.made
	@echo "Building the environment in $(HOME_DIR)/venv (once; a few minutes) ..."
	@$(PYTHON) -m venv $(HOME_DIR)/venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@printf '%s\n' "$(CURDIR)/plugins" "$(CURDIR)" > $$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')/smarketing.pth
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m smarketing "$$@"\n' > $@
	@chmod +x $@
	@echo "The environment is ready."
