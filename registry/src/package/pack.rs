//! The last step of every build: from what a compiler left and what the author says, to a package.

use thiserror::Error;

use super::{
    encode::{self, EncodeError},
    info::{self, PackageInfo, ReadError},
    manifest::Manifest,
    sections::{self, SectionError},
};

/// A package that was just made.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The component, with the manifest in it.
    pub bytes: Vec<u8>,
    /// What it says about itself, read back.
    pub info: PackageInfo,
}

/// Why no package could be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackError {
    /// No component can be made of it.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The manifest could not be put into the component.
    #[error(transparent)]
    Embed(#[from] SectionError),
    /// The component is not what its manifest says, or no plugin.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl PackError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Encode(error) => error.hint(),
            Self::Embed(_) => None,
            Self::Read(error) => error.hint(),
        }
    }
}

/// Makes a component of a core module, with these adapters, gives it the manifest, and reads it back: a
/// component that is not what its manifest says is refused. What is a component already is only given the
/// manifest.
pub fn pack(wasm: &[u8], adapters: &[(&str, &[u8])], manifest: &Manifest) -> Result<Packed, PackError> {
    let bytes = sections::embed(&encode::encode_with(wasm, adapters)?, manifest)?;
    let info = info::read(&bytes)?;
    Ok(Packed { bytes, info })
}
