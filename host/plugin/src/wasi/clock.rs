//! The clocks. Without a permission both stand still: they show the same instant in every call of
//! every run. Only sleeping moves them, by exactly what was asked for and without any waiting, until
//! the call ends; so a runtime that sleeps until its clock says so wakes up. With the permission both
//! are real, and a sleep ends at the latest with the time that the call may take.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    thread,
    time::{Duration, Instant, SystemTime},
};

use wasmtime::Trap;
use wasmtime_wasi::{async_trait, p2::Pollable};

use super::blocking::never_ready;

/// What the wall clock shows: the first second of 2020, in UTC.
const WALL: Duration = Duration::from_hours(438_288);

/// What the monotonic clock shows, in nanoseconds: not 0, for which some runtimes take a broken clock.
const MONOTONIC: u64 = 1_000_000_000;

/// The latest instant that can be waited for.
const LAST: u64 = u64::MAX - 1;

/// Nobody waits.
const NOBODY: u64 = u64::MAX;

/// The clocks of one instance, shared with the sleeps that wait for them.
pub(super) struct Clock {
    /// What the monotonic clock shows, where it stands still.
    shown: AtomicU64,
    /// The earliest instant that someone waits for.
    awaited: AtomicU64,
    /// Since when they run, if they do.
    running: Option<Instant>,
    /// When the call under way must be over, if they run.
    deadline: AtomicU64,
}

impl Clock {
    pub(super) fn new(real: bool) -> Self {
        Self {
            shown: AtomicU64::new(MONOTONIC),
            awaited: AtomicU64::new(NOBODY),
            running: real.then(Instant::now),
            deadline: AtomicU64::new(LAST),
        }
    }

    /// Begins a call that may take so long.
    pub(super) fn begin_call(&self, time: Duration) {
        self.shown.store(MONOTONIC, Relaxed);
        if self.running.is_some() {
            self.deadline.store(self.after(nanoseconds(time)), Relaxed);
        }
    }

    /// The monotonic clock, in nanoseconds.
    pub(super) fn monotonic(&self) -> u64 {
        match self.running {
            Some(start) => MONOTONIC.saturating_add(nanoseconds(start.elapsed())),
            None => self.shown.load(Relaxed),
        }
    }

    /// The wall clock, since 1970.
    pub(super) fn wall(&self) -> Duration {
        match self.running {
            Some(_) => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            None => WALL + Duration::from_nanos(self.monotonic() - MONOTONIC),
        }
    }

    /// What is ready `duration` nanoseconds from now.
    pub(super) fn after(&self, duration: u64) -> u64 {
        self.monotonic().saturating_add(duration).min(LAST)
    }

    /// Forgets who waited.
    pub(super) fn nobody_waits(&self) {
        self.awaited.store(NOBODY, Relaxed);
    }

    /// Moves on, or waits, to the earliest instant that someone waits for.
    pub(super) fn pass(&self) -> wasmtime::Result<()> {
        let instant = match self.awaited.load(Relaxed) {
            NOBODY => return Err(never_ready()),
            instant => instant,
        };
        if self.running.is_none() {
            self.shown.store(instant, Relaxed);
            return Ok(());
        }
        let deadline = self.deadline.load(Relaxed);
        let wait = instant.min(deadline).saturating_sub(self.monotonic());
        thread::sleep(Duration::from_nanos(wait));
        // As the engine ends a guest that computes for too long.
        if instant > deadline { Err(Trap::Interrupt.into()) } else { Ok(()) }
    }

    fn is_past(&self, instant: u64) -> bool {
        let past = self.monotonic() >= instant;
        if !past {
            self.awaited.fetch_min(instant, Relaxed);
        }
        past
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A pollable that is ready from an instant on.
pub(super) struct Sleep {
    pub(super) clock: Arc<Clock>,
    pub(super) until: u64,
}

#[async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        // Nothing wakes this up: whoever polls it moves the clock and polls again.
        let Self { clock, until } = self;
        future::poll_fn(|_| if clock.is_past(*until) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sleep_moves_the_clock_and_only_until_the_call_ends() {
        let clock = Clock::new(false);
        assert_eq!((clock.monotonic(), clock.wall()), (MONOTONIC, WALL));
        assert!(clock.pass().is_err(), "nobody waits");
        assert!(!clock.is_past(clock.after(5)));
        assert!(!clock.is_past(clock.after(3)));
        clock.pass().unwrap();
        assert_eq!((clock.monotonic(), clock.wall()), (MONOTONIC + 3, WALL + Duration::from_nanos(3)));
        clock.begin_call(Duration::from_secs(1));
        assert_eq!(clock.monotonic(), MONOTONIC);
    }

    #[test]
    fn the_longest_sleep_ends() {
        let clock = Clock::new(false);
        let end = clock.after(u64::MAX);
        assert!(!clock.is_past(end));
        clock.pass().unwrap();
        assert!(clock.is_past(end) && clock.is_past(clock.after(u64::MAX)));
    }

    #[test]
    fn a_real_clock_waits_and_not_beyond_the_deadline() {
        let clock = Clock::new(true);
        clock.begin_call(Duration::from_millis(20));
        let end = clock.after(1_000_000);
        clock.nobody_waits();
        assert!(!clock.is_past(end));
        clock.pass().unwrap();
        assert!(clock.is_past(end));
        assert!(!clock.is_past(clock.after(u64::MAX)));
        clock.nobody_waits();
        assert!(!clock.is_past(LAST));
        let error = clock.pass().unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
        assert!(clock.wall() > WALL);
    }
}
