# Two commands, each with all its own set-up: `make figures` and `make test`.
# They need Python >= 3.11 and make; everything else goes into .venv from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.PHONY: baseline browser-test figures test check notebooks docs lint benchmark clean

$(VENV)/.installed: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "acuevidence needs Python >= 3.11, this is " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --quiet --extra tables
	touch $@

figures: $(VENV)/.installed  ## validate the evidence, pool it, draw every figure
	$(BIN)/acuevidence validate
	$(BIN)/acuevidence figures

test: $(VENV)/.installed  ## lint, types, import contracts, tests, notebooks, figures unchanged
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/acuevidence figures --check
	$(BIN)/pytest --mpl -n 2 --dist worksteal

baseline: $(VENV)/.installed  ## draw afresh the pictures that the image tests compare with
	$(BIN)/pytest -n 0 tests/plots/test_images.py --mpl-generate-path=tests/plots/baseline

check: $(VENV)/.installed  ## compare the committed figures with freshly drawn ones
	$(BIN)/acuevidence figures --check

notebooks: $(VENV)/.installed  ## run every notebook and store its outputs
	$(BIN)/python notebooks/run.py

browser-test: $(VENV)/.installed  ## build the report and use it in Chromium (CHROMIUM=/usr/bin/chromium)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --quiet --extra tables --group browser
	$(BIN)/pytest -n 0 tests/browser/check_site.py

docs: $(VENV)/.installed  ## build the documentation site
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --quiet --extra tables --group docs
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmark:  ## measure the kernel beside its peers, in an environment of its own
	test -x .venv-benchmark/bin/python || $(PYTHON) -m venv .venv-benchmark
	.venv-benchmark/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	UV_PROJECT_ENVIRONMENT=.venv-benchmark .venv-benchmark/bin/uv sync --frozen --quiet --no-default-groups --group benchmark
	.venv-benchmark/bin/python benchmarks/pairwise.py --out docs

clean:
	rm -rf $(VENV) .venv-benchmark docs/_build dist
