# make demo   set up, and run the main job from a link to its output
# make test   set up, and run the linters, the type checker and all tests
# make test-binder  set up, and build and run what Binder does, which takes minutes
# make bench  set up, and measure against the peers
# make front-end  build what JupyterLab loads
# make api-types  write the types of the API for it, after a change of the API
# make clean  remove what the others made

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# tests wait much for engines and servers, so that there can be more of them than processors
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) '*' 3 / 2)
# what Debian and Ubuntu call the real parts that demo and tests use
SYSTEM_PACKAGES := bubblewrap git perl procps python3 python3-venv
TEST_PACKAGES := chromium postgresql
# Node comes with the Python packages of the tests, so that none has to be on the machine
NPM := cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" npm
FRONT_END := tooinstance_jupyter/labextension/package.json
FRONT_END_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) \
    labextension/package.json labextension/tsconfig.json
NODE_MODULES := labextension/node_modules/.package-lock.json

.PHONY: demo test test-binder lint types pytest front-end api-types bench clean system test-system docker

demo: $(STAMP)
	@$(BIN)/python examples/demo.py

test: lint types pytest

lint: $(STAMP) $(NODE_MODULES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(NPM) run --silent lint

types: $(STAMP) $(NODE_MODULES)
	$(BIN)/mypy
	$(NPM) run --silent build:lib

# browsers apart, for they drop what they load when the networks of containers come and go
pytest: $(STAMP) $(FRONT_END) | docker test-system
	@status=0; \
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile tests/browser || status=1; \
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal --ignore tests/browser || status=1; \
	exit $$status

test-binder: $(STAMP) | docker
	$(BIN)/pytest -m slow tests/binder

bench: $(STAMP) $(FRONT_END) | docker
	$(BIN)/python tests/benchmarks/bench.py

# the types of the API, after a change of its routes or records
api-types: $(STAMP) $(NODE_MODULES)
	$(BIN)/python -m tooinstance_jupyter.server.openapi > labextension/openapi.json
	$(NPM) run --silent api-types

front-end: $(FRONT_END)

# JupyterLab finds what is built here, not the copy that an installation takes
$(FRONT_END): $(FRONT_END_SOURCES) $(NODE_MODULES)
	@echo "Building the front end"
	@$(NPM) run --silent build
	@mkdir -p .venv/share/jupyter/labextensions
	@rm -rf .venv/share/jupyter/labextensions/tooinstance-jupyter
	@ln -s ../../../../tooinstance_jupyter/labextension \
	    .venv/share/jupyter/labextensions/tooinstance-jupyter

$(NODE_MODULES): labextension/package-lock.json $(STAMP)
	@echo "Installing what the front end is built with"
	@$(NPM) ci --silent
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	rm -rf labextension/node_modules labextension/lib tooinstance_jupyter/labextension

# without the front end, which has a rule of its own
$(STAMP): pyproject.toml Makefile | system
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "Setting up .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@mkdir -p tooinstance_jupyter/labextension
	@SKIP_JUPYTER_BUILDER=1 $(BIN)/uv pip install --quiet --compile-bytecode --python .venv --editable '.[test]'
	@touch $@

system:
	$(call install,$(SYSTEM_PACKAGES))

test-system:
	$(call install,$(TEST_PACKAGES))

define install
@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg --status $(1) >/dev/null 2>&1; then \
  echo "Installing Debian packages: $(1)"; \
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends $(1) >/dev/null; \
fi
endef

docker: | system
	@sh tests/docker/engine.sh
