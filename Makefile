# Everything a newcomer needs: `make demo` runs the main job, `make test` passes the tests.
# Nothing but Python 3.11, make and gcc is assumed; the environment lives in .venv, the service's files in var/.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.demo-installed
DEV := $(VENV)/.dev-installed
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test fast check format bench docs lock clean

help:  ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(DEMO): requirements/demo.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/demo.txt
	@touch $@

$(DEV): requirements/dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@ $(DEMO)

setup: $(DEV)  ## Create .venv with everything, development tools included

demo: $(DEMO)  ## Run the main job: real shopping data through every room of the house
	$(BIN)/python manage.py demo

serve: $(DEMO)  ## Start web, worker and scheduler on loopback and print the addresses
	$(BIN)/python manage.py serve

test: $(DEV)  ## Run every test (PostgreSQL starts by itself; DATABASE_URL names another)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q

fast: $(DEV)  ## Run the developer's lane: no slow tests, no browser
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q -m "not slow and not e2e"

check: $(DEV)  ## Style, types, layers, deployment, migrations, dependencies, licences, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	ZGODA_PUBLIC_URL=https://zgoda.example ZGODA_ALLOWED_HOSTS=zgoda.example $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python -m tools.licences
	$(BIN)/pip-audit --requirement requirements/demo.txt --require-hashes --disable-pip --progress-spinner off
	$(MAKE) docs

format: $(DEV)  ## Rewrite the sources in the house's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The peers live in an environment of their own: none of them is a dependency of the project.
.venv-bench/.installed: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt
	@touch $@

bench: .venv-bench/.installed  ## Measure each promise of speed against its peer, in one run
	.venv-bench/bin/python -m benchmarks

docs: $(DEV)  ## Build the documentation; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

lock: $(DEV)  ## Compile the requirements anew, with hashes and without an index
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra demo pyproject.toml -o requirements/demo.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev --constraint requirements/demo.txt pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --constraint requirements/dev.txt --extra demo pyproject.toml benchmarks/requirements.in -o benchmarks/requirements.txt

clean:  ## Remove the environment and everything the service made (asks nothing: var/ holds only local data)
	rm -rf $(VENV) .venv-bench var docs/_build
