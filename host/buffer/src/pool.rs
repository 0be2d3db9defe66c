//! Where slots come from and where they go home to.

use std::{
    fmt, io, process,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering, fence},
    },
    time::{Duration, Instant},
};

use crossbeam_queue::ArrayQueue;
use thiserror::Error;

use crate::{
    budget::{Budget, MemoryKind},
    layout::SlotLayout,
    lease::{Lease, Memory},
    mapping::Mapping,
    slot::WritableSlot,
};

/// Memory refused by a budget may be given back by someone who knows nothing of this pool, so a
/// waiter looks again after this long.
const BUDGET_POLL: Duration = Duration::from_millis(20);

/// Why there is no slot.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// All slots are in use. `held` of them are with consumers; if that is all of them, only the
    /// consumers can end the wait.
    #[error("all {limit} batch slots are in use, {held} of them held by the consumer")]
    Exhausted {
        /// Slots that consumers hold.
        held: usize,
        /// The most slots that there may be.
        limit: usize,
    },
    /// One more slot would pass the memory limit. `held` slots are with consumers.
    #[error(
        "one more batch slot of {wanted} bytes would pass the memory limit of {limit} bytes, of which {used} are in use ({held} batches are held by the consumer)"
    )]
    MemoryLimit {
        /// The size of a slot in bytes.
        wanted: usize,
        /// Bytes in use.
        used: u64,
        /// The limit in bytes.
        limit: u64,
        /// Slots that consumers hold.
        held: usize,
    },
    /// The system gave no memory.
    #[error("the system gave no memory for a batch slot of {wanted} bytes: {cause}")]
    System {
        /// The size of a slot in bytes.
        wanted: usize,
        /// What the system answered.
        cause: io::Error,
    },
    /// The pool was closed.
    #[error("the slot pool was closed")]
    Closed,
    /// The pool belongs to the process that made it, and this is a child that was forked from it.
    #[error("the slot pool belongs to the parent process; make a new one after fork()")]
    Forked,
}

impl AcquireError {
    /// Whether waiting may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Exhausted { .. } | Self::MemoryLimit { .. })
    }
}

/// A pool of slots of one layout. Clones share it.
///
/// Slots are allocated when first wanted and reused from then on, most recently used first. The pool
/// may be dropped while consumers still hold slots.
#[derive(Clone)]
pub struct SlotPool {
    home: Arc<Home>,
}

/// What slots come home to.
pub(crate) struct Home {
    layout: Arc<SlotLayout>,
    budget: Budget,
    max_slots: usize,
    process: u32,
    free: ArrayQueue<Memory>,
    allocated: AtomicUsize,
    lent: AtomicUsize,
    closed: AtomicBool,
    waiters: AtomicUsize,
    gate: Mutex<()>,
    returned: Condvar,
}

impl SlotPool {
    /// A pool of at most `max_slots` slots (at least one), whose memory is charged to `budget`.
    pub fn new(layout: SlotLayout, budget: &Budget, max_slots: usize) -> Self {
        let max_slots = max_slots.max(1);
        Self {
            home: Arc::new(Home {
                layout: Arc::new(layout),
                budget: budget.clone(),
                max_slots,
                process: process::id(),
                free: ArrayQueue::new(max_slots),
                allocated: AtomicUsize::new(0),
                lent: AtomicUsize::new(0),
                closed: AtomicBool::new(false),
                waiters: AtomicUsize::new(0),
                gate: Mutex::new(()),
                returned: Condvar::new(),
            }),
        }
    }

    /// A slot, if there is one now.
    pub fn acquire(&self) -> Result<WritableSlot, AcquireError> {
        let home = &self.home;
        home.take().map(|memory| {
            WritableSlot::new(Lease::new(memory, Arc::clone(&home.layout), Arc::downgrade(home)))
        })
    }

