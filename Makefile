# The same commands as in CI. `make` checks everything that is quick; `make test` is what the README names.
export CGO_ENABLED ?= 0
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X main.version=$(VERSION)
TOOL     = $(GO) tool -modfile=tools/go.mod

.PHONY: all build test fmt vet lint arch race scripts fuzz crash faults laws bench golden cross clean

all: fmt vet lint arch test

build:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/builder ./cmd/builder

test:
	$(GO) test -timeout 40m ./...

fmt:
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not gofmt'ed:"; echo "$$out"; exit 1; fi

vet:
	$(GO) vet ./...
	$(GO) vet -tags faults ./internal/faultpoint ./cmd/builder

lint:
	$(TOOL) golangci-lint run ./...
	$(TOOL) golangci-lint run --build-tags faults ./internal/faultpoint/...

arch:
	$(GO) test -count=1 -run 'Architecture|FilesStaySmall' .

race: # needs cgo; the rooms, where goroutines meet. Its shadow memory does not fit what TestLimits sets
	CGO_ENABLED=1 $(GO) test -race -short -timeout 40m -skip '^TestLimits$$' ./internal/... ./claudecode

scripts:
	$(GO) test -count=1 -run TestScripts ./cmd/builder

fuzz: # every target in turn, for a time or a number of inputs (500x)
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' ./.ci/fuzz

KILL_ROUNDS ?= 20
SIM_RUNS ?= 10000
SOAK_KILLS ?= 200
crash: faults # the long form; `make test` has a short one
	$(GO) test -count=1 -run Crash ./internal/phases/...
	SIM_RUNS=$(SIM_RUNS) $(GO) test -count=1 -timeout 120m -run TestSimulation ./internal/phases/simtest
	KILL_ROUNDS=$(KILL_ROUNDS) $(GO) test -count=1 -timeout 60m -run Kill ./cmd/builder
	DISK_LONG=1 $(GO) test -count=1 -timeout 60m -run '^TestDiskFull$$' ./cmd/builder
	SOAK_KILLS=$(SOAK_KILLS) $(GO) test -count=1 -timeout 120m -v -run '^TestSoak$$' ./cmd/builder

faults: # every kind at every fault point, every operation in turn, system calls by strace; most of an hour
	$(GO) test -count=1 -tags faults ./internal/faultpoint
	FAULTS=all $(GO) test -count=1 -timeout 180m -v -run '^TestFault' ./cmd/builder

laws: # takes each guard of a law away, and wants a test to fail for it; takes minutes
	$(GO) test -count=1 -timeout 90m -run '^TestMutations$$' -v ./laws -try

bench: # the figures of docs/benchmarks.md; asserts nothing about time
	cd bench && $(GO) test -count=1 -timeout 20m -run '^TestTable$$' -table

golden:
	$(GO) test ./... -update

cross: # what we ship must compile for macOS too
	GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/builder

clean:
	rm -rf bin
