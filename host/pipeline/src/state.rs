//! Where a loader stands, as data: small, versioned, and refused by a plan that it is not of.

use serde::{Deserialize, Serialize};
use thiserror::Error;

const FORMAT: u32 = 1;

/// Where a loader stands. It counts samples, not batches or workers, so that it may be restored
/// under another batch size or number of workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderState {
    /// The version of this format.
    pub format: u32,
    /// The digest of the plan.
    pub plan: String,
    /// The epoch.
    pub epoch: u64,
    /// The run's seed.
    pub seed: u64,
    /// Samples of this rank's part of the epoch that were handed over or left out.
    pub position: u64,
    /// What the sampler saved there, as text where it is text; `None` at the start of an epoch.
    pub sampler: Option<Vec<u8>>,
}

impl LoaderState {
    /// The state at the start of an epoch.
    pub fn at_start(plan: &str, epoch: u64, seed: u64) -> Self {
        Self { format: FORMAT, plan: plan.to_owned(), epoch, seed, position: 0, sampler: None }
    }

    /// Reads a state from its JSON text, and refuses one that is not of this plan.
    pub fn read(text: &str, plan: &str) -> Result<Self, StateError> {
        let state: Self = serde_json::from_str(text).map_err(|error| StateError::Form(error.to_string()))?;
        if state.format != FORMAT {
            return Err(StateError::Format { found: state.format });
        }
        if state.plan != plan {
            return Err(StateError::Plan { saved: state.plan, present: plan.to_owned() });
        }
        Ok(state)
    }

    /// Its JSON text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Why a saved state cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StateError {
    /// It is not a state.
    #[error("this is not a loader's state: {0}")]
    Form(String),
    /// It is of another format.
    #[error("the state has format {found}, and this version of Zenith reads format {FORMAT}")]
    Format {
        /// Its format.
        found: u32,
    },
    /// It belongs to another plan.
    #[error(
        "the state was saved under the plan {saved}, and the present plan is {present}: source, operators or their configuration differ"
    )]
    Plan {
        /// The plan that it was saved under.
        saved: String,
        /// The present plan.
        present: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_what_it_wrote() {
        let state =
            LoaderState { position: 7, sampler: Some(b"{}".to_vec()), ..LoaderState::at_start("p", 2, 3) };
        assert_eq!(LoaderState::read(&state.write(), "p"), Ok(state));
    }

    #[test]
    fn a_state_of_another_plan_format_or_form_is_refused() {
        let state = LoaderState::at_start("p", 0, 0);
        assert!(matches!(LoaderState::read(&state.write(), "q"), Err(StateError::Plan { .. })));
        let newer = LoaderState { format: 2, ..state };
        assert_eq!(LoaderState::read(&newer.write(), "p"), Err(StateError::Format { found: 2 }));
        assert!(matches!(LoaderState::read("[]", "p"), Err(StateError::Form(_))));
    }
}
