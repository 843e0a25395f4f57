# Every target makes what it needs: a virtual environment with this project in it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTERS := 4# processes: half of the time a test waits for others, so that four keep two cores busy
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

.PHONY: demo test browser postgresql test-quick compiled lint lock bench endurance late-labels delays learners seeds outcomes survey reputation soak rivals rollout fuzz mutants handover moderation night pictures assets docs audit dist clean

demo: $(VENV)/.installed-run ## broker, worker, simulated traffic with attacks, a summary; KAFKA=1 runs it on Apache Kafka
	$(BIN)/floodgate demo $(if $(KAFKA),--kafka)

test: export PYTHONDONTWRITEBYTECODE :=# a module is compiled once, and not by each process that a test starts
test: $(VENV)/.installed-dev browser postgresql ## everything: lint, types, layers, known holes, all tests
	$(BIN)/ruff check engine tests benchmarks examples
	$(BIN)/ruff format --check engine tests benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory audit
	$(BIN)/pytest -n $(TESTERS) --maxschedchunk 1

browser: ## Debian's Chromium for the browser tests, where it can be installed; else these are skipped, and say so
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
		echo "NO CHROMIUM: the tests in a browser are skipped (apt-get install chromium)"

postgresql: ## Debian's PostgreSQL for the tests of the console's store, where it can be installed; else these are skipped
	@ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || command -v pg_ctl >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql >/dev/null; } || \
		echo "NO POSTGRESQL: the console's store is tested on SQLite alone (apt-get install postgresql)"

test-quick: $(VENV)/.installed-dev ## the tests that need no processes
	$(BIN)/pytest -n 2 tests/unit tests/golden tests/property tests/mutants

lint: $(VENV)/.installed-dev ## format and mend what can be mended
	$(BIN)/ruff check --fix engine tests benchmarks examples
	$(BIN)/ruff format engine tests benchmarks examples

bench: $(VENV)/.installed-dev ## this engine beside others on the same work
	$(BIN)/python -m benchmarks.run

soak: $(VENV)/.installed-dev ## faults at random on Apache Kafka, checked against an undisturbed run; FAULTS=60 SEED=1
	$(BIN)/python -m tests.chaos.soak --faults $(or $(FAULTS),60) --seed $(or $(SEED),1)

endurance: $(VENV)/.installed-dev ## a burst of ten times what two workers can do: lag, loss, memory; MINUTES=8
	$(BIN)/python -m tests.chaos.endurance --minutes $(or $(MINUTES),8)

late-labels: $(VENV)/.installed-dev ## our learner and others with late and few labels; DATA=../shared/data/spamassassin
	$(BIN)/python -m benchmarks.late_labels --data $(or $(DATA),../shared/data/spamassassin)

outcomes: $(VENV)/.installed-dev ## what comes of purchases, held against a recount, and who foresees it best; DATA=../shared/data/cdnow
	$(BIN)/python -m benchmarks.outcomes --data $(or $(DATA),../shared/data/cdnow)

delays: $(VENV)/.installed-dev ## when to presume that what has no label is ham, where labels take their time; DATA=../shared/data
	$(BIN)/python -m benchmarks.delays --data $(or $(DATA),../shared/data)

survey: $(VENV)/.installed-dev ## what a survey tells of all, by who answers, on a simulated feed
	$(BIN)/python -m benchmarks.survey --people 3000 --direct

learners: $(VENV)/.installed-dev ## our learner and others on many streams: mean rank, worst case; DATA=../shared/data
	$(BIN)/python -m benchmarks.learners --data $(or $(DATA),../shared/data)

seeds: $(VENV)/.installed-dev ## what seeds are worth on streams that they were not made from; DATA=../shared/data
	$(BIN)/python -m benchmarks.seeds --data $(or $(DATA),../shared/data)

reputation: $(VENV)/.installed-dev ## what counters of labels tell our learner without texts; DATA=../shared/data/spamassassin
	$(BIN)/python -m benchmarks.reputation --data $(or $(DATA),../shared/data/spamassassin)

