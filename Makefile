# Every command sets up what it needs. `make demo` and `make test` are the two to know.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup build demo test check proto accept-contract lock soak clean

SOURCES := setup.py $(shell find core risk settlement switch bench -name '*.pyx' -o -name '*.pxd' -o -name '*.h' 2>/dev/null)

# The environment, from the lock file with hashes; then our own package, built in place.
setup: build

$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.12 …"; exit 1; }
	@echo "Setting up $(VENV); the first time takes a minute or two"
	@$(PYTHON) -m venv $(VENV) || { echo "No venv: on Debian, apt-get install python3-venv python3-dev"; exit 1; }
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	touch $@

build: $(VENV)/.installed $(VENV)/.built

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@ $(VENV)/.built

$(VENV)/.built: $(VENV)/.installed $(SOURCES)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $@

demo: build
	$(BIN)/payvand demo

test: build
	$(BIN)/python -m pytest -m "not soak"

# What is a matter of truth about the source: style, types, contract.
check: build
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd proto && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code && \
		../$(BIN)/buf breaking --against accepted.binpb

# Regenerate the code of the contract after an edit of proto/payvand/v1/*.proto.
proto: $(VENV)/.locked
	cd proto && ../$(BIN)/buf format --write
	cd proto && PATH="$(abspath $(BIN)):$$PATH" ../$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. \
		--grpc_python_out=. --mypy_grpc_out=. payvand/v1/*.proto

# Take what was added to the contract into what must never break.
accept-contract: check
	cd proto && ../$(BIN)/buf build --exclude-source-info --output accepted.binpb

# Long runs: thousands of examples and crash points, sanitizers, a fuzzer. They take hours, or by
# make soak ONLY=crash: a part alone, as pytest's -k names it; tests/README.md tells the parts.
soak: build $(VENV)/.soak
	PAYVAND_SOAK=1 $(BIN)/python -m pytest -v -m "soak or not soak" --timeout 14400 $(if $(ONLY),-k "$(ONLY)")

$(VENV)/.soak: requirements-soak.lock $(VENV)/.locked
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-soak.lock
	touch $@

# Renew the pinned versions (needs uv).
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --emit-build-options --quiet -o requirements.lock
	uv pip compile --group pyproject.toml:soak --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --quiet -o requirements-soak.lock

clean:
	rm -rf build $(VENV)/.built
	find core risk settlement switch bench -name '*.so' -delete
