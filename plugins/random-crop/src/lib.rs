//! The plugin `zenith:random-crop`: a random part of an image, of a given size.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;

pub use algorithm::RandomCrop;

zenith_plugin_sdk::export!(transform: RandomCrop);