rivals: $(VENV)/.installed-dev ## this engine, stock Faust and a hand-written loop under the same kills, on Apache Kafka
	$(BIN)/python -m tests.chaos.rivals

rollout: $(VENV)/.installed-dev ## how soon an edit, a pause, a rollback are in use by two workers under load
	$(BIN)/python -m tests.rollout

fuzz: $(VENV)/.installed-fuzz ## bytes at random for everything that reads bytes; INPUTS=1000000 SEED=1
	$(BIN)/python -m tests.fuzz.campaign --inputs $(or $(INPUTS),1000000) --seed $(or $(SEED),1)

mutants: $(VENV)/.installed-dev ## signs of the engine flipped at random, one at a time: do the quick tests notice; N=100 SEED=1
	$(BIN)/python -m tests.mutants.campaign --count $(or $(N),100) --seed $(or $(SEED),1)

handover: $(VENV)/.installed-dev ## how long events wait while a worker is restarted or killed, on Apache Kafka
	$(BIN)/python -m tests.chaos.handover

moderation: $(VENV)/.installed-dev ## 20 moderators label 10,000 cases while console and broker are killed, on Apache Kafka
	$(BIN)/python -m tests.chaos.moderation

night: $(VENV)/.installed-dev ## a night on call: faults on real Kafka, and what the alerts say in a real Prometheus; ONLY=text
	$(BIN)/python -m tests.night --only "$(ONLY)"

pictures: $(VENV)/.installed-dev browser ## the pictures of the documentation, taken from running systems
	$(BIN)/python -m tests.pictures
	$(BIN)/python -m tests.console_pictures

assets: ## what browsers load of the console, from frontend/ into engine/console/assets; needs Node.js 20
	frontend/build.sh

docs: $(VENV)/.installed-docs ## the documentation as a static site, in build/site; a broken link fails it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

audit: $(VENV)/.installed-dev ## known holes in what is locked, if an advisory source is reached; the parts list (CycloneDX)
	@mkdir -p build
	$(BIN)/python -W ignore -m cyclonedx_py requirements --output-reproducible --of JSON -o build/sbom.json \
		--pyproject pyproject.toml requirements/run.lock
	$(BIN)/python -m tests.audit

dist: $(VENV)/.compiled ## the source distribution and the wheel for this machine, in dist/
	$(BIN)/python -m hatchling build

lock: $(VENV)/.installed-dev ## the lock files anew, after a change of pyproject.toml; UPGRADE=1 takes the newest of everything
	$(LOCK) --group build -o requirements/build.lock
	$(LOCK) pyproject.toml -c requirements/build.lock -o requirements/run.lock
	$(LOCK) pyproject.toml -c requirements/build.lock -c requirements/run.lock \
		--extra dev --extra audit --extra bench --extra features -o requirements/dev.lock
	$(LOCK) pyproject.toml -c requirements/build.lock -c requirements/dev.lock --extra fuzz -o requirements/fuzz.lock
	$(LOCK) pyproject.toml -c requirements/build.lock -c requirements/dev.lock --extra docs -o requirements/docs.lock

clean:
	rm -rf $(VENV) .floodgate benchmarks/out build dist engine/*/_*.c engine/*/_*.so

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
		{ echo "Floodgate needs Python 3.11 to 3.14; set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

compiled: $(VENV)/.compiled ## the core's inner loops for this machine, where it has a C compiler
	$(BIN)/python compile_core.py

$(VENV)/.compiled: engine/core/_kernel.pyx engine/learning/_linear.pyx compile_core.py requirements/build.lock | $(VENV)/bin/python
	$(PIP) --require-hashes --requirement requirements/build.lock
	$(BIN)/python compile_core.py
	@touch $@

# Hashes first; this directory has none, and brings nothing with it. Every lock has all of run.lock in it.
$(VENV)/.installed-%: requirements/%.lock pyproject.toml $(VENV)/.compiled
	$(PIP) --require-hashes --requirement $<
	$(PIP) --no-deps --editable .
	@touch $@ $(VENV)/.installed-run
