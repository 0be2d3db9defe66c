//! The plugin `zenith:random-resized-crop`: a random part of an image, resized to a given size.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;

pub use algorithm::RandomResizedCrop;

zenith_plugin_sdk::export!(transform: RandomResizedCrop);
