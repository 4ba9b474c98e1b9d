# make demo · make wheel · make test · make check · make bench · make quality · make rivals · make limits · make witness · make clean
#
# `demo` and `test` set up what they need in .venv and .cache of this folder; nothing is installed elsewhere. Everything is
# built in the release profile and into one folder, so that tantivy, usearch and the C++ they bring are compiled once.

SHELL := /bin/bash
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The engine looks for ONNX Runtime in the active Python environment, and pip and cargo for their tools in the path.
export VIRTUAL_ENV := $(CURDIR)/.venv
export PATH := $(VIRTUAL_ENV)/bin:$(PATH)
STEP := scripts/step
# The Python half is built by pip alone: pyo3 is compiled anew whenever another tool than the last one asks for it.
RUST := --release --workspace --exclude onelist-python

.PHONY: help demo wheel test check bench quality rivals limits witness clean
help:
	@echo "make demo    MovieLens 100k as a search engine and a recommender, on your terminal"
	@echo "make wheel   the Python package as a wheel in dist/; where it is installed, no compiler is needed"
	@echo "make test    every test of the three languages"
	@echo "make check   format, lints, documentation, licences, layers"
	@echo "make bench   the engine beside its own dependencies, as one table; options in ARGS"
	@echo "make quality how good the lists are on real data (ONELIST_DATA), into docs/RESULTS.md; tasks and options in ARGS"
	@echo "make rivals  recommenders from PyPI and a SASRec in the same evaluation; tasks and options in ARGS"
	@echo "make limits  docs/LIMITS.md from engine/src/base/limits.rs"
	@echo "make witness digests of what stores answer, to compare two versions; build, ask or compare in ARGS"
	@echo "make clean   removes what was built, dist, .venv and .cache"

demo:
	@scripts/setup demo
	cargo build --release -p onelist-examples --bin demo
	@$(TARGET)/release/demo .cache/ml-100k .cache/demo.onelist

wheel:
	@scripts/setup wheel
	maturin build --release --locked --manifest-path bindings/python/Cargo.toml --interpreter $(VIRTUAL_ENV)/bin/python --out dist

test:
	@$(STEP) "Setup" scripts/setup test
	@$(STEP) "Build" cargo build $(RUST) --all-targets
	@$(STEP) "Rust: unit, integration and documentation tests" cargo test $(RUST)
	@$(STEP) "C: tests under the sanitizers" $(MAKE) --no-print-directory -C bindings/c test
	@$(STEP) "Python: build the wheels" scripts/install-wheel
	@$(STEP) "Python: tests" python -m pytest bindings/python/tests
	@$(STEP) "Python: tests of the trainer" python -m pytest bindings/python-train/tests
	@$(STEP) "Examples, and the code in README.md and docs/" scripts/run-examples

check:
	@$(STEP) "Setup" scripts/setup test
	@$(STEP) "Format" cargo fmt --all --check
	@$(STEP) "Lints" cargo clippy --release --workspace --all-targets -- -D warnings
	@$(STEP) "The engine without GPU providers" cargo check --release -p onelist --no-default-features
	@RUSTDOCFLAGS="-D warnings" $(STEP) "Documentation of the code" cargo doc --release --workspace --no-deps
	@$(STEP) "Documentation in docs/" scripts/check-docs
	@$(STEP) "Limits in docs/LIMITS.md" scripts/limits --check
	@$(STEP) "Layers" cargo test --release -p onelist-tests --test it layers
	@$(STEP) "Licences and advisories" scripts/check-licences

bench:
	@scripts/setup demo
	cargo run --release -p onelist-benches --features numkong --bin bench -- $(ARGS)

quality:
	@scripts/setup demo
	cargo run --release -p onelist-benches --bin quality -- $(ARGS)

rivals:
	@scripts/setup demo
	@scripts/setup rivals
	PYTHONPATH=benches python -m rivals $(or $(ARGS),retail movies ml100k)

limits:
	scripts/limits

witness:
	@scripts/setup demo
	cargo run --release -p onelist-benches --bin witness -- $(ARGS)

clean:
	cargo clean
	rm -rf dist .venv .cache
