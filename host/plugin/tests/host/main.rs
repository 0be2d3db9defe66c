//! The host against its guests: what is loaded and what is refused, what becomes of good and of hostile
//! plugins. Each kind's file has a test or a module of tests for each guest; forks are in `fork.rs`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod batch_transforms;
mod common;
mod compile_cache;
mod decoders;
mod load;
mod policies;
mod samplers;
mod transforms;
mod wasi;
