//! Packages on disk: build them, name them, store them, resolve them, pin them.
//!
//! - [`package`]: one component with its manifest: encode a core module, embed `plugin.toml`, read it
//!   all back.
//! - [`build`]: from a Rust plugin crate to a package, with plain cargo.
//! - [`Root`]: a folder `<root>/<namespace>/<name>/<version>.wasm`, the layout of `wkg`'s local
//!   backend. It is append-only: a version never changes.
//! - [`Registry`]: several roots, in order; it finds the version that a [`Reference`] means.
//! - [`Lock`]: `zenith.lock`, which pins what was found by its digest.
//!
//! Nothing here runs a plugin, and nothing here uses the network.

#![forbid(unsafe_code)]

pub mod build;
mod files;
mod lock;
pub mod package;
mod reference;
mod registry;
mod root;

pub use files::FileError;
pub use lock::{Drift, Lock, LockError, Locked};
pub use reference::{Reference, ReferenceError, Requirement};
pub use registry::{Registry, ResolveError, Resolved};
pub use root::{AddError, Added, Conflict, Entry, Root, RootKind};
