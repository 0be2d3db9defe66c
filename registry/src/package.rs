//! One package: a component, and the manifest that it carries.
//!
//! A component is what the engine runs; a package is a component that also knows its name, version
//! and kind, because `plugin.toml` travels inside it as the custom section `zenith:manifest`. A
//! component that another tool made has no such section, and is named when it is added to a registry.

mod encode;
mod info;
mod manifest;
mod pack;
mod sections;

use sha2::{Digest as _, Sha256};
use zenith_core::Digest;

pub use encode::{EncodeError, encode, encode_with};
pub use info::{NamingError, PackageInfo, ReadError, read, validate};
pub use manifest::{BuildSettings, Manifest, ManifestError, RequestedLimits};
pub use pack::{PackError, Packed, pack};
pub use sections::{API_SECTION, MANIFEST_SECTION, SectionError, embed};

/// The digest by which a package is pinned: the sha256 of all of its bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}
