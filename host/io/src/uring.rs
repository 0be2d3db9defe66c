//! The first engine: one `io_uring` for each reader. No thread of ours, and depth without threads.
//!
//! A file takes two requests: it is opened, its type and size are looked at, and then it is read into
//! a buffer of just that size. Chaining the two inside the kernel, with a direct descriptor, would save
//! a step, but the size would have to be guessed, a pipe could pass for a file, and file systems that
//! cannot read without blocking (FUSE, 9p, some network ones) refuse such reads on a descriptor that
//! was opened so as not to wait for a pipe's other end. A part of an open file takes one request.
//!
//! Whatever ends unusually is read once more by the calling thread, in `blocking`, whose answer
//! stands. So all engines give the same errors.
#![expect(unsafe_code, reason = "the kernel reads names from and writes bytes into memory of ours")]

use std::{
    collections::VecDeque,
    io, mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    process,
};

use io_uring::{IoUring, Probe, opcode, squeue, types::Fd};
use rustix::fs::{OFlags, fcntl_setfl, fstat};

use crate::{
    blocking::{OPEN_FLAGS, read_location, wanted},
    engine::{Buffers, DEPTH, Engine, Location, Outcome, ReadError},
};

/// The most bytes that Linux reads in one call, rounded down to a page.
const LONGEST_READ: usize = 0x7FFF_F000;

/// Whether this system lets us use `io_uring`, with all that the engine needs.
pub(crate) fn probe() -> io::Result<()> {
    let mut ring = IoUring::new(2)?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    if ![opcode::OpenAt::CODE, opcode::Read::CODE].into_iter().all(|code| probe.is_supported(code)) {
        return Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP));
    }
    // A sandbox may allow the set-up and refuse the use.
    // SAFETY: the request names no memory.
    unsafe { ring.submission().push(&opcode::Nop::new().build()) }
        .map_err(|_| io::Error::from_raw_os_error(libc::EBUSY))?;
    ring.submit_and_wait(1)?;
    Ok(())
}

/// A ring and the reads that are under way in it.
pub(crate) struct Ring {
    kernel: IoUring,
    buffers: Buffers,
    /// One for each read; its position is the request's `user_data`. What a slot owns stays where it
    /// is, untouched, while the kernel holds a request for it (`pending`).
    slots: Vec<Slot>,
    free: Vec<usize>,
    done: VecDeque<(u64, Outcome)>,
    /// Set when the ring failed; from then on reads are carried out by the calling thread.
    failed: bool,
    /// Set when the reader is being dropped; from then on ends are awaited and nothing is begun.
    dropping: bool,
    process: u32,
}

#[derive(Default)]
struct Slot {
    ticket: u64,
    /// What is read; owns the name that an opening request points to.
    location: Option<Location>,
    /// The file, where the slot opened it.
    file: Option<OwnedFd>,
    /// Bytes that end the read: the part's length, or one more than the file has.
    wanted: usize,
    buffer: Vec<u8>,
    /// Whether the kernel holds a request for this slot.
    pending: bool,
}

impl Ring {
    pub(crate) fn new(buffers: Buffers) -> io::Result<Self> {
        let entries = u32::try_from(DEPTH).unwrap_or(1);
        // No interrupts to hand over completions: whoever waits collects them. Linux before 5.19
        // does not know the flag.
        let ring =
            IoUring::builder().setup_coop_taskrun().build(entries).or_else(|_| IoUring::new(entries))?;
        Ok(Self {
            kernel: ring,
            buffers,
            slots: (0..DEPTH).map(|_| Slot::default()).collect(),
            free: (0..DEPTH).collect(),
            done: VecDeque::new(),
            failed: false,
            dropping: false,
            process: process::id(),
        })
    }

    /// Pushes a request for a slot. What the request points to must be owned by the slot.
    fn push(&mut self, position: usize, request: &squeue::Entry) {
        let request = request.clone().user_data(position as u64);
        // SAFETY: the name or buffer in the request belongs to the slot, on the heap; `pending` keeps
        // the slot from being touched, and `drop` waits for the request or leaks what it points to.
        let pushed = unsafe { self.kernel.submission().push(&request) };
        if pushed.is_ok() {
            self.slots[position].pending = true;
        } else {
            // No room, although there is an entry for every slot: the ring is not as it should be.
            self.finish_here(position);
        }
    }

