//! The plugin `zenith:horizontal-flip`: images turned over from left to right at random.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;

pub use algorithm::HorizontalFlip;

zenith_plugin_sdk::export!(transform: HorizontalFlip);