    /// A slot, waiting for one at most `timeout`. The error is that of the last attempt.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<WritableSlot, AcquireError> {
        match self.acquire() {
            Err(error) if error.is_transient() => {}
            outcome => return outcome,
        }
        let home = &self.home;
        let deadline = Instant::now().checked_add(timeout);
        let _waiting = Waiting::new(&home.waiters);
        // Whoever brings a slot home makes it visible first and then looks for waiters; whoever waits
        // counts as a waiter first and then looks for a slot, with the gate shut until it sleeps. So
        // one of the two sees the other.
        let mut gate = home.gate.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            fence(Ordering::SeqCst);
            let error = match self.acquire() {
                Err(error) if error.is_transient() => error,
                outcome => return outcome,
            };
            let left =
                deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(error);
            }
            let sleep = if home.budget.limit().is_some() { left.min(BUDGET_POLL) } else { left };
            gate = home.returned.wait_timeout(gate, sleep).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Refuses every later call for a slot, and wakes those who wait. Slots that are out stay valid.
    pub fn close(&self) {
        self.home.closed.store(true, Ordering::SeqCst);
        drop(self.home.gate.lock());
        self.home.returned.notify_all();
    }

    /// Gives the memory of unused slots back to the system; answers how many there were.
    pub fn trim(&self) -> usize {
        let mut freed = 0;
        while !self.home.is_foreign() {
            let Some(memory) = self.home.free.pop() else { break };
            drop(memory);
            self.home.allocated.fetch_sub(1, Ordering::SeqCst);
            freed += 1;
        }
        if freed > 0 {
            self.home.wake();
        }
        freed
    }

    /// Slots that consumers hold: frozen and not yet dropped.
    pub fn outstanding(&self) -> usize {
        self.home.lent.load(Ordering::Relaxed)
    }

    /// Slots that exist, in use or not.
    pub fn allocated(&self) -> usize {
        self.home.allocated.load(Ordering::Relaxed)
    }

    /// The most slots that there may be.
    pub fn max_slots(&self) -> usize {
        self.home.max_slots
    }

    /// What one slot costs the budget, in bytes.
    pub fn slot_bytes(&self) -> usize {
        Mapping::footprint(self.home.layout.bytes())
    }

    /// Where the fields of a slot lie.
    pub fn layout(&self) -> &SlotLayout {
        &self.home.layout
    }
}

impl fmt::Debug for SlotPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotPool")
            .field("slot_bytes", &self.slot_bytes())
            .field("max_slots", &self.max_slots())
            .field("allocated", &self.allocated())
            .field("outstanding", &self.outstanding())
            .finish_non_exhaustive()
    }
}

impl Home {
    fn take(&self) -> Result<Memory, AcquireError> {
        if self.is_foreign() {
            return Err(AcquireError::Forked);
        }
        if self.closed.load(Ordering::SeqCst) {
            return Err(AcquireError::Closed);
        }
        if let Some(memory) = self.free.pop() {
            return Ok(memory);
        }
        let held = self.lent.load(Ordering::Relaxed);
        let grown = self.allocated.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |allocated| {
            (allocated < self.max_slots).then_some(allocated + 1)
        });
        if grown.is_err() {
            return Err(AcquireError::Exhausted { held, limit: self.max_slots });
        }
        let wanted = Mapping::footprint(self.layout.bytes());
        let memory = match self.budget.try_reserve(MemoryKind::Slots, wanted) {
            None => Err(AcquireError::MemoryLimit {
                wanted,
                used: self.budget.used(),
                limit: self.budget.limit().unwrap_or(u64::MAX),
                held,
            }),
            Some(reservation) => {
                Memory::new(&self.layout, reservation).map_err(|cause| AcquireError::System { wanted, cause })
            }
        };
        if memory.is_err() {
            self.allocated.fetch_sub(1, Ordering::SeqCst);
        }
        memory
    }

    /// Counts a slot that goes to consumers.
    pub(crate) fn lend(&self) {
        self.lent.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a slot's memory back.
    pub(crate) fn come_home(&self, memory: Memory, was_lent: bool) {
        if self.is_foreign() {
            // In a forked child another thread of the parent may have been in the midst of the queue
            // or the gate, for ever. The child's copy of the memory is its own to free.
            return;
        }
        if was_lent {
            self.lent.fetch_sub(1, Ordering::Relaxed);
        }
        if self.free.push(memory).is_err() {
            self.allocated.fetch_sub(1, Ordering::SeqCst);
        }
        self.wake();
    }

    fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            drop(self.gate.lock());
            self.returned.notify_all();
        }
    }

    fn is_foreign(&self) -> bool {
        self.process != process::id()
    }
}

/// Counts a waiter for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiters: &'a AtomicUsize) -> Self {
        waiters.fetch_add(1, Ordering::SeqCst);
        Self(waiters)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
