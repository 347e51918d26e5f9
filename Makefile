# make demo   set up, and run the main job from a link to its output
# make test   set up, and run the linters, the type checker and all tests
# make bench  set up, and measure against the peers
# make clean  remove what the others made

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# tests wait much for engines and servers, so that there can be more of them than processors
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) '*' 3 / 2)
# what Debian and Ubuntu call the real parts that demo and tests use
SYSTEM_PACKAGES := bubblewrap git perl postgresql procps python3 python3-venv

.PHONY: demo test lint types pytest bench clean system docker

demo: $(STAMP)
	@$(BIN)/python examples/demo.py

test: lint types pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

pytest: $(STAMP) | docker
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal

bench: $(STAMP) | docker
	$(BIN)/python tests/benchmarks/bench.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist

$(STAMP): pyproject.toml Makefile | system
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python .venv --editable '.[test]'
	@touch $@

system:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	    && ! dpkg --status $(SYSTEM_PACKAGES) >/dev/null 2>&1; then \
	  echo "Installing Debian packages: $(SYSTEM_PACKAGES)"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -qq -y --no-install-recommends $(SYSTEM_PACKAGES) >/dev/null; \
	fi

docker: | system
	@sh tests/docker/engine.sh
