//! What reads untrusted bytes, and damaged bytes for it to read.
//!
//! - [`bodies`]: one function for each reader. It must come to an end, without a panic, with an answer
//!   that holds together or with an error that a person can read.
//! - [`mutate`]: damage that gets past a reader's first check, because it knows what the bytes are made
//!   of: sections of WebAssembly, blocks of tar, lines of text.
//!
//! `tests/smoke.rs` runs them on any toolchain for a few seconds, over the corpus in `tests/corpus.rs`;
//! `libfuzzer/` is a workspace of its own in which libFuzzer drives the same bodies (`make fuzz`).

#![forbid(unsafe_code)]

pub mod bodies;
pub mod mutate;
mod random;
mod wasm;

pub use random::Random;
