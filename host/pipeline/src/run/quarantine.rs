//! The samples that were left out, in the order of the epoch.

use serde::Serialize;

use crate::error::SampleError;

/// One sample that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantineEntry {
    /// What a person calls the sample.
    pub key: String,
    /// Its index in the source.
    pub index: u64,
    /// The epoch in which it failed.
    pub epoch: u64,
    /// Who failed on it.
    pub operator: String,
    /// Why.
    pub error: String,
}

impl QuarantineEntry {
    pub(super) fn new(error: &SampleError, epoch: u64) -> Self {
        Self {
            key: error.key.clone(),
            index: error.index,
            epoch,
            operator: error.culprit.to_string(),
            error: error.failure.to_string(),
        }
    }
}
