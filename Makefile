# One command each, for people and for CI. Needs Python 3.11 or newer, make, and the package indexes that pip knows.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
SECONDS ?= 60
SERVICE ?= pypi
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.dev
INSTALL = -m pip install --quiet --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help venv dev demo bench test tensorflow openvino gpu oracles fuzz mutants chaos audit check lint types imports format constraints clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(STAMP) ## Make .venv with what polelens needs (again after a change of pyproject.toml or constraints.txt)

dev: $(DEV_STAMP) ## Add what tests, checks and benchmarks need: Helm, a driver for browsers, pandas, oracles, 1.4 GB more

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "polelens needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "Installing into $(VENV) (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(INSTALL) --upgrade 'pip>=25.1' # the first that knows dependency groups
	@$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[local,heic,web]'
	@touch $@

$(DEV_STAMP): $(STAMP)
	@echo "Adding to $(VENV) what tests and checks need (a minute the first time)"
	@$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[local,export,heic,web]' --group dev
	@touch $@

demo: venv ## Audit rendered photographs with two small models on a stack of its own, and write the report
	@$(BIN)/python -m demo $(ARGS)

bench: dev ## Measure and write docs/benchmarks.md; make bench ARGS="scaling --quick" runs one row, small
	@$(BIN)/python -m benchmarks $(ARGS)

test: dev ## Run the tests; make test ARGS="-k words" runs some of them
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations=25 $(ARGS)

tensorflow: ## Run the tests that need TensorFlow, in an environment of their own: it takes 2.3 GB
	@test -x build/tensorflow/bin/python || $(PYTHON) -m venv build/tensorflow
	@build/tensorflow/bin/python $(INSTALL) --upgrade 'pip>=25.1'
	@build/tensorflow/bin/python $(INSTALL) --constraint constraints.txt --editable '.[local,tensorflow]' --group tensorflow
	@build/tensorflow/bin/python -m pytest tests/unit/test_tensorflow_files.py tests/integration/test_converted.py $(ARGS)

openvino: ## Run the tests that need OpenVINO's ONNX Runtime, in an environment of their own: it takes 1.1 GB
	@test -x build/openvino/bin/python || $(PYTHON) -m venv build/openvino
	@build/openvino/bin/python $(INSTALL) --upgrade 'pip>=25.1'
	@build/openvino/bin/python $(INSTALL) --constraint constraints.txt --editable '.[local,openvino]' --group openvino
	@build/openvino/bin/python -m pip uninstall --quiet --yes onnxruntime
	@build/openvino/bin/python $(INSTALL) --force-reinstall --no-deps onnxruntime-openvino
	@build/openvino/bin/python -m pytest tests/unit/test_openvino.py tests/integration/test_openvino_audits.py $(ARGS)

# Within the ten minutes that a device may be lent for.
gpu: ## On a machine with a GPU and onnxruntime-gpu in .venv: its tests, then the row gpu of two networks; ten minutes
	@timeout 240 $(BIN)/python -m pytest -n0 -rs tests/unit/test_cuda.py
	@$(BIN)/python -m benchmarks.random_networks build/networks
	@for network in efficientnet_lite0 resnet50; do \
	   timeout 150 $(BIN)/python -m benchmarks gpu --model build/networks/$$network.onnx --out build/gpu/$$network || exit 1; done

oracles: ## Hold gradients, maps and relevance against PyTorch, captum, zennit and saliency, in an environment of their own
	@test -x build/oracles/bin/python || $(PYTHON) -m venv build/oracles
	@build/oracles/bin/python $(INSTALL) --upgrade 'pip>=25.1'
	@build/oracles/bin/python $(INSTALL) --constraint constraints.txt --editable '.[local]' --group oracles
	@build/oracles/bin/python -m pytest tests/oracles $(ARGS)

fuzz: dev ## Look for bytes that break a reader of photographs, models or tables; make fuzz SECONDS=600
	@$(BIN)/python $(INSTALL) --constraint constraints.txt --group fuzz
	@mkdir -p build/fuzz/corpus
	@$(BIN)/python -m tests.fuzz.readers -max_total_time=$(SECONDS) $(or $(ARGS),build/fuzz/corpus)

mutants: dev ## Change the science a little, everywhere, and see that a test notices; ARGS="pipeline.judge.verdict*"
	@$(BIN)/python $(INSTALL) --constraint constraints.txt --group mutants
	@OMP_NUM_THREADS=1 $(BIN)/python -m mutmut run $(if $(ARGS),$(foreach room,$(ARGS),'$(room)'))
	@$(BIN)/python -m tests.mutants

chaos: dev ## Break things at random under audits; make chaos SECONDS=600 SEED=7 replays the faults of a seed
	@$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) --json build/chaos.json --page docs/reliability.md $(ARGS)

# Strictly: where the service knows nothing of a package, pip-audit by itself would call it well.
audit: venv ## Look for known vulnerabilities in what is pinned; needs an advisory service, pypi or SERVICE=osv
	@$(BIN)/python $(INSTALL) --constraint constraints.txt --group audit
	@mkdir -p build
	@if $(BIN)/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off \
	   --vulnerability-service $(SERVICE) >build/audit.txt 2>build/audit.log; \
	 then echo "No known vulnerability, says $(SERVICE)."; \
	 elif [ -s build/audit.txt ]; then cat build/audit.txt; echo "VULNERABLE, says $(SERVICE)."; exit 1; \
	 else tail -n 1 build/audit.log; echo "NOT KNOWN: $(SERVICE) could not be asked."; exit 2; fi

check: lint types imports test ## Everything that must hold before a change lands: what CI runs

lint: dev ## Style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: dev ## Types, strictly
	@$(BIN)/mypy

imports: dev ## The storeys: imports point down only
	@$(BIN)/lint-imports

format: dev ## Put the code into its format, and mend what ruff can mend by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

constraints: ## Make constraints.txt again from the newest versions that pyproject.toml allows
	@rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	@build/constraints/bin/python $(INSTALL) --upgrade 'pip>=25.1'
	@build/constraints/bin/python $(INSTALL) --editable '.[local,export,heic,web,tensorflow]' --group dev --group fuzz --group audit --group mutants
	@{ echo '# Versions that the tests passed with; remade by `make constraints`.'; \
	   build/constraints/bin/python -m pip freeze --exclude-editable; } > constraints.txt
	@rm -rf build/constraints

clean: ## Remove .venv, caches and what was built
	@rm -rf $(VENV) build mutants dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
