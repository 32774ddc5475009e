# `make repro` and `make test` work on a fresh clone: both make .venv first if it is not there.
.PHONY: repro test long-test vllm-test lint bench deps
.DEFAULT_GOAL := repro

export DO_NOT_TRACK := 1
export DVC_NO_ANALYTICS := 1
export HF_HUB_OFFLINE := 1
export TRANSFORMERS_OFFLINE := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
# Stages are commands that start with `python`.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# Tests and stages start Python some hundred times, and without byte code each start compiles the package anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3

# Most of what is installed is never imported: Python compiles what is, once.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $@

repro: .venv/installed
	dvc repro
	@echo "The report: $(CURDIR)/data/report/index.html"

test: .venv/installed
	pytest --numprocesses 2 --dist loadgroup

# Twenty steps held against the trajectory lock, training, evaluation, self-play and experiments killed, flows killed, a full disk, all stages twice, servers that are lost or have other weights, every kind of run on two processes, all phases of pretraining, the shipped weights measured again, a Ray cluster that loses a worker, a remote of S3.
long-test: .venv/installed
	pytest -m long --capture no

# Three updates through a real vLLM server, the CPU build in an environment of its own (3.5 GB); writes the figures of docs/samplers.md.
vllm-test: .venv/installed
	tests/vllm_environment.sh .vllm
	python tests/vllm_updates.py .vllm bench/results/vllm_0_32_cpu.parquet

lint: .venv/installed
	ruff check .
	ruff format --check .
	pyright
	lint-imports

bench: .venv/installed
	python -m bench

# Writes the code that each stage depends on into dvc.yaml.
deps: .venv/installed
	python -m tests.stage_code
