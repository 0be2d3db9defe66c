//! A plugin's folder: its `plugin.toml`, and the language that it is written in.
//!
//! The language is said in `plugin.toml`, as `[build] language = "go"`; it is of no use to who runs the
//! plugin, so that it stays out of the package. A folder with a `Cargo.toml` needs none: it is Rust.

use std::path::{Path, PathBuf};

use thiserror::Error;
use zenith_registry::package::{Manifest, ManifestError};

use crate::language::{Language, UnknownLanguage};

/// A plugin's folder.
#[derive(Clone, Debug)]
pub struct Project {
    folder: PathBuf,
    manifest: Manifest,
    language: Language,
}

/// Why a folder is no plugin's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// Its manifest is missing or wrong.
    #[error("`{}` is not a plugin's folder: {cause}", folder.display())]
    Manifest {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        #[source]
        cause: ManifestError,
    },
    /// It does not say its language.
    #[error("`{}` does not say which language the plugin is written in", .0.join("plugin.toml").display())]
    NoLanguage(PathBuf),
    /// It says a language that there is not.
    #[error("`build.language` in `{}` is wrong: {cause}", folder.join("plugin.toml").display())]
    Language {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        #[source]
        cause: UnknownLanguage,
    },
}

impl ProjectError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Manifest { cause: ManifestError::Missing(_), .. } => {
                Some("make a plugin with `zenith plugin new`, or name the folder of one".to_owned())
            }
            Self::Manifest { cause, .. } => cause.hint(),
            Self::NoLanguage(_) => {
                Some("add a table `[build]` with `language = \"c\"`, or another language".to_owned())
            }
            Self::Language { .. } => None,
        }
    }
}

impl Project {
    /// Reads the folder of a plugin. Nothing is built.
    pub fn open(folder: &Path) -> Result<Self, ProjectError> {
        let manifest = Manifest::in_folder(folder)
            .map_err(|cause| ProjectError::Manifest { folder: folder.to_owned(), cause })?;
        let language = match &manifest.build {
            Some(build) => build
                .language
                .parse()
                .map_err(|cause| ProjectError::Language { folder: folder.to_owned(), cause })?,
            None if folder.join("Cargo.toml").is_file() => Language::Rust,
            None => return Err(ProjectError::NoLanguage(folder.to_owned())),
        };
        Ok(Self { folder: folder.to_owned(), manifest, language })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its author says about it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The language that it is written in.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Where the component goes unless someone says otherwise.
    pub fn default_output(&self) -> PathBuf {
        self.folder.join(format!("{}.wasm", self.manifest.name.name()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("name = \"acme:a\"\nversion = \"0.1.0\"\nkind = \"transform\"\n{manifest}");
        fs::write(folder.path().join("plugin.toml"), text).unwrap();
        folder
    }

    #[test]
    fn the_manifest_says_the_language() {
        let folder = folder("[build]\nlanguage = \"go\"");
        assert_eq!(Project::open(folder.path()).unwrap().language(), Language::Go);
    }

    #[test]
    fn a_crate_is_rust_without_saying_so() {
        let folder = folder("");
        let error = Project::open(folder.path()).unwrap_err();
        assert!(matches!(error, ProjectError::NoLanguage(_)), "{error}");
        fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        assert_eq!(Project::open(folder.path()).unwrap().language(), Language::Rust);
    }

    #[test]
    fn an_unknown_language_is_told_with_its_file() {
        let folder = folder("[build]\nlanguage = \"cobol\"");
        let error = Project::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("plugin.toml` is wrong: `cobol` is no language"), "{error}");
    }

    #[test]
    fn a_folder_without_a_manifest_is_no_plugins() {
        let folder = tempfile::tempdir().unwrap();
        let error = Project::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("is not a plugin's folder: there is no"), "{error}");
        assert!(error.hint().unwrap().contains("zenith plugin new"));
    }
}
