//! `zenith.lock`: which bytes a project's references mean. What is in the registry is decided
//! elsewhere; here is the file, and the comparison with it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zenith_core::{Digest, Identity, PackageName};

use crate::{
    files::{self, FileError},
    reference::Reference,
};

/// The version of the file's format.
const FORMAT: i64 = 1;

const HEADER: &str = "\
# Which bytes each plugin means. Written by Zenith; keep it in version control.
";

/// The packages that a project has pinned, sorted by name and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    packages: Vec<Locked>,
}

/// One pinned package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The package.
    pub name: PackageName,
    /// What was asked for when it was pinned; nothing where any release would do. It is there for
    /// readers of the file and decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// The pinned version.
    pub version: Version,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// Why a lockfile could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LockError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not a lockfile.
    #[error("`{}` is wrong in line {line}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It is of a format that this version does not read.
    #[error("`{}` is of format {found}, and this version of Zenith reads format {FORMAT}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
}

impl LockError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Content { .. } => {
                Some("restore the file from version control, or remove it to pin the plugins anew".to_owned())
            }
            Self::Format { .. } => Some("use the version of Zenith that wrote it, or a later one".to_owned()),
        }
    }
}

/// A package whose bytes are not those that the lockfile pins.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{name}@{version}` is not what the lockfile pins: it pins {locked}, and `{}` has {found}",
    path.display()
)]
pub struct Drift {
    /// The package.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// The digest in the lockfile.
    pub locked: Digest,
    /// The digest of what is there.
    pub found: Digest,
    /// The file that is there.
    pub path: PathBuf,
}

impl Drift {
    /// What a user can do about it.
    pub fn hint(&self) -> String {
        format!(
            "a version never changes, so one of the two is not the original: restore `{}`, or, if you trust \
             what is there, take the entry of `{}` out of the lockfile",
            self.path.display(),
            self.name
        )
    }
}

/// A reference that no pin of the lockfile answers, where only what is pinned may be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{reference}` is not pinned: the lockfile {}", versions_of(.pinned))]
pub struct NotPinned {
    /// What was asked for.
    pub reference: Reference,
    /// The versions of the package that are pinned.
    pub pinned: Vec<Version>,
}

fn versions_of(versions: &[Version]) -> String {
    let versions: Vec<_> = versions.iter().map(Version::to_string).collect();
    match versions.as_slice() {
        [] => "has no version of it".to_owned(),
        versions => format!("has {} of it", versions.join(", ")),
    }
}

impl NotPinned {
    /// What a user can do about it.
    pub fn hint(&self) -> String {
        "pin it with `zenith lock` or `Pipeline.lock()`, and look at what that changes in the lockfile"
            .to_owned()
    }
}

/// The file as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: i64,
    #[serde(default, rename = "package")]
    packages: Vec<toml::Spanned<Locked>>,
}

/// Enough of a document of any format to tell which it is.
#[derive(Deserialize)]
struct AnyDocument {
    version: i64,
}

