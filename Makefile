# Everything starts here; `make` alone lists the targets. Needs Python 3.11 or newer with venv.
PY ?= python3
ARGS ?=
BIN := .venv-dev/bin
.DEFAULT_GOAL := help
.PHONY: help venv demo dev packages test check fmt docs bench lock sizes clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 18

venv: .venv/.stamp ## .venv with all the demo needs and nothing else
.venv/.stamp: requirements/demo.lock requirements/build.lock tools/venv.sh
	@PY="$(PY)" sh tools/venv.sh .venv demo "400 MB"

demo: venv ## two simulated Sparks with small real models; ARGS= passes options on
	@.venv/bin/spark-control demo $(ARGS)

dev: .venv-dev/.stamp
.venv-dev/.stamp: requirements/dev.lock requirements/build.lock tools/venv.sh
	@PY="$(PY)" sh tools/venv.sh .venv-dev dev "500 MB"

packages:
	@sh tools/test_packages.sh

test: dev packages ## all tests, with coverage; ARGS= passes options on to pytest
	$(BIN)/python -m pytest --cov --cov-context=test --cov-report= --cov-fail-under=0 $(ARGS)
	@test -n "$(ARGS)" || $(BIN)/coverage report --skip-covered
	@test -n "$(ARGS)" || $(BIN)/python tools/coverage_ratchet.py

check: dev ## format, lint, types, contracts, dependencies, spelling, docs, locks
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports && $(BIN)/deptry src
	$(BIN)/codespell
	$(BIN)/python tools/make_docs.py --check && $(BIN)/python tools/check_locks.py

fmt: dev ## format, and fix what can be fixed
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: dev ## write docs/settings.md and docs/errors.md anew
	$(BIN)/python tools/make_docs.py

bench: dev ## measure; bench/RESULTS.md holds the numbers
	$(BIN)/python -m bench $(ARGS)

lock: ## write requirements/*.lock anew; ARGS=--upgrade takes newer releases
	@PY="$(PY)" sh tools/lock.sh $(ARGS)

sizes: dev ## the ten longest files and functions
	@$(BIN)/python tools/sizes.py

clean: ## remove what the targets above made
	rm -rf .venv .venv-dev .tools .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache .coverage build dist
