//! What outlives an epoch: the plan, its options, the memory that its batches live in, and what has
//! been counted so far.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use zenith_buffer::{Budget, BytesPool, MemoryKind, Reservation};
use zenith_core::{Current, Population, ReaderOptions, Recycle};

use super::{
    epoch::Epoch,
    generation::{Generation, History},
    quarantine::QuarantineEntry,
    slots::Slots,
    stats::{EpochStats, RunCounters},
    work::lock,
};
use crate::{error::LoadError, options::RunOptions, plan::Plan, state::LoaderState};

/// Encoded buffers kept for reuse, at most.
const ENCODED_POOL_BYTES: usize = 32 << 20;

/// What all workers of all epochs share.
pub(super) struct Shared {
    /// The plan by which batches are dealt now.
    pub(super) current: Arc<Current<Generation>>,
    pub(super) options: RunOptions,
    pub(super) budget: Budget,
    /// What plugins' instances hold, brought up to date whenever a batch is dealt.
    guests: Mutex<Reservation>,
    pub(super) slots: Slots,
    encoded: Arc<BytesPool>,
    pub(super) history: Mutex<History>,
    /// Epochs that run now.
    pub(super) epochs: AtomicUsize,
    pub(super) counters: RunCounters,
    pub(super) quarantine: Mutex<Vec<QuarantineEntry>>,
}

impl Shared {
    pub(super) fn reader_options(&self) -> ReaderOptions {
        let home: Arc<dyn Recycle> = Arc::<BytesPool>::clone(&self.encoded);
        ReaderOptions { home: Some(home), ..ReaderOptions::default() }
    }
}

/// Runs a plan, epoch after epoch. Making one allocates nothing of note and starts no thread.
pub struct Runner {
    pub(super) shared: Arc<Shared>,
}

impl Runner {
    /// A runner for a plan.
    pub fn new(plan: Arc<Plan>, options: RunOptions) -> Self {
        let history = Mutex::default();
        let budget = Budget::new(options.memory_limit);
        Self {
            shared: Arc::new(Shared {
                current: Arc::new(Current::new(Generation::new(0, plan, &history, Vec::new()))),
                options,
                slots: Slots::new(budget.clone()),
                guests: Mutex::new(budget.force_reserve(MemoryKind::Guests, 0)),
                encoded: Arc::new(BytesPool::new(&budget, ENCODED_POOL_BYTES)),
                budget,
                history,
                epochs: AtomicUsize::new(0),
                counters: RunCounters::default(),
                quarantine: Mutex::default(),
            }),
        }
    }

    /// The plan by which batches are dealt now: the first one, until a plugin is swapped.
    pub fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.shared.current.get().plan)
    }

    /// How it is run.
    pub fn options(&self) -> &RunOptions {
        &self.shared.options
    }

    /// Begins an epoch where a state stands.
    pub fn epoch(&self, state: &LoaderState) -> Result<Epoch, LoadError> {
        Epoch::begin(&self.shared, state)
    }

    /// Samples of an epoch on this rank, as the sampler counts them.
    pub fn epoch_samples(&self, epoch: u64) -> Result<u64, LoadError> {
        let plan = self.plan();
        let step = &plan.sampler;
        step.sampler()
            .and_then(|mut sampler| sampler.start(self.population(epoch, self.shared.options.seed)))
            .map_err(|cause| step.fault(cause))
    }

    /// Batches of an epoch on this rank.
    pub fn epoch_batches(&self, epoch: u64) -> Result<u64, LoadError> {
        let samples = self.epoch_samples(epoch)?;
        let batch = self.plan().batch;
        let size = u64::from(batch.size);
        Ok(if batch.drop_last { samples / size } else { samples.div_ceil(size) })
    }

    fn population(&self, epoch: u64, seed: u64) -> Population {
        self.shared.population(epoch, seed)
    }

    /// The samples that were left out so far.
    pub fn quarantine(&self) -> Vec<QuarantineEntry> {
        lock(&self.shared.quarantine).clone()
    }

    /// What has been done and waited for so far.
    pub fn stats(&self) -> EpochStats {
        let shared = &self.shared;
        let history = lock(&shared.history);
        let (guest_bytes, replaced_instances) = history.guests();
        EpochStats {
            batches: shared.counters.batches.load(Relaxed),
            samples: shared.counters.samples.load(Relaxed),
            skipped: shared.counters.skipped.load(Relaxed),
            encoded_bytes: shared.counters.encoded_bytes.load(Relaxed),
            read_wait: shared.counters.read_wait(),
            worker_wait: shared.counters.worker_wait(),
            caller_wait: shared.counters.caller_wait(),
            stages: history.stage_stats(),
            slot_bytes: shared.budget.used_by(MemoryKind::Slots),
            sample_bytes: shared.budget.used_by(MemoryKind::Samples)
                + shared.budget.used_by(MemoryKind::Other),
            guest_bytes,
            peak_bytes: shared.budget.peak(),
            replaced_instances,
        }
    }
}

impl Shared {
    /// Charges the budget with what plugins' instances hold now.
    pub(super) fn charge_guests(&self) {
        let (held, _) = lock(&self.history).guests();
        lock(&self.guests).force_resize(usize::try_from(held).unwrap_or(usize::MAX));
    }

    pub(super) fn population(&self, epoch: u64, seed: u64) -> Population {
        Population {
            length: self.current.get().plan.source.len(),
            epoch,
            seed,
            rank: self.options.rank,
            world_size: self.options.world_size.max(1),
        }
    }
}
