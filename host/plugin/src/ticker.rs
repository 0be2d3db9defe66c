//! The clock behind time limits: a thread that moves the engine's epoch on while any operator exists.
//!
//! It runs on its own thread, so that no guest can hold it up. It starts with the first operator and
//! is joined with the last, so that an idle process has no thread of ours. A forked child inherits
//! operators but not the thread: it starts its own at its first call.

use std::{
    io, mem,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use wasmtime::Engine;

use crate::fork;

/// How often the epoch moves on; a call's time limit is met to within this.
const PERIOD: Duration = Duration::from_millis(10);

/// How many moves of the epoch make at least `limit`. The first may follow at once, so one is added.
pub(crate) fn ticks(limit: Duration) -> u64 {
    let ticks = limit.as_nanos().div_ceil(PERIOD.as_nanos()) + 1;
    // Half the range: the engine adds the current epoch without a check.
    u64::try_from(ticks).unwrap_or(u64::MAX).min(u64::MAX / 2)
}

/// The clock of one engine in one process.
pub(crate) struct Ticker {
    engine: Engine,
    generation: u32,
    active: Mutex<Active>,
    /// The clock of a forked child. A mutex that another thread of the parent held during the fork
    /// stays locked for ever in the child, so the child gets a new one instead.
    in_child: OnceLock<Arc<Ticker>>,
}

#[derive(Default)]
struct Active {
    users: usize,
    thread: Option<Running>,
}

struct Running {
    stop: Arc<AtomicBool>,
    handle: JoinHandle<()>,
}

/// Keeps the clock going while it lives.
pub(crate) struct Ticking {
    ticker: Arc<Ticker>,
}

impl Ticker {
    pub(crate) fn new(engine: Engine) -> Arc<Self> {
        Arc::new(Self {
            engine,
            generation: fork::generation(),
            active: Mutex::default(),
            in_child: OnceLock::new(),
        })
    }

    /// Starts the clock, unless it runs already.
    pub(crate) fn start(self: &Arc<Self>) -> io::Result<Ticking> {
        let mut ticker = self;
        while ticker.generation != fork::generation() {
            ticker = ticker.in_child.get_or_init(|| Self::new(self.engine.clone()));
        }
        let mut active = ticker.active.lock().unwrap_or_else(PoisonError::into_inner);
        if active.thread.is_none() {
            active.thread = Some(Running::start(ticker.engine.clone())?);
        }
        active.users += 1;
        Ok(Ticking { ticker: Arc::clone(ticker) })
    }

    fn leave(&self) {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.users -= 1;
        let last = if active.users == 0 { active.thread.take() } else { None };
        drop(active);
        if let Some(running) = last {
            running.stop();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if self.generation != fork::generation() {
            // The thread is the parent's: there is nothing here to join or detach.
            mem::forget(self.active.get_mut().unwrap_or_else(PoisonError::into_inner).thread.take());
        }
    }
}

impl Ticking {
    /// Starts the clock of this process, where it is a fork of the one that started this clock.
    #[inline]
    pub(crate) fn follow_fork(&mut self) -> io::Result<()> {
        if self.ticker.generation != fork::generation() {
            *self = self.ticker.start()?;
        }
        Ok(())
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        if self.ticker.generation == fork::generation() {
            self.ticker.leave();
        }
    }
}

impl Running {
    fn start(engine: Engine) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let handle = thread::Builder::new().name("zenith-ticker".into()).spawn(move || {
            let mut next = Instant::now() + PERIOD;
            while !stopped.load(Ordering::Relaxed) {
                thread::park_timeout(next.saturating_duration_since(Instant::now()));
                let now = Instant::now();
                if now >= next {
                    engine.increment_epoch();
                    next = now + PERIOD;
                }
            }
        })?;
        Ok(Self { stop, handle })
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.handle.thread().unpark();
        if self.handle.join().is_err() {
            tracing::error!("the thread that keeps plugins' time limits panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_is_never_cut_short_by_rounding() {
        assert_eq!(ticks(Duration::ZERO), 1);
        assert_eq!(ticks(Duration::from_millis(10)), 2);
        assert_eq!(ticks(Duration::from_millis(11)), 3);
        assert_eq!(ticks(Duration::MAX), u64::MAX / 2);
    }

    #[test]
    fn the_thread_lives_exactly_as_long_as_someone_needs_it() {
        let ticker = Ticker::new(Engine::default());
        let running = |ticker: &Ticker| ticker.active.lock().unwrap().thread.is_some();
        assert!(!running(&ticker));
        let first = ticker.start().unwrap();
        let second = ticker.start().unwrap();
        drop(first);
        assert!(running(&ticker));
        drop(second);
        assert!(!running(&ticker));
        drop(ticker.start().unwrap());
        assert!(!running(&ticker));
    }
}
