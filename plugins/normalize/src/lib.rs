//! The plugin `zenith:normalize`: images to float32, less a mean and over a deviation.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;

pub use algorithm::Normalize;

zenith_plugin_sdk::export!(transform: Normalize);
