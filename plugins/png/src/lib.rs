//! The plugin `zenith:png`: decodes PNG images, or a window of one, to RGB.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod algorithm;
mod exif;
mod interlace;
mod samples;

pub use algorithm::Png;

zenith_plugin_sdk::export!(decoder: Png);