    fn push_open(&mut self, position: usize) {
        let Some(Location::File { folder, path }) = &self.slots[position].location else { return };
        let flags = (OPEN_FLAGS | OFlags::CLOEXEC).bits().cast_signed();
        let request = opcode::OpenAt::new(Fd(folder.as_raw_fd()), path.as_ptr()).flags(flags).build();
        self.push(position, &request);
    }

    /// Asks for what is missing in the slot's buffer.
    fn push_read(&mut self, position: usize) {
        let slot = &mut self.slots[position];
        let (file, start): (RawFd, u64) = match (&slot.file, &slot.location) {
            (Some(file), _) => (file.as_raw_fd(), 0),
            (None, Some(Location::Range { file, offset, .. })) => (file.as_raw_fd(), *offset),
            _ => return self.finish_here(position),
        };
        let offset = start.saturating_add(slot.buffer.len() as u64);
        let missing = slot.wanted.saturating_sub(slot.buffer.len()).min(LONGEST_READ);
        let room = slot.buffer.spare_capacity_mut();
        let length = u32::try_from(missing.min(room.len())).unwrap_or(0);
        let request = opcode::Read::new(Fd(file), room.as_mut_ptr().cast(), length).offset(offset).build();
        self.push(position, &request);
    }

    /// Ends a slot's read.
    fn finish(&mut self, position: usize, outcome: Outcome) {
        let slot = mem::take(&mut self.slots[position]);
        self.free.push(position);
        self.done.push_back((slot.ticket, outcome));
    }

    /// Reads a slot's location in the calling thread.
    fn finish_here(&mut self, position: usize) {
        let slot = &mut self.slots[position];
        self.buffers.take_back(mem::take(&mut slot.buffer));
        let outcome = match &slot.location {
            Some(location) => read_location(location, &self.buffers),
            None => Err(ReadError::Engine(io::Error::other("a completion for no read"))),
        };
        self.finish(position, outcome);
    }

    /// Goes on with a slot whose request has ended with `result`, as system calls answer.
    fn advance(&mut self, position: usize, result: i32) {
        let Some(slot) = self.slots.get_mut(position) else { return };
        slot.pending = false;
        let opening = slot.file.is_none() && matches!(slot.location, Some(Location::File { .. }));
        if opening && result >= 0 {
            // SAFETY: the kernel has just opened this descriptor for us alone.
            slot.file = Some(unsafe { OwnedFd::from_raw_fd(result) });
        }
        if self.dropping {
            self.buffers.take_back(mem::take(&mut slot.buffer));
            return;
        }
        if opening && result >= 0 {
            return self.look_and_read(position);
        }
        let room = slot.wanted.min(slot.buffer.capacity()).saturating_sub(slot.buffer.len());
        match usize::try_from(result) {
            Ok(read) if read > 0 && read <= room => {
                // SAFETY: the kernel has written `read` bytes behind the buffer's end, and they lie
                // inside its capacity.
                unsafe { slot.buffer.set_len(slot.buffer.len() + read) };
                self.look_if_done(position);
            }
            _ => self.finish_here(position),
        }
    }

    /// Looks at a file that has been opened, and asks for its bytes.
    fn look_and_read(&mut self, position: usize) {
        let Some(file) = &self.slots[position].file else { return };
        let size = match fstat(file) {
            Ok(stat) if rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() => {
                u64::try_from(stat.st_size).unwrap_or(0)
            }
            _ => return self.finish_here(position),
        };
        // An empty file may be one whose size is not known, as in /proc.
        let Some(wanted) = wanted(size, &self.buffers).ok().filter(|size| *size > 0) else {
            return self.finish_here(position);
        };
        // A file system that cannot read without blocking would refuse while the flag is set.
        let _ = fcntl_setfl(file, OFlags::empty());
        let buffer = self.buffers.lend(wanted.saturating_add(1));
        let slot = &mut self.slots[position];
        (slot.buffer, slot.wanted) = (buffer, wanted.saturating_add(1));
        self.push_read(position);
    }

    /// Ends the read where all bytes are there; asks for the rest where not.
    fn look_if_done(&mut self, position: usize) {
        let slot = &mut self.slots[position];
        let read = slot.buffer.len();
        match slot.location {
            Some(Location::Range { .. }) if read == slot.wanted => {}
            // One byte of room was left: this is the end.
            Some(Location::File { .. }) if read + 1 == slot.wanted => {}
            // The file has grown since it was looked at.
            Some(Location::File { .. }) if read == slot.wanted => return self.finish_here(position),
            _ => return self.push_read(position),
        }
        let buffer = mem::take(&mut slot.buffer);
        let bytes = self.buffers.wrap(buffer);
        self.finish(position, Ok(bytes));
    }

