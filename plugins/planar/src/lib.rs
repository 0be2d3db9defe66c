//! Images of bytes into planes of numbers: what `normalize` and `to-float` share.
//!
//! Elements are mapped one by one, so each result depends on one element and its channel alone. The
//! arithmetic is the caller's; here live the order of the elements and the choice of instructions.

mod layout;
mod rearrange;
mod wide;

pub use layout::Layout;
pub use rearrange::{pixels_to_pixels, pixels_to_planes, planes_to_planes};
pub use wide::{Work, widest};
