# Every target makes what it needs: a virtual environment with this project in it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-quick compiled lint bench endurance late-labels soak rivals rollout fuzz pictures audit clean

demo: $(VENV)/.installed ## broker, worker, simulated traffic with attacks, a summary; KAFKA=1 runs it on Apache Kafka
	$(BIN)/floodgate demo $(if $(KAFKA),--kafka)

test: $(VENV)/.installed-dev ## everything: lint, types, layers, all tests
	$(BIN)/ruff check engine tests benchmarks
	$(BIN)/ruff format --check engine tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

test-quick: $(VENV)/.installed-dev ## the tests that need no processes
	$(BIN)/pytest -n 2 tests/unit tests/golden tests/property

lint: $(VENV)/.installed-dev ## format and mend what can be mended
	$(BIN)/ruff check --fix engine tests benchmarks
	$(BIN)/ruff format engine tests benchmarks

bench: $(VENV)/.installed-bench ## this engine beside others on the same work
	$(BIN)/python -m benchmarks.run

soak: $(VENV)/.installed-dev ## faults at random on Apache Kafka, checked against an undisturbed run; FAULTS=60 SEED=1
	$(BIN)/python -m tests.chaos.soak --faults $(or $(FAULTS),60) --seed $(or $(SEED),1)

endurance: $(VENV)/.installed-dev ## a burst of ten times what two workers can do: lag, loss, memory; MINUTES=8
	$(BIN)/python -m tests.chaos.endurance --minutes $(or $(MINUTES),8)

late-labels: $(VENV)/.installed-bench ## our learner and others with late and few labels; DATA=../shared/data/spamassassin
	$(BIN)/python -m benchmarks.late_labels --data $(or $(DATA),../shared/data/spamassassin)

rivals: $(VENV)/.installed-dev ## this engine, stock Faust and a hand-written loop under the same kills, on Apache Kafka
	$(BIN)/python -m tests.chaos.rivals

rollout: $(VENV)/.installed-dev ## how soon an edit, a pause, a rollback are in use by two workers under load
	$(BIN)/python -m tests.rollout

fuzz: $(VENV)/.installed-fuzz ## bytes at random for everything that reads bytes; INPUTS=1000000 SEED=1
	$(BIN)/python -m tests.fuzz.campaign --inputs $(or $(INPUTS),1000000) --seed $(or $(SEED),1)

pictures: $(VENV)/.installed-dev ## the pictures of the documentation, taken from a running system
	$(BIN)/python -m tests.pictures

audit: $(VENV)/.installed-audit ## known holes in what this is made of, and its parts list (CycloneDX)
	$(BIN)/cyclonedx-py environment --output-reproducible --of JSON -o build/sbom.json $(BIN)/python
	$(BIN)/pip-audit --skip-editable --strict

clean:
	rm -rf $(VENV) .floodgate benchmarks/out build engine/*/_*.c engine/*/_*.so

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Floodgate needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

compiled: $(VENV)/.compiled ## the core's inner loops for this machine, where it has a C compiler
	$(BIN)/python compile_core.py

$(VENV)/.compiled: engine/core/_kernel.pyx engine/learning/_linear.pyx compile_core.py | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'cython>=3.0.11,<4' 'setuptools>=65'
	$(BIN)/python compile_core.py
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.compiled | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.compiled | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-fuzz: pyproject.toml $(VENV)/.compiled | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@

$(VENV)/.installed-audit: pyproject.toml $(VENV)/.compiled | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[audit]'
	@mkdir -p build && touch $@

$(VENV)/.installed-bench: pyproject.toml $(VENV)/.compiled | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@ $(VENV)/.installed
