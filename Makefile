# The two commands of a fresh machine with Python 3.11:
#   make run    installs Cardwatch and runs the demo company end to end
#   make test   installs what the tests need and runs every check
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: install run test tests lint lint-python lint-sql lock holidays catalogues clean

run: install
	$(BIN)/cardwatch demo
	$(BIN)/cardwatch run

# side by side: none of the three keeps two processors busy
test: .venv/test
	$(MAKE) --no-print-directory --jobs 3 lint-python lint-sql tests

lint: .venv/test
	$(MAKE) --no-print-directory --jobs 2 lint-python lint-sql

tests: .venv/test
	$(BIN)/python -m pytest -q --numprocesses 2 --dist loadgroup --no-loadscope-reorder

lint-python: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .

lint-sql: .venv/test
	$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 models python_models/models tests/dbt

install: .venv/run

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run: .venv/bin/python requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/test: .venv/run requirements-test.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-test.lock
	@touch $@

# Other tools, for `cardwatch benchmark features` to compare with; Spark needs Java beside them.
.venv/benchmark: .venv/run requirements-benchmark.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes \
		-r requirements-benchmark.lock
	@touch $@

# Resolves pyproject.toml anew into the lock files (needs uv on the path).
lock:
	uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra build --output-file requirements.lock pyproject.toml
	uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra build --extra test --constraint requirements.lock --no-annotate \
		--output-file requirements-test.lock pyproject.toml
	uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra build --extra benchmark --constraint requirements.lock --no-annotate \
		--output-file requirements-benchmark.lock pyproject.toml

# Writes the holiday seed anew from the holidays library, after an upgrade of it.
holidays: .venv/run
	$(BIN)/python -m orchestration.settings.holiday_seed

# Writes docs/rules.md and docs/features.md anew, after a change of a rule or a feature.
catalogues: .venv/run
	$(BIN)/python -m orchestration.settings.catalogues

clean:
	rm -rf .venv var
