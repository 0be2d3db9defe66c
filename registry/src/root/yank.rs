//! Yanking: a mark beside a version that says not to take it up any more. What is pinned goes on.

use std::path::PathBuf;

use semver::Version;
use thiserror::Error;
use zenith_core::PackageName;

use super::Root;
use crate::files::{self, FileError};

/// What is added to a package's file name for the name of the mark; its content is the reason.
pub(crate) const SUFFIX: &str = ".yanked";

/// The most bytes that are read of a reason.
const MOST: u64 = 4096;

/// The most characters that are written of one; each takes four bytes at most.
const MOST_WRITTEN: usize = 1000;

/// That a version was yanked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yanked {
    /// Why, if its author said so.
    pub reason: Option<String>,
}

impl std::fmt::Display for Yanked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "it was yanked: {reason}"),
            None => f.write_str("it was yanked"),
        }
    }
}

/// Why a version could not be yanked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum YankError {
    /// It is not there.
    #[error("there is no `{name}@{version}` in `{}`", folder.display())]
    Missing {
        /// The package.
        name: PackageName,
        /// The version.
        version: Version,
        /// The registry folder.
        folder: PathBuf,
    },
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

impl YankError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => {
                Some("`zenith registry list` shows which versions are in which folder".to_owned())
            }
            Self::File(error) => error.hint(),
        }
    }
}

impl Root {
    /// Marks a version as yanked; its bytes stay. False where it is marked so already.
    pub fn yank(&self, name: &PackageName, version: &Version, reason: &str) -> Result<bool, YankError> {
        if !self.file(name, version).exists() {
            let folder = self.path().to_owned();
            return Err(YankError::Missing { name: name.clone(), version: version.clone(), folder });
        }
        let mark = self.yank_file(name, version);
        let _writing = self.writing(&mark)?;
        let reason: String = one_line(reason).chars().take(MOST_WRITTEN).collect();
        let known = self.yanked(name, version)?;
        if known.as_ref().is_some_and(|known| known.reason.clone().unwrap_or_default() == reason) {
            return Ok(false);
        }
        files::replace(&mark, format!("{reason}\n").as_bytes())?;
        Ok(true)
    }

    /// Takes the mark away again. False where there was none.
    pub fn unyank(&self, name: &PackageName, version: &Version) -> Result<bool, FileError> {
        let mark = self.yank_file(name, version);
        let _writing = self.writing(&mark)?;
        let gone = files::remove(&mark)?;
        if gone {
            files::sync_folder(&self.folder(name))?;
        }
        Ok(gone)
    }

    /// Whether a version is marked as yanked here.
    pub fn yanked(&self, name: &PackageName, version: &Version) -> Result<Option<Yanked>, FileError> {
        let mark = self.yank_file(name, version);
        let Some(text) = files::read_short(&mark, MOST)? else { return Ok(None) };
        self.stay_inside("read", &mark)?;
        let reason = one_line(&text);
        Ok(Some(Yanked { reason: Some(reason).filter(|reason| !reason.is_empty()) }))
    }

    /// Where the mark of a version is, if it has one.
    pub(crate) fn yank_file(&self, name: &PackageName, version: &Version) -> PathBuf {
        self.beside(name, version, SUFFIX)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
