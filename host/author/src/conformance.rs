//! Whether a plugin keeps the promises of its kind: on well-formed, extreme and hostile inputs, and on its
//! author's golden samples.
//!
//! A plugin is run as users run it, as a component in the real host with limits. It may decline an input
//! with an error; it may not trap, overrun a limit, or answer what it did not announce. What each kind
//! promises lives in a file of its own here.

mod batch_transform;
mod configuration;
mod decoder;
mod golden;
pub(crate) mod inputs;
mod policy;
mod sampler;
mod transform;
pub(crate) mod worlds;

use std::{fmt, panic::Location};

use serde::Serialize;
use zenith_core::{Kind, Limits, OperatorError, Plugin};

pub use golden::{Golden, GoldenError};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// The promise was kept.
    Passed {
        /// What is worth knowing besides.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// The promise was broken.
    Failed(Failure),
    /// There was nothing to check.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// A broken promise, and how to see it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The configuration that the plugin had.
    pub config: String,
    /// What it was given.
    pub given: String,
    /// What came back.
    pub came: String,
}

impl Failure {
    /// A failure under a configuration.
    pub(crate) fn new(config: &str, given: impl fmt::Display, came: impl fmt::Display) -> Self {
        Self { config: config.to_owned(), given: given.to_string(), came: came.to_string() }
    }
}

/// One check and what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The promise, as a fact.
    pub name: String,
    /// What was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// All checks of one plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Which plugin, as in `acme:sepia@0.1.0`.
    pub plugin: String,
    /// What it is for.
    pub kind: Kind,
    /// The digest of what was tested.
    pub digest: String,
    /// Every check, in order.
    pub checks: Vec<Check>,
}

impl Report {
    /// How many checks passed, failed, and had nothing to check.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count =
            |wanted: fn(&Outcome) -> bool| self.checks.iter().filter(|check| wanted(&check.outcome)).count();
        (
            count(|outcome| matches!(outcome, Outcome::Passed { .. })),
            count(|outcome| matches!(outcome, Outcome::Failed(_))),
            count(|outcome| matches!(outcome, Outcome::Skipped { .. })),
        )
    }
}

/// What is tested, and with what.
pub struct Subject<'a> {
    /// The plugin, loaded into a host.
    pub plugin: &'a dyn Plugin,
    /// What it may use.
    pub limits: Limits,
    /// Configurations to test it with besides those of its golden samples: JSON objects.
    pub configs: Vec<String>,
    /// Its author's golden samples.
    pub golden: Golden,
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("plugin", self.plugin.identity()).finish_non_exhaustive()
    }
}

/// A promise that was kept, with what is worth knowing besides; or broken.
pub(crate) type Verdict = Result<Option<String>, Failure>;

/// Makes every check that there is for the plugin's kind.
pub fn run(subject: &Subject<'_>) -> Report {
    let mut checks = Checks { found: Vec::new() };
    let configs = configuration::check(&mut checks, subject);
    if !configs.is_empty() {
        match subject.plugin.kind() {
            Kind::Transform => transform::check(&mut checks, subject, &configs),
            Kind::Decoder => decoder::check(&mut checks, subject, &configs),
            Kind::BatchTransform => batch_transform::check(&mut checks, subject, &configs),
            Kind::Sampler => sampler::check(&mut checks, subject, &configs),
            Kind::Policy => policy::check(&mut checks, subject, &configs),
        }
    }
    golden::check(&mut checks, subject);
    let identity = subject.plugin.identity();
    Report {
        plugin: identity.to_string(),
        kind: subject.plugin.kind(),
        digest: identity.digest.to_string(),
        checks: checks.found,
    }
}

/// Writes the outputs of golden cases that have none, as the plugin makes them now. Answers their names.
pub fn bless(subject: &Subject<'_>) -> Result<Vec<String>, GoldenError> {
    golden::bless(subject)
}

/// Checks as they are made.
pub(crate) struct Checks {
    found: Vec<Check>,
}

impl Checks {
    /// Makes one check. Its name is the promise.
    #[track_caller]
    pub(crate) fn check(&mut self, name: impl Into<String>, check: impl FnOnce() -> Verdict) {
        let name = name.into();
        let here = Location::caller();
        tracing::debug!("{name} ({}:{})", here.file(), here.line());
        let outcome = match check() {
            Ok(note) => Outcome::Passed { note },
            Err(failure) => Outcome::Failed(failure),
        };
        self.found.push(Check { name, outcome });
    }

    /// Notes that there was nothing to check.
    pub(crate) fn skip(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        self.found.push(Check { name: name.into(), outcome: Outcome::Skipped { reason: reason.into() } });
    }
}

impl Subject<'_> {
    /// Whether the same seed and input must give the same answer.
    pub(crate) fn is_deterministic(&self) -> bool {
        self.plugin.permissions().given.keep_determinism()
    }
}

/// An answer that a plugin may give: a value, or an error of its own. What the host had to stop is a
/// failure.
pub(crate) fn answered<T>(
    answer: Result<T, OperatorError>,
    config: &str,
    given: impl fmt::Display,
) -> Result<Result<T, OperatorError>, Failure> {
    match answer {
        Err(error) if error.is_fault() => Err(Failure::new(config, given, error)),
        answer => Ok(answer),
    }
}

/// An answer that must be a value.
pub(crate) fn value<T>(
    answer: Result<T, OperatorError>,
    config: &str,
    given: impl fmt::Display,
) -> Result<T, Failure> {
    answer.map_err(|error| Failure::new(config, given, error))
}

/// Makes a check of every trial; the last note stands.
fn over<T>(trials: &[T], check: impl Fn(&T) -> Verdict) -> Verdict {
    trials.iter().try_fold(None, |_, trial| check(trial))
}

/// Checks of each trial whose plan says that it does not use its seed that it does not; `ignores` answers
/// whether the plan says so.
fn seeds<T>(checks: &mut Checks, trials: &[T], ignores: impl Fn(&T) -> Result<bool, Failure>) {
    let name = "without `seeded` in its plan the seed changes nothing";
    let mut pure = 0_usize;
    let found = trials.iter().try_for_each(|trial| {
        pure += usize::from(ignores(trial)?);
        Ok(())
    });
    match found {
        Ok(()) if pure == 0 => checks.skip(name, "it says that it uses its seed"),
        found => checks.check(name, || found.map(|()| None)),
    }
}

/// Where two runs of bytes differ, in a clause.
pub(crate) fn difference(one: &[u8], other: &[u8]) -> String {
    if one.len() != other.len() {
        return format!("{} bytes, and then {}", one.len(), other.len());
    }
    match one.iter().zip(other).position(|(one, other)| one != other) {
        Some(at) => format!("{} at byte {at} of {}, and then {}", one[at], one.len(), other[at]),
        None => "the same bytes".to_owned(),
    }
}
