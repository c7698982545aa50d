# The verbs of this project: `make` lists them. Everything they install goes into .venv.

VENV := .venv
# Everything is proven with PROOF=full; without it, what fits into minutes: the defaults and everything on, and not these.
PROOF ?=
LENGTHY := benchmarks core/test_killed.py core/test_settings.py generated/deploy generated/faults generated/first_edits generated/test_verify.py update/test_built.py
VERSION ?=

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# The Go of the generated services, whatever Go is installed.
export GOTOOLCHAIN := $(shell sed -n 's/^GO_VERSION=/go/p' maintenance/tools.sh)
export PROOF
# Programs that tests start are compiled once.
unexport PYTHONDONTWRITEBYTECODE

TESTS := pytest --numprocesses=auto --dist=worksteal --ignore=tests/renovate
ifeq ($(PROOF),full)
TESTS += --cov --cov-report=term
test: lint $(VENV)/kubernetes $(VENV)/collector $(VENV)/kafka
else
TESTS += $(LENGTHY:%=--ignore=tests/%)
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

.PHONY: docs
docs: $(VENV)/development ## Build the documentation into build/docs; a warning or a broken reference fails
	sphinx-build --nitpicky --fail-on-warning --keep-going --quiet docs build/docs

.PHONY: reference
reference: $(VENV)/development ## Write docs/reference again, from the code
	python -m maintenance.reference

.PHONY: recording
recording: $(VENV)/development ## Take the picture of `gopherforge new` again
	python -m maintenance.recording

.PHONY: modules
modules: $(VENV)/development $(VENV)/go ## Resolve the Go modules of the services again, over the network
	python -m maintenance.modules

.PHONY: constraints
constraints: ## Take the newest Python packages that the project allows, and write them down
	rm -rf $(VENV)
	: > maintenance/constraints.txt
	$(MAKE) $(VENV)/development
	pip freeze --exclude-editable > maintenance/constraints.txt

.PHONY: fuzz
fuzz: $(VENV)/development $(VENV)/go ## Fuzz the services, a minute for each target; needs PostgreSQL
	FUZZTIME=60s pytest tests/generated/faults/test_fuzz.py

.PHONY: renovate
renovate: $(VENV)/development $(VENV)/renovate ## Have Renovate update services; needs npm and, the first time, the network for two minutes
	pytest tests/renovate

.PHONY: bench
bench: $(VENV)/development $(VENV)/go ## Measure what the budgets bound, in three quarters of an hour; needs wrk, hey, PostgreSQL, the brokers and a quiet machine
	@status=0; for part in startup update service grpc pool brokers; do python -m benchmarks.$$part || status=1; done; exit $$status

.PHONY: side-by-side
side-by-side: $(VENV)/development $(VENV)/go ## Have gopherforge and plain Copier do the same updates, and count what each keeps
	python -m benchmarks.side_by_side --build

.PHONY: bench-peers
bench-peers: $(VENV)/development $(VENV)/go ## Measure services of other generators, too; needs go-blueprint, goctl and the network
	python -m benchmarks.peers

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

$(VENV)/kubernetes: $(VENV)/go maintenance/cached.sh maintenance/kubernetes.sh
	maintenance/tools.sh kubernetes $(VENV)
	@touch $@

$(VENV)/collector: $(VENV)/go maintenance/cached.sh maintenance/collector.sh
	maintenance/tools.sh collector $(VENV)
	@touch $@

$(VENV)/kafka: $(VENV)/go maintenance/cached.sh maintenance/kafka.sh
	maintenance/tools.sh kafka $(VENV)
	@touch $@

$(VENV)/renovate: $(VENV)/go maintenance/cached.sh maintenance/renovate.sh
	maintenance/tools.sh renovate $(VENV)
	@touch $@
