//! The plugin `zenith:color-jitter`: brightness, contrast, saturation and hue, changed at random.

#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod adjust;
mod algorithm;
mod blocks;
mod hue;

pub use adjust::{adjust_brightness, adjust_contrast, adjust_saturation};
pub use algorithm::ColorJitter;
pub use hue::adjust_hue;

zenith_plugin_sdk::export!(transform: ColorJitter);
