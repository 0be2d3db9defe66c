//! What plugins get beyond computing. Two keys turn for each of these: a plugin's manifest asks for a
//! [`Permission`], and the user's configuration allows it by a [`Grant`]. What neither says is not given.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a manifest may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum Permission {
    /// The time of day, and time that passes.
    Clock,
    /// Randomness that no seed decides.
    Entropy,
    /// Folders to read from; the user says which.
    Files,
    /// Connections. No configuration can allow it so far: see [`GrantError::Network`].
    Network,
}

/// A text that names no permission.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{text}` is no permission: a plugin may ask for `clock`, `entropy`, `files` and `network`{}",
    if text.starts_with("files:") { "; which folder it reads is for its user to say" } else { "" }
)]
pub struct UnknownPermission {
    /// The text.
    pub text: String,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 4] = [Self::Clock, Self::Entropy, Self::Files, Self::Network];

    /// The word for it in manifests and configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Entropy => "entropy",
            Self::Files => "files",
            Self::Network => "network",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        let known = Self::ALL.into_iter().find(|permission| permission.word() == text);
        known.ok_or_else(|| UnknownPermission { text: text.to_owned() })
    }
}

impl TryFrom<String> for Permission {
    type Error = UnknownPermission;

    fn try_from(text: String) -> Result<Self, UnknownPermission> {
        text.parse()
    }
}

/// What a user allows a plugin: `clock`, `entropy`, or `files:FOLDER`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Grant {
    /// The real clocks.
    Clock,
    /// The system's randomness.
    Entropy,
    /// A folder and all that is in it, to read.
    Files {
        /// What the plugin calls it: the folder as the user wrote it.
        name: String,
        /// Where it is.
        folder: PathBuf,
    },
}

/// Why a text allows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrantError {
    /// It is no permission.
    #[error("`{0}` is no permission: there are `clock`, `entropy` and `files:FOLDER`")]
    Unknown(String),
    /// It does not say which folder.
    #[error("`files` must say which folder may be read, as in `files:luts`")]
    NoFolder,
    /// Connections are not given to anyone yet. A host call that waits for another machine cannot be
    /// interrupted by a time limit, and the runtime that could bound it has threads of its own, which
    /// a forked worker of a training process does not have.
    #[error("`network` cannot be allowed: no time limit holds for what waits for another machine")]
    Network,
}

