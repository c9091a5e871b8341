# Everything starts here: `make demo` runs a task end to end, `make test` runs every test. Both set up what they need:
# a virtual environment from requirements.lock, host packages, a local cluster, images.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready
PACKAGES := crds operator apiserver browser-image
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit lint fmt cluster cluster-down images install uninstall run-operator run-apiserver generate lock version \
	bench-operator bench-api bench-agent bench-e2e failure-table clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml $(PACKAGES:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: call make with PYTHON=/path/to/python3.11"; exit 1; }
	@echo "==> virtual environment"
	@test -x $(PY) && $(PY) -c '' 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV) || \
		{ echo "python venv is missing: install your system's python3-venv package"; exit 1; }; }
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	@$(VENV)/bin/uv pip install --quiet -p $(PY) -r requirements.lock $(PACKAGES:%=-e ./%)
	@touch $@

setup: $(STAMP) ## the virtual environment, from requirements.lock

demo: $(STAMP) ## an example task end to end, on the cluster of KUBECONFIG, kind, or a bare node on this machine
	@$(PY) -m tests.cluster demo

test: $(STAMP) ## every test, or those of ARGS="tests/operator -k evicted"
	@$(PY) -m pytest $(ARGS)

unit: $(STAMP) ## the tests that need nothing but Python
	@$(PY) -m pytest -n 2 -m "not (house or socket or contract or browser or chart or node)"

lint: $(STAMP) ## ruff, mypy --strict, import-linter, eslint, tsc
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy && $(VENV)/bin/lint-imports
	@$(PY) -m tests.house.javascript

fmt: $(STAMP) ## formats the code, and corrects what ruff and eslint can
	@$(VENV)/bin/ruff check --fix --exit-zero . && $(VENV)/bin/ruff format .
	@$(PY) -m tests.house.javascript --fix

cluster: $(STAMP) ## a local cluster; prints how to use kubectl with it
	@$(PY) -m tests.cluster up

cluster-down: $(STAMP) ## removes everything that `make cluster` made
	@$(PY) -m tests.cluster down

images: $(STAMP) ## builds the four images, and that of the demo's servers
	@$(PY) -m tests.cluster images

install: $(STAMP) ## installs this tree's chart and images into the local cluster
	@$(PY) -m tests.cluster install

uninstall: $(STAMP) ## uninstalls them
	@$(PY) -m tests.cluster uninstall

run-operator: $(STAMP) ## the operator on this machine in place of its pod, restarted when its sources change
	@$(PY) -m tests.cluster run operator

run-apiserver: $(STAMP) ## the Tasks API on this machine at :8080, restarted when its sources change
	@$(PY) -m tests.cluster run apiserver

generate: $(STAMP) ## writes the CRD, FAILURES.md, the OpenAPI document, and the docs of values and settings
	@$(PY) -m skyvern_crds generate crds/FAILURES.md crds/skyverntasks.skyvern.io.yaml charts/skyvern-operator/files/skyverntasks.skyvern.io.yaml
	@$(PY) -m skyvern_apiserver openapi apiserver/openapi.json
	@$(PY) -m tests.chart.values_docs
	@$(PY) -m tests.operator.settings_docs

version: $(STAMP) ## the version of packages and chart; V=0.2.0 sets it everywhere
	@$(PY) -m tests.house.version $(V)
	@$(if $(V),$(MAKE) --no-print-directory generate)

lock: ## resolves requirements.lock again: hashes only, no hosts
	@test -x $(VENV)/bin/uv || { $(PYTHON) -m venv $(VENV) && $(PY) -m pip install --quiet uv; }
	@$(VENV)/bin/uv pip compile -q $(LOCK_FLAGS) --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-header $(foreach p,crds operator apiserver runner,--no-emit-package skyvern-$(p)) --group dev \
		-o requirements.lock pyproject.toml

bench-operator: $(STAMP) ## pace, latency, cost and memory beside the Job controller's, on kwok nodes; build/bench/operator.json
	@$(PY) -m tests.bench.operator $(ARGS)

bench-api: $(STAMP) ## latency, creates a second and memory of the facade; build/bench/api.json
	@$(PY) -m tests.bench.api $(ARGS)

bench-agent: $(STAMP) ## looking and acting in Chromium on pages of 1,000 and 6,000 elements; build/bench/agent.json
	@$(PY) -m tests.bench.agent

bench-e2e: $(STAMP) ## whole tasks on the local cluster, from apply to verdict; build/bench/e2e_latency.json
	@$(PY) -m tests.bench.e2e_latency

failure-table: $(STAMP) ## produces each failure on the bare node, and prints what its task said; build/failure-table.md
	@$(PY) -m tests.e2e.failures $(ARGS)

clean: ## removes the virtual environment, node_modules and build output, not the cache of built tools
	rm -rf $(VENV) build tests/house/node_modules
