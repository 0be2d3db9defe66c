//! Scheduling policies: the columns that one sees, the decision that it answers, and the trait. They
//! mirror `wit/policy.wit`, where each column is described in full. Whether a decision makes sense is
//! for [`Round::check`] to say; what becomes of one is the scheduler's.

mod check;

use serde::{Deserialize, Serialize};

use crate::error::OperatorError;

pub use check::UnevenColumns;

/// Jobs that wait, in the order of their submission: one entry for each in every column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WaitingJobs {
    /// The job's number.
    pub id: Vec<u64>,
    /// A small number for its user.
    pub user: Vec<u32>,
    /// Its priority: higher goes first.
    pub priority: Vec<i32>,
    /// Milliseconds since it could first have run.
    pub waited: Vec<u64>,
    /// Processes that must start together, at least 1.
    pub tasks: Vec<u32>,
    /// Thousandths of a core, for each task.
    pub cpus: Vec<u64>,
    /// Bytes of memory, for each task.
    pub memory: Vec<u64>,
    /// Thousandths of a GPU, for each task.
    pub gpus: Vec<u64>,
    /// Milliseconds it may run, or 0 where it has no limit.
    pub time_limit: Vec<u64>,
}

/// Nodes: one entry for each in every column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nodes {
    /// The node's number.
    pub id: Vec<u32>,
    /// Thousandths of a core, in all.
    pub cpus: Vec<u64>,
    /// Thousandths of a core that are free.
    pub cpus_free: Vec<u64>,
    /// Bytes of memory, in all.
    pub memory: Vec<u64>,
    /// Bytes of memory that are free.
    pub memory_free: Vec<u64>,
    /// Thousandths of a GPU, in all.
    pub gpus: Vec<u64>,
    /// Thousandths of a GPU that are free.
    pub gpus_free: Vec<u64>,
    /// One bit for each label that the policy's configuration numbers.
    pub labels: Vec<u64>,
}

/// Tasks that run: one entry for each in every column. A job of several tasks has several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunningTasks {
    /// The job's number.
    pub job: Vec<u64>,
    /// A small number for its user.
    pub user: Vec<u32>,
    /// The node's number.
    pub node: Vec<u32>,
    /// Thousandths of a core that it holds.
    pub cpus: Vec<u64>,
    /// Bytes of memory that it holds.
    pub memory: Vec<u64>,
    /// Thousandths of a GPU that it holds.
    pub gpus: Vec<u64>,
    /// Milliseconds since it started.
    pub since: Vec<u64>,
    /// Milliseconds until its time limit ends it, or 0 where it has none.
    pub remaining: Vec<u64>,
}

/// All that a policy sees when it decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Round {
    /// Milliseconds on the scheduler's own clock.
    pub now: u64,
    /// Jobs that wait.
    pub waiting: WaitingJobs,
    /// Nodes.
    pub nodes: Nodes,
    /// Tasks that run.
    pub running: RunningTasks,
}

/// One task put on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// The job's number.
    pub job: u64,
    /// The node's number.
    pub node: u32,
}

/// Why a job was left waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The job's number.
    pub job: u64,
    /// A sentence for its owner.
    pub text: String,
}

/// What a round decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decision {
    /// Tasks to start; all tasks of a job, or none.
    pub placements: Vec<Placement>,
    /// Jobs to stop and put back into the queue.
    pub preemptions: Vec<u64>,
    /// Explanations; none is required.
    pub reasons: Vec<Reason>,
}

/// Which waiting job starts where.
pub trait Policy: Send {
    /// Decides one round.
    fn decide(&mut self, round: &Round) -> Result<Decision, OperatorError>;

    /// What it has learnt, for the policy that follows it.
    fn save(&mut self) -> Result<Vec<u8>, OperatorError>;

    /// Takes over what an earlier policy learnt; a state that it does not know is refused.
    fn restore(&mut self, state: &[u8]) -> Result<(), OperatorError>;
}
