//! Putting packages into a registry folder, and taking them out of one that is a build's output.
//!
//! Writers wait for each other; readers wait for nobody. A signature is put in place before its
//! package, and a package is taken away before its signature, so that whoever sees a package sees its
//! signature too. A writer that dies in between leaves at most a draft, or a signature without a
//! package; the next one that publishes that version replaces it.

use std::path::PathBuf;

use semver::Version;
use thiserror::Error;
use zenith_core::{Digest, PackageName};

use super::Root;
use crate::{
    files::{self, FileError, Placed, Readers, lock},
    key::KeyId,
    package::{self, NamingError, ReadError},
    signature::{Mismatch, Signature},
};

/// What was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its file.
    pub path: PathBuf,
    /// Whether it was not there before; the same bytes may be added again.
    pub new: bool,
    /// The key of the signature that lies beside it now. One that was there already stays.
    pub signed_by: Option<KeyId>,
}

/// Why a package could not be added.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AddError {
    /// It is not a plugin.
    #[error("it is not a package: {0}")]
    Package(#[from] ReadError),
    /// Its name and version are not known, or not what was said.
    #[error(transparent)]
    Naming(#[from] NamingError),
    /// The version is there, with other bytes.
    #[error(transparent)]
    Conflict(#[from] Box<Conflict>),
    /// The signature that was given is not for it.
    #[error("the signature that came with it does not hold: {0}")]
    Signature(#[from] Mismatch),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A version that is in the registry with other bytes than those that were to be added.
#[derive(Debug, Error)]
#[error(
    "`{name}@{version}` is already in the registry with other bytes: `{}` has {stored}, and this is {given}",
    path.display()
)]
pub struct Conflict {
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// The digest of what is there.
    pub stored: Digest,
    /// The digest of what was to be added.
    pub given: Digest,
    /// The file that is there.
    pub path: PathBuf,
}

impl AddError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Package(error) => error.hint(),
            Self::Naming(error) => error.hint(),
            Self::Conflict(_) => Some(
                "a version never changes: raise `version` in `plugin.toml` and build it again".to_owned(),
            ),
            Self::Signature(_) => Some("fetch the package and its signature again".to_owned()),
            Self::File(error) => error.hint(),
        }
    }
}

impl Root {
    /// Adds a package under the name of its manifest, or under the given one where it has none. The
    /// same bytes may be added again; other bytes under the same version are refused. The file
    /// appears whole or not at all, and of several processes that add at once exactly one wins.
    pub fn add(&self, bytes: &[u8], given: Option<(PackageName, Version)>) -> Result<Added, AddError> {
        self.publish(bytes, given, None)
    }

    /// Adds a package with its signature. Whoever sees the package sees the signature; when this
    /// returns, both outlast a crash of the machine. A version that is there without a signature
    /// gets it.
    pub fn publish(
        &self,
        bytes: &[u8],
        given: Option<(PackageName, Version)>,
        signature: Option<&Signature>,
    ) -> Result<Added, AddError> {
        let mut added = self.check(bytes, given)?;
        if let Some(signature) = signature {
            signature.fits(&added.name, &added.version.to_string(), added.digest)?;
        }
        let _writing = self.writing(&added.path)?;
        if !added.path.exists() {
            let placed = self.place(&added, bytes, signature)?;
            if let Placed::New = placed {
                added.signed_by = signature.map(Signature::key);
                return Ok(added);
            }
        }
        added.new = false;
        let stored = package::digest(&files::read(&added.path)?);
        if stored != added.digest {
            let Added { name, version, digest: given, path, .. } = added;
            return Err(Box::new(Conflict { name, version, stored, given, path }).into());
        }
        added.signed_by = self.sign_again(&added, signature)?;
        Ok(added)
    }

    /// Puts a version in place that was not there a moment ago.
    fn place(&self, added: &Added, bytes: &[u8], signature: Option<&Signature>) -> Result<Placed, FileError> {
        let beside = self.signature_file(&added.name, &added.version);
        match signature {
            Some(signature) => files::replace(&beside, signature.as_str().as_bytes())?,
            // Of a writer that died before its package was in place.
            None => _ = files::remove(&beside)?,
        }
        let placed = files::create(&added.path, bytes, Readers::Everyone);
        if !matches!(placed, Ok(Placed::New)) && signature.is_some() {
            // The disk is full, or a writer that waits for nobody, such as `wkg`, was faster.
            files::remove(&beside)?;
        }
        placed
    }

    /// The key of the signature beside a version that was there already. A signature that is none for
    /// it gives way to the given one.
    fn sign_again(&self, added: &Added, given: Option<&Signature>) -> Result<Option<KeyId>, FileError> {
        let Added { name, version, digest, .. } = added;
        let stored = self.signature(name, version)?.and_then(|file| file.text.parse::<Signature>().ok());
        let stored = stored.filter(|stored| stored.fits(name, &version.to_string(), *digest).is_ok());
        match (stored, given) {
            (Some(stored), _) => Ok(Some(stored.key())),
            (None, Some(given)) => {
                files::replace(&self.signature_file(name, version), given.as_str().as_bytes())?;
                Ok(Some(given.key()))
            }
            (None, None) => Ok(None),
        }
    }

    /// Adds a package in place of the version that is there. This is for a folder that is the output
    /// of a build; where others may have pinned the version, use [`Root::add`].
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<Added, AddError> {
        let mut added = self.check(bytes, None)?;
        let _writing = self.writing(&added.path)?;
        if files::read(&added.path).is_ok_and(|stored| package::digest(&stored) == added.digest) {
            added.new = false;
            return Ok(added);
        }
        files::remove(&self.signature_file(&added.name, &added.version))?;
        files::replace(&added.path, bytes)?;
        Ok(added)
    }

    /// Takes a version out, if it is there, with all that lies beside it.
    pub(crate) fn remove(&self, name: &PackageName, version: &Version) -> Result<(), FileError> {
        let path = self.file(name, version);
        let _writing = self.writing(&path)?;
        let mut gone = false;
        for path in [path, self.signature_file(name, version), self.yank_file(name, version)] {
            gone |= files::remove(&path)?;
        }
        if gone { files::sync_folder(&self.folder(name)) } else { Ok(()) }
    }

    /// The right to write a file of this folder, until it is dropped.
    pub(super) fn writing(&self, path: &std::path::Path) -> Result<lock::Held, FileError> {
        let held = lock::hold(self.path())?;
        self.stay_inside("write to", path)?;
        Ok(held)
    }

    fn check(&self, bytes: &[u8], given: Option<(PackageName, Version)>) -> Result<Added, AddError> {
        let info = package::read(bytes)?;
        package::validate(bytes)?;
        let (name, version) = info.naming(given)?;
        let path = self.file(&name, &version);
        Ok(Added { name, version, digest: info.digest, path, new: true, signed_by: None })
    }
}
