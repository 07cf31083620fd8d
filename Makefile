# Every target is one script, so that nothing here needs make to be understood.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench bench-rivals tsan asan fuzz generate format lint clean
.PHONY: compose-test crash-test prove

SECONDS ?= 60
KILLS ?= 1000

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' Makefile | expand -t 22

setup: ## install what is missing of the Debian packages
	@scripts/bootstrap

build: ## build every executable of the mesh
	@scripts/build

demo: ## set up, build, start the mesh, call it through every socket, stop it
	@scripts/demo

test: ## set up, build and run every test
	@scripts/test

bench-rivals: ## the gateway beside LiteLLM and TensorZero from PyPI, in one run
	@scripts/python-venv rivals Tests/Benchmarks/peers/rivals.txt > /dev/null
	@scripts/bench rivals

bench: ## measure against the bars; BENCH=rpc for one family
	@scripts/bench $(BENCH)

tsan: ## module tests under the thread sanitizer
	@scripts/test --sanitize=thread

asan: ## module tests under the address sanitizer
	@scripts/test --sanitize=address

fuzz: ## fuzz the readers of outside bytes; SECONDS=60 for each
	@scripts/fuzz $(SECONDS)

crash-test: ## end a service at every failpoint of the source, and add up what was kept
	@scripts/crash-test

prove: ## kill a mesh at random, and add up; KILLS=1000
	@scripts/build && .build/debug/assay prove --kills $(KILLS)

generate: ## write the generated code anew from proto/
	@proto/generate.sh

format: ## format every Swift source
	@scripts/lint --fix

lint: ## say what is not formatted
	@scripts/lint

clean: ## remove everything that was built
	@rm -rf .build

compose-test: ## build images and run compose.yaml with podman (root; installs podman)
	@scripts/compose-test
