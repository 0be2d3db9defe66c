//! What a store holds for one instance: its share of memory, its voice in the log and, where it imports
//! it, its WASI. The output of the call under way does not live here but in [`crate::lent`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Handle;
use wasmtime::ResourceLimiter;
use zenith_core::{Limits, PluginStats, sample_at_hand};

use crate::{bindings::zenith::plugin::log::Level, text::tame, wasi::Wasi};

/// Lines that one call may write to the log; more are counted and left out.
const LINES_PER_CALL: u32 = 100;

/// Lines of standard error that are kept to say why an instance stopped: the first and the last.
const KEPT_LINES: usize = 4;

/// A table's element, in bytes, as the engine stores it.
const TABLE_ELEMENT: usize = size_of::<usize>();

/// What has become of a plugin's instances, over all workers.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) instances: AtomicU64,
    pub(crate) replaced: AtomicU64,
    alive: AtomicUsize,
    memory: AtomicU64,
}

impl Counters {
    pub(crate) fn stats(&self) -> PluginStats {
        PluginStats {
            instances: self.instances.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
            alive: self.alive.load(Ordering::Relaxed) as u64,
            memory: self.memory.load(Ordering::Relaxed),
        }
    }
}

impl Counters {
    /// A place for one more instance, where the limit leaves one.
    pub(crate) fn place(self: &Arc<Self>, limit: usize) -> Option<Place> {
        let more = |alive| (alive < limit).then_some(alive + 1);
        self.alive.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Place { counters: Arc::clone(self) })
    }
}

/// The place of one instance among those that may live.
pub(crate) struct Place {
    counters: Arc<Counters>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counters.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The data of one store.
pub(crate) struct State {
    pub(crate) memory: Memory,
    pub(crate) log: Log,
    /// Only for a component that imports it.
    pub(crate) wasi: Option<Box<Wasi>>,
    _place: Place,
}

impl State {
    pub(crate) fn new(plugin: Arc<str>, limits: &Limits, place: Place) -> Self {
        let counters = Arc::clone(&place.counters);
        Self {
            memory: Memory { limit: limits.memory, held: 0, before: 0, last: 0, refused: false, counters },
            log: Log { plugin, lines: 0, last_error: None, printed: Vec::new() },
            wasi: None,
            _place: place,
        }
    }

    /// Forgets what belonged to the call before. `seed` decides what randomness the guest finds, `time`
    /// how long it may sleep.
    #[inline]
    pub(crate) fn begin_call(&mut self, seed: u64, time: Duration) {
        self.memory.refused = false;
        self.memory.before = self.memory.held;
        self.log.lines = 0;
        self.log.last_error = None;
        self.log.printed.clear();
        if let Some(wasi) = &mut self.wasi {
            wasi.begin_call(seed, time);
        }
    }

    /// What calls must be made in, where there is one.
    #[inline]
    pub(crate) fn runtime(&self) -> Option<Handle> {
        self.wasi.as_ref()?.runtime()
    }

    /// Tells what the call has printed and not ended with a line's end.
    #[inline]
    pub(crate) fn end_call(&mut self) {
        if let Some(wasi) = &mut self.wasi {
            wasi.end_call(&mut self.log);
        }
    }
}

/// Bounds the linear memories and tables of one instance, all of them together.
pub(crate) struct Memory {
    limit: usize,
    held: usize,
    /// What was held when the call under way began.
    before: usize,
    last: usize,
    refused: bool,
    counters: Arc<Counters>,
}

impl Memory {
    /// Whether the guest was refused memory during this call. It may then have gone on, or trapped.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// Whether the call under way grew so much that a second one like it would be refused memory. One that
    /// did not grow at all is no sign of anything, however much is held.
    pub(crate) fn runs_out(&self) -> bool {
        let grown = self.held - self.before.min(self.held);
        grown > 0 && self.held.saturating_add(grown.saturating_mul(2)) > self.limit
    }

    fn grow(&mut self, by: usize) -> bool {
        let held = self.held.checked_add(by).filter(|held| *held <= self.limit);
        self.refused |= held.is_none();
        if let Some(held) = held {
            self.held = held;
            self.last = by;
            self.counters.memory.fetch_add(by as u64, Ordering::Relaxed);
        }
        held.is_some()
    }

    fn give_back(&mut self, bytes: usize) {
        self.held -= bytes;
        self.counters.memory.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.give_back(self.held);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.give_back(self.last);
        self.last = 0;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT)))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.give_back(self.last);
        self.last = 0;
        Ok(())
    }

    // A component holds a core instance for each of its modules and shims. Each memory reserves
    // address space, so a handful must do.
    fn instances(&self) -> usize {
        1000
    }

    fn tables(&self) -> usize {
        1000
    }

    fn memories(&self) -> usize {
        32
    }
}

/// A guest's voice in the log: each line carries the plugin, and the sample that the thread is at work
/// on, if it is at work on one.
pub(crate) struct Log {
    plugin: Arc<str>,
    lines: u32,
    last_error: Option<String>,
    /// The first and the last lines of this call's standard error.
    printed: Vec<String>,
}

