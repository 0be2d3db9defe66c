//! Packages to and from OCI registries, with the wasm artifact media types, so that `wkg` reads what we
//! push and we read what it pushes.
//!
//! - [`Place`]: which registry, and under which prefix.
//! - [`Remote`]: that registry; it pushes, pulls, and finds the version that a reference means.
//! - [`artefact`]: what stands for a package there, as bytes: a manifest, a configuration, one layer.
//! - [`Credentials`]: from docker's configuration, or the environment.
//!
//! A crate of its own, because it alone needs the network. Packages on disk live in `zenith-registry`.
//! Every call has a runtime of its own, on the thread that makes it, and leaves no thread behind.

#![forbid(unsafe_code)]

pub mod artefact;
mod credentials;
mod error;
mod place;
mod pull;
mod push;
mod remote;
mod text;
mod wire;

pub use credentials::{Credentials, CredentialsError};
pub use error::{Access, RemoteError};
pub use place::{Place, PlaceError};
pub use pull::{Pin, Pulled};
pub use push::{Outcome, Package, Pushed};
pub use remote::{Progress, Remote, RemoteOptions};
