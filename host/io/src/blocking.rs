//! Reads that the calling thread carries out itself: the third engine, and what the pool's threads do.

use std::{collections::VecDeque, os::fd::AsFd};

use rustix::{
    buffer::spare_capacity,
    fs::{FileType, Mode, OFlags, fstat, openat},
    io::{Errno, pread, read},
};

use crate::engine::{Buffers, Engine, Location, Outcome, ReadError};

/// How files are opened: without waiting for a pipe's other end, and never as a controlling terminal.
pub(crate) const OPEN_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Reads when the reader waits.
pub(crate) struct Blocking {
    buffers: Buffers,
    asked: VecDeque<(u64, Location)>,
}

impl Blocking {
    pub(crate) fn new(buffers: Buffers) -> Self {
        Self { buffers, asked: VecDeque::new() }
    }
}

impl Engine for Blocking {
    fn depth(&self) -> usize {
        1
    }

    fn start(&mut self, ticket: u64, location: Location) {
        self.asked.push_back((ticket, location));
    }

    fn flush(&mut self) {}

    fn wait(&mut self) -> Option<(u64, Outcome)> {
        let (ticket, location) = self.asked.pop_front()?;
        Some((ticket, read_location(&location, &self.buffers)))
    }
}

/// Reads what lies at `location`.
pub(crate) fn read_location(location: &Location, buffers: &Buffers) -> Outcome {
    match location {
        Location::File { folder, path } => {
            let file = retry(|| openat(folder, path.as_c_str(), OPEN_FLAGS | OFlags::CLOEXEC, Mode::empty()))
                .map_err(|errno| ReadError::System("open", errno.into()))?;
            read_file(&file, buffers)
        }
        Location::Range { file, offset, length } => read_range(file, *offset, *length, buffers),
    }
}

/// Reads a file to its end, wherever that is by then.
fn read_file(file: impl AsFd, buffers: &Buffers) -> Outcome {
    let refused = |errno: Errno| ReadError::System("read", errno.into());
    let stat = fstat(&file).map_err(refused)?;
    if let Some(kind) = no_file(FileType::from_raw_mode(stat.st_mode)) {
        return Err(ReadError::NotAFile(kind));
    }
    let expected = u64::try_from(stat.st_size).unwrap_or(0);
    if expected > buffers.limit {
        return Err(ReadError::TooLarge { bytes: expected, limit: buffers.limit });
    }
    // Room for one byte more: a read that leaves it free has seen the end.
    let mut buffer = buffers.lend(usize::try_from(expected).unwrap_or(usize::MAX).saturating_add(1));
    loop {
        match retry(|| read(&file, spare_capacity(&mut buffer))) {
            Err(errno) => {
                buffers.take_back(buffer);
                return Err(refused(errno));
            }
            Ok(0) => break,
            Ok(_) if buffer.len() as u64 > buffers.limit => {
                let bytes = buffer.len() as u64;
                buffers.take_back(buffer);
                return Err(ReadError::TooLarge { bytes, limit: buffers.limit });
            }
            Ok(_) if buffer.len() as u64 == expected && buffer.len() < buffer.capacity() => break,
            Ok(_) if buffer.len() == buffer.capacity() => {
                let size = buffers.next_size(buffer.capacity());
                buffer = buffers.enlarge(buffer, size);
            }
            Ok(_) => {}
        }
    }
    Ok(buffers.wrap(buffer))
}

fn read_range(file: impl AsFd, offset: u64, length: u64, buffers: &Buffers) -> Outcome {
    let wanted = wanted(length, buffers)?;
    let mut buffer = buffers.lend(wanted);
    while buffer.len() < wanted {
        let at = offset + buffer.len() as u64;
        match retry(|| pread(&file, spare_capacity(&mut buffer), at)) {
            Err(errno) => {
                buffers.take_back(buffer);
                return Err(ReadError::System("read", errno.into()));
            }
            Ok(0) => {
                let read = buffer.len() as u64;
                buffers.take_back(buffer);
                return Err(ReadError::Cut { read, wanted: length });
            }
            Ok(_) => {}
        }
    }
    buffer.truncate(wanted);
    Ok(buffers.wrap(buffer))
}

/// The length of a range, if a sample may have it.
pub(crate) fn wanted(length: u64, buffers: &Buffers) -> Result<usize, ReadError> {
    let too_large = ReadError::TooLarge { bytes: length, limit: buffers.limit };
    if length > buffers.limit { Err(too_large) } else { usize::try_from(length).map_err(|_| too_large) }
}

/// What something is that is no file, as a noun; `None` for a file.
fn no_file(kind: FileType) -> Option<&'static str> {
    match kind {
        FileType::RegularFile => None,
        FileType::Directory => Some("a folder"),
        FileType::Fifo => Some("a named pipe"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        _ => Some("something else"),
    }
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            outcome => return outcome,
        }
    }
}
