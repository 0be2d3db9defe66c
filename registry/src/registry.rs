//! Several registry folders, in order, and the search for what a reference means.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use semver::Version;
use thiserror::Error;
use zenith_core::{Digest, Identity, PackageName};

use crate::{
    files::FileError,
    folders,
    lock::{Drift, Lock},
    reference::{Reference, Requirement},
    root::{Root, RootKind, Yanked},
    trust::SignatureFile,
};

/// Registry folders, the first of which goes before the others where both have the same version.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    roots: Vec<Root>,
}

/// What a reference means: which package exactly, and its bytes.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Which package exactly.
    pub identity: Identity,
    /// The file that it was read from.
    pub path: PathBuf,
    /// Whose folder that is in.
    pub root: RootKind,
    /// The bytes that the identity's digest was taken of.
    pub bytes: Vec<u8>,
    /// The signature beside it, which nobody has checked yet.
    pub signature: Option<SignatureFile>,
    /// That it was yanked, where it is used nonetheless: it is pinned, or was named exactly.
    pub yanked: Option<Yanked>,
}

/// Why a reference could not be resolved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// No folder has the package.
    #[error("there is no plugin `{name}`")]
    UnknownPackage {
        /// The package.
        name: PackageName,
        /// Packages that are called nearly so, the nearest first.
        near: Vec<PackageName>,
        /// The folders that were searched.
        searched: Vec<PathBuf>,
    },
    /// The package has versions, but none that will do.
    #[error("there is no version of `{}` that matches `{}`", reference.name, wanted(reference))]
    NoVersion {
        /// What was asked for.
        reference: Reference,
        /// The versions that exist, from the highest.
        available: Vec<Version>,
        /// The highest that would do, had it not been yanked.
        yanked: Option<Box<Version>>,
    },
    /// The lockfile pins a version that no folder has.
    #[error("the lockfile pins `{name}@{version}`, but no registry folder has that version")]
    LockedVersionMissing {
        /// The package.
        name: PackageName,
        /// The pinned version.
        version: Version,
        /// The pinned digest.
        digest: Digest,
    },
    /// What is there is not what the lockfile pins.
    #[error(transparent)]
    Drift(#[from] Box<Drift>),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What the reference asks for, in words where it asks for nothing in particular.
fn wanted(reference: &Reference) -> String {
    reference.requirement_text().unwrap_or_else(|| "any release".to_owned())
}

impl ResolveError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownPackage { near, searched, .. } if near.is_empty() => {
                let folders: Vec<_> = searched.iter().map(|path| format!("`{}`", path.display())).collect();
                Some(format!(
                    "add it with `zenith registry add`; these folders were searched: {}",
                    if folders.is_empty() { "none".to_owned() } else { folders.join(", ") }
                ))
            }
            Self::UnknownPackage { near, .. } => {
                let names: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
                Some(format!("did you mean {}?", names.join(" or ")))
            }
            Self::NoVersion { reference, yanked: Some(version), .. } => Some(format!(
                "`{name}@{version}` would do, but was yanked; name it whole, as here, to use it nonetheless",
                name = reference.name,
            )),
            Self::NoVersion { reference, available, .. } => {
                let versions: Vec<_> = available.iter().take(8).map(Version::to_string).collect();
                let more = match available.len() - versions.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let named = match reference.requirement {
                    Requirement::Any => "; a pre-release is only taken where it is named",
                    _ => "",
                };
                Some(format!("these versions exist: {}{more}{named}", versions.join(", ")))
            }
            Self::LockedVersionMissing { name, version, .. } => Some(format!(
                "add `{name}@{version}` to the registry, or take its entry out of the lockfile to pin another \
                 version"
            )),
            Self::Drift(drift) => Some(drift.hint()),
            Self::File(error) => error.hint(),
        }
    }
}

impl Registry {
    /// A registry of these folders, in this order.
    pub fn new(roots: Vec<Root>) -> Self {
        Self { roots }
    }

    /// The usual folders: `.zenith/registry` in the project, `zenith/registry` in the user's data
    /// folder (`$XDG_DATA_HOME`, or `~/.local/share`), and what is shipped with Zenith.
    pub fn standard(project: &Path, built_in: Option<PathBuf>) -> Self {
        let project = Root::new(RootKind::Project, project.join(".zenith/registry"));
        let user = folders::user_data().map(|data| Root::new(RootKind::User, data.join("registry")));
        let built_in = built_in.map(|path| Root::new(RootKind::BuiltIn, path));
        Self::new([Some(project), user, built_in].into_iter().flatten().collect())
    }

