//! What a store holds for one instance: its share of memory and its voice in the log. The output of
//! the call under way does not live here but in [`crate::lent`].

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use wasmtime::ResourceLimiter;
use zenith_core::{Limits, PluginStats};

use crate::{bindings::zenith::plugin::log::Level, text::tame};

/// Lines that one call may write to the log; more are counted and left out.
const LINES_PER_CALL: u32 = 100;

/// A table's element, in bytes, as the engine stores it.
const TABLE_ELEMENT: usize = size_of::<usize>();

/// What has become of a plugin's instances, over all workers.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) instances: AtomicU64,
    pub(crate) replaced: AtomicU64,
    memory: AtomicU64,
}

impl Counters {
    pub(crate) fn stats(&self) -> PluginStats {
        PluginStats {
            instances: self.instances.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
            memory: self.memory.load(Ordering::Relaxed),
        }
    }
}

/// The data of one store.
pub(crate) struct State {
    pub(crate) memory: Memory,
    pub(crate) log: Log,
}

impl State {
    pub(crate) fn new(plugin: Arc<str>, limits: &Limits, counters: Arc<Counters>) -> Self {
        Self {
            memory: Memory { limit: limits.memory, held: 0, last: 0, refused: false, counters },
            log: Log { plugin, lines: 0, last_error: None },
        }
    }

    /// Forgets what belonged to the call before.
    #[inline]
    pub(crate) fn begin_call(&mut self) {
        self.memory.refused = false;
        self.log.lines = 0;
        self.log.last_error = None;
    }
}

/// Bounds the linear memories and tables of one instance, all of them together.
pub(crate) struct Memory {
    limit: usize,
    held: usize,
    last: usize,
    refused: bool,
    counters: Arc<Counters>,
}

impl Memory {
    /// Whether the guest was refused memory during this call. It may then have gone on, or trapped.
    pub(crate) fn refused(&self) -> bool {
        self.refused
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

/// A guest's voice in the log.
pub(crate) struct Log {
    plugin: Arc<str>,
    lines: u32,
    last_error: Option<String>,
}

impl Log {
    /// Writes one line, unless the call has written enough.
    pub(crate) fn write(&mut self, level: Level, message: &str) {
        let plugin = &*self.plugin;
        self.lines = self.lines.saturating_add(1);
        if self.lines > LINES_PER_CALL {
            if self.lines == LINES_PER_CALL + 1 {
                tracing::warn!(target: "zenith::guest", plugin, "further lines of this call are left out");
            }
            return;
        }
        let message = tame(message);
        match level {
            Level::Error => {
                tracing::error!(target: "zenith::guest", plugin, "{message}");
                self.last_error = Some(message);
            }
            Level::Warn => tracing::warn!(target: "zenith::guest", plugin, "{message}"),
            Level::Info => tracing::info!(target: "zenith::guest", plugin, "{message}"),
            Level::Debug => tracing::debug!(target: "zenith::guest", plugin, "{message}"),
        }
    }

    /// The last error that this call logged: for a Rust guest that panicked, the panic's message.
    pub(crate) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(limit: usize) -> (State, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let limits = Limits { memory: limit, ..Limits::default() };
        (State::new("a:b@1.0.0".into(), &limits, Arc::clone(&counters)), counters)
    }

    #[test]
    fn memories_and_tables_share_one_limit() {
        let (mut state, counters) = state(1000);
        assert!(state.memory.memory_growing(0, 600, None).unwrap());
        assert!(!state.memory.table_growing(0, 51, None).unwrap());
        assert!(state.memory.refused());
        state.begin_call();
        assert!(!state.memory.refused());
        assert!(state.memory.table_growing(0, 50, None).unwrap());
        assert_eq!(counters.stats().memory, 1000);
        drop(state);
        assert_eq!(counters.stats().memory, 0);
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
}
