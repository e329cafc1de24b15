# What a newcomer types: `make run` shows a pod on this machine, `make test` runs every test.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test build deb debug unit e2e test-deb test-uml fuzz fuzz-monitor lint format protos check-protos bench bench-executor pause setup

SWIFT ?= swift
CLANG ?= clang
PYTHON := .build-venv/bin/python
FENDER := .build/debug/fender
# Passed to pytest, for example: make e2e PYTEST_ARGS='-k logs -x'
PYTEST_ARGS ?=
# What is fuzzed (Tests/StreamingTests/FuzzTarget.swift), and for how long.
FUZZ_TARGETS ?= spdyFrames spdyHeaders spdySession webSocket dockerFrames resize
FUZZ_SECONDS ?= 60
KUBECTLS := .build-kubectl/kubectl-bookworm .build-kubectl/kubectl-forky
FORMATTED := Package.swift Sources Tests
TEST_PROGRAM := .build/debug/fenderPackageTests.xctest
PROTOC_GEN_SWIFT := .build-protoc/release/protoc-gen-swift
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env)

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup debug ## set up, build, start Fender and run one pod, on Docker where it runs; Fender stays up
	@$(AS_ROOT) $(PYTHON) packaging/demo/demo.py --fender $(FENDER)

test: setup lint check-protos unit test-uml e2e test-deb ## set up, build and run every test (warnings are errors)

setup: $(PYTHON) ## install what is missing of the packages that building and testing need
$(PYTHON): Tests/e2e/requirements.txt packaging/debian-packages.txt packaging/install-missing.sh
	packaging/install-missing.sh
	/usr/bin/python3 -m venv .build-venv
	.build-venv/bin/pip install --quiet --requirement Tests/e2e/requirements.txt
	@touch $@

build: ## build fender, fender-oci, fender-monitor and fender-bridge in .build/release, optimised and with the Swift runtime inside
	$(SWIFT) build --configuration release --static-swift-stdlib -Xlinker -s --product fender
	$(SWIFT) build --configuration release -Xlinker -s --product fender-oci
	$(SWIFT) build --configuration release -Xlinker -s --product fender-monitor
	$(SWIFT) build --configuration release --static-swift-stdlib -Xlinker -s --product fender-bridge

deb: build ## build the Debian package in .build
	packaging/debian/build --from .build/release --to .build

debug: ## build .build/debug/fender and the programs beside it, which the tests drive
	$(SWIFT) build --product fender
	$(SWIFT) build --product fender-oci
	$(SWIFT) build --product fender-monitor
	$(SWIFT) build --product fender-bridge

unit: $(TEST_PROGRAM) ## run the unit tests, one after another: some count the descriptors of the process
	$(SWIFT) test --skip-build --no-parallel

# Not built again without a reason: after other builds SwiftPM takes its own tools, a C++ compiler of schemas among them,
# for a part of it.
$(TEST_PROGRAM): Package.swift $(shell find Sources Tests -name '*.swift' -o -name '*.c' -o -name '*.h')
	$(SWIFT) build --build-tests
	@touch $@

e2e: setup debug $(KUBECTLS) ## run the built daemon, on a real Docker and without one, with a registry and network plugins
	$(AS_ROOT) $(PYTHON) Tests/e2e/run --fender $(FENDER) $(PYTEST_ARGS)
	$(AS_ROOT) $(PYTHON) Tests/e2e/run --server native --fender $(FENDER) $(PYTEST_ARGS)

# The programs that are packed there: FENDER_PROGRAMS=.build/release make test-deb tests what `make build` made.
test-deb: setup debug ## build the Debian package, of the debug programs, install, upgrade and remove it, with pods running
	$(AS_ROOT) $(PYTHON) -m pytest -q --rootdir Tests/package Tests/package

