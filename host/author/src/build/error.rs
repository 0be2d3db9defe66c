//! Why a plugin could not be built.

use std::path::PathBuf;

use thiserror::Error;
use zenith_core::PackageName;
use zenith_registry::{FileError, build::BuildError as CargoError, package::PackError};

use crate::{
    language::Language,
    tool::{MissingTool, ToolError},
};

/// Why a plugin could not be built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Cargo could not build it.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    /// A compiler is not there.
    #[error(transparent)]
    MissingTool(#[from] MissingTool),
    /// A compiler is there, and too old.
    #[error("`{tool}` is of version {found}, and plugins need {wanted} or newer")]
    OldTool {
        /// Which.
        tool: String,
        /// Its version.
        found: String,
        /// The oldest that will do.
        wanted: String,
    },
    /// A compiler failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The project's own tool could not be installed.
    #[error("`{tool}` could not be installed:\n{output}")]
    NotInstalled {
        /// Which.
        tool: String,
        /// The command that installs it.
        command: String,
        /// What the installer said.
        output: String,
    },
    /// The folder lacks a source that the language calls for.
    #[error("`{}` has no {what}", folder.display())]
    NoSource {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        what: String,
    },
    /// The language's bindings could not be made. The interface and the generator are this version's own.
    #[error("the {language} bindings could not be made: {reason}")]
    Bindings {
        /// The language.
        language: Language,
        /// Why not.
        reason: String,
    },
    /// The manifest asks for a clock that the language's runtime cannot be given.
    #[error("`plugin.toml` asks for the permission `clock`, which a plugin in Go cannot use")]
    NoClock,
    /// The system refused something about a file.
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
}

impl BuildError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cargo(error) => error.hint(),
            Self::MissingTool(error) => Some(error.hint()),
            Self::NotInstalled { command, .. } => Some(format!(
                "run `{command}` in the plugin's folder, with a network; later builds need none"
            )),
            Self::NoSource { .. } => {
                Some("`zenith plugin new` makes a folder with all that is needed".to_owned())
            }
            Self::NoClock => Some(
                "take it out of `permissions`, or write the plugin in another language: Go's memory management \
                 reads the clock where a component may not ask for it, and has one that stands still"
                    .to_owned(),
            ),
            Self::Bindings { .. } => Some("this is a fault of Zenith's own: please report it".to_owned()),
            Self::File(error) => error.hint(),
            Self::Pack { cause, .. } => cause.hint(),
            _ => None,
        }
    }
}
