# The targets a developer needs; `make help` lists them.
GO ?= go
export GOTOOLCHAIN := local
BIN := bin/aeo
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/autoecoops/autoecoops/internal/app.version=$(VERSION)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

.PHONY: build
build: ## build bin/aeo
	$(GO) build -trimpath -ldflags="$(LDFLAGS)" -o $(BIN) ./cmd/aeo

.PHONY: demo
demo: build ## assess examples/shop and write its report as a page
	@mkdir -p dist
	@$(BIN) assess examples/shop --fail-on never -o table -o html=dist/shop.html
	@echo "The whole report, with source excerpts and filters: dist/shop.html"

.PHONY: check
check: ## the quick part: build, vet, gofmt, staticcheck, architecture and unit tests
	$(GO) build ./...
	$(GO) vet ./...
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	$(GO) tool staticcheck ./...
	$(GO) test -short ./...

.PHONY: test
test: check ## everything: also races, the other tools' own output, the page in a browser
	$(GO) test -race -short ./graph/... ./adapter/... ./assess/... ./internal/...
	$(GO) test ./...
	cd test/parity && $(GO) test ./...

.PHONY: generate
generate: ## write the generated files: docs/checks
	$(GO) run ./internal/gendocs

.PHONY: fuzz
fuzz: ## fuzz every parser for a little while
	test/fuzz.sh

.PHONY: bench-assess
bench-assess: ## measure ASSESS and write bench/results/assess.json
	$(GO) run ./bench/assess

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist
