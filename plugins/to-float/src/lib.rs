//! The plugin `zenith:to-float`: images of bytes to floating point, channels first.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;
mod narrow;

pub use algorithm::ToFloat;

zenith_plugin_sdk::export!(transform: ToFloat);
