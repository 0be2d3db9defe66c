//! The pipeline over plain Rust operators. One binary, so that what its parts share is built once.

#![expect(clippy::unwrap_used, reason = "helpers of tests are outside `#[test]` functions")]

mod epochs;
mod failures;
mod planning;
mod shadows;
mod support;
mod swaps;
mod versions;
