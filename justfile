# just — https://just.systems — lists the recipes; every one is a plain command that works without it.

default:
    @just --list

# The story, told and played on loopback.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# What the README promises.
test:
    cargo test --workspace

fmt:
    cargo fmt --all

lint:
    cargo fmt --all -- --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps

# Each library crate alone, with no features and with all.
alone:
    ./ci/alone

# The public API, a line an item, in docs/api: after a change that is meant.
api *ARGS:
    ./ci/api {{ARGS}}

# Programs that we did not write, against ours. Installs what is missing when run as root in CI.
interop *ARGS:
    python3 interop/run.py {{ARGS}}

# All of it, as CI does.
ci:
    bash .ci/run

deny:
    cargo deny check
