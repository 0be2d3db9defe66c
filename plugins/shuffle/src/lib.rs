//! The plugin `zenith:shuffle`: every sample once, in an order that differs for each epoch and seed.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;
mod permutation;

pub use algorithm::Shuffle;
pub use permutation::Permutation;

zenith_plugin_sdk::export!(sampler: Shuffle);
