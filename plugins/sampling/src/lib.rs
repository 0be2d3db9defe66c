//! What the samplers share: the shards of an epoch's order, progress through it, and saved places.
//!
//! A sampler is an [`Order`], which says which index stands at a position, and a [`Walk`] along it.
//! What does not live here: any particular order.

#![forbid(unsafe_code)]

mod cursor;
mod random;
mod walk;

pub use cursor::Cursor;
pub use random::{Stream, check_seed};
pub use walk::{Order, Walk};

/// The most samples that a dataset may have: every count up to here is exact in a double, which is
/// the only number of some plugin languages.
pub const LONGEST: u64 = 1 << 53;
