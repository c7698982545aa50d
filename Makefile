# The verbs of this project: `make` lists them. Everything they install goes into .venv.

VENV := .venv
# Everything is proven with PROOF=full; without it, what fits into minutes.
PROOF ?=
VERSION ?=

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# The Go of the generated services, whatever Go is installed.
export GOTOOLCHAIN := $(shell sed -n 's/^GO_VERSION=/go/p' maintenance/tools.sh)
export PROOF

TESTS := pytest --numprocesses=auto --dist=worksteal
ifeq ($(PROOF),full)
TESTS += --cov --cov-report=term
test: lint
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/project $(VENV)/go ## Make a service with the defaults, build it, start it, ask its health, stop it
	@python maintenance/demo.py

.PHONY: test
test: $(VENV)/development $(VENV)/go $(VENV)/linters ## Run the tests; PROOF=full proves every variant and skips nothing
	$(TESTS)

.PHONY: lint
lint: $(VENV)/development ## Check the Python and shell code
	ruff check
	ruff format --check
	mypy
	shellcheck .ci/run maintenance/*.sh

.PHONY: examples
examples: $(VENV)/development ## Render examples/ again
	python -m maintenance.examples

.PHONY: modules
modules: $(VENV)/development $(VENV)/go ## Resolve the Go modules of the services again, over the network
	python -m maintenance.modules

.PHONY: constraints
constraints: ## Take the newest Python packages that the project allows, and write them down
	rm -rf $(VENV)
	: > maintenance/constraints.txt
	$(MAKE) $(VENV)/development
	pip freeze --exclude-editable > maintenance/constraints.txt

.PHONY: bench
bench: $(VENV)/development ## Measure what the budgets bound, and write benchmarks/results
	python benchmarks/startup.py

.PHONY: release
release: $(VENV)/development ## Make the release commit of VERSION=x.y.z
	python maintenance/release.py $(VERSION)

.PHONY: clean
clean: ## Remove what these verbs made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .coverage .coverage.*

# Each file below says that its part of .venv is complete and as new as what describes it.

$(VENV)/project: pyproject.toml hatch_build.py maintenance/constraints.txt maintenance/tools.sh
	maintenance/tools.sh project $(VENV)
	@touch $@

$(VENV)/development: $(VENV)/project
	maintenance/tools.sh development $(VENV)
	@touch $@

$(VENV)/go: $(VENV)/project
	maintenance/tools.sh go $(VENV)
	@touch $@

$(VENV)/linters: $(VENV)/go
	maintenance/tools.sh linters $(VENV)
	@touch $@
