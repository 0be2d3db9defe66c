//! Why a host could not be set up, or a component not be loaded. What goes wrong later, while an
//! operator runs, is `zenith_core::OperatorError`.

use std::{fmt, io};

use thiserror::Error;
use zenith_core::{Digest, Identity};

use crate::inspect::API_VERSION;

/// Why the WebAssembly host could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The engine does not run on this machine.
    #[error("the WebAssembly engine cannot run here: {0}")]
    Engine(String),
    /// Forks of this process could not be watched for.
    #[error("cannot register a handler for forks: {0}")]
    Fork(#[source] io::Error),
}

/// Why a component could not be loaded: which plugin, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the plugin `{plugin}` {problem}")]
pub struct LoadError {
    /// Which plugin, boxed to keep results small.
    pub plugin: Box<Identity>,
    /// What is wrong.
    pub problem: Problem,
}

impl LoadError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.problem {
            Problem::Digest { .. } => {
                Some("if the package was changed on purpose, publish it under a new version")
            }
            Problem::CoreModule => Some("`zenith plugin build` wraps the module in a component"),
            Problem::NotWasm { .. } | Problem::Malformed { .. } => {
                Some("the file may be cut short: fetch or build it again")
            }
            Problem::Unstamped => Some("a plugin exports an interface of `zenith:plugin`, with its version"),
            Problem::Api { older: Side::Plugin, .. } => {
                Some("take a newer version of the plugin, or build it again with the present SDK")
            }
            Problem::Api { older: Side::Zenith, .. } => Some("take a newer version of Zenith"),
            Problem::Imports { .. } => Some(
                "a plugin may import `zenith:plugin` and the interfaces of WASI 0.2 that a language's \
                 runtime needs, which give it nothing; build it without what needs more",
            ),
            Problem::Invalid { .. } => {
                Some("build it without proposals that are not deterministic, such as relaxed SIMD")
            }
            _ => None,
        }
    }
}

/// Which side of the plugin boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The plugin.
    Plugin,
    /// This host.
    Zenith,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plugin => "the plugin",
            Self::Zenith => "Zenith",
        })
    }
}

/// What is wrong with a component. Texts go on after the plugin's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes are not those that the registry or the lockfile names.
    #[error("has the digest {found}, but {expected} was asked for")]
    Digest {
        /// The digest that was resolved.
        expected: Digest,
        /// The digest of the bytes at hand.
        found: Digest,
    },
    /// The bytes are not WebAssembly at all.
    #[error("is not a WebAssembly component: it is {what}")]
    NotWasm {
        /// What they seem to be.
        what: &'static str,
    },
    /// The bytes are a core module, which has no typed interface.
    #[error("is a WebAssembly core module, not a component")]
    CoreModule,
    /// The bytes begin as a component and go wrong.
    #[error("is damaged: {reason}")]
    Malformed {
        /// Where and how.
        reason: String,
    },
    /// Nothing says which version of the plugin interface it was built for.
    #[error("does not say which version of the plugin interface it was built for")]
    Unstamped,
    /// It was built for another version of the plugin interface.
    #[error(
        "was built for version {plugin} of the plugin interface, and this Zenith speaks {API_VERSION}: \
         {older} is older"
    )]
    Api {
        /// The version that the plugin was built for.
        plugin: String,
        /// Which of the two is older.
        older: Side,
    },
    /// It wants what plugins do not get.
    #[error("imports what it may not: {}", names.join(", "))]
    Imports {
        /// The imports that were refused.
        names: Vec<String>,
    },
    /// It exports none of the interfaces, or several.
    #[error("{}", if names.is_empty() {
        "exports no plugin interface".to_owned()
    } else {
        format!("exports several plugin interfaces, not one: {}", names.join(", "))
    })]
    Exports {
        /// The interfaces that it exports.
        names: Vec<String>,
    },
    /// It does not pass WebAssembly's validation, or uses proposals that are off.
    #[error("is not valid: {reason}")]
    Invalid {
        /// What the validator says.
        reason: String,
    },
    /// Its interface differs from the one in `wit/`.
    #[error("does not have the interface of its version: {reason}")]
    Interface {
        /// What differs.
        reason: String,
    },
}
