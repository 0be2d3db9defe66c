//! The plugin `zenith:sequential`: samples in the order of their indices.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;

pub use algorithm::Sequential;

zenith_plugin_sdk::export!(sampler: Sequential);
