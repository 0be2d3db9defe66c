//! The buffers of encoded samples: lent to readers, and kept for reuse when the samples are decoded.

use std::{
    fmt,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crossbeam_queue::ArrayQueue;
use zenith_core::Recycle;

use crate::budget::{Budget, MemoryKind};

/// Buffers below this size are lent at this size.
const SMALLEST: usize = 4 << 10;
/// Buffers above this size are allocated for the purpose and freed after it.
const LARGEST: usize = 32 << 20;
/// Four classes to a doubling: on average a buffer is an eighth larger than what was asked for.
const STEPS: usize = 4;
const CLASSES: usize = STEPS * (LARGEST / SMALLEST).ilog2() as usize + 1;
/// The most buffers kept in one class.
const KEPT_IN_CLASS: usize = 64;
/// How many classes above its own a request may be served from: at most twice its size.
const REACH: usize = STEPS;

/// A pool of byte buffers in size classes. All memory that it has lent or keeps is charged to the
/// budget as [`MemoryKind::Samples`].
///
/// Lending never fails: what was submitted to a reader must arrive, or nothing moves. Where the budget
/// refuses, the pool frees what it keeps and then charges past the limit, so whoever submits reads must
/// look at [`Budget::available`] before asking for more.
pub struct BytesPool {
    budget: Budget,
    classes: Box<[ArrayQueue<Vec<u8>>]>,
    /// Bytes kept for reuse, and the most that may be.
    kept: AtomicUsize,
    keep: usize,
    /// Bytes charged to the budget by this pool: lent and kept.
    charged: AtomicUsize,
    reused: AtomicU64,
    allocated: AtomicU64,
}

impl BytesPool {
    /// A pool that keeps at most `keep` bytes of unused buffers.
    pub fn new(budget: &Budget, keep: usize) -> Self {
        Self {
            budget: budget.clone(),
            classes: (0..CLASSES).map(|_| ArrayQueue::new(KEPT_IN_CLASS)).collect(),
            kept: AtomicUsize::new(0),
            keep,
            charged: AtomicUsize::new(0),
            reused: AtomicU64::new(0),
            allocated: AtomicU64::new(0),
        }
    }

    /// Bytes of unused buffers that it keeps.
    pub fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// How many buffers it lent that had been used before, and how many that were new.
    pub fn counts(&self) -> (u64, u64) {
        (self.reused.load(Ordering::Relaxed), self.allocated.load(Ordering::Relaxed))
    }

    /// Frees the unused buffers.
    pub fn trim(&self) {
        for class in &self.classes {
            while let Some(buffer) = class.pop() {
                self.kept.fetch_sub(buffer.capacity(), Ordering::Relaxed);
                self.discharge(buffer.capacity());
            }
        }
    }

    fn charge(&self, bytes: usize) {
        if !self.budget.try_charge(MemoryKind::Samples, bytes) {
            self.trim();
            self.budget.charge(MemoryKind::Samples, bytes);
        }
        self.charged.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives back what a buffer was charged with. A buffer that grew while it was lent, or never came
    /// from here, gives back no more than the pool owes.
    fn discharge(&self, bytes: usize) {
        let take = |charged: usize| Some(charged.saturating_sub(bytes));
        if let Ok(before) = self.charged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            self.budget.discharge(MemoryKind::Samples, before.min(bytes));
        }
    }
}

impl Recycle for BytesPool {
    fn lend(&self, bytes: usize) -> Vec<u8> {
        let class = class_that_holds(bytes);
        let within_reach = class.map(|class| &self.classes[class..(class + REACH).min(CLASSES)]);
        if let Some(buffer) = within_reach.into_iter().flatten().find_map(ArrayQueue::pop) {
            self.kept.fetch_sub(buffer.capacity(), Ordering::Relaxed);
            self.reused.fetch_add(1, Ordering::Relaxed);
            return buffer;
        }
        let buffer = Vec::with_capacity(class.map_or(bytes, class_bytes));
        self.charge(buffer.capacity());
        self.allocated.fetch_add(1, Ordering::Relaxed);
        buffer
    }

    fn recycle(&self, mut buffer: Vec<u8>) {
        let bytes = buffer.capacity();
        buffer.clear();
        let fits = |kept: usize| kept.checked_add(bytes).filter(|kept| *kept <= self.keep);
        let kept = class_held_by(bytes)
            .filter(|_| self.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok());
        let Some(class) = kept else {
            return self.discharge(bytes);
        };
        if self.classes[class].push(buffer).is_err() {
            self.kept.fetch_sub(bytes, Ordering::Relaxed);
            self.discharge(bytes);
        }
    }
}

impl Drop for BytesPool {
    fn drop(&mut self) {
        self.budget.discharge(MemoryKind::Samples, *self.charged.get_mut());
    }
}

impl fmt::Debug for BytesPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytesPool")
            .field("kept", &self.kept())
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// The size of the buffers in a class: `SMALLEST` × 2^(class / 4), and quarters between the doublings.
fn class_bytes(class: usize) -> usize {
    let doubling = SMALLEST << (class / STEPS);
    doubling + doubling / STEPS * (class % STEPS)
}

/// The class whose buffers have room for `bytes`, if there is one.
fn class_that_holds(bytes: usize) -> Option<usize> {
    (bytes <= LARGEST).then(|| {
        let class = class_below(bytes);
        if class_bytes(class) < bytes { class + 1 } else { class }
    })
}

/// The class that a buffer of this capacity can serve, if there is one.
fn class_held_by(capacity: usize) -> Option<usize> {
    (SMALLEST..=LARGEST).contains(&capacity).then(|| class_below(capacity))
}

/// The last class whose size is not above `bytes`, or the first.
fn class_below(bytes: usize) -> usize {
    let units = (bytes / SMALLEST).max(1);
    let doublings = units.ilog2() as usize;
    let doubling = SMALLEST << doublings;
    let quarters = bytes.saturating_sub(doubling) / (doubling / STEPS);
    doublings * STEPS + quarters
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use zenith_core::Bytes;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_class_has_room_and_wastes_at_most_a_quarter(bytes in 0_usize..=LARGEST) {
            let size = class_bytes(class_that_holds(bytes).unwrap());
            prop_assert!(size >= bytes && size <= (bytes + bytes / 4 + 1).max(SMALLEST));
        }

        #[test]
        fn a_returned_buffer_serves_what_its_class_promises(capacity in SMALLEST..=LARGEST) {
            prop_assert!(class_bytes(class_held_by(capacity).unwrap()) <= capacity);
        }
    }

    #[test]
    fn the_classes_span_the_range_exactly() {
        assert_eq!((class_bytes(0), class_bytes(CLASSES - 1)), (SMALLEST, LARGEST));
        assert_eq!(class_that_holds(LARGEST), Some(CLASSES - 1));
        assert_eq!((class_that_holds(LARGEST + 1), class_held_by(SMALLEST - 1)), (None, None));
    }

    #[test]
    fn a_buffer_is_used_again_and_charged_once() {
        let budget = Budget::new(Some(1 << 30));
        let pool = Arc::new(BytesPool::new(&budget, 1 << 20));
        for _ in 0..10 {
            let mut buffer = pool.lend(100_000);
            assert!(buffer.is_empty() && buffer.capacity() >= 100_000);
            buffer.push(1);
            drop(Bytes::on_loan(buffer, Arc::clone(&pool) as Arc<dyn Recycle>));
        }
        assert_eq!(pool.counts(), (9, 1));
        assert_eq!(budget.used_by(MemoryKind::Samples), pool.kept() as u64);
        pool.trim();
        assert_eq!((pool.kept(), budget.used()), (0, 0));
    }

    #[test]
    fn no_more_is_kept_than_was_agreed() {
        let budget = Budget::new(None);
        let pool = BytesPool::new(&budget, 10_000);
        let buffers: Vec<_> = (0..5).map(|_| pool.lend(4096)).collect();
        assert_eq!(budget.used(), 5 * 4096);
        for buffer in buffers {
            pool.recycle(buffer);
        }
        assert_eq!((pool.kept(), budget.used()), (8192, 8192));
        pool.recycle(pool.lend(LARGEST + 1));
        assert_eq!(pool.kept(), 8192);
        drop(pool);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_full_budget_frees_what_is_kept_and_then_lends_on_credit() {
        let budget = Budget::new(Some(8192));
        let pool = BytesPool::new(&budget, 1 << 20);
        pool.recycle(pool.lend(8192));
        assert_eq!(pool.kept(), 8192);
        let lent = pool.lend(16 << 10);
        assert_eq!((pool.kept(), budget.used(), budget.available()), (0, 16 << 10, 0));
        pool.recycle(lent);
        pool.trim();
        assert_eq!(budget.available(), 8192);
    }

    #[test]
    fn a_foreign_or_grown_buffer_does_not_upset_the_books() {
        let budget = Budget::new(Some(1 << 20));
        let pool = BytesPool::new(&budget, 0);
        let other = budget.try_reserve(MemoryKind::Samples, 100).unwrap();
        pool.recycle(vec![0; 50_000]);
        assert_eq!(budget.used(), 100);
        let mut lent = pool.lend(4096);
        lent.resize(100_000, 0);
        pool.recycle(lent);
        assert_eq!(budget.used(), 100);
        drop(other);
        assert_eq!(budget.used(), 0);
    }
}
