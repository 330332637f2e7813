# Each target sets up what it needs in .venv; only python3, pip, git and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*)
SOURCES := zoo plugins tests benchmarks release docs/examples
READY := $(VENV)/.ready

.PHONY: demo test test-serve test-cluster test-all check device-check mutations test-wheels release docs parity train-parity interop bench findings registry options operations device-table messages clean

demo: $(READY)
	rm -rf build/demo
	$(BIN)/zoo predict docs/street.jpg --save-path build/demo
	@echo "Look at build/demo/street_overlay.png"

# A process for each of up to eight cores, which keeps to one thread; the tests of a file stay together, with what they
# share. No process that ended is replaced: pytest-xdist 3.8.0 then waits for ever, and never says in which test it was.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 8 --dist loadfile --max-worker-restart=0

test: check
	@echo "Running the tests on every core: about 25 minutes on two."
	$(PYTEST)

# The server: also its faults, every documented client and the files of deploy/, with a browser where there is one.
test-serve: check
	$(BIN)/python -m pip install -q -e ".[serve-dev]"
	$(PYTEST) -m "full or not full" tests/serve

# Many machines, with a real Ray cluster on this one; the server's tests are asked of Ray Serve too.
test-cluster: check
	$(BIN)/python -m pip install -q -e ".[ray,ray-dev]"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "full or not full" tests/distributed
	OMP_NUM_THREADS=1 ZOO_TEST_RAY_SERVE=1 $(BIN)/python -m pytest -q -m "full or not full" tests/serve/test_documented_api.py \
		tests/serve/test_better_api.py tests/serve/test_inference_protocol.py

# Also every network at full size, int8, optimize, several training processes, the whole server, the programs for phones
# and boards, and the site of docs/.
test-all: check
	$(BIN)/python -m pip install -q -e ".[docs,edge]"
	$(BIN)/python -m pip install -q --no-deps pnnx
	@echo "Running all tests on every core: longer than make test by the networks at full size."
	ZOO_TEST_FULL=1 $(PYTEST) -m "full or not full"

check: $(READY)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/zoo registry check

# Every network on a real device against the processor, in the environment that has its build of paddle: nothing is
# installed. make device-check DEVICE=npu:0 PYTHON=~/npu/bin/python
DEVICE ?= gpu:0
device-check:
	$(PYTHON) benchmarks/device_check.py --device $(DEVICE)

# Ten thousand programs changed at random: a quarter of an hour.
mutations: $(READY)
	ZOO_MUTATIONS=10000 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/program/test_damage.py

# Wheels in an empty environment, used outside the source tree.
test-wheels: $(READY)
	$(PYTHON) tests/wheels.py

# Everything of a release but its publication: docs/releasing.md. Half an hour, and it needs the package index.
release: .venv-release/.ready
	.venv-release/bin/python -m release

# The pages of docs/ as a site, in build/site.
docs: .venv-release/.ready
	.venv-release/bin/python -m release.site

.venv-release/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/python -m pip install -q -e ".[release,docs]"
	touch $@

# The official networks side by side with ours. paddleseg comes without its dependencies: it pins an old opencv and a web
# framework; numpy < 2 needs Python 3.10 to 3.12.
parity: .venv-parity/.ready
	.venv-parity/bin/python tests/parity/run.py

# The trainer beside the functions of paddleseg, on a part of CamVid. make train-parity CAMVID=~/camvid
CAMVID ?= ../shared/data/camvid
train-parity: .venv-parity/.ready
	OMP_NUM_THREADS=1 .venv-parity/bin/python tests/parity/train.py --camvid $(CAMVID)

# PaddleX and zoo on the same folders, pixel by pixel.
interop: $(READY) .venv-interop/.ready
	$(BIN)/python tests/interop/run.py .venv-interop/bin/python

bench: $(READY)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/upsample.py
	$(BIN)/python benchmarks/read.py
	$(BIN)/python benchmarks/predict.py
	$(BIN)/python benchmarks/networks.py
	$(BIN)/python benchmarks/fetch.py
	$(BIN)/python benchmarks/warm_load.py
	$(BIN)/python benchmarks/pipeline.py --alone
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/in_memory.py
	$(BIN)/python benchmarks/streams.py
	$(BIN)/python benchmarks/threads.py
	$(BIN)/python benchmarks/evaluate.py
	$(BIN)/python benchmarks/slide.py
	$(BIN)/python benchmarks/train.py

# What other people's software does, each in a folder of its own; see findings/README.md.
findings:
	@for script in findings/*.sh; do echo "== $$script"; bash $$script || failed="$$failed $$script=$$?"; done; \
	test -z "$$failed" || { echo "not as stated:$$failed"; exit 1; }

registry: $(READY)
	$(BIN)/zoo registry build

$(READY): pyproject.toml $(wildcard plugins/*/pyproject.toml)
	@echo "Installing zoo and its plugins into $(VENV): paddlepaddle is about 0.2 GB, which takes some minutes the first time."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e ".[cpu,dev]" $(addprefix -e ,$(PLUGINS))
	touch $@

.venv-parity/.ready: tests/parity/requirements.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -m venv .venv-parity
	.venv-parity/bin/python -m pip install -q -r tests/parity/requirements.txt
	.venv-parity/bin/python -m pip install -q --no-deps paddleseg==2.8.0
	.venv-parity/bin/python -m pip install -q --no-deps -e . $(addprefix -e ,$(PLUGINS))
	touch $@

.venv-interop/.ready: tests/interop/requirements.txt
	$(PYTHON) -m venv .venv-interop
	.venv-interop/bin/python -m pip install -q -r tests/interop/requirements.txt
	touch $@

# What follows from the table of options and the list of formats; see tests/option_files.py.
options: $(READY)
	$(BIN)/python tests/option_files.py

# The operations that are translated, in docs/engines.md; see tests/operation_table.py.
operations: $(READY)
	$(BIN)/python tests/operation_table.py

# Which models run on which devices, in docs/devices.md; see tests/device_table.py.
device-table: $(READY)
	$(BIN)/python tests/device_table.py

# The texts zoo shows, and their translations: zoo/cli/locale.
messages: $(READY)
	$(BIN)/python tests/texts.py

clean:
	rm -rf $(VENV) .venv-release .venv-parity .venv-interop build dist
