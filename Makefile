# One entry for people and CI. `make` alone lists the targets.

# Coverage is an unstable flag of the stable compiler. The readers have no unsafe
# code, so that a sanitizer would find nothing and only cost time.
FUZZ := RUSTC_BOOTSTRAP=1 cargo fuzz
FUZZ_SECONDS ?= 60

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

# Debian packages that the programs, the tests and the lab need.
PACKAGES := ca-certificates conntrack curl gcc iproute2 iputils-arping libc6-dev libseccomp-dev make nftables openssl pkg-config procps util-linux

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: demo
demo: packages ## The main job told as a story: an IP arrives, its owner dies, the curl goes on
	@cargo lab demo

.PHONY: test
test: packages lint docs unit layers config allocation sim wire api lab ## Everything that CI runs

.PHONY: lint
lint: ## Formatting and clippy, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: docs
docs: ## The API documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

.PHONY: unit
unit: ## Unit and property tests
	cargo test --workspace --exclude ferrolb-tests --exclude ferrolb-lab --locked

.PHONY: layers
layers: ## The architecture as claims about the source
	cargo test -p ferrolb-tests --test layers --locked

.PHONY: config
config: ## The samples load; the CRDs are those of the types
	cargo test -p ferrolb-tests --test config --locked

.PHONY: crds
crds: ## Make the CRDs from the types
	cargo run -p ferrolb-api --bin crds --locked -- config/crd

.PHONY: fuzz
fuzz: PACKAGES += g++
fuzz: packages ## Feed the configuration's readers with noise for FUZZ_SECONDS (60)
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	mkdir -p fuzz/corpus/config
	$(FUZZ) run --sanitizer none config fuzz/corpus/config fuzz/seeds -- -dict=fuzz/config.dict -max_total_time=$(FUZZ_SECONDS)

.PHONY: wire
wire: ## The speaker's wire side in network namespaces (root)
	cargo test -p ferrolb-tests --test wire --locked

.PHONY: api
api: ## The controller against a real API server
	cargo test -p ferrolb-tests --test api --locked

.PHONY: lab
lab: ## The lab itself, and the whole of FerroLB on it (root)
	cargo test -p ferrolb-lab --locked
	cargo test -p ferrolb-tests --test lab --locked

.PHONY: bench-assign
bench-assign: ## How fast addresses are assigned, beside the API server's floor
	cargo build --release --locked -p ferrolb-controller -p ferrolb-bench
	target/release/ferrolb-bench assign target/release/ferrolb-controller $(BENCH)

# e.g. make bench-failover BENCH="--trials 5 --rows link,freeze"
.PHONY: bench-failover
bench-failover: PACKAGES += keepalived
bench-failover: packages bench-program ## How long a client is not answered when an owner fails, beside keepalived (root)
	target/release/ferrolb-bench failover $(BENCH)

.PHONY: bench-answers
bench-answers: packages bench-program ## How fast ARP is answered, idle and busy (root)
	target/release/ferrolb-bench answers $(BENCH)

.PHONY: bench-rest
bench-rest: packages bench-program ## What a speaker uses at rest with 3, 10 and 30 of them (root)
	target/release/ferrolb-bench rest $(BENCH)

.PHONY: bench-engine
bench-engine: bench-program ## How long one change keeps the engine busy, with many IPs and nodes
	target/release/ferrolb-bench engine $(BENCH)

.PHONY: soak
soak: packages bench-program ## Ten speakers, busy processors, 1 % loss, 30 minutes: nobody takes over (root)
	target/release/ferrolb-bench soak $(BENCH)

.PHONY: bench-program
bench-program:
	cargo build --release --locked -p ferrolb-bench

.PHONY: allocation
allocation: ## The table of allocation cases on the pure core
	cargo test -p ferrolb-tests --test allocation --locked

.PHONY: sim
sim: ## Many speakers in virtual time, over networks that fail (FERROLB_SIM_SEED replays one run)
	cargo test -p ferrolb-tests --test sim --locked

.PHONY: up
up: packages ## Start a lab with FerroLB on it
	@cargo lab up

.PHONY: down
down: ## Stop the lab
	@cargo lab down

.PHONY: packages
packages:
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		echo "installing $$(echo $$missing | tr '\n' ' ')"; \
		if [ "$$(id -u)" != 0 ]; then echo "root is needed for: apt-get install $$missing" >&2; exit 1; fi; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
	@for tool in cargo go; do command -v $$tool >/dev/null || { echo "$$tool is needed: install Rust (rustup) and Go 1.26 or newer" >&2; exit 1; }; done
