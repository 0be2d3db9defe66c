//! Packages on disk: build them, name them, store them, resolve them, pin them.
//!
//! - [`package`]: one component with its manifest: encode a core module, embed `plugin.toml`, read it
//!   all back.
//! - [`build`]: from a Rust plugin crate to a package, with plain cargo.
//! - [`Root`]: a folder `<root>/<namespace>/<name>/<version>.wasm`, the layout of `wkg`'s local
//!   backend. It is append-only: a version never changes; it can be yanked.
//! - [`Registry`]: several roots, in order; it finds the version that a [`Reference`] means.
//! - [`Lock`]: `zenith.lock`, which pins what was found by its digest.
//! - [`Signature`]: who states that these bytes are this version; [`KeyFolder`]: the keys of those who do.
//! - [`Trust`]: whose signatures are required.
//! - [`verify`](Registry::verify) and [`Garbage`]: what is wrong in the folders, and what nobody needs.
//!
//! Nothing here runs a plugin, and nothing here uses the network.

#![forbid(unsafe_code)]

pub mod build;
mod files;
mod folders;
mod garbage;
mod key;
mod lock;
pub mod package;
mod reference;
mod registry;
mod root;
mod signature;
mod trust;
mod verify;

pub use files::FileError;
pub use folders::{user_config, user_data};
pub use garbage::Garbage;
pub use key::{KeyError, KeyFile, KeyFolder, KeyId, Password, PublicKey, PublicKeyError, SecretKey};
pub use lock::{Drift, Lock, LockError, Locked, NotPinned};
pub use reference::{Reference, ReferenceError, Requirement};
pub use registry::{Registry, ResolveError, Resolved};
pub use root::{AddError, Added, Conflict, Entry, Root, RootKind, YankError, Yanked};
pub use signature::{Malformed, Mismatch, Signature, Statement};
pub use trust::{
    Doubt, Policy, PolicyError, SignatureFile, Trust, TrustError, TrustedKey, Unsigned, Verdict,
};
pub use verify::{Fault, NamedLock, Report};
