# Two commands do everything on a fresh Debian machine: `make demo` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo
SAMPLES := .cache/samples
READERS := .cache/dataset-readers
DEMO := .demo

# Recordings and damaged files that soak-media tries.
RECORDINGS ?= 4000
MUTATIONS ?= 20000
# How long a soak takes, and the fuzzing of each target.
SOAK_MINUTES ?= 10
FUZZ_SECONDS ?= 1200

.PHONY: demo test test-stage test-fast lint bench bench-smoke soak soak-media fuzz torch generate check-deployment setup samples readers build clean-demo help

help:
	@echo "make demo   install what is missing, build, analyse real footage, say where the report is"
	@echo "make test   everything that is tested"
	@echo "make test-stage STAGE=…   after a change of one stage: its tests, those that look at every stage, and those of the program that use it"
	@echo "make test-fast   unit tests and the golden digests of stages, for daily work"
	@echo "make lint   formatting, clippy, structure, licences"
	@echo "make bench  measure, and print the table of docs/performance.md (QUICK=quick: without what takes long)"
	@echo "make bench-smoke   a bench of seconds on a painted clip, in target/bench-smoke"
	@echo "make soak   ten minutes of short jobs through a fleet: nothing may grow (SOAK_MINUTES=…)"
	@echo "make soak-media   thousands of recordings with odd times, and of damaged files (RECORDINGS=… MUTATIONS=…)"
	@echo "make fuzz   an hour of coverage-guided fuzzing of stills, videos and messages (FUZZ_SECONDS=… for each)"
	@echo "make torch  test the TorchScript backend (downloads libtorch)"
	@echo "make generate           write what names every stage: compose.yaml, Dockerfile, k8s/, docs/stages.md"
	@echo "make check-deployment   check those with the tools of those who read them"

setup:
	@tools/setup.sh

samples: setup
	@tools/samples.sh $(SAMPLES)

# The programs that read data sets, which the tests of exports open what is written with.
readers: setup
	@tools/dataset-readers.sh $(READERS)

build: setup
	$(CARGO) build --release -p framefleet

# Pedestrians before a fixed camera, and a film with cuts: two items of one job, with all there is to know of people. Then films of the first ten
# seconds without the people in them, and of the people alone.
demo: export FRAMEFLEET_CACHE := $(CURDIR)/.cache/models
demo: build samples
	@mkdir -p $(DEMO)/footage
	@cp -u $(SAMPLES)/bikes.mp4 $(SAMPLES)/vtest.avi $(DEMO)/footage/
	target/release/framefleet models pull --pipeline dataset-people
	target/release/framefleet run $(DEMO)/footage --output $(DEMO)/footage.framefleet --pipeline dataset-people \
		--set motion.flow_pictures_every=25 --set "pose.frames=every 2" --set "segmentation.frames=every 5"
	target/release/framefleet verify $(DEMO)/footage.framefleet
	for pipeline in remove-people remove-background; do \
		target/release/framefleet run $(DEMO)/footage/vtest.avi --end 10s --output $(DEMO)/$$pipeline.framefleet --pipeline $$pipeline --set pose.tiles=2; \
	done
	@echo
	@echo "The report: $(CURDIR)/$(DEMO)/footage.framefleet/report.html"
	@echo "The films:  $(CURDIR)/$(DEMO)/remove-{people,background}.framefleet/artifacts/assemble/"

# A tool of cargo, installed where it is missing. Fails where it cannot be.
tool = command -v cargo-$(1) >/dev/null || $(CARGO) install --locked --quiet cargo-$(1)

test: setup samples readers
	@$(call tool,nextest)
	$(CARGO) nextest run --workspace
	$(CARGO) test --workspace --doc --quiet

# STAGE=…: what a change of it can make fail (tools/test-stage.sh says which tests these are).
test-stage: setup samples readers
	@$(call tool,nextest)
	tests=$$(tools/test-stage.sh $(STAGE)); $(CARGO) nextest run --workspace -E "$$tests"

test-fast: setup samples
	@$(call tool,nextest)
	$(CARGO) nextest run --workspace -E 'kind(lib) + kind(bin) + test(/golden_digest$$/)'

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) run --quiet -p structure >/dev/null
	@$(call tool,deny)
	$(CARGO) deny check bans licenses sources

# Fleets are of the program with the stages of the tests.
bench: build samples
	$(CARGO) build --release -p framefleet --example framefleet-with-test-stages
	$(CARGO) bench -p framefleet --bench performance -- $(QUICK)
	$(CARGO) bench -p framefleet-bus-nats --bench hops -- $(QUICK)

bench-smoke: setup
	$(CARGO) run --quiet -p framefleet -- bench synthetic --stages lighting --sizes 320x180 --frames 64 --runs 1 --output target/bench-smoke

soak: setup
	$(CARGO) build -p framefleet --example framefleet-with-test-stages
	SOAK_MINUTES=$(SOAK_MINUTES) $(CARGO) test -p framefleet --test whole -- --nocapture --exact \
		services::soak::nothing_grows_with_the_number_of_jobs

# Not by nextest, which takes twenty minutes for a test that hangs.
soak-media: setup
	FRAMEFLEET_RECORDINGS=$(RECORDINGS) $(CARGO) test -p framefleet-index --test decoding -- --nocapture matrix::
	FRAMEFLEET_MUTATIONS=$(MUTATIONS) $(CARGO) test -p framefleet-index --test decoding -- --nocapture mutations::

fuzz: setup
	tests/fuzz/run.sh $(FUZZ_SECONDS)

generate: setup
	$(CARGO) run --quiet -p framefleet --example generate

check-deployment:
	@tools/check-deployment.sh

clean-demo:
	rm -rf $(DEMO)

# TorchScript models by libtorch: 527 MB to download the first time, some minutes to build.
torch: setup
	environment=$$(tools/torch.sh .cache/torch); eval "$$environment"; $(CARGO) test -p framefleet-infer --features torch --test torchscript
