//! What no lockfile names, and taking it away.
//!
//! A version stays if any of the lockfiles names it, whatever digest it names; what is shipped with
//! Zenith always stays. What dying processes left behind goes too.

use std::{
    fs,
    path::{Path, PathBuf},
};

use semver::Version;
use zenith_core::PackageName;

use crate::{
    files::{self, DRAFT, FileError, lock},
    root::{Root, RootKind, YANK_SUFFIX, names_in, version_of},
    signature,
    verify::{NamedLock, size_of},
};

/// What can be taken out of one registry folder.
#[derive(Clone, Debug)]
pub struct Garbage {
    root: Root,
    /// Versions that no lockfile names, with the bytes that they and what lies beside them take.
    pub versions: Vec<(PackageName, Version, u64)>,
    /// Files of no use: drafts, and signatures and marks of versions that are not there; with bytes.
    pub leftovers: Vec<(PathBuf, u64)>,
}

impl Garbage {
    /// Looks for what no lockfile names. It takes nothing away.
    pub fn find(root: &Root, locks: &[NamedLock]) -> Result<Self, FileError> {
        let mut garbage = Self { root: root.clone(), versions: Vec::new(), leftovers: Vec::new() };
        if root.kind() == RootKind::BuiltIn {
            return Ok(garbage);
        }
        for entry in root.list()? {
            if locks.iter().all(|named| named.lock.get(&entry.name, &entry.version).is_none()) {
                let bytes = beside(root, &entry.name, &entry.version).iter().map(|path| size_of(path)).sum();
                garbage.versions.push((entry.name, entry.version, bytes));
            }
        }
        for folder in folders(root)? {
            for file in names_in(&folder)? {
                let path = folder.join(&file);
                if is_leftover(&folder, &file) {
                    garbage.leftovers.push((path.clone(), size_of(&path)));
                }
            }
        }
        Ok(garbage)
    }

    /// The folder that it is in.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty() && self.leftovers.is_empty()
    }

    /// The bytes that it takes.
    pub fn bytes(&self) -> u64 {
        let versions = self.versions.iter().map(|(_, _, bytes)| bytes);
        versions.chain(self.leftovers.iter().map(|(_, bytes)| bytes)).sum()
    }

    /// Takes away what was found, and nothing that came since; answers how many bytes that freed.
    pub fn remove(self) -> Result<u64, FileError> {
        if self.is_empty() {
            return Ok(0);
        }
        let mut freed = 0;
        for (name, version, _) in &self.versions {
            let bytes: u64 = beside(&self.root, name, version).iter().map(|path| size_of(path)).sum();
            self.root.remove(name, version)?;
            freed += bytes;
        }
        let _writing = lock::hold(self.root.path())?;
        for (path, bytes) in &self.leftovers {
            let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else { continue };
            // A publisher may have taken the version up since.
            if file.to_str().is_some_and(|file| is_leftover(folder, file)) && files::remove(path)? {
                freed += bytes;
            }
        }
        for (name, _, _) in &self.versions {
            // What is not empty stays, and says so by an error.
            let inner = self.root.path().join(name.namespace()).join(name.name());
            let _ = fs::remove_dir(&inner).and_then(|()| fs::remove_dir(inner.parent().unwrap_or(&inner)));
        }
        Ok(freed)
    }
}

/// A version's file and what may lie beside it.
fn beside(root: &Root, name: &PackageName, version: &Version) -> [PathBuf; 3] {
    [root.file(name, version), root.signature_file(name, version), root.yank_file(name, version)]
}

/// Whether a file in a package's folder is of no use.
fn is_leftover(folder: &Path, file: &str) -> bool {
    let orphan = [signature::SUFFIX, YANK_SUFFIX].into_iter().any(|suffix| {
        file.strip_suffix(suffix)
            .is_some_and(|package| version_of(package).is_some() && !folder.join(package).exists())
    });
    orphan || file.starts_with(DRAFT)
}

/// The folders of packages, with or without versions, that no link leads out of.
fn folders(root: &Root) -> Result<Vec<PathBuf>, FileError> {
    let mut folders = Vec::new();
    for namespace in names_in(root.path())? {
        for name in names_in(&root.path().join(&namespace))? {
            let folder = root.path().join(&namespace).join(&name);
            let named = format!("{namespace}:{name}").parse::<PackageName>().is_ok();
            if named && folder.is_dir() && root.stay_inside("list", &folder).is_ok() {
                folders.push(folder);
            }
        }
    }
    Ok(folders)
}
