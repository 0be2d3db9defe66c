//! The decoder `zenith:jpeg`.
//!
//! It reads baseline, extended and progressive JPEG files as libjpeg-turbo does with its default
//! settings, bit for bit, but only the wanted window of them: blocks outside it are read over and
//! never transformed, and rows below it are never read. Reductions by 2, 4 and 8 happen in the
//! transform. What lives here is the plugin itself; each step has a module of its own:
//!
//! `marker`, `header`, `exif` read what stands before the data; `geometry` says which blocks a window
//! needs; `entropy` reads coefficients; `sequential` and `progressive` go through scans; `idct` makes
//! samples, `plane` keeps them, and `rows`, with `upsample` and `colour`, makes pixels. `simd` is the
//! one place with vectors.

mod colour;
mod decoder;
mod entropy;
mod exif;
mod geometry;
mod header;
mod idct;
mod marker;
mod plane;
mod progressive;
mod rows;
mod sequential;
mod simd;
mod upsample;

pub use decoder::{Config, Jpeg};

zenith_plugin_sdk::export!(decoder: Jpeg);
