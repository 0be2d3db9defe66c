//! Packages to and from OCI registries, with the wasm artifact media types, so that `wkg` reads what we
//! push and we read what it pushes.
//!
//! A crate of its own, because it alone needs the network. Packages on disk live in `zenith-registry`.

#![forbid(unsafe_code)]
