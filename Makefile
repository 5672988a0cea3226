# The front door. Every target installs what it needs (as root or by sudo, once) and ends by itself,
# but for `make run`, which leaves a gateway running until Ctrl-C.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: run test soak install deb package-test bench fuzz tidy tsan format help

PREFIX ?= /usr/local
SUITES ?= bookworm trixie

run: ## Build the release, start a gateway on 127.0.0.1, send a journal report through it (ONCE=1: then stop)
	@packaging/install-dependencies build
	@packaging/build release postern
	@packaging/demo/run build/release/gateway/postern

test: ## Build with ASan and UBSan, run every test; NAME=pattern runs some of them
	@packaging/install-dependencies build test
	@packaging/build dev all
	@packaging/build release postern
	@tests/run $(NAME)

soak: ## The tests again, with the long proofs at full length (DURATION=1800 seconds each)
	@packaging/install-dependencies build test
	@packaging/build dev all
	@packaging/build release postern
	@DURATION=$${DURATION:-1800} tests/run $(NAME)
	@[[ -n "$(NAME)" ]] || $(MAKE) package-test

deb: ## Build the release and a Debian package of it, build/postern_*.deb
	@packaging/install-dependencies build package
	@packaging/build release postern
	@packaging/build-deb

package-test: ## Build, judge, install, use, upgrade, purge the package on minimal systems of SUITES="bookworm trixie"; the container (as root)
	@packaging/install-dependencies container
	@for suite in $(SUITES); do tests/fresh_package $$suite || exit; done
	@[[ " $(SUITES) " != *" bookworm "* ]] || tests/fresh_container build/chroots/bookworm-packages/postern.deb

install: ## Build the release and install it with its service under PREFIX=/usr/local (as root; DESTDIR is honoured)
	@packaging/install-dependencies build
	@packaging/build release postern
	@cmake --install build/release --prefix $(PREFIX)
	@[[ -n "$(DESTDIR)" ]] || echo "Now: set domain in /etc/postern/postern.toml, then, as root:"
	@[[ -n "$(DESTDIR)" ]] || echo "  systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload"
	@[[ -n "$(DESTDIR)" ]] || echo "  postern check && systemctl enable --now postern postern-backup.timer"

tidy: ## Check the formatting and run clang-tidy (clang 19)
	@packaging/install-dependencies build test maintain
	@packaging/format --check
	@packaging/build tidy all

tsan: ## Run the unit tests under ThreadSanitizer (clang 19)
	@packaging/install-dependencies build test maintain
	@packaging/build tsan all
	@ctest --preset tsan

format: ## Format all C++ files (clang-format 19)
	@packaging/install-dependencies maintain
	@packaging/format

fuzz: ## Fuzz each target for SECONDS_EACH=60 (clang 19); fails on a crash and names the input
	@packaging/install-dependencies build test maintain
	@packaging/build fuzz fuzz_targets
	@SECONDS_EACH=$${SECONDS_EACH:-60} tests/fuzz/run

bench: ## Measure the release build on loopback; WORKLOAD=pattern, SECONDS_EACH=3; PEERS=1: Postfix and Dovecot too (as root)
	@packaging/install-dependencies build test
	@packaging/build release postern bench_load
	@tests/bench/run build/release/gateway/postern build/release/tests/bench/bench_load

help: ## This list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile
