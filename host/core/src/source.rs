//! Where samples come from, seen from the pipeline: a numbered set of samples and per-worker readers.

use std::{fmt, io, path::PathBuf, sync::Arc};

use smallvec::SmallVec;
use thiserror::Error;

use crate::bytes::{Bytes, Recycle};

/// What a field of a sample holds as it leaves the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Encoded bytes, for a decoder.
    Bytes,
    /// A whole number, such as a class; it becomes an `int64` tensor `[batch]`.
    Int,
}

/// A field that every sample of a source has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its name, such as `image` or `label`.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
}

/// The value of one field.
#[derive(Debug)]
pub enum Value {
    /// Encoded bytes.
    Bytes(Bytes),
    /// A whole number.
    Int(i64),
}

/// One sample as read: its values in the order of [`Source::fields`].
#[derive(Debug)]
pub struct Sample {
    /// The values.
    pub values: SmallVec<[Value; 2]>,
}

/// Why a sample could not be read, or a source not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The system refused.
    #[error("cannot {action} `{}`: {cause}", path.display())]
    Io {
        /// What was tried: `open`, `read`, `list`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system answered.
        cause: Arc<io::Error>,
    },
    /// What is there is not what the source reads.
    #[error("`{}` {reason}", path.display())]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// A clause that goes on after its name.
        reason: String,
    },
    /// An option makes no sense.
    #[error("{0}")]
    Option(String),
}

impl Clone for SourceError {
    fn clone(&self) -> Self {
        match self {
            Self::Io { action, path, cause } => {
                Self::Io { action, path: path.clone(), cause: Arc::clone(cause) }
            }
            Self::Content { path, reason } => Self::Content { path: path.clone(), reason: reason.clone() },
            Self::Option(reason) => Self::Option(reason.clone()),
        }
    }
}

/// What a reader may use.
#[derive(Clone)]
pub struct ReaderOptions {
    /// Where its buffers go when their readers are done, and are taken from again.
    pub home: Option<Arc<dyn Recycle>>,
    /// Samples larger than this are refused; 1 GiB unless set.
    pub max_sample_bytes: u64,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { home: None, max_sample_bytes: 1 << 30 }
    }
}

impl fmt::Debug for ReaderOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderOptions")
            .field("max_sample_bytes", &self.max_sample_bytes)
            .finish_non_exhaustive()
    }
}

/// A numbered set of samples. Shared by all workers.
pub trait Source: Send + Sync {
    /// How many samples it has.
    fn len(&self) -> u64;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fields that every sample has.
    fn fields(&self) -> &[FieldSpec];

    /// What a person calls the sample, such as `train/cat/00017.jpg`.
    fn key(&self, index: u64) -> String;

    /// One line for `explain`, such as `image folder photos/train: 2000 samples, 10 classes`.
    fn describe(&self) -> String;

    /// Changes when samples are added, removed or reordered; part of a plan's digest.
    fn fingerprint(&self) -> u64;

    /// A reader for one worker.
    fn reader(&self, options: &ReaderOptions) -> Result<Box<dyn Reader>, SourceError>;
}

/// Reads samples for one worker. Reads overlap with whatever the worker does between the calls, as
/// far as the machine allows.
pub trait Reader: Send {
    /// Asks for samples. What was asked for before stays asked for.
    fn submit(&mut self, run: &[u64]);

    /// Waits for the next sample, in the order of the asking; `None` when nothing is left.
    fn next(&mut self) -> Option<(u64, Result<Sample, SourceError>)>;
}