    /// The folders, in order.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The first folder of a kind.
    pub fn root(&self, kind: RootKind) -> Option<&Root> {
        self.roots.iter().find(|root| root.kind() == kind)
    }

    /// Finds what a reference means.
    ///
    /// Where the lockfile pins a version that the reference admits, it is that one, with the pinned
    /// bytes. Otherwise it is the highest version that the reference admits in any folder; where two
    /// folders have that version, the first of them goes before the others.
    ///
    /// A version that is marked as yanked in any of the folders is left out, unless the lockfile pins
    /// it or the reference names exactly that version.
    pub fn resolve(&self, reference: &Reference, lock: Option<&Lock>) -> Result<Resolved, ResolveError> {
        match lock.and_then(|lock| lock.find(reference)) {
            Some(locked) => self.pinned(&locked.name, &locked.version, locked.digest),
            None => self.highest(reference),
        }
    }

    fn pinned(
        &self,
        name: &PackageName,
        version: &Version,
        digest: Digest,
    ) -> Result<Resolved, ResolveError> {
        let mut other = None;
        for root in self.roots.iter().filter(|root| root.file(name, version).exists()) {
            let found = self.read(root, name, version)?;
            if found.identity.digest == digest {
                return Ok(found);
            }
            other.get_or_insert(found);
        }
        match other {
            Some(found) => {
                let (name, found, path) = (found.identity.name, found.identity.digest, found.path);
                Err(Box::new(Drift { name, version: version.clone(), locked: digest, found, path }).into())
            }
            None => Err(ResolveError::LockedVersionMissing {
                name: name.clone(),
                version: version.clone(),
                digest,
            }),
        }
    }

    fn highest(&self, reference: &Reference) -> Result<Resolved, ResolveError> {
        // The first folder of each version, and whether any folder says that it was yanked.
        let mut shelf: BTreeMap<Version, (&Root, bool)> = BTreeMap::new();
        for root in &self.roots {
            for (version, yanked) in root.shelf(&reference.name)? {
                let (_, known) = shelf.entry(version).or_insert((root, false));
                *known |= yanked;
            }
        }
        let admitted = || shelf.iter().rev().filter(|(version, _)| reference.admits(version));
        match admitted().find(|(_, (_, yanked))| !yanked || reference.is_exact()) {
            Some((version, (root, _))) => Ok(self.read(root, &reference.name, version)?),
            None if shelf.is_empty() => Err(self.unknown(&reference.name)?),
            None => Err(ResolveError::NoVersion {
                reference: reference.clone(),
                yanked: admitted().next().map(|(version, _)| Box::new(version.clone())),
                available: shelf.into_keys().rev().collect(),
            }),
        }
    }

    /// That a version was yanked, in any of the folders.
    pub fn yanked(&self, name: &PackageName, version: &Version) -> Result<Option<Yanked>, FileError> {
        for root in &self.roots {
            if let Some(yanked) = root.yanked(name, version)? {
                return Ok(Some(yanked));
            }
        }
        Ok(None)
    }

    fn read(&self, root: &Root, name: &PackageName, version: &Version) -> Result<Resolved, FileError> {
        let (bytes, digest) = root.get(name, version)?;
        Ok(Resolved {
            identity: Identity { name: name.clone(), version: version.to_string(), digest },
            path: root.file(name, version),
            root: root.kind(),
            bytes,
            // After the package: whoever publishes both puts the signature in place first.
            signature: root.signature(name, version)?,
            yanked: self.yanked(name, version)?,
        })
    }

    fn unknown(&self, name: &PackageName) -> Result<ResolveError, FileError> {
        let mut known = BTreeSet::new();
        for root in &self.roots {
            known.extend(root.packages()?);
        }
        Ok(ResolveError::UnknownPackage {
            name: name.clone(),
            near: nearest(name, known),
            searched: self.roots.iter().map(|root| root.path().to_owned()).collect(),
        })
    }
}

/// At most three of the known names that a reader may have meant: those of the same name in another
/// namespace, and those that few slips of the hand apart.
fn nearest(wanted: &PackageName, known: BTreeSet<PackageName>) -> Vec<PackageName> {
    let slips = 1 + wanted.as_str().len() / 5;
    let mut near: Vec<_> = known
        .into_iter()
        .filter_map(|name| {
            let distance = strsim::damerau_levenshtein(wanted.as_str(), name.as_str());
            let namesake = name.name() == wanted.name();
            (distance <= slips || namesake).then_some((distance, name))
        })
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}
