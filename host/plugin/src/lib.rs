//! The WebAssembly host: load, check, limit, compile-cache, instantiate and call components.
//!
//! The only crate that names wasmtime. [`Host::load`] turns a component into a
//! [`zenith_core::Plugin`], from which each worker makes its own operators. A component is read before
//! anything of it runs: what it is, which version of the interface it was built for, what it imports.
//! An operator then has a store of its own with limits on memory, time and output. A plugin's error
//! spoils a sample; a trap, an overrun limit or a nonsensical answer costs the instance, which is
//! replaced at the next call and counted.
//!
//! What a limit does not limit: time that the host spends on the plugin's behalf (copying what it
//! wrote), and the compile time of a component.
//!
//! The types to know first are [`Host`], [`LoadError`] and `zenith_core::Plugin`.

mod artefact;
mod batch_transform;
mod bindings;
mod cache;
mod convert;
mod decoder;
mod engine;
mod error;
mod fault;
mod fork;
mod host;
mod imports;
mod inspect;
mod instance;
mod lent;
mod plugin;
mod policy;
mod sampler;
mod state;
mod text;
mod ticker;
mod transform;
mod wasi;

pub use cache::{CacheOption, CacheStats};
pub use error::{HostError, LoadError, Problem, Side};
pub use host::{Host, HostOptions};
pub use inspect::{API_VERSION, manifest_of};
