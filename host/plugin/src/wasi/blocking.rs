//! What could wait: polling, streams, clocks. The engine cannot interrupt a call of the host, so none
//! of these waits for longer than the call may take.
//!
//! Without a permission nothing waits at all. A sleep moves the clock instead; a stream is ready at
//! once or closed; and a guest that waits for what never comes is stopped there and then.

use std::{pin::pin, sync::Arc};

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::{
    async_trait,
    p2::{
        DynInputStream, DynOutputStream, DynPollable, Pollable, StreamError, StreamResult,
        bindings::{
            cli::{stderr, stdout},
            clocks::{monotonic_clock, wall_clock},
            sync::io::{poll, streams},
        },
        subscribe,
    },
    runtime::poll_noop,
};
use wasmtime_wasi_io::bindings::wasi::io::poll as wasmtime_poll;

use super::{
    Wasi,
    clock::{Clock, Sleep},
    console::Console,
};
use crate::{
    bindings::zenith::plugin::log::Level,
    state::{Log, State},
};

/// Bytes that may be written at once by the calls that promise to return only when all is written.
const WHOLE_WRITE: usize = 4096;

/// A guest waits for something that will not happen.
pub(super) fn never_ready() -> wasmtime::Error {
    wasmtime::Error::msg("it waits for what never comes: it has no input, no network and no other thread")
}

/// The parts of an instance's state that these interfaces work on.
pub(super) struct Blocking<'a> {
    table: &'a mut ResourceTable,
    clock: &'a Arc<Clock>,
    console: &'a Console,
    log: &'a mut Log,
}

pub(super) struct HasBlocking;

impl HasData for HasBlocking {
    type Data<'a> = Blocking<'a>;
}

impl State {
    pub(super) fn blocking(&mut self) -> Blocking<'_> {
        let Self { wasi, log, .. } = self;
        let wasi = wasi.get_or_insert_with(|| Box::new(Wasi::hermetic()));
        let Wasi { table, clock, console, .. } = &mut **wasi;
        Blocking { table, clock, console, log }
    }
}

/// The value of a future that must be there already.
fn at_once<F: Future>(future: F) -> wasmtime::Result<F::Output> {
    poll_noop(pin!(future)).ok_or_else(never_ready)
}

/// The value of a future that waits for sleeps only.
fn after_sleeps<F: Future>(clock: &Clock, future: F) -> wasmtime::Result<F::Output> {
    let mut future = pin!(future);
    loop {
        clock.nobody_waits();
        if let Some(value) = poll_noop(future.as_mut()) {
            return Ok(value);
        }
        clock.pass()?;
    }
}

/// A pollable that is always ready.
struct Ready;

#[async_trait]
impl Pollable for Ready {
    async fn ready(&mut self) {}
}

impl Blocking<'_> {
    fn pollable(&mut self, pollable: impl Pollable) -> wasmtime::Result<Resource<DynPollable>> {
        let resource = self.table.push(pollable)?;
        subscribe(self.table, resource)
    }

    fn sleep(&mut self, until: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let clock = Arc::clone(self.clock);
        self.pollable(Sleep { clock, until })
    }

    fn printer(&mut self, level: Level) -> wasmtime::Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(self.console.stream(level));
        Ok(self.table.push(stream)?)
    }

    fn output(&mut self, stream: &Resource<DynOutputStream>) -> StreamResult<&mut DynOutputStream> {
        Ok(self.table.get_mut(stream)?)
    }

    fn input(&mut self, stream: &Resource<DynInputStream>) -> StreamResult<&mut DynInputStream> {
        Ok(self.table.get_mut(stream)?)
    }
}

impl monotonic_clock::Host for Blocking<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.monotonic())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.sleep(self.clock.after(when.saturating_sub(self.clock.monotonic())))
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.sleep(self.clock.after(duration))
    }
}

impl wall_clock::Host for Blocking<'_> {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = self.clock.wall();
        Ok(wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1 })
    }
}

