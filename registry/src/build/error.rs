//! Why a plugin crate could not be built.

use std::{io, path::PathBuf};

use thiserror::Error;
use zenith_core::PackageName;

use super::cargo::TARGET;
use crate::{
    files::FileError,
    package::{ManifestError, PackError},
};

/// Why a plugin crate could not be built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The crate's manifest is missing or wrong.
    #[error("`{}` cannot be built: {cause}", folder.display())]
    Manifest {
        /// The crate's folder.
        folder: PathBuf,
        /// What is wrong.
        #[source]
        cause: ManifestError,
    },
    /// Cargo could not be run.
    #[error("cannot run `{program}`: {cause}")]
    Cargo {
        /// What was to be run.
        program: String,
        /// What the system answered.
        #[source]
        cause: io::Error,
    },
    /// Cargo does not know the folder.
    #[error("cargo cannot read the workspace of `{}`:\n{output}", folder.display())]
    Metadata {
        /// The folder.
        folder: PathBuf,
        /// What cargo said.
        output: String,
    },
    /// The folder is that of a workspace, or not of a crate at all.
    #[error("`{}` is not the folder of a crate", .0.display())]
    NoPackage(PathBuf),
    /// None of the workspace's crates has a `plugin.toml`.
    #[error("no crate of the workspace `{}` has a `plugin.toml`", .0.display())]
    NoPlugins(PathBuf),
    /// The standard library for WebAssembly is not there.
    #[error("the Rust toolchain has no standard library for `{TARGET}`")]
    TargetMissing,
    /// It does not compile. Unless it was asked for, what the compiler said is on standard error
    /// already.
    #[error("the plugin does not compile{}", if output.is_empty() { String::new() } else { format!(":\n{output}") })]
    Compile {
        /// What the compiler said, where it was kept.
        output: String,
    },
    /// The crate makes no module.
    #[error("the crate in `{}` makes no WebAssembly module", .0.display())]
    NotCdylib(PathBuf),
    /// What cargo left could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// What was compiled makes no package.
    #[error("`{name}` was compiled, but {cause}")]
    Pack {
        /// The package.
        name: PackageName,
        /// What is wrong.
        #[source]
        cause: PackError,
    },
    /// Two crates of a workspace have the same name.
    #[error("`{}` and `{}` are both called `{name}`", folders[0].display(), folders[1].display())]
    SameName {
        /// The package.
        name: PackageName,
        /// The crates' folders.
        folders: [PathBuf; 2],
    },
}

impl BuildError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Manifest { cause, .. } => cause.hint(),
            Self::Cargo { cause, .. } if cause.kind() == io::ErrorKind::NotFound => Some(
                "install Rust with rustup (https://rustup.rs); a Rust plugin is built with cargo".to_owned(),
            ),
            Self::TargetMissing => Some(format!("run `rustup target add {TARGET}`")),
            Self::NotCdylib(_) => {
                Some("set `crate-type = [\"cdylib\", \"rlib\"]` under `[lib]` in its `Cargo.toml`".to_owned())
            }
            Self::NoPackage(_) => Some("build the crates of a workspace with `build-workspace`".to_owned()),
            Self::NoPlugins(_) => {
                Some("give each plugin crate a `plugin.toml` with `name`, `version` and `kind`".to_owned())
            }
            Self::File(error) => error.hint(),
            Self::Pack { cause, .. } => cause.hint(),
            _ => None,
        }
    }
}
