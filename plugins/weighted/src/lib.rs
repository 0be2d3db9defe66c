//! The plugin `zenith:weighted`: samples drawn with given weights, with or without replacement.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;
mod alias;
mod keys;

pub use algorithm::Weighted;

zenith_plugin_sdk::export!(sampler: Weighted);
