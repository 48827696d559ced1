# Two commands matter: `make run` and `make test`. `make` alone lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps test-deps toolchain fetched packages update-packages update-images build release run tests-built test fuzz \
	fuzz-parsers simulate test-recipes test-clients screenshots soak bench bench-postgres bench-instructions deb dist test-deb format lint clean

# Debian packages: what the server links, and what the tests and the checks need on top.
BUILD_PACKAGES := g++ pkg-config libsqlite3-dev libpq-dev libphonenumber-dev libzip-dev zlib1g-dev libxml2-dev libcmark-gfm-dev \
	libcmark-gfm-extensions-dev libqrencode-dev libc-ares-dev ca-certificates
TEST_PACKAGES := curl python3 python3-venv faketime openssl nginx caddy haproxy postgresql pgbouncer chromium-headless-shell chromium-driver gammu gammu-smsd jq

VENV := .build/venv
CLIENTS := .build/clients
SWIFT_FILES := Sources Tests Recipes Package.swift
# Fails a target that imports another one without declaring it in Package.swift. The C of the packages, cryptography above all, is
# optimised in debug, too: a fourth of what the tests took was scrypt.
SWIFT_BUILD := swift build --explicit-target-dependency-import-check error -Xcc -O2
# CI builds once: whole modules cost half the processor of files that can each be built again, and nobody debugs or browses there.
DEBUG_BUILD := $(SWIFT_BUILD) $(if $(CI),--disable-index-store -debug-info-format none -Xswiftc -wmo -Xswiftc -num-threads -Xswiftc 2 -Xswiftc -disable-batch-mode)
help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install the system packages that the build needs (Debian; silent when all are there).
	@Scripts/install-packages $(BUILD_PACKAGES)

test-deps: deps $(VENV)/.stamp ## Install what the tests need besides: Python and a few of its packages, PostgreSQL, proxies.
	@Scripts/install-packages $(TEST_PACKAGES)

# The stamp is written last, so a failed installation is tried again.
$(VENV)/.stamp: Tests/requirements.txt Tests/requirements-alone.txt
	@Scripts/install-packages $(TEST_PACKAGES)
	@echo "Installing the tests' Python packages into $(VENV)."
	@/usr/bin/python3 -m venv --clear $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tests/requirements.txt
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps -r Tests/requirements-alone.txt
	@touch $@

# OpenAPI Generator, with a Java of its own: large, so only where it was asked for. `make test` uses it where it is there.
$(CLIENTS)/.stamp: Tests/requirements-clients.txt | test-deps
	@echo "Installing a generator of clients into $(CLIENTS)."
	@/usr/bin/python3 -m venv --clear $(CLIENTS)
	@$(CLIENTS)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

toolchain:
	@command -v swift >/dev/null || { echo "Swift 6.3 is needed: https://www.swift.org/install/linux/" >&2; exit 1; }

# A clone that has fetched nothing yet gets the versions of Package.versions, not the newest ones.
fetched: toolchain
	@Scripts/install-packages python3
	@Scripts/package-versions fetch

packages: toolchain ## Fetch the packages in the versions of Package.versions.
	@Scripts/install-packages python3
	@Scripts/package-versions resolve

update-packages: toolchain ## Take the newest packages that Package.swift allows, and write Package.versions.
	@Scripts/install-packages python3
	@Scripts/package-versions update

update-images: ## Write the digests of the base images into the Dockerfile; needs the image registry.
	@Scripts/install-packages python3
	@Scripts/image-digests update

build: fetched deps ## Build the server in debug.
	@[ -e .build/debug/httpsms ] || echo "Building for the first time: about 5 minutes on 2 cores."
	@$(DEBUG_BUILD) --product httpsms

release: toolchain deps ## Build the optimised server, of the packages in Package.versions only.
	@Scripts/install-packages python3
	@Scripts/package-versions check
	@[ -e .build/release/httpsms ] || echo "Building for the first time: this takes longer than a debug build."
	@$(SWIFT_BUILD) --product httpsms --configuration release --static-swift-stdlib
	@echo "The server is .build/release/httpsms"

run: build ## Build, then start the demo; `make run ARGS=--once` ends after the eight events.
	@.build/debug/httpsms demo $(ARGS)

# What the tests need is installed beside the build, which is long and needs none of it.
tests-built: fetched deps
	@[ -e .build/debug/httpsms ] || echo "Building for the first time: about 5 minutes on 2 cores."
	@$(MAKE) --no-print-directory test-deps & dependencies=$$!; trap 'kill $$dependencies 2>/dev/null || true' EXIT; \
		$(DEBUG_BUILD) --build-tests; wait $$dependencies
	@$(VENV)/bin/openapi-spec-validator openapi.json