# What cannot be seen on most machines: cgroup v2 alone, all capabilities, an older kernel.
UML_SUITES := ^(Cgroups|Executor|ImageRoot|Statistics)Tests
UML_E2E := (test_containers and (test_life or out_of_memory) or test_resources) and not huge
UML_E2E_SYSTEMD := ((test_containers and test_life) or test_resources) and not huge
test-uml: setup debug $(TEST_PROGRAM) ## run the tests of containers and cgroups under User-Mode Linux, without and with systemd, then some pods
	$(AS_ROOT) $(PYTHON) -m pytest -q --rootdir Tests/uml Tests/uml/test_run.py
	$(AS_ROOT) Tests/uml/run --limit 300 -- $(TEST_PROGRAM) --testing-library swift-testing \
		--no-parallel --filter '$(UML_SUITES)'
	for systemd in --systemd --systemd-v1; do \
		$(AS_ROOT) Tests/uml/run --limit 100 $$systemd -- $(TEST_PROGRAM) \
			--testing-library swift-testing --no-parallel --filter ExecutorTests.Systemd; \
	done
	$(AS_ROOT) Tests/uml/run --limit 300 --memory 2048 -- $(PYTHON) Tests/e2e/run --server native --fender $(FENDER) \
		-k '$(UML_E2E)'
	$(AS_ROOT) Tests/uml/run --limit 200 --memory 2048 --systemd -- $(PYTHON) Tests/e2e/run --server native \
		--fender $(FENDER) -k '$(UML_E2E_SYSTEMD)'
	$(AS_ROOT) Tests/uml/run --limit 200 --memory 2048 --systemd-v1 -- $(PYTHON) Tests/e2e/run --server native \
		--fender $(FENDER) -k 'test_containers and test_life'

# Without one its tests are skipped.
.build-kubectl/kubectl-%: Tests/e2e/fetch-kubectl
	-Tests/e2e/fetch-kubectl $* $@

fuzz: ## run the streaming parsers on made-up bytes, FUZZ_SECONDS each; what they reach is kept in .build-fuzz/corpus
	FENDER_FUZZ=1 $(SWIFT) build --configuration release --scratch-path .build-fuzz --product fuzz
	@for target in $(FUZZ_TARGETS); do \
		mkdir -p .build-fuzz/corpus/$$target; \
		FUZZ_TARGET=$$target SWIFT_BACKTRACE=enable=no .build-fuzz/release/fuzz .build-fuzz/corpus/$$target \
			Tests/StreamingTests/Corpus/$$target -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=20 \
			-artifact_prefix=.build-fuzz/$$target-; \
	done

MONITOR_FUZZ := .build-fuzz/monitor
fuzz-monitor: $(MONITOR_FUZZ)/plan $(MONITOR_FUZZ)/supervisor ## run the C parsers of fender-monitor on made-up bytes
	@for program in $^; do \
		mkdir -p $$program-corpus; \
		$$program $$program-corpus -max_total_time=$(FUZZ_SECONDS) -max_len=1024 -artifact_prefix=$$program-; \
	done

# The sources are those of fender-monitor, with sanitizers.
$(MONITOR_FUZZ)/plan: PARSERS := Sources/CExecutor/plan.c
$(MONITOR_FUZZ)/supervisor: PARSERS := $(addprefix Sources/fender-monitor/,log.c clients.c)
$(MONITOR_FUZZ)/%: Tests/Fuzz/Monitor/%.c $(wildcard Sources/CExecutor/*.c Sources/fender-monitor/*)
	@mkdir -p $(@D)
	$(CLANG) -g -O1 -fuse-ld=lld -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-ISources/CExecutor/include -ISources/fender-monitor $< $(PARSERS) -o $@

lint: ## check the format of the sources and that generated files are up to date
	$(SWIFT) format lint --strict --recursive $(FORMATTED)
	packaging/pause/generate.py --check

format: ## format the sources
	$(SWIFT) format --in-place --recursive $(FORMATTED)

protos: $(PROTOC_GEN_SWIFT) ## regenerate the Swift code of the schemas in Protos
	PATH=$(CURDIR)/$(dir $(PROTOC_GEN_SWIFT)):$$PATH Protos/generate

check-protos: $(PROTOC_GEN_SWIFT) ## fail if the committed code differs from what the schemas generate
	PATH=$(CURDIR)/$(dir $(PROTOC_GEN_SWIFT)):$$PATH Protos/generate --check

$(PROTOC_GEN_SWIFT):
	$(SWIFT) build --configuration release --scratch-path .build-protoc --product protoc-gen-swift

bench: setup build ## measure the daemon, optimised, against containerd on this machine
	$(AS_ROOT) $(PYTHON) Tests/e2e/run Tests/e2e/bench.py --fender .build/release/fender

bench-executor: setup build ## measure fender-oci, optimised, against crun and runc, and the executor alone against a floor
	$(SWIFT) build --configuration release --static-swift-stdlib -Xlinker -s --product executor-bench
	$(AS_ROOT) $(PYTHON) Tests/bench/executor.py --build .build/release

pause: ## rebuild the pause image that is built in (needs gcc for amd64 and arm64)
	packaging/pause/generate.py
