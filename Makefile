# `make run` and `make test` do their own set-up and can be repeated safely.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_SETUP := $(VENV)/.set-up-to-run
TEST_SETUP := $(VENV)/.set-up-to-test
SCENARIO ?= data/scenarios/laptop.toml
CALIBRATE_FLAGS ?=
BASE ?= HEAD~1
CHECK_FLAGS ?=

.PHONY: run test test-fast lint calibrate screenshots benchmark scaling-benchmark corpus-benchmark training-benchmark runs-benchmark app-benchmark finance-benchmark refactor-check clean

run: $(RUN_SETUP)  ## Open the app on http://127.0.0.1:8501
	$(BIN)/python -m streamlit run app.py

calibrate: $(RUN_SETUP)  ## Run the chain without a browser: plan, predict, train, correct, fund
	$(BIN)/python -m engine calibrate $(SCENARIO) $(CALIBRATE_FLAGS)
	$(BIN)/python -m finance run $(SCENARIO) --calibrated-by last

# Tests that start runs, a browser or a cluster take both cores; the others share them.
ALONE := runs or browser or cluster
WORKERS ?= 2
# Status 5 of pytest means that no test was selected, which PYTEST_FLAGS may cause in one half.
NONE_SELECTED_IS_FINE = $(if $(PYTEST_FLAGS),|| test $$? = 5)

test: $(TEST_SETUP)  ## Run every test
	$(BIN)/python -m pytest -m "not ($(ALONE))" -n $(WORKERS) --dist loadfile $(PYTEST_FLAGS) \
	  $(NONE_SELECTED_IS_FINE)
	$(BIN)/python -m pytest -m "$(ALONE)" $(PYTEST_FLAGS) $(NONE_SELECTED_IS_FINE)

test-fast: $(TEST_SETUP)  ## Run the tests that start no run, no browser and no cluster
	$(BIN)/python -m pytest -m fast -n $(WORKERS) --dist loadfile $(PYTEST_FLAGS)

lint: $(TEST_SETUP)  ## Check style, types, import directions, spelling and English
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python .ci/check_voice.py

screenshots: $(TEST_SETUP)  ## Take a picture of every page in both languages
	$(BIN)/python -m tests.e2e.screenshots docs/screenshots

benchmark: $(TEST_SETUP)  ## Measure how many layouts a second are searched on one core
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.search

scaling-benchmark: $(TEST_SETUP)  ## Time the fit of a scaling law against SciPy
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.scaling

corpus-benchmark: $(TEST_SETUP)  ## Time the path from text to token files against tokenizers
	$(BIN)/python -m tests.benchmarks.corpus

training-benchmark: $(RUN_SETUP)  ## Compare the training loop with a plain PyTorch loop
	OMP_NUM_THREADS=1 DS_ACCELERATOR=cpu $(BIN)/python -m tests.benchmarks.training

runs-benchmark: $(TEST_SETUP)  ## Measure the cost of supervising and reading runs
	$(BIN)/python -m tests.benchmarks.runs

app-benchmark: $(TEST_SETUP)  ## Time the pages of the app in a browser
	$(BIN)/python -m tests.benchmarks.app

finance-benchmark: $(TEST_SETUP)  ## Time a company over 120 months, once and for 10,000 trials
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.finance

refactor-check: $(TEST_SETUP)  ## Compare what every command prints and writes with BASE=<revision>
	$(BIN)/python -m tests.refactor_check --base $(BASE) $(CHECK_FLAGS)

clean:  ## Remove what the set-up made; runs and scenarios in .flopledger stay
	rm -rf $(VENV)

# The stamp is written last, so that an interrupted set-up continues at the next call.
$(RUN_SETUP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.12 …"; exit 1; }
	@command -v c++ >/dev/null \
	  && $(PYTHON) -c 'import os, sys, sysconfig as s; \
	    sys.exit(not os.path.exists(s.get_path("include") + "/Python.h"))' \
	  || { echo "A C++ compiler and Python's headers are needed:" \
	         "sudo apt-get install g++ python3-dev"; exit 1; }
	@echo "Set-up, step 1 of 3: virtual environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "venv is needed: sudo apt-get install python3-venv"; exit 1; }
	@echo "Set-up, step 2 of 3: about 100 Python packages, 1.5 GB on disk (a few minutes, once)"
	@$(BIN)/python -m pip install --requirement requirements.txt \
	  | $(BIN)/python .ci/pip_progress.py
	@echo "Set-up, step 3 of 3: DeepSpeed's CPU operator is compiled (about a minute, once)"
	@$(BIN)/python -m engine.training.ops
	@touch $@

$(TEST_SETUP): requirements-dev.txt $(RUN_SETUP)
	@echo "Test set-up, step 1 of 2: packages for tests and checks"
	@$(BIN)/python -m pip install --requirement requirements-dev.txt \
	  | $(BIN)/python .ci/pip_progress.py
	@echo "Test set-up, step 2 of 2: browser, Slurm and network tools from Debian (root only)"
	@if [ "$$(id -u)" = 0 ]; then \
	    missing=; for tool in chromium slurmctld munged ip; do \
	      command -v $$tool >/dev/null || missing=$$tool; done; \
	    test -z "$$missing" || { apt-get update -qq && apt-get install -y -qq \
	      --no-install-recommends chromium fonts-noto-cjk slurm-wlm munge iproute2 >/dev/null; }; \
	  else \
	    command -v chromium >/dev/null || { echo "The browser tests need Chromium:" \
	      "sudo apt-get install chromium fonts-noto-cjk"; exit 1; }; \
	    echo "Tests of two nodes and of Slurm on one machine need root. They are skipped."; \
	  fi
	@touch $@
