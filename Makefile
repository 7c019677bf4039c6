PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ROOMS := theory sim nets papers

.PHONY: demo test test-slow test-gpu test-crosslib test-cluster style check install links clean

demo: install
	$(BIN)/scalewright verify --scale smoke

# Two workers share the cores: threads of their own would wait for each other, and small products take minutes.
test test-slow test-cluster: export OMP_NUM_THREADS = 1

test: install
	$(BIN)/python -m pytest -n 2 -m "not slow and not gpu and not crosslib and not cluster"

test-slow: install
	$(BIN)/python -m pytest -n 2 -m "slow and not cluster" --timeout 900

test-gpu: install
	$(BIN)/python -m pytest -m gpu --timeout 900

# curvlinops names more dependencies than its operators import: it comes with these alone.
test-crosslib: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps \
		curvlinops-for-pytorch einconv einops linear-operator tqdm
	$(BIN)/python -m pytest -m crosslib

test-cluster: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,cluster]"
	$(BIN)/python -m pytest -m cluster --timeout 900

style: install links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd .links && ../$(BIN)/mypy --config-file ../pyproject.toml -p scalewright

check: style
	$(BIN)/python -m pytest -q tests/house

install: $(STAMP)

$(STAMP): pyproject.toml setup.py constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

# mypy does not follow the editable install's hook: it reads the package through a tree of links instead.
links:
	rm -rf .links && mkdir -p .links/scalewright
	ln -s $(CURDIR)/src/scalewright/* $(foreach room,$(ROOMS),$(CURDIR)/$(room)) .links/scalewright/

clean:
	rm -rf $(VENV) .links build dist *.egg-info src/*.egg-info
