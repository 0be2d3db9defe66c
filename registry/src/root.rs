//! One registry folder, `<root>/<namespace>/<name>/<version>.wasm`. Which folders there are, and which
//! version is meant, is decided above.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use semver::Version;
use thiserror::Error;
use zenith_core::{Digest, PackageName};

use crate::{
    files::{self, FileError, Placed},
    package::{self, NamingError, ReadError},
};

/// Whose folder it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RootKind {
    /// The project's, beside its source.
    Project,
    /// The user's, for all projects.
    User,
    /// What is shipped with Zenith.
    BuiltIn,
    /// One that was named by path.
    Other,
}

impl fmt::Display for RootKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Project => "project",
            Self::User => "user",
            Self::BuiltIn => "built-in",
            Self::Other => "other",
        })
    }
}

/// A registry folder. It need not exist: then it is empty, and adding to it makes it.
///
/// Every path below it is made of a [`PackageName`] and a [`Version`], neither of which can hold a
/// separator or a `..`, so that no name leads out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    kind: RootKind,
    path: PathBuf,
}

/// One version in a root, by its place; the file itself was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// Its file.
    pub path: PathBuf,
}

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
            Self::File(error) => error.hint(),
        }
    }
}

impl Root {
    /// A registry folder by its path.
    pub fn new(kind: RootKind, path: impl Into<PathBuf>) -> Self {
        Self { kind, path: path.into() }
    }

    /// Whose folder it is.
    pub fn kind(&self) -> RootKind {
        self.kind
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a version is, if it is there.
    pub fn file(&self, name: &PackageName, version: &Version) -> PathBuf {
        self.folder(name).join(format!("{version}.wasm"))
    }

    fn folder(&self, name: &PackageName) -> PathBuf {
        self.path.join(name.namespace()).join(name.name())
    }

    /// Adds a package under the name of its manifest, or under the given one where it has none. The
    /// same bytes may be added again; other bytes under the same version are refused. The file
    /// appears whole or not at all, and of several processes that add at once exactly one wins.
    pub fn add(&self, bytes: &[u8], given: Option<(PackageName, Version)>) -> Result<Added, AddError> {
        let mut added = self.check(bytes, given)?;
        match files::create(&added.path, bytes)? {
            Placed::New => Ok(added),
            Placed::Existed => {
                let stored = package::digest(&files::read(&added.path)?);
                if stored == added.digest {
                    added.new = false;
                    return Ok(added);
                }
                let Added { name, version, digest: given, path, .. } = added;
                Err(Box::new(Conflict { name, version, stored, given, path }).into())
            }
        }
    }

    /// Adds a package in place of the version that is there. This is for a folder that is the output
    /// of a build; where others may have pinned the version, use [`Root::add`].
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<Added, AddError> {
        let mut added = self.check(bytes, None)?;
        added.new = match fs::read(&added.path) {
            Ok(stored) if package::digest(&stored) == added.digest => {
                return Ok(Added { new: false, ..added });
            }
            _ => true,
        };
        files::replace(&added.path, bytes)?;
        Ok(added)
    }

    /// Takes a version out, if it is there.
    pub(crate) fn remove(&self, name: &PackageName, version: &Version) -> Result<(), FileError> {
        let path = self.file(name, version);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(FileError::at("remove", &path)(cause))
            }
            _ => Ok(()),
        }
    }

    fn check(&self, bytes: &[u8], given: Option<(PackageName, Version)>) -> Result<Added, AddError> {
        let info = package::read(bytes)?;
        package::validate(bytes)?;
        let (name, version) = info.naming(given)?;
        let path = self.file(&name, &version);
        Ok(Added { name, version, digest: info.digest, path, new: true })
    }

    /// Reads a version whole, with the digest of what was read.
    pub fn get(&self, name: &PackageName, version: &Version) -> Result<(Vec<u8>, Digest), FileError> {
        let bytes = files::read(&self.file(name, version))?;
        let digest = package::digest(&bytes);
        Ok((bytes, digest))
    }

    /// The versions of a package, from the lowest.
    pub fn versions(&self, name: &PackageName) -> Result<Vec<Version>, FileError> {
        let mut versions: Vec<_> =
            names_in(&self.folder(name))?.iter().filter_map(|file| version_of(file)).collect();
        versions.sort();
        Ok(versions)
    }

    /// The packages that have at least one version here, by name.
    pub fn packages(&self) -> Result<Vec<PackageName>, FileError> {
        let mut packages = Vec::new();
        for namespace in names_in(&self.path)? {
            for name in names_in(&self.path.join(&namespace))? {
                // What does not parse is not ours: a draft, a signature, someone's notes.
                let Ok(name) = format!("{namespace}:{name}").parse() else { continue };
                if !self.versions(&name)?.is_empty() {
                    packages.push(name);
                }
            }
        }
        packages.sort();
        Ok(packages)
    }

    /// Every version of every package, by name and then from the lowest version.
    pub fn list(&self) -> Result<Vec<Entry>, FileError> {
        let mut entries = Vec::new();
        for name in self.packages()? {
            for version in self.versions(&name)? {
                let path = self.file(&name, &version);
                entries.push(Entry { name: name.clone(), version, path });
            }
        }
        Ok(entries)
    }
}

/// The version that a file of this name holds. Anything but `<version>.wasm` holds none: drafts that a
/// dying process left, signatures, yank marks.
fn version_of(file: &str) -> Option<Version> {
    Version::parse(file.strip_suffix(".wasm")?).ok()
}

/// The names in a folder. A folder that does not exist, or is none, has none.
fn names_in(folder: &Path) -> Result<Vec<String>, FileError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(cause) => return Err(FileError::at("list", folder)(cause)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(FileError::at("list", folder))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}