test: tests-built ## Build and run every test; `make test ARGS='--filter Webhook'` runs some.
	@Scripts/run-tests $(ARGS)

# The Swift recipe is a target of Package.swift; what the others run on is installed by the script.
test-recipes: build ## Let the conformance driver judge every recipe; `make test-recipes ARGS='go rust'` some.
	@$(DEBUG_BUILD) --product HummingbirdRecipe
	@Scripts/test-recipes $(ARGS)

test-clients: build $(CLIENTS)/.stamp ## Generate clients in Python, Go and TypeScript from openapi.json, and call a server with each.
	@Scripts/install-packages golang-go nodejs node-typescript
	@$(VENV)/bin/python Scripts/test-generated-client
	@$(VENV)/bin/python Scripts/test-generated-clients --required $(ARGS)

fuzz: build test-deps ## Ask a server for all that openapi.json describes, well and badly; `make fuzz ARGS='--seed 1'`.
	@$(VENV)/bin/python Scripts/fuzz-api $(ARGS)

fuzz-parsers: toolchain deps ## Fuzz the parsers, guided by coverage; `make fuzz-parsers ARGS='--seconds 600 multipart csv'`.
	@Scripts/install-packages python3
	@Scripts/fuzz-parsers $(ARGS)

simulate: fetched deps ## Simulate the delivery engine under faults, 1,000 seeds; `make simulate SEED=4711` one, with its last steps.
	@Scripts/install-packages python3
	@Scripts/simulate $(if $(SEED),--seed $(SEED)) $(ARGS)

screenshots: tests-built ## Take a picture of every page into screenshots/, and those of README anew.
	@Scripts/install-packages pngquant
	@HTTPSMS_SCREENSHOTS=1 Scripts/run-tests --filter 'BrowserTests|PictureTests'
	@cd screenshots && for picture in dashboard-*.png; do \
		pngquant --force --speed 1 --output ../docs/images/$$picture $$picture; done

soak: tests-built ## Simulate for SIMULATION_SECONDS (600), run the long tests of crashes, faults and rubbish, all of the API on PostgreSQL and an upgrade, fuzz each parser for FUZZ_SECONDS (60).
	@Scripts/simulate --seconds $${SIMULATION_SECONDS:-600} --first $$(date +%s%N)
	@HTTPSMS_SOAK=1 Scripts/run-tests --filter 'EndToEndTests|Poisoned' $(ARGS)
	@HTTPSMS_SOAK=1 HTTPSMS_ENGINE=postgresql Scripts/run-tests --filter '^(GatewayTests|DashboardTests)\.' --skip 'BrowserTests|Poisoned'
	@Scripts/with-postgresql Scripts/test-upgrade
	@Scripts/fuzz-parsers

bench: release ## Measure the server on this machine, in release; `make bench ARGS='--scenario deliver'`.
	@.build/release/httpsms bench $(ARGS)

bench-postgres: release ## The same on a PostgreSQL that is started for it, with 1, 2 and 4 nodes.
	@Scripts/install-packages postgresql
	@HTTPSMS_POSTGRES_FSYNC=on Scripts/with-postgresql sh -c \
		'.build/release/httpsms bench --database-url "$$HTTPSMS_POSTGRES_URL" $(ARGS)'

bench-instructions: release ## Count instructions for a delivery and an SMS; fails when they grow; `ARGS=--write` notes them.
	@Scripts/install-packages python3 binutils valgrind
	@Scripts/instructions $(ARGS)

deb: release ## Pack the optimised server as a Debian package.
	@Scripts/install-packages dpkg-dev binutils
	@Scripts/build-deb

dist: release ## Make a release in .build/dist: tarball, Debian package, list of parts, checksums, notes.
	@Scripts/install-packages dpkg-dev binutils python3
	@Scripts/build-dist

test-deb: deb ## Install the package in a Debian of its own, as root, and use it there.
	@Scripts/install-packages debootstrap
	@Scripts/test-deb

format: toolchain ## Format the Swift files in place.
	@swift format --in-place --recursive $(SWIFT_FILES)

lint: toolchain ## Check the formatting and the rules that the compiler does not.
	@Scripts/install-packages python3
	@swift format lint --strict --recursive $(SWIFT_FILES)
	@Scripts/check
	@Scripts/floors --check
	@Scripts/package-versions check
	@Scripts/image-digests check

clean: toolchain ## Remove what was built; fetched packages, the Python packages and ./data stay.
	@swift package clean
