# One entry for people and CI. `make` alone lists the targets.

# Coverage is an unstable flag of the stable compiler. The reader has no unsafe code,
# so a sanitizer would find nothing.
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
demo: packages ## Show a failover on a real cluster: an address is assigned, its owner fails, curl keeps working (root)
	@cargo lab demo

.PHONY: test
test: packages lint docs unit layers config allocation sim wire api lab ## Run everything that CI runs (root)

.PHONY: lint
lint: ## Check formatting, dependencies (deny.toml) and clippy
	cargo fmt --all --check
	cargo xtask deny
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: docs
docs: ## Build the API documentation; warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

.PHONY: unit
unit: ## Run unit and property tests
	cargo test --workspace --exclude ferrolb-tests --exclude ferrolb-lab --locked

.PHONY: layers
layers: ## Check the rules on the source: purity, imports, dependencies, sizes
	cargo test -p ferrolb-tests --test layers --locked

.PHONY: config
config: ## Check samples, CRDs and docs/metrics.md against the code
	cargo test -p ferrolb-tests --test config --locked

.PHONY: crds
crds: ## Generate config/crd from the types in shared/api
	cargo xtask crds

.PHONY: metrics
metrics: ## Generate docs/metrics.md from the metrics of both programs
	FERROLB_WRITE_DOCS=1 cargo test -p ferrolb-tests --test config --locked metrics

.PHONY: images
images: ## Build the images of controller and speaker as OCI archives
	cargo xtask images

.PHONY: fuzz
fuzz: PACKAGES += g++
fuzz: packages ## Fuzz the configuration reader for FUZZ_SECONDS (60)
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	mkdir -p fuzz/corpus/config
	$(FUZZ) run --sanitizer none config fuzz/corpus/config fuzz/seeds -- -dict=fuzz/config.dict -max_total_time=$(FUZZ_SECONDS)

.PHONY: wire
wire: ## Test packet sockets and links in network namespaces (root)
	cargo test -p ferrolb-tests --test wire --locked

.PHONY: api
api: ## Test the controller with a real API server
	cargo test -p ferrolb-tests --test api --locked

.PHONY: lab
lab: ## Test FerroLB on a real cluster in network namespaces (root)
	cargo test -p ferrolb-lab --locked
	cargo test -p ferrolb-tests --test lab --locked

.PHONY: bench-assign
bench-assign: ## Measure how fast addresses are assigned
	cargo build --release --locked -p ferrolb-controller -p ferrolb-bench
	target/release/ferrolb-bench assign target/release/ferrolb-controller $(BENCH)

# e.g. make bench-failover BENCH="--trials 5 --rows link,freeze"
.PHONY: bench-failover
bench-failover: PACKAGES += keepalived
bench-failover: packages bench-program ## Measure the outage a client sees when an owner fails, compared with keepalived (root)
	target/release/ferrolb-bench failover $(BENCH)

.PHONY: bench-answers
bench-answers: packages bench-program ## Measure the latency of ARP replies, idle and under load (root)
	target/release/ferrolb-bench answers $(BENCH)

.PHONY: bench-rest
bench-rest: packages bench-program ## Measure CPU, memory and traffic of idle speakers: 3, 10 and 30 (root)
	target/release/ferrolb-bench rest $(BENCH)

.PHONY: bench-engine
bench-engine: bench-program ## Measure how long one change keeps the engine busy, with many IPs and nodes
	target/release/ferrolb-bench engine $(BENCH)

.PHONY: soak
soak: packages bench-program ## Run ten speakers under load with 1 % loss for 30 minutes: no takeover may happen (root)
	target/release/ferrolb-bench soak $(BENCH)

.PHONY: bench-program
bench-program:
	cargo build --release --locked -p ferrolb-bench

.PHONY: allocation
allocation: ## Run the table of allocation cases
	cargo test -p ferrolb-tests --test allocation --locked

.PHONY: sim
sim: ## Simulate many speakers on failing networks (FERROLB_SIM_SEED repeats one run)
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
