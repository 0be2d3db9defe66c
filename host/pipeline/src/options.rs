//! How a plan is made and run: what a user may set beside the pipeline itself.

use serde::{Deserialize, Serialize};

/// Which pixels a decoder must give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// Those of a full decode.
    #[default]
    Exact,
    /// The image may be decoded at a reduced scale where it is scaled down further afterwards.
    Fast,
}

/// What happens to a sample that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Its batch is replaced by the error.
    #[default]
    Raise,
    /// It is left out of its batch and listed in the quarantine.
    Skip,
}

/// The optimisations, each of which can be switched off. None of them changes a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Optimisations {
    /// Decoders skip what later operators do not read.
    pub window_push_down: bool,
}

impl Default for Optimisations {
    fn default() -> Self {
        Self { window_push_down: true }
    }
}

/// How an epoch is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Worker threads; with 0 the caller's own thread does the work.
    pub num_workers: usize,
    /// Batches that are worked on or wait to be taken, at least 1.
    pub prefetch: usize,
    /// Bytes for slots, encoded samples and guests together.
    pub memory_limit: Option<u64>,
    /// What happens to a sample that fails.
    pub on_error: OnError,
    /// The run's seed.
    pub seed: u64,
    /// This process's rank.
    pub rank: u32,
    /// Processes that share the epoch.
    pub world_size: u32,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            num_workers: 0,
            prefetch: 3,
            memory_limit: None,
            on_error: OnError::Raise,
            seed: 0,
            rank: 0,
            world_size: 1,
        }
    }
}