impl Lock {
    /// Reads a lockfile, or nothing where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, LockError> {
        let Some(text) = files::read_text(path)? else { return Ok(None) };
        Self::parse(&text, path).map(Some)
    }

    /// Reads a lockfile from its text. `path` is where it is from, for errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LockError> {
        let wrong = |span, reason: &str| LockError::Content {
            path: path.to_owned(),
            line: files::line_of(text, span),
            reason: reason.to_owned(),
        };
        if let Ok(AnyDocument { version: found }) = toml::from_str(text)
            && found != FORMAT
        {
            return Err(LockError::Format { path: path.to_owned(), found });
        }
        let document: Document =
            toml::from_str(text).map_err(|error| wrong(error.span(), error.message()))?;
        let mut lock = Self::default();
        for package in document.packages {
            let span = package.span();
            let package = package.into_inner();
            if lock.get(&package.name, &package.version).is_some() {
                let reason = format!("`{}@{}` is pinned twice", package.name, package.version);
                return Err(wrong(Some(span), &reason));
            }
            lock.pin(package);
        }
        Ok(lock)
    }

    /// Writes the lockfile, whole or not at all. A file that says the same already is left alone.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let text = self.to_toml();
        if matches!(files::read_text(path), Ok(Some(old)) if old == text) {
            return Ok(());
        }
        files::replace(path, text.as_bytes())
    }

    /// The lockfile's text.
    pub fn to_toml(&self) -> String {
        let mut text = format!("{HEADER}version = {FORMAT}\n");
        for Locked { name, requirement, version, digest } in &self.packages {
            // Writing to a string does not fail.
            let _ = write!(text, "\n[[package]]\nname = \"{name}\"\n");
            if let Some(requirement) = requirement {
                let _ = writeln!(text, "requirement = {}", toml::Value::String(requirement.clone()));
            }
            let _ = write!(text, "version = \"{version}\"\ndigest = \"{digest}\"\n");
        }
        text
    }

    /// The pinned packages, by name and version.
    pub fn packages(&self) -> &[Locked] {
        &self.packages
    }

    /// Pins a package, in place of what was pinned of the same name and version.
    pub fn pin(&mut self, package: Locked) {
        let place = self
            .packages
            .binary_search_by(|other| (&other.name, &other.version).cmp(&(&package.name, &package.version)));
        match place {
            Ok(index) => self.packages[index] = package,
            Err(index) => self.packages.insert(index, package),
        }
    }

    /// Takes out every version of a package.
    pub fn unpin(&mut self, name: &PackageName) {
        self.packages.retain(|package| package.name != *name);
    }

    /// The pinned package that a reference means: the highest pinned version that it admits.
    pub fn find(&self, reference: &Reference) -> Option<&Locked> {
        let mut packages = self.packages.iter().rev();
        packages.find(|package| package.name == reference.name && reference.admits(&package.version))
    }

    /// As [`Lock::find`], where nothing but what is pinned may be used.
    pub fn require(&self, reference: &Reference) -> Result<&Locked, NotPinned> {
        self.find(reference).ok_or_else(|| NotPinned {
            reference: reference.clone(),
            pinned: self
                .packages
                .iter()
                .filter(|package| package.name == reference.name)
                .map(|package| package.version.clone())
                .collect(),
        })
    }

    /// How another lockfile differs from this one, package by package, in words.
    pub fn changes(&self, other: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        for package in &other.packages {
            let Locked { name, version, requirement, digest } = package;
            match self.get(name, version) {
                None => changes.push(format!("`{name}@{version}` is not in it")),
                Some(own) if own.digest != *digest => {
                    changes.push(format!("`{name}@{version}` is {digest}, and it says {}", own.digest));
                }
                Some(own) if own.requirement != *requirement => {
                    let said = |requirement: &Option<String>| match requirement {
                        Some(requirement) => format!("`{requirement}`"),
                        None => "any release".to_owned(),
                    };
                    let (own, asked) = (said(&own.requirement), said(requirement));
                    changes.push(format!("`{name}` is asked for as {asked}, and it says {own}"));
                }
                Some(_) => {}
            }
        }
        let gone = self.packages.iter().filter(|own| other.get(&own.name, &own.version).is_none());
        changes.extend(gone.map(|own| format!("`{}@{}` is no longer asked for", own.name, own.version)));
        changes
    }

    /// One version of a package, if it is pinned.
    pub fn get(&self, name: &PackageName, version: &Version) -> Option<&Locked> {
        self.packages.iter().find(|package| package.name == *name && package.version == *version)
    }

    /// Says whether a package is what the lockfile pins. One that it does not pin is.
    pub fn check(&self, identity: &Identity, path: &Path) -> Result<(), Box<Drift>> {
        let pinned = self
            .packages
            .iter()
            .find(|package| package.name == identity.name && package.version.to_string() == identity.version);
        match pinned {
            Some(pinned) if pinned.digest != identity.digest => Err(Box::new(Drift {
                name: pinned.name.clone(),
                version: pinned.version.clone(),
                locked: pinned.digest,
                found: identity.digest,
                path: path.to_owned(),
            })),
            _ => Ok(()),
        }
    }
}
