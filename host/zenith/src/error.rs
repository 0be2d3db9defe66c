//! One error for the faces: what kind it is, what happened, and what to do. Each face maps the kinds
//! exhaustively (Python to exceptions, the command to exit codes).

use std::fmt;

use zenith_core::SourceError;
use zenith_pipeline::{LoadError, PlanErrors, SampleFailure, SpecError, StateError, SwapError};

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The pipeline, as declared, cannot run.
    Pipeline,
    /// A package could not be found, verified or loaded.
    Registry,
    /// A sample failed.
    Sample,
    /// A plugin failed outside any sample.
    Plugin,
    /// A file or folder could not be read.
    Source,
    /// The memory limit is reached.
    Memory,
    /// A saved state does not fit.
    State,
    /// An option makes no sense.
    Option,
    /// The system refused something.
    System,
    /// A fault of Zenith's own.
    Internal,
}

/// Why something could not be done.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    /// The key and index of the sample at fault, where there is one.
    sample: Option<(String, u64)>,
}

impl Error {
    /// An error of a kind; `hint` says what to do about it.
    pub fn new(kind: ErrorKind, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { kind, message: message.into(), hint, sample: None }
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened, to which thing, and why.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The key and index of the sample at fault, where there is one.
    pub fn sample(&self) -> Option<(&str, u64)> {
        self.sample.as_ref().map(|(key, index)| (key.as_str(), *index))
    }
}

impl fmt::Display for Error {
    /// The message, and the hint on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<PlanErrors> for Error {
    fn from(errors: PlanErrors) -> Self {
        // The text of several errors carries their hints already.
        Self::new(ErrorKind::Pipeline, errors.to_string(), None)
    }
}

impl From<SpecError> for Error {
    fn from(error: SpecError) -> Self {
        Self::new(ErrorKind::Pipeline, error.to_string(), None)
    }
}

impl From<SwapError> for Error {
    fn from(error: SwapError) -> Self {
        let hint = error.hint();
        Self::new(ErrorKind::Pipeline, format!("nothing is swapped: {error}"), hint)
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let kind =
            if matches!(error, SourceError::Option(_)) { ErrorKind::Option } else { ErrorKind::Source };
        Self::new(kind, error.to_string(), None)
    }
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        let hint = matches!(error, StateError::Plan { .. }).then(|| {
            "restore it with the pipeline that it was saved with, or begin anew without it".to_owned()
        });
        Self::new(ErrorKind::State, error.to_string(), hint)
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        let kind = match &error {
            LoadError::Sample(sample) => match sample.failure {
                SampleFailure::Source(_) => ErrorKind::Source,
                _ => ErrorKind::Sample,
            },
            LoadError::Operator { .. } => ErrorKind::Plugin,
            LoadError::Source(_) => ErrorKind::Source,
            LoadError::MemoryHeld { .. } | LoadError::MemoryTooSmall { .. } => ErrorKind::Memory,
            LoadError::System { .. } | LoadError::Forked { .. } => ErrorKind::System,
            _ => ErrorKind::Internal,
        };
        let sample = match &error {
            LoadError::Sample(sample) => Some((sample.key.clone(), sample.index)),
            _ => None,
        };
        Self { sample, ..Self::new(kind, error.to_string(), error.hint()) }
    }
}
