//! What a Rust plugin author depends on.
//!
//! Implement the trait of your kind of plugin ([`Transform`], [`Decoder`], [`BatchTransform`],
//! [`Sampler`] or [`Policy`]) and name the type in [`export!`]. The traits are plain Rust, so the same code runs
//! in unit tests on your own machine, and (for first-party plugins) inside the host as the native
//! twin of the component.
//!
//! What does not live here: anything of the host's, and the WebAssembly ABI, which `wit-bindgen`
//! generates from `wit/`.

mod config;
mod error;
mod export;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
pub mod log;
mod output;
mod rng;
#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(unreachable_pub, reason = "in a component, `Output` names it")
)]
mod sequence;
pub mod testing;
mod traits;

pub use config::{NoConfig, parse_config};
pub use error::Error;
pub use output::Output;
pub use rng::Rng;
pub use serde;
pub use traits::{BatchTransform, Decoder, Policy, Sampler, Transform};
pub use zenith_core::{
    BatchEffect, DType, Decision, DecodeRequest, Effect, Format, Header, Nodes, Placement, Population,
    Reason, Round, RunningTasks, TensorType, TensorView as Tensor, WaitingJobs, Window,
};

/// The version of the plugin interface that this SDK speaks. [`export!`] stamps it into the
/// component, where the host reads it before it instantiates anything.
pub const API_VERSION: &str = "0.1.0";
