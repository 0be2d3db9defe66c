//! Running a plan: worker threads fill batch slots sample by sample, and the caller's thread deals
//! out the work and takes batches in order. No thread exists before an epoch is begun, and none
//! after it is dropped.

mod chain;
mod epoch;
mod generation;
mod operators;
mod place;
mod quarantine;
mod runner;
mod shadow;
mod slots;
mod stats;
mod swap;
mod work;
mod worker;

pub use epoch::{Epoch, Next, Standing};
pub use quarantine::QuarantineEntry;
pub use runner::Runner;
pub use shadow::{Distance, Example, Failure, ShadowError, ShadowInput, ShadowReport, SideReport, shadow};
pub use stats::{EpochStats, StageStats};
pub use swap::Swap;
