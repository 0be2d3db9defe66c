//! The WebAssembly half: what stands between a plugin's trait and the component's exports. It is
//! compiled for `wasm32` only, and only [`export!`](crate::export) names what is public here.
//!
//! One module for each kind holds the bindings that `wit-bindgen` generates for its world, and an
//! adapter from the generated trait to the SDK's. The kinds share one set of types. What does not
//! live here: how a plugin computes, and what the host makes of an answer.

pub mod batch_transform;
mod convert;
pub mod decoder;
mod output;
mod panic;
pub mod policy;
pub mod sampler;
pub mod transform;

pub(crate) use output::OutputHandle;

use crate::API_VERSION;

/// The types and the log, as generated for the transform's world and used by the others.
pub(crate) use transform::bindings::zenith::plugin::{log, types};

/// What `export!` stamps into the component: the bytes of [`API_VERSION`].
pub const API_STAMP: [u8; API_VERSION.len()] = match API_VERSION.as_bytes().first_chunk() {
    Some(bytes) => *bytes,
    None => panic!("an array as long as the text takes all of its bytes"),
};
