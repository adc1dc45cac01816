# One target per thing a person wants; every one of them first sees to .venv.

PYTHON ?= $(shell python3.11 -c 'print("python3.11")' 2>/dev/null || echo python3)
EXTRAS ?= dev
SCALE  ?= desk
SEEDS  ?=
SET    ?=
NAME   ?=
PLAN   ?=
JOBS   ?= 2
RUNS   ?=
OUT    ?=
FORMAT ?= terminal
CHECKPOINT ?=
DOWNLOAD   ?=

VENV  := .venv
comma := ,
STAMP := $(VENV)/.made-$(subst $(comma),-,$(EXTRAS))
BIN   := $(VENV)/bin
LYNX   = $(BIN)/lynx
WHERE  = --scale $(SCALE) $(foreach seed,$(SEEDS),--seed $(seed))

# Threads that spin while they wait make a step twenty times slower on a busy machine.
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help setup ablation train evaluate baseline plan table compare report rate world backbones \
  check format golden test

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1|/' | \
	  awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo 'Variables: SCALE=desk|gpu|paper  SEEDS="0 1 2"  SET="key=value ..."  EXTRAS=dev,deepspeed'

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

setup: $(STAMP)  ## build .venv when it is missing or older than pyproject.toml

ablation: setup  ## NAME=no_diverse_prompts: train, evaluate and table it beside its base
	$(call need,NAME,an ablation from ablations/)
	$(LYNX) ablation $(NAME) $(WHERE) --resume $(SET)

train: setup  ## NAME=lynx: train a variant, or go on where it stopped
	$(call need,NAME,an experiment or an ablation)
	$(LYNX) train $(NAME) $(WHERE) --resume $(SET)

evaluate: setup  ## NAME=lynx: evaluate a trained variant
	$(call need,NAME,an experiment or an ablation)
	$(LYNX) evaluate $(NAME) $(WHERE) --resume $(SET)

plan: setup  ## NAME=lynx: what a variant needs, before it is trained (PLAN="--gpu h100 --probe")
	$(call need,NAME,an experiment or an ablation)
	$(LYNX) plan $(NAME) --scale $(SCALE) $(PLAN) $(SET)

baseline: setup  ## NAME=instructblip: ask another model our benchmarks (CHECKPOINT=..., DOWNLOAD=1)
	$(call need,NAME,a file of baselines/)
	$(LYNX) baseline $(NAME) $(WHERE) --resume $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT)) \
	  $(if $(DOWNLOAD),--download) $(SET)

table: setup  ## N=5: the paper's table beside what was measured (FORMAT=markdown, latex, html; OUT=...)
	$(call need,N,the number of a table)
	$(LYNX) table $(N) $(WHERE) --format $(FORMAT) $(if $(OUT),--out $(OUT))

compare: setup  ## A=runs/... B=runs/...: two runs, question by question
	$(call need,A,a run folder)
	$(call need,B,a run folder)
	$(LYNX) compare $(A) $(B)

report: setup  ## RUNS="runs/desk/lynx runs/desk/...": one HTML file that compares them (OUT=...)
	$(call need,RUNS,two or more folders of runs or variants)
	$(LYNX) report $(RUNS) --out $(or $(OUT),report.html)

rate: setup  ## RUNS="runs/desk/lynx/seed0 ...": people rate their answers on a local page
	$(LYNX) rate $(RUNS)

world: setup  ## OUT=world.png: a sheet of pictures of the miniature world with their questions
	$(LYNX) world show $(or $(OUT),world.png)

backbones: setup  ## train the miniature world's backbones again (an hour or two)
	$(LYNX) backbones train

check: setup  ## lint, format, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: setup  ## write tests/golden/ and generated tables anew, to be reviewed with git diff
	LYNX_WRITE_GOLDEN=1 $(BIN)/python -m pytest tests/config/test_golden.py tests/test_docs.py

test: setup  ## all tests, on JOBS=2 processes
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile

need = $(if $($(1)),,$(error $(1)= is missing: it names $(2)))
