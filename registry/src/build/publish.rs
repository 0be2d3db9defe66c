//! Putting what was built into a registry folder, with a lockfile beside it.

use thiserror::Error;

use super::BuiltPackage;
use crate::{
    files::FileError,
    lock::{Lock, LockError, Locked},
    root::{AddError, Added, Root},
};

/// What a folder holds after a build was published into it.
#[derive(Debug)]
pub struct Published {
    /// Each package, in the order in which they were given.
    pub added: Vec<Added>,
    /// What the folder's lockfile pins now.
    pub lock: Lock,
}

/// Why a build could not be published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// One of the packages could not be added.
    #[error("`{name}` cannot be added to the registry: {cause}")]
    Add {
        /// The package.
        name: zenith_core::PackageName,
        /// Why not.
        #[source]
        cause: AddError,
    },
    /// The folder's lockfile could not be read.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

impl PublishError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Add { cause, .. } => cause.hint(),
            Self::Lock(error) => error.hint(),
            Self::File(error) => error.hint(),
        }
    }
}

/// Makes a registry folder the output of a build: adds the packages, and pins them in the folder's own
/// `zenith.lock`.
///
/// What that lockfile pinned before is the output of an earlier build, and is replaced or taken out.
/// Nothing else in the folder is touched: a version that is there and not in the lockfile is somebody's,
/// and other bytes under it are refused as [`Root::add`] does.
pub fn publish(packages: &[BuiltPackage], root: &Root) -> Result<Published, PublishError> {
    let lock_path = root.path().join("zenith.lock");
    let earlier = Lock::read(&lock_path)?.unwrap_or_default();
    let mut lock = Lock::default();
    let mut added = Vec::with_capacity(packages.len());
    for package in packages {
        let manifest = &package.manifest;
        let ours = earlier.get(&manifest.name, &manifest.version).is_some();
        let place = if ours { root.replace(&package.bytes) } else { root.add(&package.bytes, None) };
        let place = place.map_err(|cause| PublishError::Add { name: manifest.name.clone(), cause })?;
        lock.pin(Locked {
            name: place.name.clone(),
            requirement: None,
            version: place.version.clone(),
            digest: place.digest,
        });
        added.push(place);
    }
    for stale in earlier.packages() {
        if lock.get(&stale.name, &stale.version).is_none() {
            root.remove(&stale.name, &stale.version)?;
        }
    }
    lock.write(&lock_path)?;
    Ok(Published { added, lock })
}
