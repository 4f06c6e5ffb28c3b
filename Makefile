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
build: ## build bin/aeo and bin/aeod
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="$(LDFLAGS)" -o $(BIN) ./cmd/aeo
	$(GO) build -trimpath -ldflags="$(LDFLAGS)" -o bin/aeod ./cmd/aeod

.PHONY: demo
demo: build ## tell the story of a change on a real cluster on this machine
	$(GO) build -o bin/aeo-demo ./test/demo
	bin/aeo-demo

.PHONY: demo-observe
demo-observe: build ## tell how a change that makes the shop slow is seen, explained and found
	$(GO) build -o bin/aeo-demo ./test/demo
	bin/aeo-demo observe

.PHONY: record-faults
record-faults: build ## have faults happen to shops on a real node for two hours, and keep what was seen, for bench/cause
	$(GO) build -o bin/aeo-demo ./test/demo
	bin/aeo-demo record -to dist/faults
	$(GO) run ./bench/cause -pack dist/faults -to bench/cause/recorded/faults.gz

.PHONY: demo-down
demo-down: ## end what a demo started, and leave nothing behind
	$(GO) build -o bin/aeo-demo ./test/demo
	bin/aeo-demo down

.PHONY: cluster
cluster: ## start a real Kubernetes on this machine (the first time builds it: half an hour on two cores)
	cd test/cluster && $(GO) run ./cmd/cluster up

.PHONY: cluster-down
cluster-down: ## end that Kubernetes, and leave nothing behind
	cd test/cluster && $(GO) run ./cmd/cluster down

.PHONY: demo-assess
demo-assess: build ## assess examples/shop and write its report as a page
	@mkdir -p dist
	@$(BIN) assess examples/shop --fail-on never -o table -o html=dist/shop.html
	@echo "The whole report, with source excerpts and filters: dist/shop.html"

.PHONY: check
check: lint ## the quick part: build, vet, gofmt, staticcheck, architecture and unit tests
	$(GO) test -short ./...

.PHONY: lint
lint: ## build, vet, gofmt and staticcheck
	$(GO) build ./...
	$(GO) vet ./...
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	$(GO) tool staticcheck ./...

.PHONY: test
test: lint generated ## everything: also races, the other tools' own output, a browser, faults on a real API server
	$(GO) test -race -short ./graph/... ./assess/... ./internal/... ./deliver ./controller ./prove/... \
		./observe/trace ./observe/logs/live ./adapter/otlp \
		./adapter/cachedir ./adapter/forge ./adapter/git ./adapter/helm ./adapter/kube ./adapter/kustomize ./adapter/sops ./adapter/worktree ./adapter/yamldoc
	$(GO) test ./...
	cd test/parity && $(GO) test ./...
	cd test/cluster && $(GO) vet ./... && $(GO) test -timeout 60m ./...
	cd test/gitops && $(GO) vet ./... && $(GO) test -short -count=1 -parallel 24 -timeout 20m ./...
	cd bench/deliver && $(GO) vet ./...
	cd bench/objectives && $(GO) vet ./...

.PHONY: image
image: ## write the image of aeod to dist/aeod.tar, without Docker (Debian, root)
	@mkdir -p dist
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="$(LDFLAGS)" -o dist/aeod ./cmd/aeod
	deploy/image/rootfs.sh dist/rootfs
	$(GO) run ./internal/genimage -rootfs dist/rootfs -program dist/aeod -version $(VERSION) -tag registry.example.com/autoecoops/aeod:$(VERSION) -o dist/aeod.tar

CONTROLLER_GEN := sigs.k8s.io/controller-tools/cmd/controller-gen@v0.21.0

.PHONY: generate
generate: ## write the generated files: docs/checks, definitions, the Kustomize base, dashboards
	$(GO) run ./internal/gendocs
	$(GO) run ./internal/gendashboards
	$(GO) run $(CONTROLLER_GEN) object crd:crdVersions=v1 paths=./api/... output:crd:dir=deploy/crds
	cp deploy/crds/autoecoops.io_*.yaml charts/autoecoops/crds/
	$(GO) run ./cmd/aeo render charts/autoecoops > deploy/operator/install.yaml

.PHONY: generated
generated: generate ## fail if a generated file is not what is committed
	@git diff --exit-code -- docs/checks deploy charts api dashboards || { echo "run make generate and commit"; exit 1; }

.PHONY: fuzz
fuzz: ## fuzz every parser for a little while
	test/fuzz.sh

.PHONY: bench-assess
bench-assess: ## measure ASSESS and write bench/results/assess.json
	$(GO) run ./bench/assess

.PHONY: bench-prove
bench-prove: ## measure the ledger and write bench/results/prove.json
	$(GO) run ./bench/prove

.PHONY: bench-slo
bench-slo: ## measure the SLO engine and write bench/results/slo.json
	$(GO) run ./bench/slo

.PHONY: bench-trace
bench-trace: ## measure the receiver of spans and write bench/results/trace.json
	$(GO) run ./bench/trace

.PHONY: bench-logs
bench-logs: ## score the templates of logs on CORPORA=DIR and write bench/results/logs.json
	$(GO) run ./bench/logs -corpora "$(CORPORA)"

.PHONY: bench-observe
bench-observe: build bench-slo bench-trace ## measure OBSERVE and write bench/results/observe.json; NAB=DIR and CORPORA=DIR score the detector and the log templates, too
	$(GO) run ./bench/cause
	$(GO) run ./bench/detect -all -results bench/results/detect.json
	@if [ -n "$(NAB)" ]; then $(GO) run ./bench/nab -data "$(NAB)" -figures bench/results/nab.json; else echo "no NAB=DIR: the detector is not scored"; fi
	@if [ -n "$(CORPORA)" ]; then $(GO) run ./bench/logs -corpora "$(CORPORA)"; else echo "no CORPORA=DIR: the templates of logs are not scored"; fi
	$(GO) run ./bench/servers
	$(GO) run ./bench/observe -skipped "$(if $(NAB),,nab=no NAB=DIR was given),$(if $(CORPORA),,logs=no CORPORA=DIR was given)"

.PHONY: sample-ledger
sample-ledger: ## write the export of a made-up ledger to OUT=DIR, to try attacks on
	@$(GO) run ./test/sampleledger -out "$(OUT)"

.PHONY: bench-deliver
bench-deliver: ## measure DELIVER on a real API server and write bench/results/deliver.json (takes half an hour)
	$(GO) build -C bench/deliver -o ../../bin/bench-deliver .
	bin/bench-deliver

.PHONY: bench-objectives
bench-objectives: ## measure one aeod that follows 10,000 Objectives of a real API server (takes a quarter of an hour)
	$(GO) build -C bench/objectives -o ../../bin/bench-objectives .
	bin/bench-objectives

.PHONY: test-gitops
test-gitops: ## make everything fail around aeod on a real API server, 200 scenarios and more
	cd test/gitops && $(GO) test -count=1 -parallel 64 -timeout 20m ./...

.PHONY: test-stores
test-stores: ## build a real Jaeger and a real Thanos, and test against them (some minutes, the first time)
	AEO_BUILD_STORES=1 $(GO) test -count=1 -timeout 40m ./adapter/jaeger ./adapter/prometheus
	AEO_BUILD_STORES=1 $(GO) test -count=1 -timeout 40m -run Thanos ./internal/app

.PHONY: test-remote-write
test-remote-write: ## build a real Prometheus 3, and receive remote write 2.0 from it (some ten minutes, the first time)
	AEO_BUILD_STORES=1 $(GO) test -count=1 -timeout 60m -run Prometheus3 ./internal/app/metrics

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist
