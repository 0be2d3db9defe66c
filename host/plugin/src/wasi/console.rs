//! Standard output and standard error: whole lines, which go to the host's log under the plugin's name.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wasmtime_wasi::{
    async_trait,
    p2::{OutputStream, Pollable, StreamError, StreamResult},
};
use wasmtime_wasi_io::bytes::Bytes;

use crate::{bindings::zenith::plugin::log::Level, state::Log};

/// Bytes that one write may hand over.
const PERMIT: usize = 64 << 10;

/// Bytes of a line that are kept until its end comes; a longer one is told in pieces.
const LINE: usize = 4 << 10;

/// What was printed and not told yet.
#[derive(Clone, Default)]
pub(super) struct Console {
    pending: Arc<Mutex<Pending>>,
}

#[derive(Default)]
struct Pending {
    out: Vec<u8>,
    error: Vec<u8>,
}

impl Console {
    /// A stream that prints.
    pub(super) fn stream(&self, level: Level) -> impl OutputStream + use<> {
        Printer { console: self.clone(), level }
    }

    /// Tells the lines that are complete.
    pub(super) fn tell(&self, log: &mut Log) {
        let Pending { out, error } = &mut *self.lock();
        tell_lines(out, Level::Info, log);
        tell_lines(error, Level::Warn, log);
    }

    /// Tells everything.
    pub(super) fn finish(&self, log: &mut Log) {
        self.tell(log);
        let Pending { out, error } = &mut *self.lock();
        tell_rest(out, Level::Info, log);
        tell_rest(error, Level::Warn, log);
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_lines(buffer: &mut Vec<u8>, level: Level, log: &mut Log) {
    if !buffer.contains(&b'\n') && buffer.len() < LINE {
        return;
    }
    let text = mem::take(buffer);
    let mut rest = &text[..];
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        log.print(level, &String::from_utf8_lossy(&rest[..end]));
        rest = &rest[end + 1..];
    }
    while let Some((line, more)) = rest.split_at_checked(LINE) {
        log.print(level, &String::from_utf8_lossy(line));
        rest = more;
    }
    buffer.extend_from_slice(rest);
}

fn tell_rest(buffer: &mut Vec<u8>, level: Level, log: &mut Log) {
    if !buffer.is_empty() {
        log.print(level, &String::from_utf8_lossy(&mem::take(buffer)));
    }
}

struct Printer {
    console: Console,
    level: Level,
}

#[async_trait]
impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > PERMIT {
            return Err(StreamError::trap("it wrote more than `check-write` allows"));
        }
        let mut pending = self.console.lock();
        match self.level {
            Level::Info => pending.out.extend_from_slice(&bytes),
            _ => pending.error.extend_from_slice(&bytes),
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

#[async_trait]
impl Pollable for Printer {
    async fn ready(&mut self) {}
}