    /// Tells the kernel what was pushed, waits for `wanted` completions, and goes on with all there are.
    fn enter(&mut self, wanted: usize) {
        match self.kernel.submit_and_wait(wanted) {
            Ok(_) => {}
            // The kernel wants its completions collected first.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINTR | libc::EBUSY)) => {}
            Err(error) => {
                tracing::warn!(%error, "io_uring failed; reading without it from here on");
                return self.give_up();
            }
        }
        loop {
            let completion = self.kernel.completion().next();
            let Some(completion) = completion else { break };
            self.advance(usize::try_from(completion.user_data()).unwrap_or(usize::MAX), completion.result());
        }
    }

    /// Leaves the ring alone for good. What it may still write to is leaked.
    fn give_up(&mut self) {
        self.failed = true;
        for position in 0..self.slots.len() {
            let slot = &mut self.slots[position];
            if mem::take(&mut slot.pending) {
                mem::forget(mem::take(&mut slot.buffer));
                mem::forget(slot.file.take());
                let again = slot.location.clone();
                mem::forget(mem::replace(&mut slot.location, again));
                if !self.dropping {
                    self.finish_here(position);
                }
            }
        }
    }

    fn is_pending(&self) -> bool {
        self.slots.iter().any(|slot| slot.pending)
    }
}

impl Engine for Ring {
    fn depth(&self) -> usize {
        DEPTH
    }

    fn start(&mut self, ticket: u64, location: Location) {
        let Some(position) = self.free.pop().filter(|_| !self.failed) else {
            let outcome = read_location(&location, &self.buffers);
            return self.done.push_back((ticket, outcome));
        };
        let length = match &location {
            Location::File { .. } => None,
            Location::Range { length, .. } => Some(*length),
        };
        let slot = &mut self.slots[position];
        (slot.ticket, slot.location) = (ticket, Some(location));
        match length.map(|length| wanted(length, &self.buffers)) {
            None => self.push_open(position),
            Some(Ok(wanted)) if wanted > 0 => {
                slot.buffer = self.buffers.lend(wanted);
                slot.wanted = wanted;
                self.push_read(position);
            }
            Some(Ok(_) | Err(_)) => self.finish_here(position),
        }
    }

    fn flush(&mut self) {
        // What is in the page cache is opened at once, and then read at once in the next round.
        while !self.failed && !self.kernel.submission().is_empty() {
            self.enter(0);
        }
    }

    fn wait(&mut self) -> Option<(u64, Outcome)> {
        loop {
            if let Some(done) = self.done.pop_front() {
                self.flush();
                return Some(done);
            }
            if !self.is_pending() {
                return None;
            }
            self.enter(1);
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // In a forked child the ring is the parent's, and writes into the parent's memory only.
        let ours = self.process == process::id();
        self.dropping = true;
        while ours && !self.failed && self.is_pending() {
            self.enter(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::CString, fs, sync::Arc};

    use zenith_core::ReaderOptions;

    use super::*;

    #[test]
    fn a_ring_that_fails_hands_its_reads_to_the_calling_thread() {
        if probe().is_err() {
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let folder: Arc<OwnedFd> = Arc::new(fs::File::open(home.path()).unwrap().into());
        let locations: Vec<Location> = (0..3)
            .map(|number| {
                let name = number.to_string();
                fs::write(home.path().join(&name), vec![number; 5000]).unwrap();
                Location::File { folder: Arc::clone(&folder), path: CString::new(name).unwrap() }
            })
            .collect();
        let mut ring = Ring::new(Buffers::new(&ReaderOptions::default())).unwrap();
        ring.start(0, locations[0].clone());
        ring.start(1, locations[1].clone());
        ring.give_up();
        ring.start(2, locations[2].clone());
        ring.flush();
        let mut read: Vec<_> = std::iter::from_fn(|| ring.wait()).collect();
        read.sort_by_key(|(ticket, _)| *ticket);
        assert_eq!(read.len(), 3);
        for (number, (ticket, outcome)) in (0_u8..).zip(read) {
            assert_eq!((ticket, &*outcome.unwrap()), (u64::from(number), &vec![number; 5000][..]));
        }
    }
}
