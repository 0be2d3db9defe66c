//! The one number that bounds the process. Counting only: nothing here allocates what it counts.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What memory is used for. Only a label: all kinds draw from the same limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryKind {
    /// The slots of batches.
    Slots,
    /// Encoded samples, read and not yet decoded.
    Samples,
    /// The linear memories of plugins.
    Guests,
    /// All else, such as a worker's scratch buffers.
    Other,
}

impl MemoryKind {
    /// Every kind, in the order in which a report lists them.
    pub const ALL: [Self; 4] = [Self::Slots, Self::Samples, Self::Guests, Self::Other];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slots => "slots",
            Self::Samples => "samples",
            Self::Guests => "guests",
            Self::Other => "other",
        }
    }

    const fn position(self) -> usize {
        match self {
            Self::Slots => 0,
            Self::Samples => 1,
            Self::Guests => 2,
            Self::Other => 3,
        }
    }
}

/// A budget of bytes. Clones share it; no call blocks.
///
/// It does not watch the allocator: it holds what its users tell it. A limit of `None` counts and
/// refuses nothing.
#[derive(Clone)]
pub struct Budget {
    counters: Arc<Counters>,
}

struct Counters {
    limit: u64,
    used: AtomicU64,
    peak: AtomicU64,
    refused: AtomicU64,
    by_kind: [AtomicU64; MemoryKind::ALL.len()],
}

impl Budget {
    /// A budget of `limit` bytes, or one that only counts.
    pub fn new(limit: Option<u64>) -> Self {
        Self {
            counters: Arc::new(Counters {
                limit: limit.unwrap_or(u64::MAX),
                used: AtomicU64::new(0),
                peak: AtomicU64::new(0),
                refused: AtomicU64::new(0),
                by_kind: Default::default(),
            }),
        }
    }

    /// Reserves `bytes`, or answers `None` where that would pass the limit.
    pub fn try_reserve(&self, kind: MemoryKind, bytes: usize) -> Option<Reservation> {
        self.try_charge(kind, bytes).then(|| Reservation { budget: self.clone(), kind, bytes })
    }

    /// Reserves `bytes` even past the limit, for what cannot be refused without losing progress.
    /// Later attempts to reserve are refused until the excess is paid back.
    pub fn force_reserve(&self, kind: MemoryKind, bytes: usize) -> Reservation {
        self.charge(kind, bytes);
        Reservation { budget: self.clone(), kind, bytes }
    }

    /// Bytes reserved now.
    pub fn used(&self) -> u64 {
        self.counters.used.load(Ordering::Relaxed)
    }

    /// Bytes reserved now for one kind of use.
    pub fn used_by(&self, kind: MemoryKind) -> u64 {
        self.counters.by_kind[kind.position()].load(Ordering::Relaxed)
    }

    /// The most bytes that were ever reserved at once.
    pub fn peak(&self) -> u64 {
        self.counters.peak.load(Ordering::Relaxed)
    }

    /// The limit in bytes, where there is one.
    pub fn limit(&self) -> Option<u64> {
        (self.counters.limit != u64::MAX).then_some(self.counters.limit)
    }

    /// Bytes that may still be reserved; `u64::MAX` without a limit, 0 where the limit is passed.
    pub fn available(&self) -> u64 {
        if self.limit().is_none() {
            return u64::MAX;
        }
        self.counters.limit.saturating_sub(self.used())
    }

    /// How often a reservation was refused.
    pub fn refused(&self) -> u64 {
        self.counters.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn try_charge(&self, kind: MemoryKind, bytes: usize) -> bool {
        let counters = &*self.counters;
        let bytes = bytes as u64;
        let admitted = counters.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|total| *total <= counters.limit)
        });
        let Ok(before) = admitted else {
            counters.refused.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        counters.peak.fetch_max(before + bytes, Ordering::Relaxed);
        counters.by_kind[kind.position()].fetch_add(bytes, Ordering::Relaxed);
        true
    }

    pub(crate) fn charge(&self, kind: MemoryKind, bytes: usize) {
        let counters = &*self.counters;
        let before = counters.used.fetch_add(bytes as u64, Ordering::Relaxed);
        counters.peak.fetch_max(before.saturating_add(bytes as u64), Ordering::Relaxed);
        counters.by_kind[kind.position()].fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn discharge(&self, kind: MemoryKind, bytes: usize) {
        self.counters.by_kind[kind.position()].fetch_sub(bytes as u64, Ordering::Relaxed);
        self.counters.used.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut report = f.debug_struct("Budget");
        report.field("limit", &self.limit()).field("used", &self.used()).field("peak", &self.peak());
        for kind in MemoryKind::ALL {
            report.field(kind.name(), &self.used_by(kind));
        }
        report.finish()
    }
}

