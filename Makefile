# Thin: each target is one command that works without make. `./millrace python` is the project's own Python.

.DEFAULT_GOAL := help
.PHONY: help up down status clean test test-browser test-long check bench

PYTHON := ./millrace python

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "  make %-14s %s\n", $$1, $$2}'

up: ## Start everything and wait until it is ready (NO_DEMO=1: without the demo)
	@./millrace up

down: ## Stop everything; the data stays
	@./millrace down

status: ## Say what runs
	@./millrace status

clean: ## Stop everything and remove data, environment and caches of the checkout
	@./millrace clean

test: ## Run all tests but those in a browser; they start what they need (ARGS="-k name" for some, ALL=1 for the simulator's own too)
	@$(PYTHON) -m tests $(ARGS)

test-browser: ## Run the tests in a browser
	@$(PYTHON) -m tests browser $(ARGS)

test-long: ## Run the long stories: more storms, restarts for minutes, whole accounts (nightly)
	@$(PYTHON) -m tests long $(ARGS)

check: ## Format, lint, types, import rules, reference pages
	@$(PYTHON) -m millrace.check

bench: ## Measure the whole, each figure beside its goal (ARGS="account --customers 50000" for one part; bench/README.md)
	@$(PYTHON) -m bench $(ARGS)
