# Everything a developer or CI runs, on a bare Debian with python3 (3.11 or newer), its venv module and make.
# The network is used for pip, once by the tests for npm (a client that they drive), and for apt where a target says so.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# A stamp tells that this environment was installed for this folder (an editable install remembers where
# it is) from this pyproject.toml. A stale or missing one makes pip run again, which is quick when little changed.
HERE := $(shell pwd | cksum | cut -d' ' -f1)
RUNTIME := $(VENV)/installed-$(HERE)
DEVELOPMENT := $(VENV)/installed-development-$(HERE)
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
# Programs that tests drive, each named as its Debian package.
TEST_PROGRAMS := chromium curl jq nginx wget

.PHONY: help serve test screenshots check format bench bench-peers bench-scale acceptance faults fuzz wheel clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

serve: $(RUNTIME) ## Install what is needed and run the service; ARGS="--web-port 8080" is passed on
	@exec $(BIN)/fileshare serve $(ARGS)

test: $(DEVELOPMENT) test-programs ## Run the test suite; ARGS="tests/domain -k names" for a part by pytest
	@$(BIN)/python -m $(if $(strip $(ARGS)),pytest $(ARGS),tests)

screenshots: $(DEVELOPMENT) test-programs ## Write every page at both widths and in both themes to .cache/screenshots
	@mkdir -p .cache/screenshots
	@FILESHARE_SCREENSHOTS=.cache/screenshots $(BIN)/python -m pytest tests/browser -k screen $(ARGS)
	@echo "The pictures are in .cache/screenshots"

check: $(DEVELOPMENT) ## Check format, lint, types and the rings
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEVELOPMENT) ## Format the code and apply the linter's safe fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(RUNTIME) ## Compare speed with rsync, nginx and others; ALLOW_MISSING=1 goes on without some
	@$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(RUNTIME) ## Install the programs that `make bench` compares with (apt needs root)
	@$(BIN)/python -m benchmarks.install

bench-scale: $(RUNTIME) ## Measure fileshare alone, from small to large; ARGS="--small" in a minute
	@$(BIN)/python -m benchmarks.scale $(ARGS)

acceptance: $(DEVELOPMENT) ## Run the long counted checks (hundreds of kills and cuts, 10 GiB)
	@$(BIN)/python -m tests.acceptance $(ARGS)

faults: $(DEVELOPMENT) ## Fail, kill and cut the power at every call to the disk (an hour); exits 77 without power cuts
	@$(BIN)/python -m tests.faults $(ARGS)

fuzz: $(DEVELOPMENT) ## Send mutated input, a million frames first; ARGS="--seconds 3600" for how long after
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(PIP) install --quiet --editable '.[fuzz]' 2>/dev/null || echo "No atheris for this Python: by mutation alone"
	@$(BIN)/python -m tests.fuzz $(ARGS)

wheel: $(RUNTIME) ## Build dist/fileshare-….whl
	$(PIP) wheel --no-deps --wheel-dir dist .

clean: ## Remove the environment, builds and caches; data/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# Root installs what is missing; to anyone else the tests that need it say so.
.PHONY: test-programs
test-programs:
	@for program in $(TEST_PROGRAMS); do \
		command -v $$program >/dev/null || missing="$$missing $$program"; \
	done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing$$missing, which tests drive"; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -q && apt-get install -q -y --no-install-recommends $$missing; \
	fi

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "Installing fileshare into $(VENV) (once; it takes about a minute)"
	@$(PIP) install --editable .
	@rm -f $(VENV)/installed-* && touch $@

$(DEVELOPMENT): pyproject.toml | $(BIN)/python
	@echo "Installing fileshare with the tools for tests and checks into $(VENV) (once; it takes about a minute)"
	@$(PIP) install --editable '.[test,check]'
	@rm -f $(VENV)/installed-* && touch $(RUNTIME) $@

# An environment whose Python is gone is made anew, and installed anew.
ifneq ($(shell $(BIN)/python -c 'print(1)' 2>/dev/null),1)
$(shell rm -rf $(BIN)/python $(VENV)/installed-*)
endif

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "fileshare needs Python 3.11 or newer, and there is no $(PYTHON): on Debian, apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fileshare needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version): name a newer one, as in make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
