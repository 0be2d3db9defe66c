//! `plugin.toml`: what a plugin's author says about it.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
};

use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zenith_core::{Kind, PackageName, Permission};

use crate::files::{self, FileError};

/// What a plugin's author says about it: `plugin.toml` beside the source, the custom section
/// `zenith:manifest` inside the package.
///
/// ```
/// # use zenith_registry::package::Manifest;
/// let manifest = Manifest::from_toml(r#"
///     name = "acme:sepia"
///     version = "0.1.0"
///     kind = "transform"
///     description = "Tints an RGB image"
/// "#)?;
/// assert_eq!(manifest.name.namespace(), "acme");
/// # Ok::<(), zenith_registry::package::ManifestError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `namespace:name`.
    pub name: PackageName,
    /// The semantic version.
    pub version: Version,
    /// What it is for; it must be what the component exports.
    pub kind: Kind,
    /// One sentence for a list of packages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// An SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Where its source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// What it asks for beyond computing. A permission counts only if the user's configuration
    /// grants it as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// How much it needs of what is limited.
    #[serde(default, skip_serializing_if = "RequestedLimits::is_default")]
    pub limits: RequestedLimits,
    /// How its source is built. It stays with the source: a package does not carry it.
    #[serde(default, skip_serializing)]
    pub build: Option<BuildSettings>,
}

/// How a plugin's source is built, the table `[build]` of `plugin.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildSettings {
    /// The language that it is written in, by the word that `zenith plugin new --lang` takes. What is
    /// built with plain cargo needs none.
    pub language: String,
}

/// How much a plugin needs of what is limited, as its author says. It is held to a wish below the
/// default. One above the default raises nothing by itself: it is told to the user, whose own word
/// decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestedLimits {
    /// Bytes of linear memory for each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<NonZero<u64>>,
    /// Milliseconds for one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<NonZero<u64>>,
    /// Bytes of output for one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<NonZero<u64>>,
    /// Instances at once, over all workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<NonZero<u64>>,
}

impl RequestedLimits {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a manifest could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// There is none where one was looked for.
    #[error("there is no `{}`", .0.display())]
    Missing(PathBuf),
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not a manifest.
    #[error("`plugin.toml` is wrong in line {line}: {reason}")]
    Content {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl ManifestError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(_) => Some(
                "a plugin crate has a `plugin.toml` beside its `Cargo.toml`, with at least `name`, `version` \
                 and `kind`"
                    .to_owned(),
            ),
            Self::File(error) => error.hint(),
            Self::Content { .. } => None,
        }
    }
}

impl Manifest {
    /// Reads a manifest from its text.
    pub fn from_toml(text: &str) -> Result<Self, ManifestError> {
        toml::from_str(text).map_err(|error| ManifestError::Content {
            line: files::line_of(text, error.span()),
            reason: error.message().to_owned(),
        })
    }

    /// Reads `plugin.toml` in a folder.
    pub fn in_folder(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join("plugin.toml");
        let text = files::read_text(&path)?.ok_or(ManifestError::Missing(path))?;
        Self::from_toml(&text)
    }
}