/// Bytes set aside in a [`Budget`]; dropping it gives them back.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    kind: MemoryKind,
    bytes: usize,
}

impl Reservation {
    /// The bytes it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets the bytes it holds; answers `false`, and changes nothing, where that would pass the limit.
    pub fn try_resize(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes && !self.budget.try_charge(self.kind, bytes - self.bytes) {
            return false;
        }
        self.budget.discharge(self.kind, self.bytes.saturating_sub(bytes));
        self.bytes = bytes;
        true
    }

    /// Sets the bytes it holds, even past the limit.
    pub fn force_resize(&mut self, bytes: usize) {
        self.budget.charge(self.kind, bytes.saturating_sub(self.bytes));
        self.budget.discharge(self.kind, self.bytes.saturating_sub(bytes));
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.discharge(self.kind, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn the_limit_admits_its_last_byte_and_not_one_more() {
        let budget = Budget::new(Some(100));
        let held = budget.try_reserve(MemoryKind::Slots, 100).unwrap();
        assert!(budget.try_reserve(MemoryKind::Other, 1).is_none());
        assert_eq!((budget.used(), budget.available(), budget.refused()), (100, 0, 1));
        drop(held);
        assert_eq!((budget.used(), budget.available(), budget.peak()), (0, 100, 100));
    }

    #[test]
    fn a_reservation_of_absurd_size_is_refused_and_does_not_wrap() {
        let budget = Budget::new(None);
        let _held = budget.try_reserve(MemoryKind::Other, 1 << 20).unwrap();
        assert!(budget.try_reserve(MemoryKind::Other, usize::MAX).is_none());
        assert_eq!(budget.used(), 1 << 20);
        assert_eq!((budget.limit(), budget.available()), (None, u64::MAX));
    }

    #[test]
    fn kinds_are_counted_apart_and_drawn_from_one_limit() {
        let budget = Budget::new(Some(10));
        let _slots = budget.try_reserve(MemoryKind::Slots, 4).unwrap();
        let _samples = budget.try_reserve(MemoryKind::Samples, 6).unwrap();
        assert!(budget.try_reserve(MemoryKind::Guests, 1).is_none());
        assert_eq!(MemoryKind::ALL.map(|kind| budget.used_by(kind)), [4, 6, 0, 0]);
        assert_eq!(
            format!("{budget:?}"),
            "Budget { limit: Some(10), used: 10, peak: 10, slots: 4, samples: 6, guests: 0, other: 0 }"
        );
    }

    #[test]
    fn what_is_forced_past_the_limit_counts_against_the_next() {
        let budget = Budget::new(Some(10));
        let forced = budget.force_reserve(MemoryKind::Samples, 15);
        assert_eq!((budget.used(), budget.available()), (15, 0));
        assert!(budget.try_reserve(MemoryKind::Samples, 0).is_none());
        drop(forced);
        assert!(budget.try_reserve(MemoryKind::Samples, 10).is_some());
    }

    #[test]
    fn a_reservation_grows_within_the_limit_and_shrinks_at_will() {
        let budget = Budget::new(Some(10));
        let mut held = budget.try_reserve(MemoryKind::Guests, 4).unwrap();
        assert!(held.try_resize(10) && !held.try_resize(11));
        assert_eq!((held.bytes(), budget.used()), (10, 10));
        assert!(held.try_resize(1));
        assert_eq!(budget.used_by(MemoryKind::Guests), 1);
        held.force_resize(12);
        held.force_resize(2);
        assert_eq!((held.bytes(), budget.used()), (2, 2));
    }

    #[test]
    fn threads_that_race_never_pass_the_limit_and_leave_nothing_behind() {
        let budget = Budget::new(Some(64));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..if cfg!(miri) { 50 } else { 5_000 } {
                        let held = budget.try_reserve(MemoryKind::Samples, 1 + round % 40);
                        assert!(budget.used() <= 64);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!((budget.used(), budget.used_by(MemoryKind::Samples)), (0, 0));
        assert!(budget.peak() <= 64);
    }
}
