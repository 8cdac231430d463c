# Everything starts here; `make` alone lists the targets. Needs Python 3.11 or newer with venv.
PY ?= python3
ARGS ?=
# Two processes: most tests wait for a shell, a socket or a disk. A run of chosen tests takes one.
# The soak is first and takes two minutes beside the others; SOAK_S=10 makes it shorter.
SPREAD = $(if $(ARGS),,-n 2 --dist loadgroup --no-loadscope-reorder)
export SOAK_S
COVER = --cov --cov-context=test --cov-report= --cov-fail-under=0
BIN := .venv-dev/bin
.DEFAULT_GOAL := help
.PHONY: help venv demo dev packages test check contract-vllm fmt docs bench bench-gateway soak lock sizes clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 22

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

# What failed while two processes shared the machine is run once more alone, and both are shown.
# Coverage is that of the unit tests: tests/conftest.py says so.
test: dev packages ## all tests; ARGS= passes options on to pytest
	$(BIN)/python -m pytest $(SPREAD) $(COVER) $(ARGS) || { test $$? = 1 && test -z "$(ARGS)" \
	  && echo "FAILED ABOVE, NOW ONCE MORE ALONE:" \
	  && $(BIN)/python -m pytest --last-failed --last-failed-no-failures none $(COVER) --cov-append; }
	@test -n "$(ARGS)" || $(BIN)/python tools/coverage_ratchet.py

check: dev ## format, lint, types, contracts, dependencies, spelling, docs, locks, audit
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports && $(BIN)/deptry src
	$(BIN)/codespell && $(BIN)/python tools/make_docs.py --check
	$(BIN)/python tools/check_locks.py && $(BIN)/python -m tools.audit

contract-vllm: dev .venv-vllm/.stamp ## ask vLLM's real parser, minutes of CPU; ARGS=--record
	$(BIN)/python -m tools.contract_vllm .venv-vllm/bin/python $(ARGS)

# The first line may get a build of torch for GPUs, of several GB, where there is no smaller one.
.venv-vllm/.stamp: requirements/vllm.txt
	$(PY) -m venv --clear .venv-vllm
	.venv-vllm/bin/python -m pip install -q "$$(grep '^torch==' requirements/vllm.txt)"
	.venv-vllm/bin/python -m pip install -q --no-deps -r requirements/vllm.txt
	@touch $@

fmt: dev ## format, and fix what can be fixed
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: dev ## write docs/settings.md, docs/errors.md and the gateway's errors anew
	$(BIN)/python tools/make_docs.py

bench: dev ## measure; ARGS=--record writes the numbers to bench/RESULTS.md
	$(BIN)/python -m bench $(ARGS)

bench-gateway: dev ## measure ours beside nginx, vllm-router and LiteLLM, which it downloads
	@PY="$(PY)" sh bench/gateway/fetch.sh .bench-venv
	$(BIN)/python -m bench gateway $(ARGS)

soak: dev ## 30 minutes of mixed load with restarts and kills; ARGS="--soak-s 600" for another time
	$(BIN)/python -m pytest -q -s -p no:cacheprovider tests/soak --soak-s 1800 $(ARGS)

lock: ## write requirements/*.lock anew; ARGS=--upgrade takes newer releases
	@PY="$(PY)" sh tools/lock.sh $(ARGS)

sizes: dev ## the ten longest files and functions
	@$(BIN)/python tools/sizes.py

clean: ## remove what the targets above made
	rm -rf .venv .venv-dev .venv-vllm .bench-venv .tools .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache .coverage build dist
