# The verbs of this project. Each does all the set-up that it needs.
.PHONY: help setup setup-tests setup-vm demo test test-slow test-vm check fix bench bench-vm docs lock
BIN := .venv/bin
# Hundreds of processes of this project are started by its tests: compiled once, they start in half the time.
export PYTHONDONTWRITEBYTECODE :=
# pytest; what fails beside other tests is tried once more by itself.
TRIED := $(BIN)/python -m tests.support.tried

help: ## what can be done
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## install what is needed into .venv and the system
	@vm/host/setup.sh

setup-tests:
	@vm/host/setup.sh tests/packages.txt

demo: setup ## a spreadsheet and a deck, built by mouse and keyboard in a private desktop
	@$(BIN)/deskhand demo

test: setup-tests ## the tests
	@$(TRIED) -n 3 --dist loadfile -m "not alone and not slow and not vm"
	@$(TRIED) -m "alone and not slow" tests/actuators tests/perception

test-slow: setup-tests ## the cases that `make test` leaves out for time
	@$(TRIED) -n 3 --dist loadfile -m "slow and not vm"

setup-vm:
	@vm/host/setup.sh tests/packages.txt vm/host/machine-packages.txt

test-vm: setup-vm ## the tests that need a virtual machine, and its image (ALL=1: slow cases too)
	@$(BIN)/python -m tests.support.vm_image office
	@$(TRIED) -m "vm$(if $(ALL),, and not slow)" -rs --durations=15 --timeout 900 tests/vm tests/e2e

check: setup-tests ## format, lint, strict types, import layers, generated docs
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@$(BIN)/basedpyright --warnings
	@$(BIN)/python -m ui.reference --check

fix: setup-tests ## mend format and what lint can mend
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

bench: setup-tests ## measure everything, write docs/performance.md (ROUNDS=n; QUICK=1: five minutes, no page)
	@ROUNDS=$(ROUNDS) QUICK=$(QUICK) $(BIN)/python -m tests.bench

bench-vm: setup-vm ## measure machines, their image and the private desktop (ROUNDS=n)
	@ROUNDS=$(ROUNDS) $(BIN)/python -m tests.bench.machines

docs: setup ## write the generated pages of docs/
	@$(BIN)/python -m ui.reference

lock: setup ## choose and lock the newest versions of all dependencies (needs uv)
	@uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		--group dev --custom-compile-command "make lock" pyproject.toml -o requirements.lock
