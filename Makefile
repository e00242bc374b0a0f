# What there is to run. Everything that is missing on the machine is installed by scripts/setup.sh.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build demo test kill-test check advisories bench bench-upload bench-queue bench-looks fuzz soak fmt samples clean setup

# Where setup.sh puts cargo when the machine had none.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: setup ## build the release binary
	cargo build --release --locked

demo: build ## compose samples/standup into one MP4 and print where it is
	$(TARGET)/release/tessera compose samples/standup --out $(TARGET)/demo
	@ls $(TARGET)/demo/*.mp4

# Release, as for the binary: dependencies are built once, and rendering runs at full speed.
test: setup ## run all tests
	cargo test --release --locked

# The same test as in `make test`, with more kills.
kill-test: setup ## kill `tessera run` at 30 random moments and show what became of the jobs
	TESSERA_TEST_KILLS=$(or $(KILLS),30) cargo test --release --locked --test delivery kills:: -- --nocapture

# The release profile here too, so that clippy, doc and the build share their build scripts.
check: ## formatting, lints, docs, licences, unused dependencies, snapshots left over
	scripts/setup.sh --check-tools
	cargo fmt --check
	@left=$$(find src tests -name '*.snap.new' -o -name '*.pending-snap'); \
	  test -z "$$left" || { printf 'snapshots to accept or delete:\n%s\n' "$$left"; exit 1; }
	cargo machete --skip-target-dir
	cargo deny --locked check --hide-inclusion-graph bans licenses sources
	cargo clippy --all-targets --release --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --release --locked

# Apart from `check`: it needs the network, and its answer changes without a change of ours.
advisories: ## look for known vulnerabilities (downloads the RustSec database)
	scripts/setup.sh --check-tools
	cargo deny --locked check advisories

bench: build ## measure speed, memory and size against ffmpeg by hand (ARGS="…" is passed on)
	python3 benches/run.py $(ARGS)

bench-upload: setup ## deliver 1 GiB to a local S3 server, beside the aws CLI if there is one (ARGS="…" is passed on)
	cargo build --release --locked --example upload
	python3 benches/upload.py $(ARGS)

# Runs on the stable toolchain, whose compiler is asked to allow what cargo-fuzz wants of it. Dependencies are those
# of the main Cargo.lock. New inputs stay in the target folder; one that fails is told and kept in fuzz/artifacts.
fuzz: ## run each fuzz target for 60 s
	scripts/setup.sh --fuzz-tools
	@[ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
	@for target in $(notdir $(basename $(wildcard fuzz/targets/*.rs))); do \
	  found="$(abspath $(TARGET))/fuzz/found/$$target"; \
	  mkdir -p "$$found"; \
	  printf '\n== fuzzing %s\n' "$$target"; \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none --target-dir "$(abspath $(TARGET))/fuzz" "$$target" \
	    "$$found" fuzz/corpus/"$$target" -- -max_total_time=60 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1; \
	done

bench-queue: build ## measure two workers on a queue of 200 short jobs (ARGS="…")
	python3 benches/job_queue.py $(ARGS)

bench-looks: build ## measure what names, frames, meters and transitions cost (ARGS="…")
	python3 benches/looks.py $(ARGS)

soak: build ## keep three workers busy for ten minutes and break everything around them (ARGS="…")
	python3 benches/soak.py $(ARGS)

fmt: ## format the code
	cargo fmt

samples: ## make the sample sessions again
	python3 samples/generate.py

clean: ## delete what was built
	cargo clean

setup:
	@scripts/setup.sh