macro_rules! tell {
    ($log:expr, $level:ident, $($message:tt)+) => {
        if tracing::enabled!(target: "zenith::guest", tracing::Level::$level) {
            let (sample, index) = sample_at_hand().unzip();
            let plugin = &*$log.plugin;
            tracing::event!(
                target: "zenith::guest", tracing::Level::$level, plugin, sample, index, $($message)+
            );
        }
    };
}

impl Log {
    /// Writes one line, unless the call has written enough. Where nobody listens it costs next to
    /// nothing.
    pub(crate) fn write(&mut self, level: Level, message: &str) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > LINES_PER_CALL {
            if self.lines == LINES_PER_CALL + 1 {
                tell!(self, WARN, "further lines of this call are left out");
            }
            return;
        }
        match level {
            Level::Error => {
                let message = tame(message);
                tell!(self, ERROR, "{message}");
                self.last_error = Some(message);
            }
            Level::Warn => tell!(self, WARN, "{}", tame(message)),
            Level::Info => tell!(self, INFO, "{}", tame(message)),
            Level::Debug => tell!(self, DEBUG, "{}", tame(message)),
        }
    }

    /// Writes one line that the guest printed.
    pub(crate) fn print(&mut self, level: Level, line: &str) {
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        if level == Level::Warn {
            if self.printed.len() == KEPT_LINES {
                self.printed.remove(KEPT_LINES / 2);
            }
            self.printed.push(tame(line));
        }
        self.write(level, line);
    }

    /// What this call said last: the last error that it logged (for a guest of the Rust SDK that
    /// panicked, the panic's message), or else what it printed to standard error.
    pub(crate) fn last_words(&self) -> Option<String> {
        let printed = || (!self.printed.is_empty()).then(|| self.printed.join(" / "));
        self.last_error.clone().or_else(printed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(limit: usize) -> (State, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let limits = Limits { memory: limit, ..Limits::default() };
        let place = counters.place(limits.instances).unwrap();
        (State::new("a:b@1.0.0".into(), &limits, place), counters)
    }

    #[test]
    fn memories_and_tables_share_one_limit() {
        let (mut state, counters) = state(1000);
        assert!(state.memory.memory_growing(0, 600, None).unwrap());
        assert!(!state.memory.table_growing(0, 51, None).unwrap());
        assert!(state.memory.refused());
        state.begin_call(0, Duration::ZERO);
        assert!(!state.memory.refused());
        assert!(state.memory.table_growing(0, 50, None).unwrap());
        assert_eq!(counters.stats().memory, 1000);
        drop(state);
        assert_eq!(counters.stats().memory, 0);
    }

    #[test]
    fn memory_runs_out_where_a_call_grew_and_two_more_like_it_would_not_fit() {
        let (mut state, _) = state(1000);
        let mut call = |by| {
            state.begin_call(0, Duration::ZERO);
            let held = state.memory.held;
            assert!(state.memory.memory_growing(held, held + by, None).unwrap());
            state.memory.runs_out()
        };
        assert!(!call(300));
        assert!(!call(100));
        assert!(!call(200), "600 are held, and 200 more fit twice");
        assert!(!call(0));
        assert!(call(200));
        assert!(!call(0), "much is held, but nothing grows");
    }

    #[test]
    fn no_more_instances_live_than_may() {
        let counters = Arc::new(Counters::default());
        let first = counters.place(2);
        let second = counters.place(2);
        assert!(first.is_some() && second.is_some() && counters.place(2).is_none());
        assert_eq!(counters.stats().alive, 2);
        drop(first);
        assert!(counters.place(2).is_some());
        assert_eq!(counters.stats().alive, 1);
    }

    #[test]
    fn memory_that_the_system_refused_is_not_counted() {
        let (mut state, counters) = state(1000);
        assert!(state.memory.memory_growing(0, 600, None).unwrap());
        state.memory.memory_grow_failed(wasmtime::Error::msg("out of memory")).unwrap();
        assert_eq!(counters.stats().memory, 0);
        assert!(state.memory.table_growing(0, 100, None).unwrap());
        state.memory.table_grow_failed(wasmtime::Error::msg("out of memory")).unwrap();
        assert_eq!(counters.stats().memory, 0);
    }

    #[test]
    fn the_first_and_the_last_lines_of_standard_error_say_why_an_instance_stopped() {
        let (mut state, _) = state(1000);
        assert_eq!(state.log.last_words(), None);
        for line in 1..=9 {
            state.log.print(Level::Warn, &format!("line {line}\r"));
        }
        state.log.print(Level::Info, "a result");
        assert_eq!(state.log.last_words().unwrap(), "line 1 / line 2 / line 8 / line 9");
        state.log.write(Level::Error, "a panic");
        assert_eq!(state.log.last_words().unwrap(), "a panic");
        state.begin_call(0, Duration::ZERO);
        assert_eq!(state.log.last_words(), None);
    }
}
