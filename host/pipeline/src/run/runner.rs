//! What outlives an epoch: the plan, its options, the memory that its batches live in, and what has
//! been counted so far.

use std::sync::{Arc, Mutex, atomic::Ordering::Relaxed};

use zenith_buffer::{Budget, BytesPool, MemoryKind, Reservation};
use zenith_core::{Population, ReaderOptions, Recycle};

use super::{
    epoch::Epoch,
    quarantine::QuarantineEntry,
    slots::Slots,
    stats::{EpochStats, RunCounters, StageCounter},
    work::lock,
};
use crate::{error::LoadError, options::RunOptions, plan::Plan, state::LoaderState};

/// Encoded buffers kept for reuse, at most.
const ENCODED_POOL_BYTES: usize = 32 << 20;

/// What all workers of all epochs share.
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) options: RunOptions,
    pub(super) budget: Budget,
    /// What plugins' instances hold, brought up to date whenever a batch is dealt.
    guests: Mutex<Reservation>,
    pub(super) slots: Slots,
    encoded: Arc<BytesPool>,
    /// One for each decoder, transform and batch transform, in the order of the plan.
    pub(super) stages: Arc<Vec<StageCounter>>,
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
    shared: Arc<Shared>,
}

impl Runner {
    /// A runner for a plan.
    pub fn new(plan: Arc<Plan>, options: RunOptions) -> Self {
        let stages = plan.decoders.len() + plan.transforms.len() + plan.batch_transforms.len();
        let budget = Budget::new(options.memory_limit);
        Self {
            shared: Arc::new(Shared {
                plan,
                options,
                slots: Slots::new(budget.clone()),
                guests: Mutex::new(budget.force_reserve(MemoryKind::Guests, 0)),
                encoded: Arc::new(BytesPool::new(&budget, ENCODED_POOL_BYTES)),
                budget,
                stages: Arc::new((0..stages).map(|_| StageCounter::default()).collect()),
                counters: RunCounters::default(),
                quarantine: Mutex::default(),
            }),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.shared.plan
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
        let step = &self.shared.plan.sampler;
        step.sampler()?
            .start(self.population(epoch, self.shared.options.seed))
            .map_err(|cause| step.fault(cause))
    }

    /// Batches of an epoch on this rank.
    pub fn epoch_batches(&self, epoch: u64) -> Result<u64, LoadError> {
        let samples = self.epoch_samples(epoch)?;
        let batch = self.shared.plan.batch;
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
        let labels = shared.plan.operators().skip(1).map(|step| step.culprit().to_string());
        let plugins: Vec<_> = shared.plan.plugins().iter().map(|plugin| plugin.stats()).collect();
        EpochStats {
            batches: shared.counters.batches.load(Relaxed),
            samples: shared.counters.samples.load(Relaxed),
            skipped: shared.counters.skipped.load(Relaxed),
            encoded_bytes: shared.counters.encoded_bytes.load(Relaxed),
            read_wait: shared.counters.read_wait(),
            worker_wait: shared.counters.worker_wait(),
            caller_wait: shared.counters.caller_wait(),
            stages: shared.stages.iter().zip(labels).map(|(stage, label)| stage.read(label)).collect(),
            slot_bytes: shared.budget.used_by(MemoryKind::Slots),
            sample_bytes: shared.budget.used_by(MemoryKind::Samples)
                + shared.budget.used_by(MemoryKind::Other),
            guest_bytes: plugins.iter().map(|stats| stats.memory).sum(),
            peak_bytes: shared.budget.peak(),
            replaced_instances: plugins.iter().map(|stats| stats.replaced).sum(),
        }
    }
}

impl Shared {
    /// Charges the budget with what plugins' instances hold now.
    pub(super) fn charge_guests(&self) {
        let held: u64 = self.plan.plugins().iter().map(|plugin| plugin.stats().memory).sum();
        lock(&self.guests).force_resize(usize::try_from(held).unwrap_or(usize::MAX));
    }

    /// The bytes of each field of one sample, where they are known before.
    pub(super) fn sample_sizes(&self) -> Option<Vec<usize>> {
        self.plan.fields.iter().map(|field| field.sample_type.byte_len()).collect()
    }

    pub(super) fn population(&self, epoch: u64, seed: u64) -> Population {
        Population {
            length: self.plan.source.len(),
            epoch,
            seed,
            rank: self.options.rank,
            world_size: self.options.world_size.max(1),
        }
    }
}
