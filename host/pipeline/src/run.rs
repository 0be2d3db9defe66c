//! Running a plan: worker threads fill batch slots sample by sample, and the caller's thread deals
//! out the work and takes batches in order. No thread exists before an epoch is begun, and none
//! after it is dropped.

mod chain;
mod epoch;
mod place;
mod quarantine;
mod runner;
mod slots;
mod stats;
mod work;
mod worker;

pub use epoch::{Epoch, Next};
pub use quarantine::QuarantineEntry;
pub use runner::Runner;
pub use stats::{EpochStats, StageStats};
