//! A trust file, and the changes that `zenith trust` makes to it.
//!
//! ```toml
//! version = 1
//!
//! # What becomes of a plugin that nobody vouches for: "allow", "warn" or "refuse".
//! unsigned = "warn"
//!
//! # From now on each plugin of `acme` must be signed by this key, or another that is listed for it.
//! [[key]]
//! namespace = "acme"
//! key = "RWSxfLGG5pBNQDWtFHlqOYj7xW2zqmbDv7VInnWdOA3yYVqFhIhwDhtF"
//! comment = "Ana"
//! ```

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use thiserror::Error;
use zenith_core::PackageName;

use crate::{
    files::{self, FileError},
    key::PublicKey,
};

/// The version of the file's format.
const FORMAT: i64 = 1;

const HEADER: &str = "\
# Whose signatures plugins must have, by namespace. `zenith trust` writes it; so may you.
version = 1
";

/// What becomes of a plugin that nobody vouches for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsigned {
    /// It is used.
    Allow,
    /// It is used, with a warning.
    #[default]
    Warn,
    /// It is not used: each namespace needs a key in the file that says so.
    Refuse,
}

impl std::fmt::Display for Unsigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        })
    }
}

/// A key whose signatures count for a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The namespace.
    pub namespace: String,
    /// The key.
    pub key: PublicKey,
    /// Whose it is, for readers of the file.
    pub comment: Option<String>,
    /// The line at which its entry begins, from 1.
    line: usize,
}

/// A trust file as read. The default is that of a user who has none: warn of what nobody vouches for.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    path: PathBuf,
    unsigned: Unsigned,
    keys: Vec<TrustedKey>,
}

/// Why a trust file could not be read or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not a trust file.
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
    /// A namespace is none.
    #[error("`{0}` is not a namespace: write it in kebab case, as in `acme` of `acme:sepia`")]
    Namespace(String),
}

impl PolicyError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Content { .. } => Some("correct that line; no plugin is loaded until then".to_owned()),
            Self::Format { .. } => Some("use the version of Zenith that wrote it, or a later one".to_owned()),
            Self::Namespace(_) => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: i64,
    #[serde(default)]
    unsigned: Option<Unsigned>,
    #[serde(default, rename = "key")]
    keys: Vec<toml::Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    namespace: toml::Spanned<String>,
    key: PublicKey,
    #[serde(default)]
    comment: Option<String>,
}

/// Enough of a document of any format to tell which it is.
#[derive(Deserialize)]
struct AnyDocument {
    version: i64,
}

impl Policy {
    /// Reads a trust file, or nothing where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, PolicyError> {
        let Some(text) = files::read_text(path)? else { return Ok(None) };
        Self::parse(&text, path).map(Some)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, PolicyError> {
        let wrong = |span, reason: &str| PolicyError::Content {
            path: path.to_owned(),
            line: files::line_of(text, span),
            reason: reason.to_owned(),
        };
        if let Ok(AnyDocument { version: found }) = toml::from_str(text)
            && found != FORMAT
        {
            return Err(PolicyError::Format { path: path.to_owned(), found });
        }
        let document: Document =
            toml::from_str(text).map_err(|error| wrong(error.span(), error.message()))?;
        let mut keys = Vec::with_capacity(document.keys.len());
        for entry in document.keys {
            let line = files::line_of(text, Some(entry.span()));
            let Entry { namespace, key, comment } = entry.into_inner();
            if check_namespace(namespace.get_ref()).is_err() {
                let reason = PolicyError::Namespace(namespace.get_ref().clone()).to_string();
                return Err(wrong(Some(namespace.span()), &reason));
            }
            keys.push(TrustedKey { namespace: namespace.into_inner(), key, comment, line });
        }
        Ok(Self { path: path.to_owned(), unsigned: document.unsigned.unwrap_or_default(), keys })
    }

    /// The file; empty for the default.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What becomes of a plugin that nobody vouches for, where no key is listed for its namespace.
    pub fn unsigned(&self) -> Unsigned {
        self.unsigned
    }

    /// The keys, as they stand in the file.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// The keys whose signatures count for a namespace.
    pub fn keys_for<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a TrustedKey> {
        self.keys.iter().filter(move |trusted| trusted.namespace == namespace)
    }

    /// Adds a key for a namespace to a trust file, and makes the file where there is none. False where
    /// it is listed already. What else stands in the file stays as it is.
    pub fn add(
        path: &Path,
        namespace: &str,
        key: &PublicKey,
        comment: Option<&str>,
    ) -> Result<bool, PolicyError> {
        check_namespace(namespace)?;
        let mut text = files::read_text(path)?.unwrap_or_else(|| HEADER.to_owned());
        let policy = Self::parse(&text, path)?;
        if policy.keys_for(namespace).any(|trusted| trusted.key == *key) {
            return Ok(false);
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "\n[[key]]\nnamespace = \"{namespace}\"\nkey = \"{key}\"\n");
        if let Some(comment) = comment {
            let _ = writeln!(text, "comment = {}", toml::Value::String(comment.to_owned()));
        }
        Self::store(&text, path)?;
        Ok(true)
    }

    /// Takes a key out of a trust file, for one namespace or for all; answers for which. What else
    /// stands in the file stays as it is.
    pub fn remove(path: &Path, namespace: Option<&str>, key: &PublicKey) -> Result<Vec<String>, PolicyError> {
        let Some(text) = files::read_text(path)? else { return Ok(Vec::new()) };
        let policy = Self::parse(&text, path)?;
        let gone: Vec<_> = policy
            .keys
            .iter()
            .filter(|trusted| {
                trusted.key == *key && namespace.is_none_or(|namespace| trusted.namespace == namespace)
            })
            .collect();
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let mut kept = String::with_capacity(text.len());
        let mut dropping = false;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if line.trim_start().starts_with(['[', '#']) {
                dropping = gone.iter().any(|trusted| trusted.line == index + 1);
            }
            if !dropping {
                kept.push_str(line);
            }
        }
        // What someone wrote in another form than `[[key]]` tables is theirs to change.
        let left = Self::parse(&kept, path).map_or(policy.keys.len(), |left| left.keys.len());
        if left + gone.len() != policy.keys.len() {
            return Err(PolicyError::Content {
                path: path.to_owned(),
                line: gone[0].line,
                reason: "the entry is not a `[[key]]` table of its own, and is left for you to take out"
                    .to_owned(),
            });
        }
        Self::store(&kept, path)?;
        Ok(gone.into_iter().map(|trusted| trusted.namespace.clone()).collect())
    }

    /// Writes a file that reads as a trust file, or none.
    fn store(text: &str, path: &Path) -> Result<(), PolicyError> {
        Self::parse(text, path)?;
        Ok(files::replace(path, text.as_bytes())?)
    }
}

fn check_namespace(namespace: &str) -> Result<(), PolicyError> {
    match format!("{namespace}:x").parse::<PackageName>() {
        Ok(_) => Ok(()),
        Err(_) => Err(PolicyError::Namespace(namespace.to_owned())),
    }
}
