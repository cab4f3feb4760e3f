# Bureau's commands; `make help` lists them. Needs make, Python 3.11 or newer with venv, and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
ARGS ?=

# Set by some containers, it would make each process compile all of Bureau again, a third of a start.
unexport PYTHONDONTWRITEBYTECODE

ROUNDS ?= 20
AT_A_TIME := --numprocesses 3 --dist loadgroup --no-loadscope-reorder # most tests wait for processes

.PHONY: help
help: ## Lists these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## Starts Bureau, runs a job through its HTTP API and shows where the results are
	@exec $(PYTHON) -m bureau.services.demo $(ARGS)

.PHONY: run
run: setup ## Starts Bureau in one process on http://127.0.0.1:8600 (BIND=host:port changes it)
	@exec $(PYTHON) -m bureau.services.embedded $(ARGS)

.PHONY: setup
setup: .venv/runtime.stamp ## Makes .venv with the libraries Bureau stands on
	@:

.PHONY: check
check: .venv/check.stamp ## Checks style, types and the direction of imports
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) -m bureau.services.settings_table --check
	$(PYTHON) -m bureau.services.http_reference --check

.PHONY: docs
docs: setup ## Makes docs/settings.md and docs/http-api.md anew, after a change of a setting or a route
	$(PYTHON) -m bureau.services.settings_table
	$(PYTHON) -m bureau.services.http_reference

.PHONY: test
test: .venv/test.stamp ## Runs the tests on private servers; ARGS="tests/unit -k storage" narrows them
	$(PYTHON) -m pytest $(or $(ARGS),$(AT_A_TIME))

.PHONY: test-all
test-all: .venv/test.stamp ## Runs the long tests too, for an hour: before a release, and after a change of what they break
	$(PYTHON) -m pytest -m "" $(or $(ARGS),$(AT_A_TIME))

.PHONY: test-pooler
test-pooler: .venv/test.stamp ## Runs the tests of the ledger and of the whole stack through PgBouncer in transaction mode
	THROUGH_PGBOUNCER=1 $(PYTHON) -m pytest $(or $(ARGS),tests/contract/ledger tests/acceptance $(AT_A_TIME))

.PHONY: faults
faults: .venv/test.stamp ## Breaks Bureau on purpose for hours and prints the table of docs/reliability.md; ROUNDS=20
	ROUNDS=$(ROUNDS) $(PYTHON) -m pytest -m "" $(if $(findstring tests/,$(ARGS)),,tests/faults) -p no:cacheprovider $(ARGS)

.PHONY: bench-ledger
bench-ledger: .venv/test.stamp ## Prints what 100,000 jobs in the ledger cost against 1,000, and what 10,000 that wait add to workers
	$(PYTHON) -m tests.benchmarks.ledger
	$(PYTHON) -m tests.benchmarks.waiting

.PHONY: bench-attacks
bench-attacks: .venv/test.stamp ## Prints the gateway's memory, and how long /healthz takes, through each attack of docs/security.md
	$(PYTHON) -m tests.benchmarks.attacks

.PHONY: bench-reports
bench-reports: .venv/test.stamp ## Prints how fast 1,000,000 rows become CSV against the usual way and psql, and the memory it takes
	$(PYTHON) -m tests.benchmarks.reports

.PHONY: bench-certificates
bench-certificates: .venv/bench.stamp ## Prints what 400 slow API calls cost one process, beside Celery, and the issuer's pace
	$(PYTHON) -m tests.benchmarks.certificates.calls
	$(PYTHON) -m tests.benchmarks.certificates.issuer

.PHONY: bench-calls
bench-calls: .venv/bench.stamp ## Measures 1,000 slow calls as async tasks beside the calls alone and Celery, and 10,000 that sleep
	$(PYTHON) -m tests.benchmarks.calls

.PHONY: bench-celery
bench-celery: .venv/bench.stamp ## Measures delay() in a transaction beside Celery's, and the CPU that Celery's names add to a job
	$(PYTHON) -m tests.benchmarks.celery_names

.PHONY: bench-throughput
bench-throughput: .venv/bench.stamp ## Measures e-mail jobs, chains and groups beside Flask and Celery; JOBS=2000 PARTS="mail chain …"
	$(PYTHON) -m tests.benchmarks.throughput

.PHONY: bench-console
bench-console: .venv/test.stamp ## Prints how long each page of the console takes with 1,000,000 jobs in the ledger
	$(PYTHON) -m tests.benchmarks.console

.PHONY: bench-mail
bench-mail: .venv/test.stamp ## Prints what building a message costs, in CPU time
	$(PYTHON) -m tests.benchmarks.mail

.PHONY: lock
lock: .venv/made.stamp ## Pins the libraries anew after a change in pyproject.toml; ARGS=--upgrade takes newer ones
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	$(LOCK) --all-extras -o requirements/runtime.txt $(ARGS)
	mkdir -p requirements/services
	for service in gateway scheduler certificates issuer reports mailer; do \
	  $(LOCK_SERVICE) --extra $$service -o requirements/services/$$service.txt; done
	$(LOCK_GROUP) test -c requirements/runtime.txt -o requirements/test.txt $(ARGS)
	$(LOCK_GROUP) bench -c requirements/runtime.txt -o requirements/bench.txt $(ARGS)
	$(LOCK_GROUP) check -c requirements/runtime.txt -c requirements/test.txt -o requirements/check.txt $(ARGS)

.PHONY: pin-images
pin-images: .venv/made.stamp ## Pins the images of others by digest in deploy/; needs Docker and a network
	@$(PYTHON) -m deploy.pin_images

.PHONY: clean
clean: ## Removes .venv and what tools left; var/ with your jobs and files stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Names and hashes only, for every platform and Python from 3.11 on: where pip fetches them is the machine's matter.
LOCK_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
LOCK := .venv/bin/uv pip compile $(LOCK_FLAGS) pyproject.toml
LOCK_SERVICE := $(LOCK) -c requirements/runtime.txt
LOCK_GROUP := .venv/bin/uv pip compile $(LOCK_FLAGS) --group

.venv/test.stamp: .venv/runtime.stamp
.venv/check.stamp: .venv/test.stamp
.venv/bench.stamp: .venv/test.stamp

.venv/%.stamp: requirements/%.txt .venv/made.stamp
	@total=$$(grep -c '==' $<); n=0; \
	echo "Installing $$total libraries from $<; the first time this takes a minute or two."; \
	$(PYTHON) -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r $< \
	  | while read -r word name rest; do case $$word in \
	      Collecting|Processing) n=$$((n + 1)); echo "  $$n of $$total: $${name##*/}";; \
	      Installing) echo "  unpacking them into .venv ...";; \
	    esac; done
	@touch $@

.venv/made.stamp:
	@python=; \
	for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Bureau needs Python 3.11 or newer, and none is on the PATH. Debian 12 or Ubuntu 24.04 have it:" >&2; \
	  echo "  sudo apt install python3 python3-venv" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python cannot make a virtual environment here, a package is missing. Run this, then make again:" >&2; \
	  echo "  sudo apt install $$python-venv" >&2; exit 1; \
	fi; \
	echo "Making .venv with $$("$$python" --version)."; \
	"$$python" -m venv --clear .venv
	@touch $@
