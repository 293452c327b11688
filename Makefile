# `make help` lists the targets. Each does only what has not been done yet.
BOOTSTRAP := deploy/bootstrap
BIN := .venv/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test test-all bench check build translations manifests lock clean venv-run venv-dev

help: ## Show this list
	@echo "MedTOWN. Usage: make TARGET [PYTHON=/path/to/python3.11]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: venv-run ## Install what is missing and serve on http://localhost:8000 (MEDTOWN_PORT, MEDTOWN_DATA change that)
	@$(BOOTSTRAP)/frontend.sh
	@exec $(BIN)/medtown up

test: venv-dev ## Check the code, then run all tests, embedded and distributed (under 10 minutes)
	@$(BOOTSTRAP)/system-packages.sh
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest $(PYTEST_OPTIONS)

test-all: venv-dev ## The same with the slow and deep runs
	@$(BOOTSTRAP)/system-packages.sh
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -m "" --hypothesis-profile=deep -o timeout=1800 $(PYTEST_OPTIONS)

bench: venv-dev ## Measure the ledger beside pgbench (BENCH=quick|full, CHAPTERS="engine http"; see docs/performance.md)
	@$(BOOTSTRAP)/system-packages.sh
	@$(BIN)/python -m tests.bench --length $(or $(BENCH),quick) $(CHAPTERS)

check: venv-dev ## Lint, formatting, types, import rules, containers, TypeScript (under 90 seconds)
	@$(BOOTSTRAP)/frontend.sh
	@$(BOOTSTRAP)/check.sh

build: venv-run ## Build the web front end into gateway/static/dist
	@$(BOOTSTRAP)/frontend.sh

translations: venv-dev ## Bring the catalogues of translations in step with the texts of the code
	@$(BIN)/python -m deploy.translations

manifests: venv-dev ## Write what follows from the services' tables: compose file, definitions, databases, Prometheus
	@$(BIN)/python -m deploy.installing.manifests

lock: venv-dev ## Write requirements/*.txt anew from pyproject.toml
	@$(BOOTSTRAP)/lock.sh

clean: ## Remove everything that was built or installed here; the data folder stays
	rm -rf .venv build gateway/static/dist gateway/web/node_modules *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv-run:
	@$(BOOTSTRAP)/venv.sh run

venv-dev:
	@$(BOOTSTRAP)/venv.sh dev
