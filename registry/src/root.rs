//! One registry folder, `<root>/<namespace>/<name>/<version>.wasm`, and what lies beside a package: its
//! signature and the mark that it was yanked. Which folders there are, and which version is meant, is
//! decided above; how a package is put there, in [`add`].

mod add;
mod yank;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use semver::Version;
use zenith_core::{Digest, PackageName};

use crate::{
    files::{self, FileError, links},
    package, signature,
    trust::SignatureFile,
};

pub use add::{AddError, Added, Conflict};
pub(crate) use yank::SUFFIX as YANK_SUFFIX;
pub use yank::{YankError, Yanked};

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

    /// Reads a version whole, with the digest of what was read.
    pub fn get(&self, name: &PackageName, version: &Version) -> Result<(Vec<u8>, Digest), FileError> {
        let path = self.file(name, version);
        self.stay_inside("read", &path)?;
        let bytes = files::read(&path)?;
        let digest = package::digest(&bytes);
        Ok((bytes, digest))
    }

    /// The signature beside a version, if there is one; it is not checked. A version that was read
    /// before has its signature by now, if it was published with one: the signature comes first.
    pub fn signature(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<SignatureFile>, FileError> {
        let path = self.signature_file(name, version);
        let Some(text) = files::read_short(&path, signature::MOST)? else { return Ok(None) };
        self.stay_inside("read", &path)?;
        Ok(Some(SignatureFile { path, text }))
    }

    /// Where the signature of a version is, if it has one.
    pub fn signature_file(&self, name: &PackageName, version: &Version) -> PathBuf {
        self.beside(name, version, signature::SUFFIX)
    }

    fn beside(&self, name: &PackageName, version: &Version, suffix: &str) -> PathBuf {
        self.folder(name).join(format!("{version}.wasm{suffix}"))
    }

    /// Refuses a path that links lead out of the folder. What is shipped is exempt: installers may
    /// link its files to where they keep them, and whoever could change them could change Zenith.
    pub(crate) fn stay_inside(&self, action: &'static str, path: &Path) -> Result<(), FileError> {
        if self.kind == RootKind::BuiltIn {
            return Ok(());
        }
        links::stay_inside(action, &self.path, path)
    }

    /// The versions of a package, from the lowest.
    pub fn versions(&self, name: &PackageName) -> Result<Vec<Version>, FileError> {
        Ok(self.shelf(name)?.into_keys().collect())
    }

    /// The versions of a package, each with whether it is marked as yanked: one look into its folder.
    pub(crate) fn shelf(&self, name: &PackageName) -> Result<BTreeMap<Version, bool>, FileError> {
        let names = names_in(&self.folder(name))?;
        let mut shelf: BTreeMap<_, _> =
            names.iter().filter_map(|file| Some((version_of(file)?, false))).collect();
        for file in &names {
            let version = file.strip_suffix(YANK_SUFFIX).and_then(version_of);
            if let Some(yanked) = version.and_then(|version| shelf.get_mut(&version)) {
                *yanked = true;
            }
        }
        Ok(shelf)
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
pub(crate) fn version_of(file: &str) -> Option<Version> {
    Version::parse(file.strip_suffix(".wasm")?).ok()
}

/// The names in a folder. A folder that does not exist, or is none, has none.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, FileError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if files::absent(&cause) => return Ok(Vec::new()),
        Err(cause) => return Err(FileError::at("list", folder)(cause)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(FileError::at("list", folder))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}
