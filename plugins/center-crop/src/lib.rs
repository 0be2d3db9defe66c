//! The plugin `zenith:center-crop`: the middle of an image, padded with zeros where the image is smaller.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;

pub use algorithm::CenterCrop;

zenith_plugin_sdk::export!(transform: CenterCrop);
