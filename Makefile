# Sets up what each target needs, once; a second call only does the work.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Further options for pip, such as the index that has PyTorch's smaller CPU build: the grader needs no GPU.
PIP_FLAGS ?=
# What `make grade` grades, and options for it: make grade SUBMISSION=my.ipynb GRADE_FLAGS=--quick
SUBMISSION ?= submissions/solution-notebook
GRADE_FLAGS ?=
PYTEST_FLAGS ?= -n 2
# Tests that start no sandbox and no browser, but for the few that take a second or more.
QUICK := $(addprefix tests/,guard checks corpus evidence score store submission assignment verify report) \
	tests/test_score.py tests/test_architecture.py tests/test_docs.py
NOT_QUICK := tests/assignment/test_baselines.py tests/verify/test_verify_stretch.py \
	tests/report/test_classroom_browser.py tests/report/test_report_ci.py
# MNIST for development, where it is there; the tests look for it in the same place.
DATA ?= ../shared/mnist

# Torch with default threads in several processes on few cores runs many times slower.
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help grade test lint types pytest gradescope attack fuzz soak kill diagnose showcase reproduce bench baselines wheel clean

help:  ## Shows this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## *' '{printf "make %-10s %s\n", $$1, $$2}'

grade: $(VENV)/.run-stamp  ## Grades an example submission and shows its report
	$(BIN)/grade $(GRADE_FLAGS) $(SUBMISSION)

quick: $(VENV)/.dev-stamp  ## Passes the tests that need no sandbox and no browser, in under a minute
	$(BIN)/python -m pytest -n 0 -q $(QUICK) $(addprefix --ignore=,$(NOT_QUICK))

test: lint types pytest  ## Passes every check: ruff, mypy, pytest

lint: $(VENV)/.dev-stamp
	$(BIN)/ruff check grader reference tests  # not what a user may have put beside them

types: $(VENV)/.dev-stamp
	$(BIN)/mypy

pytest: $(VENV)/.dev-stamp
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

gradescope: $(VENV)/.dev-stamp  ## Sets the autograder zip up in a new Debian, and grades with it there
	.ci/system-packages "The new Debian is made with it" mmdebstrap
	GRADESCOPE=clean $(BIN)/python -m pytest tests/cli/gradescope

attack: $(VENV)/.dev-stamp  ## Attacks the grader: every hostile submission, level and user; writes the README's table
	HOSTILE=all $(BIN)/python -m pytest tests/hostile

fuzz: $(VENV)/.dev-stamp  ## Fuzzes every parser of untrusted bytes for ten minutes
	$(BIN)/python -m tests.fuzz

guard: $(VENV)/.dev-stamp  ## Runs every guarded program again, stores its facts, shows each verdict that changes
	$(BIN)/python -m tests.guard

soak: $(VENV)/.dev-stamp  ## Grades 200 submissions in a row, hostile ones among them, and looks for what grows
	$(BIN)/python -m tests.endurance.soak

kill: $(VENV)/.dev-stamp  ## Kills the grader at 20 random points of a batch, and has it finish
	$(BIN)/python -m tests.endurance.kill

diagnose: $(VENV)/.dev-stamp  ## Measures how often the grader is right, on a corpus of programs
	$(BIN)/python -m tests.diagnose --readme

showcase: $(VENV)/.dev-stamp  ## Makes every output of one mixed class, and reads each again
	$(BIN)/python -m tests.showcase $(if $(wildcard $(DATA)),--data $(DATA))

reproduce: $(VENV)/.dev-stamp  ## Reproduces the published figures of a student's report on full MNIST
	$(BIN)/python -m tests.reproduce --data $(DATA)

bench: $(VENV)/.dev-stamp  ## Measures what grading costs over running the code bare, and a class beside other graders
	$(BIN)/python -m tests.bench $(if $(wildcard $(DATA)),--data $(DATA))
	$(BIN)/python -m tests.bench_class $(if $(wildcard $(DATA)),--data $(DATA)) --pip-flags "$(PIP_FLAGS)" --readme

baselines: $(VENV)/.dev-stamp  ## Measures the reference accuracies again and writes reference/baselines.json
	$(BIN)/python tests/measure_baselines.py $(wildcard $(DATA))

wheel: $(VENV)/.dev-stamp  ## Builds dist/*.whl
	$(BIN)/python -m build --wheel --no-isolation

clean:  ## Removes the virtual environment, caches and build products, but no grades
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find grader reference tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	.ci/virtual-environment $(PYTHON) $(VENV)

$(VENV)/.run-stamp: pyproject.toml | $(BIN)/python
	.ci/system-packages "Without bubblewrap the sandbox isolates less" bubblewrap libseccomp2 libtcmalloc-minimal4
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --editable .
	touch $@

$(VENV)/.dev-stamp: $(VENV)/.run-stamp
	.ci/system-packages "The tests look at reports in a browser" chromium
	.ci/system-packages "The gradebook is tested on PostgreSQL" postgresql
	.ci/system-packages "Control groups are tested in a kernel that hands one over" user-mode-linux
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --editable '.[dev]'
	touch $@
