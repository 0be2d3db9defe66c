//! The slots that batches live in: one pool for each layout that the plan needs.

use std::{sync::Mutex, time::Duration};

use zenith_buffer::{AcquireError, Budget, SlotLayout, SlotPool, WritableSlot};

use super::work::lock;
use crate::error::LoadError;

/// Layouts beyond this many are forgotten, oldest first: shapes that never come back should not
/// keep their slots.
const POOLS: usize = 4;

/// How long a worker waits for a slot before it says that there is none.
const PATIENCE: Duration = Duration::from_secs(2);

/// Slots of one layout, at most. Only a bound on bookkeeping: memory is bounded by the budget.
const MAX_SLOTS: usize = 1 << 14;

/// Slot pools by layout, all drawing from one budget.
pub(super) struct Slots {
    budget: Budget,
    pools: Mutex<Vec<(SlotLayout, SlotPool)>>,
}

impl Slots {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, pools: Mutex::default() }
    }

    /// A slot for `rows` rows of fields of these sizes, or `None` where the budget has no room now.
    pub(super) fn now(&self, sizes: &[usize], rows: usize) -> Result<Option<WritableSlot>, LoadError> {
        let pool = self.pool(sizes, rows)?;
        match pool.acquire() {
            Ok(slot) => Ok(Some(slot)),
            Err(error) if error.is_transient() => Ok(None),
            Err(error) => Err(refused(&error)),
        }
    }

    /// The same, for a worker that has finished work in its hands: it waits a little for room.
    pub(super) fn exact(&self, sizes: &[usize], rows: usize) -> Result<WritableSlot, LoadError> {
        let pool = self.pool(sizes, rows)?;
        pool.acquire_timeout(PATIENCE)
            .map_err(|error| if error.is_transient() { self.exhausted(sizes, rows) } else { refused(&error) })
    }

    /// The error that says why there is no slot.
    pub(super) fn exhausted(&self, sizes: &[usize], rows: usize) -> LoadError {
        let limit = self.budget.limit().unwrap_or(u64::MAX);
        let slot_bytes = sizes.iter().sum::<usize>().saturating_mul(rows);
        let held: usize = lock(&self.pools).iter().map(|(_, pool)| pool.outstanding()).sum();
        if held == 0 {
            LoadError::MemoryTooSmall { slot_bytes, limit }
        } else {
            LoadError::MemoryHeld { held, slot_bytes, limit }
        }
    }

    fn pool(&self, sizes: &[usize], rows: usize) -> Result<SlotPool, LoadError> {
        let layout = SlotLayout::new(rows, sizes).ok_or_else(|| LoadError::System {
            action: "laying out a batch slot",
            cause: "its size overflows the address space".to_owned(),
        })?;
        let mut pools = lock(&self.pools);
        if let Some((_, pool)) = pools.iter().find(|(known, _)| *known == layout) {
            return Ok(pool.clone());
        }
        if pools.len() == POOLS {
            pools.remove(0);
        }
        let pool = SlotPool::new(layout.clone(), &self.budget, MAX_SLOTS);
        pools.push((layout, pool.clone()));
        Ok(pool)
    }
}

fn refused(error: &AcquireError) -> LoadError {
    LoadError::System { action: "allocating a batch slot", cause: error.to_string() }
}
