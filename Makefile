# Each target sets up what it needs in .venv; only python3, pip, git and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*)
SOURCES := zoo plugins tests benchmarks docs/examples
READY := $(VENV)/.ready

.PHONY: demo test test-all check test-wheels bench registry clean

demo: $(READY)
	rm -rf build/demo
	$(BIN)/python -m zoo.testing.scenes build/demo/street.png
	$(BIN)/zoo predict build/demo/street.png --save-path build/demo
	@echo "Look at build/demo/street_overlay.png"

test: check
	$(BIN)/python -m pytest -q

# Every network at full size; takes about a quarter of an hour.
test-all: check
	ZOO_TEST_FULL=1 $(BIN)/python -m pytest -q -m "full or not full"

check: $(READY)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/zoo registry check

# Wheels in an empty environment, used outside the source tree.
test-wheels: $(READY)
	$(PYTHON) tests/wheels.py

bench: $(READY)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/upsample.py
	$(BIN)/python benchmarks/predict.py

registry: $(READY)
	$(BIN)/zoo registry build

$(READY): pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e ".[cpu,dev]" $(addprefix -e ,$(PLUGINS))
	touch $@

clean:
	rm -rf $(VENV) build dist
