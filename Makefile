# Everything sets itself up: uv is taken from the PATH, or installed beside the checkout with pip.
STACK ?= dev
BASE ?= main
FORMAT ?= text
UV_VERSION := 0.13.8
UV := $(shell command -v uv || echo .tools/bin/uv)
RUN := $(UV) run --frozen --quiet
# Never download a Python: the machine's own is used, whatever patch release it is.
export UV_PYTHON_DOWNLOADS := never
# Compiling at install takes seconds once; otherwise every run pays for it where bytecode is not written.
export UV_COMPILE_BYTECODE := 1

.PHONY: help setup render test lint schema snapshots servers conformance bench demo page diff preview up clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Pulumi asks the environment for these two, and finds neither in one that was left half made.
setup:  ## make .venv with every pinned package, for plain `pulumi` commands too
	@.venv/bin/python -c 'import pip, pulumi' 2>/dev/null || rm -f .venv/ready
	@$(MAKE) --no-print-directory .venv/ready

.tools/bin/uv:
	python3 -m pip install --quiet --target .tools uv==$(UV_VERSION)

.venv/ready: uv.lock pyproject.toml | $(filter .tools/%,$(UV))
	@.venv/bin/python -c '' 2>/dev/null || rm -rf .venv  # uv repairs no folder that has no interpreter
	$(UV) sync --frozen --quiet
	@touch $@

render: .venv/ready  ## STACK as files in build/STACK, without a cluster, an account or Pulumi's CLI
	@$(RUN) python -m tools.render $(STACK)

test: .venv/ready  ## fast tests: no cluster, no Go
	@$(RUN) pytest --numprocesses auto --dist loadfile

lint: .venv/ready  ## format, lint, imports and strict types
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) lint-imports --no-logo --no-cache
	@$(RUN) mypy

schema: .venv/ready  ## the JSON Schema of a stack file and the settings table; CONTENT=content/ adds its systems, in build/
	@$(RUN) python -m tools.schema $(if $(CONTENT),--content $(CONTENT))

snapshots: .venv/ready  ## the dashboards' JSON in tests/snapshots, to be read as a diff
	@$(RUN) python -m tests.snapshots

servers: .venv/ready  ## find or compile the real servers; FROM=images takes STACK's images, WRITE=1 records digests
	@$(RUN) python -m tools.servers $(if $(FROM),--from $(FROM) --stack $(STACK)) $(if $(WRITE),--write)

# Tests wait for servers more than they compute: a third process uses what two leave of two cores.
conformance: servers  ## run the rendered stacks on the real servers
	@$(RUN) pytest tests/servers --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 20

bench: .venv/ready  ## measure renders, rules, panels, telemetry, and the time to a notification
	@$(RUN) python -m tools.bench

demo: .venv/ready  ## the dev stack on this machine with sample agents; SECONDS=90 runs it unattended, SYSTEMS=postgres,redis and PLATFORM=progressive add them
	@$(RUN) python -m tools.demo $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SYSTEMS),--systems $(SYSTEMS)) \
		$(if $(PLATFORM),--platforms $(PLATFORM))

page: .venv/ready  ## send a test page through the deployed STACK to RECEIVER, or to all
	@$(RUN) python -m tools.page $(STACK) $(RECEIVER)

diff: .venv/ready  ## what this checkout changes since BASE, in words; STACK=prod takes one stack, FORBID=all refuses what loses something
	@$(RUN) python -m tools.diff $(BASE) $(if $(filter command environment,$(firstword $(origin STACK))),--stack $(STACK)) \
		--format $(FORMAT) $(if $(FORBID),--forbid $(FORBID))

preview: .venv/ready  ## pulumi preview for STACK
	pulumi preview --stack $(STACK)

up: .venv/ready  ## pulumi up for STACK, after the checks
	@$(RUN) python -m tools.render $(STACK)
	@$(RUN) pytest --quiet
	pulumi up --stack $(STACK)

clean:  ## remove what was generated
	rm -rf build .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis
