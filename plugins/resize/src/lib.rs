//! The plugin `zenith:resize`: images resized to a given size, or with a given shorter side.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;

pub use algorithm::Resize;

zenith_plugin_sdk::export!(transform: Resize);
