//! What goes wrong between a spec and a batch. Every error names its culprit: operator, plugin and
//! version, sample key and index, then the cause; what to do about it is apart, in `hint`.

use std::{fmt, sync::Arc};

use thiserror::Error;
use zenith_core::{OperatorError, SourceError};

/// One thing that is wrong with a pipeline, found before its first batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {message}")]
pub struct PlanError {
    /// Where: "operator 3, map `zenith:normalize@0.1.0`", "source", "batch".
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Everything that is wrong with a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct PlanErrors {
    /// At least one error, in the order of the pipeline.
    pub errors: Vec<PlanError>,
}

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.errors[..] {
            [error] => write!(f, "the pipeline cannot run: {error}")?,
            errors => {
                write!(f, "the pipeline cannot run, for {} reasons:", errors.len())?;
                for error in errors {
                    write!(f, "\n  {error}")?;
                }
            }
        }
        for hint in self.errors.iter().filter_map(|error| error.hint.as_deref()) {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// Why a sample failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SampleFailure {
    /// It could not be read.
    #[error("{0}")]
    Source(SourceError),
    /// An operator failed on it.
    #[error("{0}")]
    Operator(OperatorError),
    /// It does not fit its batch.
    #[error("{0}")]
    Collate(String),
}

/// The failure of one sample: who, on which sample, and why.
#[derive(Clone, Debug)]
pub struct SampleError {
    /// Who failed, such as "decoder `zenith:jpeg@0.1.0`" or "source".
    pub culprit: Arc<str>,
    /// What a person calls the sample.
    pub key: String,
    /// Its index in the source.
    pub index: u64,
    /// The cause.
    pub failure: SampleFailure,
}

impl SampleError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match &self.failure {
            SampleFailure::Operator(error) if error.hint().is_some() => error.hint(),
            SampleFailure::Collate(_) => Some(
                "add an operator that gives all samples the same shape, such as \"zenith:resize\", or use a batch size of 1",
            ),
            _ => Some(
                "pass on_error=\"skip\" to leave such samples out; they are listed in `loader.quarantine`",
            ),
        }
    }
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { culprit, key, index, failure } = self;
        write!(f, "{culprit} failed on `{key}` (sample {index}): {failure}")
    }
}

impl std::error::Error for SampleError {}

/// What an epoch yields instead of a batch.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A sample failed, and `on_error` is `raise`.
    #[error("{0}")]
    Sample(SampleError),
    /// An operator that belongs to no sample failed: a sampler, a batch transform, or any that could
    /// not be started.
    #[error("{culprit} failed: {cause}")]
    Operator {
        /// Who failed.
        culprit: Arc<str>,
        /// Why.
        cause: OperatorError,
    },
    /// A reader could not be started.
    #[error("{0}")]
    Source(#[from] SourceError),
    /// Every slot that the memory limit allows is in the caller's hands.
    #[error(
        "the memory limit of {limit} bytes is reached: {held} batches of {slot_bytes} bytes are still held by tensors that you keep, and no room is left for the next one"
    )]
    MemoryHeld {
        /// Batches in the caller's hands.
        held: usize,
        /// Bytes in one.
        slot_bytes: usize,
        /// The limit in bytes.
        limit: u64,
    },
    /// A single batch is larger than the limit.
    #[error("one batch takes {slot_bytes} bytes, more than the memory limit of {limit} bytes leaves")]
    MemoryTooSmall {
        /// Bytes in one batch.
        slot_bytes: usize,
        /// The limit in bytes.
        limit: u64,
    },
    /// The system gave no memory or no thread.
    #[error("{action} failed: {cause}")]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system answered.
        cause: String,
    },
    /// The epoch belongs to another process.
    #[error("this loader's epoch was begun in process {parent}, and this is process {child}")]
    Forked {
        /// The process that began it.
        parent: u32,
        /// This process.
        child: u32,
    },
    /// A fault of Zenith's own.
    #[error("an internal error in Zenith: {0}")]
    Internal(String),
}

impl LoadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Sample(error) => error.hint().map(str::to_owned),
            Self::Operator { cause, .. } => cause.hint().map(str::to_owned),
            Self::MemoryHeld { .. } => {
                Some("drop batches once they are used (`del images`), copy what you keep (`images.clone()`), or raise `memory_limit`".into())
            }
            Self::MemoryTooSmall { .. } => Some("raise `memory_limit` or lower the batch size".into()),
            Self::Forked { .. } => Some("call iter(loader) in the process that reads from it".into()),
            Self::Internal(_) => Some("please report this, with the pipeline and the traceback".into()),
            _ => None,
        }
    }
}
