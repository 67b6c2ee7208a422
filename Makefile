# The two commands that one needs: make serve, make test. The rest is for those who work on reunite.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve test check format demo adopt undo bench soak requirements clean

serve: $(VENV)/serve.ok  ## serve on 127.0.0.1:8000 with the store in reunite.db
	$(BIN)/reunite serve $(ARGS)

test: $(VENV)/dev.ok  ## all tests, PostgreSQL's among them
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(VENV)/dev.ok  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.ok
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: $(VENV)/dev.ok  ## 100,000 customer records that others made, through both stores
	$(BIN)/python -m demo $(ARGS)

adopt: $(VENV)/dev.ok  ## two tables of a million rows, imported into both stores and proven
	$(BIN)/python -m demo.adopt $(ARGS)

undo: $(VENV)/dev.ok  ## the wrong merges of a table of a million rows, found and undone in both stores
	$(BIN)/python -m demo.undo $(ARGS)

bench: $(VENV)/dev.ok  ## throughput and latency as ratios within one run; needs wrk
	$(BIN)/python -m bench $(ARGS)

bench-import: $(VENV)/dev.ok  ## imports: against their floor, row by row, into stores of any size
	$(BIN)/python -m bench.importing $(ARGS)

soak: $(VENV)/dev.ok  ## ten minutes of mixed traffic, watching memory and descriptors
	REUNITE_TEST_SOAK_SECONDS=600 $(BIN)/python -m pytest tests/test_soak.py

requirements:  ## pin anew what is installed
	$(BIN)/pip install pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-header --allow-unsafe -o requirements.txt pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-header --allow-unsafe --extra dev --extra bulk \
	  -c requirements.txt -o requirements-dev.txt pyproject.toml

clean:
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/serve.ok: $(BIN)/python requirements.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(VENV)/dev.ok: $(VENV)/serve.ok requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