impl Grant {
    /// The permission that it answers.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Clock => Permission::Clock,
            Self::Entropy => Permission::Entropy,
            Self::Files { .. } => Permission::Files,
        }
    }

    /// The same, with a relative folder taken from `project`.
    #[must_use]
    pub fn within(self, project: &Path) -> Self {
        match self {
            Self::Files { name, folder } => Self::Files { name, folder: project.join(folder) },
            other => other,
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { name, .. } => write!(f, "files:{name}"),
            other => f.write_str(other.permission().word()),
        }
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("clock", "") => Ok(Self::Clock),
            ("entropy", "") => Ok(Self::Entropy),
            ("files", "") => Err(GrantError::NoFolder),
            ("files", folder) => Ok(Self::Files { name: folder.to_owned(), folder: folder.into() }),
            ("network", _) => Err(GrantError::Network),
            _ => Err(GrantError::Unknown(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Grant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}

/// Everything that one plugin is allowed, or given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grants(BTreeSet<Grant>);

impl Grants {
    /// What is both asked for and allowed.
    #[must_use]
    pub fn given(&self, asked: &[Permission]) -> Self {
        Self(self.0.iter().filter(|grant| asked.contains(&grant.permission())).cloned().collect())
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }

    /// Whether a permission is among them.
    pub fn has(&self, permission: Permission) -> bool {
        self.0.iter().any(|grant| grant.permission() == permission)
    }

    /// Whether a plugin that is given these still answers the same for the same seed and input. Files
    /// are taken to be as fixed as the samples are.
    pub fn keep_determinism(&self) -> bool {
        !self.has(Permission::Clock) && !self.has(Permission::Entropy)
    }

    /// Whether the answer of a plugin that is given these depends on plugin, configuration, seed and
    /// input alone, so that it may be kept and used again. What a folder holds may change.
    pub fn keep_purity(&self) -> bool {
        self.is_empty()
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<T: IntoIterator<Item = Grant>>(grants: T) -> Self {
        Self(grants.into_iter().collect())
    }
}

impl fmt::Display for Grants {
    /// As in `clock, files:luts`; `nothing` where it is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        let names: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(", "))
    }
}

/// What one plugin asks for and what it is given of that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Permissions {
    /// What its manifest asks for.
    pub asked: Vec<Permission>,
    /// What the user allows of that.
    pub given: Grants,
}

impl Permissions {
    /// Nothing is asked for, and nothing given.
    pub const NONE: Self = Self { asked: Vec::new(), given: Grants(BTreeSet::new()) };

    /// What is asked for and allowed.
    pub fn new(asked: Vec<Permission>, allowed: &Grants) -> Self {
        Self { given: allowed.given(&asked), asked }
    }

    /// What is asked for and not given.
    pub fn refused(&self) -> impl Iterator<Item = Permission> {
        self.asked.iter().copied().filter(|permission| !self.given.has(*permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Grants {
        texts.iter().map(|text| text.parse::<Grant>().unwrap()).collect()
    }

    #[test]
    fn both_keys_must_turn() {
        let allowed = grants(&["clock", "files:luts"]);
        assert!(allowed.given(&[]).is_empty());
        assert!(allowed.given(&[Permission::Entropy]).is_empty());
        assert_eq!(allowed.given(&[Permission::Files, Permission::Network]), grants(&["files:luts"]));
        assert!(Grants::default().given(&[Permission::Clock]).is_empty());
    }

    #[test]
    fn a_word_that_is_no_permission_is_told_with_those_that_are() {
        for permission in Permission::ALL {
            assert_eq!(permission.to_string().parse(), Ok(permission));
        }
        assert_eq!(
            "gpu".parse::<Permission>().unwrap_err().to_string(),
            "`gpu` is no permission: a plugin may ask for `clock`, `entropy`, `files` and `network`"
        );
        let error = "files:luts".parse::<Permission>().unwrap_err().to_string();
        assert!(error.ends_with("which folder it reads is for its user to say"), "{error}");
    }

    #[test]
    fn what_is_asked_for_and_not_given_is_known() {
        let asked = vec![Permission::Clock, Permission::Network];
        let permissions = Permissions::new(asked, &grants(&["clock", "entropy"]));
        assert_eq!(permissions.given, grants(&["clock"]));
        assert_eq!(permissions.refused().collect::<Vec<_>>(), [Permission::Network]);
    }

    #[test]
    fn a_grant_reads_back_what_it_prints() {
        for text in ["clock", "entropy", "files:luts", "files:/data/a:b"] {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
        assert_eq!(grants(&["files:luts", "clock"]).to_string(), "clock, files:luts");
        assert_eq!(Grants::default().to_string(), "nothing");
    }

    #[test]
    fn what_cannot_be_allowed_is_refused_with_the_reason() {
        assert_eq!("files".parse::<Grant>(), Err(GrantError::NoFolder));
        assert_eq!("network:example.com:443".parse::<Grant>(), Err(GrantError::Network));
        for wrong in ["", "clocks", "clock:now", "gpu"] {
            assert_eq!(wrong.parse::<Grant>(), Err(GrantError::Unknown(wrong.into())), "{wrong}");
        }
    }

    #[test]
    fn a_relative_folder_is_taken_from_the_project_and_keeps_its_name() {
        let Grant::Files { name, folder } = "files:luts".parse::<Grant>().unwrap().within(Path::new("/p"))
        else {
            panic!("another grant")
        };
        assert_eq!((name.as_str(), folder.as_path()), ("luts", Path::new("/p/luts")));
    }

    #[test]
    fn a_clock_ends_determinism_and_any_grant_ends_purity() {
        assert!(Grants::default().keep_purity() && Grants::default().keep_determinism());
        assert!(grants(&["files:luts"]).keep_determinism() && !grants(&["files:luts"]).keep_purity());
        assert!(!grants(&["clock"]).keep_determinism() && !grants(&["entropy"]).keep_determinism());
    }
}