impl stdout::Host for Blocking<'_> {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.printer(Level::Info)
    }
}

impl stderr::Host for Blocking<'_> {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.printer(Level::Warn)
    }
}

impl poll::Host for Blocking<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        after_sleeps(self.clock, wasmtime_poll::Host::poll(self.table, pollables))?
    }
}

impl poll::HostPollable for Blocking<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        at_once(wasmtime_poll::HostPollable::ready(self.table, pollable))?
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        after_sleeps(self.clock, wasmtime_poll::HostPollable::block(self.table, pollable))?
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        wasmtime_poll::HostPollable::drop(self.table, pollable)
    }
}

impl streams::Host for Blocking<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        match error {
            StreamError::Closed => Ok(streams::StreamError::Closed),
            StreamError::LastOperationFailed(cause) => {
                Ok(streams::StreamError::LastOperationFailed(self.table.push(cause)?))
            }
            StreamError::Trap(cause) => Err(cause),
        }
    }
}

impl streams::HostOutputStream for Blocking<'_> {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        Ok(self.output(&stream)?.check_write()? as u64)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.output(&stream)?.write(bytes.into())?;
        self.console.tell(self.log);
        Ok(())
    }

    fn blocking_write_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        bytes: Vec<u8>,
    ) -> StreamResult<()> {
        if bytes.len() > WHOLE_WRITE {
            return Err(StreamError::trap("it wrote more than 4096 bytes at once"));
        }
        self.write(stream, bytes)
    }

    fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        count: u64,
    ) -> StreamResult<()> {
        match usize::try_from(count) {
            Ok(count) if count <= WHOLE_WRITE => self.write(stream, vec![0; count]),
            _ => Err(StreamError::trap("it wrote more than 4096 bytes at once")),
        }
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, count: u64) -> StreamResult<()> {
        let output = self.output(&stream)?;
        match usize::try_from(count) {
            Ok(count) if count <= output.check_write()? => self.write(stream, vec![0; count]),
            _ => Err(StreamError::trap("it wrote more than `check-write` allows")),
        }
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.output(&stream)?.flush()
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.output(&stream)?.flush()
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.table.get(&stream)?;
        self.pollable(Ready)
    }

    fn splice(
        &mut self,
        output: Resource<DynOutputStream>,
        input: Resource<DynInputStream>,
        count: u64,
    ) -> StreamResult<u64> {
        let permit = self.output(&output)?.check_write()? as u64;
        let bytes = streams::HostInputStream::read(self, input, count.min(permit))?;
        let spliced = bytes.len() as u64;
        self.write(output, bytes)?;
        Ok(spliced)
    }

    fn blocking_splice(
        &mut self,
        output: Resource<DynOutputStream>,
        input: Resource<DynInputStream>,
        count: u64,
    ) -> StreamResult<u64> {
        self.splice(output, input, count)
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        at_once(self.table.delete(stream)?.cancel())
    }
}

impl streams::HostInputStream for Blocking<'_> {
    fn read(&mut self, stream: Resource<DynInputStream>, count: u64) -> StreamResult<Vec<u8>> {
        let input = self.input(&stream)?;
        // The reading that may wait is also the one that starts nothing in the background.
        let bytes = match usize::try_from(count).unwrap_or(usize::MAX) {
            0 => input.read(0)?,
            count => at_once(input.blocking_read(count)).map_err(StreamError::Trap)??,
        };
        Ok(bytes.into())
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, count: u64) -> StreamResult<Vec<u8>> {
        self.read(stream, count)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, count: u64) -> StreamResult<u64> {
        Ok(self.read(stream, count)?.len() as u64)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, count: u64) -> StreamResult<u64> {
        self.skip(stream, count)
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.table.get(&stream)?;
        self.pollable(Ready)
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        at_once(self.table.delete(stream)?.cancel())
    }
}
