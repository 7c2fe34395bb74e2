# A person needs two of these: `make demo` and `make test`. Both install what
# this machine lacks (as root; otherwise they print the one line to run) and
# work offline afterwards. `make help` lists all.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Go's own stamp, which thordeploy shows, fails a build where git mistrusts the folder.
export GOFLAGS := $(strip $(GOFLAGS) $(if $(shell git rev-parse HEAD 2>/dev/null),,-buildvcs=false))
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
TESTTIME ?= 20m

.PHONY: help build demo test test-oracle check fuzz bench bench-sweep bench-language bench-transport pack docs clean

help: ## list every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## bin/thordeploy, bin/thorscan (both static) and bin/thorlab, for this machine
	@scripts/setup.sh build
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/thordeploy ./cmd/thordeploy
	scripts/thorscan.sh '$(VERSION)' "$$(go env GOARCH)" bin/thorscan
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/thorlab ./cmd/thorlab

demo: ## the main job on five hosts of the lab: copy, scan, fetch, clean up
	@scripts/setup.sh demo
	@$(MAKE) --no-print-directory build
	@scripts/pack.sh '$(VERSION)' "$$(go env GOARCH)"
	@scripts/demo.sh

test: ## every test, with the race detector, against real SSH servers
	@scripts/setup.sh test
	go test -race -timeout $(TESTTIME) ./...

test-oracle: ## playbooks and inventories through Ansible and thordeploy
	@scripts/setup.sh test-oracle
	go test -timeout $(TESTTIME) ./oracle -oracle -run TestCases -v
	go test -timeout $(TESTTIME) ./cmd/thordeploy -oracle -run AsAnsible

check: ## gofmt, go vet, golangci-lint, shellcheck, govulncheck
	@scripts/setup.sh check
	@scripts/check.sh

fuzz: ## every fuzz target for FUZZTIME (10s)
	@scripts/setup.sh build
	@scripts/fuzz.sh '$(FUZZTIME)'

bench: ## the Go benchmarks
	@scripts/setup.sh build
	go test -run '^$$' -bench . -benchmem ./...

bench-sweep: ## thordeploy beside ansible-playbook and a shell loop, on 20 hosts of the lab
	@scripts/setup.sh bench-sweep
	@$(MAKE) --no-print-directory build
	go run ./bench/sweep

bench-transport: ## copying a pack beside scp, rsync, tar and sftp, on links of the lab
	@scripts/setup.sh bench-transport
	@$(MAKE) --no-print-directory build
	go run ./bench/transport

bench-language: ## reading 10,000 hosts, thordeploy beside ansible-inventory
	@scripts/setup.sh build
	@$(MAKE) --no-print-directory build
	go run ./bench/language

pack: ## dist/pack: what goes to a target, for linux/amd64 and linux/arm64
	@scripts/setup.sh pack
	@scripts/pack.sh '$(VERSION)' amd64 arm64

docs: ## the pages in docs/ that are made from the code
	go run ./cmd/thordeploy docs

clean: ## remove bin/ and dist/
	rm -rf bin dist
