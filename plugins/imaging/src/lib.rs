//! What the image plugins share: resampling as torchvision does it, flipping, the types of images
//! and of sizes in a configuration, and the vectors that all of it runs on.
//!
//! Nothing here draws random numbers or knows what a plugin is for. Every result is made with
//! integer arithmetic (or, for `float32` images, with IEEE operations in a fixed order), so the
//! native build and the WebAssembly build give the same bytes.
//!
//! Begin with [`Resizer`], [`flip`] and [`Layout`].

mod axis;
mod convolve;
mod cut;
mod flip;
mod float;
mod layout;
mod nearest;
mod resizer;
pub mod simd;
mod size;

pub use cut::cut;
pub use flip::flip;
pub use layout::{Image, Layout};
pub use resizer::{Interpolation, Resizer};
pub use size::{MAX_SIDE, SizeConfig};
