//! What an epoch has done and waited for so far, so that "which stage starves?" is a read.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Counts what one operator did, over all workers.
#[derive(Debug, Default)]
pub(super) struct StageCounter {
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    bytes: AtomicU64,
}

impl StageCounter {
    pub(super) fn add(&self, busy: Duration, bytes: Option<usize>) {
        self.calls.fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(nanoseconds(busy), Relaxed);
        self.bytes.fetch_add(bytes.unwrap_or(0) as u64, Relaxed);
    }

    pub(super) fn read(&self, label: String) -> StageStats {
        StageStats {
            label,
            calls: self.calls.load(Relaxed),
            busy: Duration::from_nanos(self.nanoseconds.load(Relaxed)),
            bytes: self.bytes.load(Relaxed),
        }
    }
}

/// Counts what belongs to no operator.
#[derive(Debug, Default)]
pub(super) struct RunCounters {
    pub(super) batches: AtomicU64,
    pub(super) samples: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) encoded_bytes: AtomicU64,
    read_wait: AtomicU64,
    worker_wait: AtomicU64,
    caller_wait: AtomicU64,
}

impl RunCounters {
    pub(super) fn waited_for_reads(&self, time: Duration) {
        self.read_wait.fetch_add(nanoseconds(time), Relaxed);
    }

    pub(super) fn worker_waited(&self, time: Duration) {
        self.worker_wait.fetch_add(nanoseconds(time), Relaxed);
    }

    pub(super) fn caller_waited(&self, time: Duration) {
        self.caller_wait.fetch_add(nanoseconds(time), Relaxed);
    }

    pub(super) fn read_wait(&self) -> Duration {
        Duration::from_nanos(self.read_wait.load(Relaxed))
    }

    pub(super) fn worker_wait(&self) -> Duration {
        Duration::from_nanos(self.worker_wait.load(Relaxed))
    }

    pub(super) fn caller_wait(&self) -> Duration {
        Duration::from_nanos(self.caller_wait.load(Relaxed))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What one operator did, over all workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageStats {
    /// What errors call it.
    pub label: String,
    /// Calls that succeeded.
    pub calls: u64,
    /// Time in those calls, added up over the workers.
    pub busy: Duration,
    /// Bytes that they put out.
    pub bytes: u64,
}

/// What a loader has done so far, over all of its epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochStats {
    /// Batches handed to the caller.
    pub batches: u64,
    /// Samples in them.
    pub samples: u64,
    /// Samples left out because they failed.
    pub skipped: u64,
    /// Encoded bytes read.
    pub encoded_bytes: u64,
    /// Time that workers waited for reads.
    pub read_wait: Duration,
    /// Time that workers waited for something to do: the caller is the slower side.
    pub worker_wait: Duration,
    /// Time that the caller waited for a batch: the workers are the slower side.
    pub caller_wait: Duration,
    /// What each operator did, in the order of the plan.
    pub stages: Vec<StageStats>,
    /// Bytes that slots hold now, at the caller's and in the works.
    pub slot_bytes: u64,
    /// Bytes that encoded samples and the buffers between operators hold now.
    pub sample_bytes: u64,
    /// Bytes of linear memory that plugins' instances hold now.
    pub guest_bytes: u64,
    /// The most that all of them held at once.
    pub peak_bytes: u64,
    /// Plugin instances that had to be replaced.
    pub replaced_instances: u64,
}
