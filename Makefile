# What users and maintainers run. Each target installs what it needs first, through scripts/setup.

swift := swift
release_flags := -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked

.PHONY: help build demo test test-slow fuzz fuzz-smoke lint format bench-dns bench-proxy bench-admin bench-steering install deb static clean

help:
	@echo "make demo         set up, build, and show the whole flow on this machine (ARGS=--tour plays it unattended)"
	@echo "make build        the release binary, in .build/release/meridian"
	@echo "make test         set up and run all tests"
	@echo "make test-slow    the tests that take minutes: attacks, a node killed 100 times, a server built with sanitizers under random packets"
	@echo "make fuzz         search for inputs that break a parser: TARGET=message SECONDS=60"
	@echo "make lint         check the format of the sources"
	@echo "make bench-dns    CPU per query beside gdnsd and Knot"
	@echo "make bench-proxy  CPU per request, latency and memory beside NGINX, HAProxy and Envoy"
	@echo "make bench-admin  CPU of a scrape with many members, and what logs cost per query and request"
	@echo "make bench-steering  time of a decision, of one flip among many names, and of city-sized geography; how even shares are"
	@echo "make install      put binary, manual pages, completions, unit and documents under PREFIX (default /usr/local)"
	@echo "make static       a binary that needs no library, .build/release/meridian-static"
	@echo "make deb          a Debian package, in dist/"

build:
	@scripts/setup build
	$(swift) build $(release_flags) --product meridian

demo:
	@scripts/setup demo
	$(swift) build $(release_flags) --product meridian
	.build/release/meridian demo $(ARGS)

# Scenarios wait for other programs, and would let the clocks of the others' time limits run on. Of the unit tests a few
# run at once: hundreds would leave each so little of the machine that what it waits for comes late.
test:
	@scripts/setup test
	$(swift) build $(release_flags) --product meridian
	$(swift) build $(release_flags) --product AllocationBudget
	.build/release/AllocationBudget
	$(swift) test --skip ScenarioTests --experimental-maximum-parallelization-width 8
	$(swift) test --skip-build --filter ScenarioTests
	scripts/fuzz smoke

test-slow:
	@scripts/setup test
	MERIDIAN_SLOW=1 $(swift) test --filter "AttackScenarios|EnduranceScenarios"
	scripts/storm address
	scripts/storm thread
	MERIDIAN_KILLS=100 $(swift) test --filter DurabilityScenarios

fuzz:
	@scripts/setup build
	scripts/fuzz run $(or $(TARGET),message) $(or $(SECONDS),60)

fuzz-smoke:
	@scripts/setup build
	scripts/fuzz smoke

lint:
	$(swift) format lint --strict --recursive Package.swift Sources Tests FuzzTesting/Package.swift FuzzTesting/Sources

format:
	$(swift) format --in-place --recursive Package.swift Sources Tests FuzzTesting/Package.swift FuzzTesting/Sources

bench-dns:
	@scripts/setup bench
	scripts/bench-dns

bench-proxy:
	@scripts/setup bench
	scripts/bench-proxy

bench-admin:
	@scripts/setup bench
	scripts/bench-admin

bench-steering:
	@scripts/setup build
	$(swift) build $(release_flags) --product SteeringBenchmark
	.build/release/SteeringBenchmark

install: build
	PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" scripts/install .build/release/meridian

# Needs no library of the machine that it runs on.
static: build
	@scripts/setup package
	scripts/static

# A Debian package, in dist/.
deb:
	@scripts/setup package
	$(swift) build $(release_flags) --product meridian
	scripts/deb .build/release/meridian

clean:
	rm -rf .build dist .build-fuzz .build-address .build-thread .fuzz results
