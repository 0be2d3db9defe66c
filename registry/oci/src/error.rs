//! What can go wrong between here and a registry: what, where, why, and what to do.

use std::{io, time::Duration};

use semver::Version;
use thiserror::Error;
use zenith_core::{Digest, PackageName};
use zenith_registry::{
    Reference,
    package::{NamingError, ReadError},
};

use crate::{artefact::ArtefactError, credentials};

/// With which credentials a registry was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// With none.
    Anonymous,
    /// With some.
    Known,
    /// With none, because docker keeps them in a helper of this name.
    Helper(String),
}

/// Why a package could not be pushed or pulled. `place` is the registry's host, with its prefix.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// No connection could be made.
    #[error("cannot reach the registry `{place}`: {reason}")]
    Unreachable {
        /// The registry.
        place: String,
        /// What the system says.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("the registry `{place}` did not answer within {} s", after.as_secs_f64())]
    TimedOut {
        /// The registry.
        place: String,
        /// For how long.
        after: Duration,
    },
    /// It answers without TLS, and was asked with it.
    #[error("the registry `{place}` does not speak https")]
    NotTls {
        /// The registry.
        place: String,
    },
    /// It answers with TLS, and was asked without.
    #[error("the registry `{place}` speaks https, and was asked by plain http")]
    NotPlain {
        /// The registry.
        place: String,
    },
    /// Who it is cannot be verified.
    #[error("the registry `{place}` cannot be trusted: {reason}")]
    Certificate {
        /// The registry.
        place: String,
        /// What is wrong with its certificate.
        reason: String,
    },
    /// It wants to know who asks, or does not accept the answer.
    #[error("the registry `{place}` {} for `{repository}`", match access {
        Access::Known => "does not accept the credentials",
        _ => "asks for credentials",
    })]
    Unauthorized {
        /// The registry.
        place: String,
        /// The repository.
        repository: String,
        /// What it was told.
        access: Access,
    },
    /// It knows who asks, and refuses.
    #[error("the registry `{place}` refuses access to `{repository}`: {reason}")]
    Denied {
        /// The registry.
        place: String,
        /// The repository.
        repository: String,
        /// What it says.
        reason: String,
    },
    /// Credentials would go through the network unencrypted.
    #[error("the credentials for `{place}` would cross the network unencrypted")]
    InClear {
        /// The registry.
        place: String,
    },
    /// A token that cannot be sent.
    #[error("the token for `{place}` is not one: it has characters that no token has")]
    Token {
        /// The registry.
        place: String,
    },
    /// It has no such package.
    #[error("the registry `{place}` has no package `{name}`: there is no repository `{repository}`")]
    UnknownPackage {
        /// The registry.
        place: String,
        /// The package.
        name: PackageName,
        /// The repository that it would be in.
        repository: String,
    },
    /// It has the package, but no version that will do.
    #[error("the registry `{place}` has no version of `{}` that matches `{}`", reference.name,
        reference.requirement_text().unwrap_or_else(|| "any release".to_owned()))]
    NoVersion {
        /// The registry.
        place: String,
        /// What was asked for; boxed to keep results small.
        reference: Box<Reference>,
        /// The versions that it has, from the highest.
        available: Vec<Version>,
    },
    /// What is there is no package.
    #[error("`{package}` in the registry `{place}` is not a plugin: {cause}")]
    Artefact {
        /// The registry.
        place: String,
        /// The package's name and version.
        package: String,
        /// What it is.
        cause: ArtefactError,
    },
    /// What is there is WebAssembly, but no plugin.
    #[error("`{package}` in the registry `{place}` is not a plugin: {cause}")]
    Plugin {
        /// The registry, or nothing for what was to be pushed.
        place: String,
        /// The package's name and version.
        package: String,
        /// What it is.
        cause: ReadError,
    },
    /// It calls itself something else.
    #[error("`{package}` in the registry `{place}` is another package: {cause}")]
    Naming {
        /// The registry.
        place: String,
        /// The package's name and version.
        package: String,
        /// What it is.
        cause: NamingError,
    },
    /// Bytes are not those that their digest was taken of.
    #[error(
        "the registry `{place}` sent other bytes for `{package}` than it says: {expected} was asked for, and {found} came"
    )]
    Digest {
        /// The registry.
        place: String,
        /// The package's name and version.
        package: String,
        /// What was asked for.
        expected: String,
        /// What came.
        found: String,
    },
    /// The registry has other bytes than those that are pinned.
    #[error(
        "`{package}` in the registry `{place}` is not what the lockfile pins: it pins {pinned}, and the registry has {found}"
    )]
    Pinned {
        /// The registry.
        place: String,
        /// The package's name and version.
        package: String,
        /// The digest in the lockfile.
        pinned: Digest,
        /// The digest of what the registry has.
        found: Digest,
    },
    /// It is larger than is allowed.
    #[error("`{package}` in the registry `{place}` has {size} bytes, and {limit} are allowed")]
    TooLarge {
        /// The registry.
        place: String,
        /// The package's name and version.
        package: String,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The version is in the registry, with other bytes.
    #[error(
        "`{package}` is already in the registry `{place}` with other bytes: it has {stored}, and this is {given}"
    )]
    Conflict {
        /// The registry.
        place: String,
        /// The package's name and version.
        package: String,
        /// What is there: a digest, or what it is instead of a package.
        stored: String,
        /// The digest of what was to be pushed.
        given: Digest,
    },
    /// The version is in the registry, with another signature.
    #[error("`{package}` is already in the registry `{place}` with another signature")]
    OtherSignature {
        /// The registry.
        place: String,
        /// The package's name and version.
        package: String,
    },
    /// A version that cannot be a tag.
    #[error("`{version}` cannot be pushed: a registry's tags cannot hold the `+` of build metadata")]
    BuildMetadata {
        /// The version.
        version: Version,
    },
    /// The registry answered with an error of its own.
    #[error("the registry `{place}` failed: {reason}")]
    Failed {
        /// The registry.
        place: String,
        /// What it says.
        reason: String,
    },
    /// The registry's answer makes no sense.
    #[error("the registry `{place}` gave an answer that no registry gives: {reason}")]
    Nonsense {
        /// The registry.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused.
    #[error("cannot prepare to ask the registry `{place}`: {cause}")]
    System {
        /// The registry.
        place: String,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
}

impl RemoteError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreachable { .. } => "check the registry's name and port, and that it runs".to_owned(),
            Self::TimedOut { .. } => "try again later, or check what stands between here and there".to_owned(),
            Self::NotTls { .. } => {
                "pass --plain-http if that is what you expect of this registry".to_owned()
            }
            Self::NotPlain { .. } => "leave --plain-http out".to_owned(),
            Self::Certificate { .. } => {
                "if the authority that signed its certificate is your own, name its file in SSL_CERT_FILE"
                    .to_owned()
            }
            Self::Unauthorized { access: Access::Helper(helper), .. } => format!(
                "docker keeps them in the helper `{helper}`, which Zenith does not ask: set `{}`",
                credentials::TOKEN
            ),
            Self::Unauthorized { place, .. } => {
                let host = place.split('/').next().unwrap_or_default();
                format!("run `docker login {host}`, or set `{}`", credentials::TOKEN)
            }
            Self::Denied { .. } => "check what these credentials may read and write".to_owned(),
            Self::InClear { .. } => "leave --plain-http out, or take the credentials away".to_owned(),
            Self::Token { .. } => format!("check `{}`: it is one word", credentials::TOKEN),
            Self::UnknownPackage { .. } | Self::Artefact { .. } => "check the package's name, and the prefix after the registry".to_owned(),
            Self::NoVersion { available, .. } if available.is_empty() => {
                "no tag of that repository is a version".to_owned()
            }
            Self::NoVersion { available, .. } => {
                let versions: Vec<_> = available.iter().take(8).map(Version::to_string).collect();
                let more = match available.len() - versions.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("these versions exist: {}{more}", versions.join(", "))
            }
            Self::Plugin { cause, .. } => return cause.hint(),
            Self::Naming { .. } => "ask whoever pushed it: it was not pushed as what it is".to_owned(),
            Self::Digest { .. } => {
                "try again; if it happens again, the registry or what stands before it is damaged".to_owned()
            }
            Self::Pinned { package, .. } => format!(
                "a version never changes, so one of the two is not the original: if you trust the registry, \
                 take the entry of `{package}` out of the lockfile"
            ),
            Self::TooLarge { .. } => "no plugin needs to be as large: check what was pushed".to_owned(),
            Self::Conflict { .. } => {
                "a version never changes: raise `version` in `plugin.toml` and build it again".to_owned()
            }
            Self::OtherSignature { .. } => {
                "a version never changes, nor does its signature: pull the one that is there, or raise `version`"
                    .to_owned()
            }
            Self::BuildMetadata { .. } => "leave out what follows the `+`".to_owned(),
            Self::Failed { .. } | Self::Nonsense { .. } | Self::System { .. } => return None,
        };
        Some(hint)
    }
}
