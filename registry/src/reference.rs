//! What a user writes to mean a package: `acme:sepia`, `acme:sepia@1.2.0`, `acme:sepia@^1.2`.

use std::{cmp::Ordering, fmt, str::FromStr};

use semver::{Op, Version, VersionReq};
use thiserror::Error;
use zenith_core::{IdentityError, PackageName};

/// A package name, and which of its versions will do.
///
/// What follows the `@` is read so:
/// - a whole version is that version and no other, as in WIT and in `wkg`: `acme:sepia@1.2.0`;
/// - anything else is a requirement as Cargo reads it: `@^1.2`, `@~1.2`, `@>=1, <2`, `@=1.2.0`, and
///   `@1` or `@1.2`, which mean `^1` and `^1.2`;
/// - nothing is any version that is not a pre-release.
///
/// A pre-release matches only where the reference names one of the same version, as in Cargo.
///
/// ```
/// # use zenith_registry::Reference;
/// let reference: Reference = "acme:sepia@^1.2".parse()?;
/// assert!(reference.admits(&"1.4.0".parse()?));
/// assert!(!reference.admits(&"2.0.0".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The package.
    pub name: PackageName,
    /// Which of its versions will do.
    pub requirement: Requirement,
}

/// Which versions of a package will do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// Any that is not a pre-release.
    Any,
    /// This one.
    Exact(Version),
    /// Those that match.
    Matching(VersionReq),
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// The part before the `@` is no package name.
    #[error(transparent)]
    Name(#[from] IdentityError),
    /// The part after the `@` is neither a version nor a requirement.
    #[error("`{text}` is neither a version nor a version requirement: {reason}")]
    Requirement {
        /// The part after the `@`.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ReferenceError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name(_) => None,
            Self::Requirement { .. } => Some(
                "write a version such as `1.2.0`, or a requirement such as `^1.2` or `>=1, <2`".to_owned(),
            ),
        }
    }
}

impl Reference {
    /// Whether a version will do.
    pub fn admits(&self, version: &Version) -> bool {
        match &self.requirement {
            Requirement::Any => version.pre.is_empty(),
            // Build metadata counts only where the reference has some.
            Requirement::Exact(exact) => {
                version == exact
                    || (exact.build.is_empty() && version.cmp_precedence(exact) == Ordering::Equal)
            }
            Requirement::Matching(requirement) => requirement.matches(version),
        }
    }

    /// Whether it names one version whole, as `@1.2.0` and `@=1.2.0` do.
    pub fn is_exact(&self) -> bool {
        match &self.requirement {
            Requirement::Any => false,
            Requirement::Exact(_) => true,
            Requirement::Matching(requirement) => match requirement.comparators.as_slice() {
                [only] => only.op == Op::Exact && only.minor.is_some() && only.patch.is_some(),
                _ => false,
            },
        }
    }

    /// The part after the `@`, where there is one.
    pub fn requirement_text(&self) -> Option<String> {
        match &self.requirement {
            Requirement::Any => None,
            Requirement::Exact(version) => Some(version.to_string()),
            Requirement::Matching(requirement) => Some(requirement.to_string()),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let Some((name, wanted)) = text.split_once('@') else {
            return Ok(Self { name: text.parse()?, requirement: Requirement::Any });
        };
        let name = name.parse()?;
        if let Ok(version) = Version::parse(wanted) {
            return Ok(Self { name, requirement: Requirement::Exact(version) });
        }
        match VersionReq::parse(wanted) {
            Ok(requirement) => Ok(Self { name, requirement: Requirement::Matching(requirement) }),
            Err(error) => {
                Err(ReferenceError::Requirement { text: wanted.to_owned(), reason: error.to_string() })
            }
        }
    }
}

impl From<PackageName> for Reference {
    fn from(name: PackageName) -> Self {
        Self { name, requirement: Requirement::Any }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.requirement_text() {
            Some(wanted) => write!(f, "{}@{wanted}", self.name),
            None => fmt::Display::fmt(&self.name, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(reference: &str, version: &str) -> bool {
        reference.parse::<Reference>().unwrap().admits(&version.parse().unwrap())
    }

    #[test]
    fn a_whole_version_means_that_version_only() {
        assert!(admits("a:b@1.2.0", "1.2.0"));
        assert!(!admits("a:b@1.2.0", "1.2.1"));
        assert!(!admits("a:b@1.2.0", "1.2.0-rc.1"));
        assert!(admits("a:b@1.2.0-rc.1", "1.2.0-rc.1"));
    }

    #[test]
    fn build_metadata_counts_only_where_it_is_named() {
        assert!(admits("a:b@1.2.0", "1.2.0+linux"));
        assert!(admits("a:b@1.2.0+linux", "1.2.0+linux"));
        assert!(!admits("a:b@1.2.0+linux", "1.2.0"));
    }

    #[test]
    fn a_partial_version_is_a_requirement_as_cargo_reads_it() {
        assert!(admits("a:b@1.2", "1.9.0") && !admits("a:b@1.2", "1.1.0") && !admits("a:b@1.2", "2.0.0"));
        assert!(admits("a:b@0.1", "0.1.7") && !admits("a:b@0.1", "0.2.0"));
        assert!(admits("a:b@>=1, <3", "2.5.0") && !admits("a:b@>=1, <3", "3.0.0"));
        assert!(admits("a:b@~1.2", "1.2.9") && !admits("a:b@~1.2", "1.3.0"));
    }

    #[test]
    fn a_prerelease_is_taken_only_where_one_is_named() {
        assert!(!admits("a:b", "1.0.0-rc.1"));
        assert!(!admits("a:b@^1", "1.0.0-rc.1"));
        assert!(admits("a:b@^1.0.0-rc.1", "1.0.0-rc.2"));
    }

    #[test]
    fn one_version_is_named_whole_or_not() {
        for (text, exact) in [
            ("a:b", false),
            ("a:b@1.2.0", true),
            ("a:b@=1.2.0", true),
            ("a:b@=1.2", false),
            ("a:b@1.2", false),
            ("a:b@^1.2.0", false),
            ("a:b@=1.2.0, <2", false),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().is_exact(), exact, "{text}");
        }
    }

    #[test]
    fn a_reference_reads_back_what_it_prints() {
        for text in ["a:b", "a:b@1.2.0", "a:b@^1.2", "a:b@>=1, <3", "a:b@~0.1.2-rc.1"] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_is_wrong_with_it() {
        let error = "a:b@latest".parse::<Reference>().unwrap_err();
        assert!(error.to_string().starts_with("`latest` is neither a version nor"), "{error}");
        assert!(error.hint().unwrap().contains("`1.2.0`"));
        for wrong in ["", "sepia", "../x:y", "a:b@", "a:b@1.2.3.4", "a/b@1.0.0", "@1.0.0"] {
            assert!(wrong.parse::<Reference>().is_err(), "{wrong}");
        }
    }
}
