//! Whose signatures are required, for which namespaces, and whether a package has one.
//!
//! Two files say it: the user's `trust.toml` and the project's `zenith-trust.toml`; see [`file`]. Each
//! is asked, and the stricter answer holds, so that a project can ask for more than its user does and
//! never for less. What signatures are is in the module `signature`.

mod file;

use std::path::{Path, PathBuf};

use thiserror::Error;
use zenith_core::Identity;

pub use file::{Policy, PolicyError, TrustedKey, Unsigned};

use crate::{
    key::{KeyId, PublicKey},
    signature::{Malformed, Mismatch, Signature},
};

/// The policies that hold, the user's before the project's.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    policies: Vec<Policy>,
}

/// What a policy has nothing against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is signed by a key that is trusted for its namespace.
    Signed(KeyId),
    /// Nobody vouches for it, and that is accepted.
    Accepted,
    /// Nobody vouches for it, and the user should know.
    Warning(Doubt),
}

/// Why nobody vouches for a package.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Doubt {
    /// It has no signature.
    #[error("`{0}` is not signed, so that nobody vouches for it")]
    Unsigned(Identity),
    /// It has one, of a key that nobody trusts.
    #[error("`{identity}` is signed by the key {key}, which no trust file lists for `{}`", identity.name.namespace())]
    Stranger {
        /// The package.
        identity: Identity,
        /// The key's number.
        key: KeyId,
        /// The key, where the signature names it.
        named: Option<PublicKey>,
    },
}

/// Why a package is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// What lies beside it is no signature.
    #[error("`{}` is not a signature of `{identity}`: {cause}", path.display())]
    Malformed {
        /// The package.
        identity: Identity,
        /// The signature's file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: Malformed,
    },
    /// The signature does not hold.
    #[error("the signature of `{identity}` in `{}` does not hold: {cause}", path.display())]
    Tampered {
        /// The package.
        identity: Identity,
        /// The signature's file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: Mismatch,
    },
    /// A signature is required, and it has none, or a stranger's.
    #[error("{doubt}, and `{}` requires {}", policy.display(), required(.of))]
    Required {
        /// What is there instead.
        doubt: Doubt,
        /// The file that requires it.
        policy: PathBuf,
        /// Whose it may be; nothing where any listed key's will do.
        of: Vec<KeyId>,
    },
}

fn required(keys: &[KeyId]) -> String {
    match keys {
        [] => "one of a key that it lists".to_owned(),
        [key] => format!("one of the key {key}"),
        keys => {
            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
            format!("one of the keys {}", keys.join(", "))
        }
    }
}

impl Doubt {
    /// What a user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unsigned(identity) => format!(
                "ask its author to sign it; or set `unsigned = \"allow\"` in your trust file, if you accept \
                 plugins such as `{identity}` unsigned"
            ),
            Self::Stranger { identity, named, .. } => {
                let key = named.as_ref().map_or("KEY", PublicKey::as_str);
                let namespace = identity.name.namespace();
                format!("if you know that key: zenith trust add {key} --namespace {namespace}")
            }
        }
    }
}

impl TrustError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Malformed { path, .. } => format!(
                "fetch the package and its signature again; without `{}` it counts as unsigned",
                path.display()
            ),
            Self::Tampered { .. } => {
                "do not use it: fetch the package and its signature again, from whom you \
                                      trust"
                    .to_owned()
            }
            Self::Required { doubt: Doubt::Unsigned(_), .. } => {
                "ask its author to sign it; `zenith trust list` shows whose signatures count".to_owned()
            }
            Self::Required { doubt, .. } => doubt.hint(),
        })
    }
}

/// A signature as it lies beside a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureFile {
    /// Its file.
    pub path: PathBuf,
    /// The file's content, not yet read as a signature.
    pub text: String,
}

impl Trust {
    /// What these policies require together.
    pub fn new(policies: Vec<Policy>) -> Self {
        Self { policies }
    }

    /// Reads the user's and the project's policies, where there are such files; a user without one has
    /// [`Policy::default`].
    pub fn read(user: Option<&Path>, project: Option<&Path>) -> Result<Self, PolicyError> {
        let user = user.map(Policy::read).transpose()?.flatten().unwrap_or_default();
        let project = project.map(Policy::read).transpose()?.flatten();
        Ok(Self { policies: [Some(user), project].into_iter().flatten().collect() })
    }

    /// The policies, the user's first.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// Judges a package by its identity, whose digest was taken of its bytes, and by what lies beside
    /// it. A signature that does not hold is refused under any policy.
    pub fn judge(
        &self,
        identity: &Identity,
        signature: Option<&SignatureFile>,
    ) -> Result<Verdict, Box<TrustError>> {
        let signature = signature.map(|file| read(identity, file)).transpose()?;
        let namespace = identity.name.namespace();
        let signer_in = |policy: &Policy| {
            let signature = signature.as_ref()?;
            let mut keys = policy.keys_for(namespace);
            keys.find(|trusted| signature.made_by(&trusted.key).is_ok()).map(|trusted| trusted.key.id())
        };
        let known = self.policies.iter().find_map(signer_in);
        let doubt = || match &signature {
            Some(signature) => Doubt::Stranger {
                identity: identity.clone(),
                key: signature.key(),
                named: signature.named_key().cloned(),
            },
            None => Doubt::Unsigned(identity.clone()),
        };
        let mut verdict = known.map_or(Verdict::Accepted, Verdict::Signed);
        for policy in &self.policies {
            let keys: Vec<_> = policy.keys_for(namespace).map(|trusted| trusted.key.id()).collect();
            let strict = !keys.is_empty() || policy.unsigned() == Unsigned::Refuse;
            if strict && signer_in(policy).is_none() {
                let policy = policy.path().to_owned();
                return Err(TrustError::Required { doubt: doubt(), policy, of: keys }.into());
            }
            if policy.unsigned() == Unsigned::Warn && known.is_none() {
                verdict = Verdict::Warning(doubt());
            }
        }
        Ok(verdict)
    }
}

/// The signature beside a package, if it is about that package and no forgery that can be told.
fn read(identity: &Identity, file: &SignatureFile) -> Result<Signature, Box<TrustError>> {
    let (of, path) = (identity.clone(), file.path.clone());
    let signature: Signature = match file.text.parse() {
        Ok(signature) => signature,
        Err(cause) => return Err(TrustError::Malformed { identity: of, path, cause }.into()),
    };
    let holds = signature.fits(&identity.name, &identity.version, identity.digest).and_then(|()| {
        match signature.named_key() {
            Some(key) => signature.made_by(key),
            None => Ok(()),
        }
    });
    match holds {
        Ok(()) => Ok(signature),
        Err(cause) => Err(TrustError::Tampered { identity: of, path, cause }.into()),
    }
}
