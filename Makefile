# Two commands, each with all its own set-up: `make figures` and `make test`.
# They need Python >= 3.11 and make; everything else goes into .venv from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.PHONY: audit baseline bayes-test benchmark browser-test check clean dist docs doctest fast figures fix fuzz golden lab linkcheck lint mutants new-figure notebooks oldest test

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
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/acuevidence figures --check
	$(BIN)/pytest --mpl -n 2 --dist worksteal

baseline: $(VENV)/.installed  ## draw afresh the pictures that the image tests compare with
	$(BIN)/pytest -n 0 tests/plots/test_images.py --mpl-generate-path=tests/plots/baseline

FAST := $(addprefix tests/architecture/test_,methods names signatures words) $(addprefix tests/effects/test_,reference identities natural_scale) \
	$(addprefix tests/evidence/test_,trial_effects load design) tests/topic \
	$(addprefix tests/synthesis/test_,meta_analysis moderators intervals dependent_effects networks two_by_two kernel_digits) \
	$(addprefix tests/appraisal/test_,certainty headline small_study influence missing_and_sequential) \
	$(addprefix tests/questions/test_,overview decompose time_course variability responders_and_comparators two_outcomes) \
	tests/verdicts/test_rules tests/plots/test_numbers_drawn $(addprefix tests/report/test_,tables sentences)
fast: $(VENV)/.installed  ## the numbers of every room: no pictures, notebooks, site, claims, cluster or wheel
	$(BIN)/ruff check .
	$(BIN)/pytest -q -n 2 -m "not locked and not release" $(foreach test,$(FAST),$(if $(wildcard $(test).py),$(test).py,$(test)))

fix: $(VENV)/.installed  ## mend what ruff can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

oldest:  ## the tests of numbers with the oldest libraries that pyproject.toml allows, in an environment of its own
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --resolution lowest-direct -e '.[excel]'
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python pytest hypothesis mpmath "pyarrow<18"
	.venv-oldest/bin/pytest -o addopts="" -q -p no:cacheprovider tests/effects tests/topic

new-figure:  ## a figure to start from: make new-figure NAME=name
	@test -n "$(NAME)" || { echo "give a name: make new-figure NAME=name"; exit 2; }
	@test ! -e acuevidence/plots/$(NAME).py || { echo "acuevidence/plots/$(NAME).py is there already"; exit 2; }
	sed 's/radial/$(NAME)/g' acuevidence/plots/radial.py > acuevidence/plots/$(NAME).py
	@echo "acuevidence/plots/$(NAME).py is a copy of radial.py; CONTRIBUTING.md says where to name it"

check: $(VENV)/.installed  ## compare the committed figures with freshly drawn ones
	$(BIN)/acuevidence figures --check

lab: $(VENV)/.installed  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

notebooks: $(VENV)/.installed  ## run every notebook and store its outputs
	$(BIN)/python notebooks/run.py

bayes-test:  ## hold the quadrature of bayes() beside PyMC's sampler, in an environment of its own
	test -x .venv-bayes/bin/python || $(PYTHON) -m venv .venv-bayes
	.venv-bayes/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	UV_PROJECT_ENVIRONMENT=.venv-bayes .venv-bayes/bin/uv sync --frozen --quiet --no-default-groups --group bayes
	.venv-bayes/bin/pytest -o addopts="" -s -p no:cacheprovider tests/beside_pymc/check_pymc.py

browser-test: $(VENV)/.installed  ## build the report and use it in Chromium (CHROMIUM=/usr/bin/chromium)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --quiet --extra tables --group browser
	$(BIN)/pytest -n 0 tests/browser/check_site.py

docs: $(VENV)/.installed  ## build the documentation site
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --quiet --extra tables --group docs
	rm -rf docs/api/generated
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

doctest: $(VENV)/.installed  ## run the examples of README, guide and docstrings, and follow the links between pages
	$(BIN)/pytest -n 2 README.md docs acuevidence tests/docs

linkcheck: $(VENV)/.installed  ## follow the documentation's links to other sites (needs the internet)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --frozen --quiet --extra tables --group docs
	$(BIN)/sphinx-build -b linkcheck docs docs/_build/linkcheck

lint: $(VENV)/.installed  ## what needs no test run: lint, format, types, import contracts, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	git ls-files | xargs $(BIN)/codespell

benchmark:  ## measure the kernel beside its peers, in an environment of its own
	test -x .venv-benchmark/bin/python || $(PYTHON) -m venv .venv-benchmark
	.venv-benchmark/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	UV_PROJECT_ENVIRONMENT=.venv-benchmark .venv-benchmark/bin/uv sync --frozen --quiet --no-default-groups --group benchmark
	.venv-benchmark/bin/python benchmarks/pairwise.py --out docs

dist: $(VENV)/.installed  ## wheel, source archive, bill of materials, and the lock as pip reads it
	$(BIN)/uv build --quiet --out-dir dist
	$(BIN)/uv export --frozen --quiet --no-default-groups --all-extras --no-emit-project --format requirements-txt -o dist/requirements.txt
	$(BIN)/uv export --frozen --quiet --no-default-groups --all-extras --format cyclonedx1.5 -o dist/sbom.cdx.json

audit: dist  ## ask the advisory service about every locked version (needs the network)
	$(BIN)/uv tool run pip-audit --strict --disable-pip --require-hashes -r dist/requirements.txt

golden: $(VENV)/.installed  ## every number on the package's own tables, now beside those of a revision: make golden REV=HEAD~1
	rm -rf .golden && mkdir .golden && git worktree add --detach --quiet .golden/tree $(or $(REV),HEAD)
	PYTHONPATH=.golden/tree $(BIN)/python tests/golden/record.py .golden/before.json; git worktree remove --force .golden/tree
	$(BIN)/python tests/golden/record.py .golden/after.json
	$(BIN)/python tests/golden/record.py .golden/before.json .golden/after.json

mutants: $(VENV)/.installed  ## make one careless change at a time, in a worktree, and see whether a test notices
	$(BIN)/python tests/mutants/run.py

FUZZ_SECONDS ?= 300
fuzz:  ## feed damaged files to everything that reads files, guided by coverage, in an environment of its own
	test -x .venv-fuzz/bin/python || $(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check -e '.[excel]' atheris
	mkdir -p .venv-fuzz/found
	cd .venv-fuzz/found && ../bin/python ../../tests/trust/fuzz/importers.py importers -max_total_time=$(FUZZ_SECONDS) -max_len=20000
	cd .venv-fuzz/found && ../bin/python ../../tests/trust/fuzz/importers.py rules -max_total_time=$(FUZZ_SECONDS) -max_len=40000
	cd .venv-fuzz/found && ../bin/python ../../tests/trust/fuzz/importers.py evidence -max_total_time=$(FUZZ_SECONDS) -max_len=20000

clean:
	rm -rf $(VENV) .venv-bayes .venv-benchmark .venv-fuzz .venv-oldest docs/_build dist
