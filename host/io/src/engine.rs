//! What a read engine is, what it may be asked for, and which one is chosen. How each of them works is
//! in `blocking`, `threads` and `uring`.

use std::{
    ffi::CString,
    fmt, io,
    os::fd::OwnedFd,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use zenith_core::{Bytes, ReaderOptions, Recycle, SourceError};

use crate::{
    blocking::Blocking,
    threads::{Pool, Threads},
    uring,
};

/// Reads that are under way at once for one reader, where the engine overlaps them.
pub(crate) const DEPTH: usize = 16;

/// How samples are to be read.
///
/// `Auto` rests on `examples/read_speed.rs`: 2000 files of 100 KB in random order, nothing done with
/// them, on 2 busy cores and a local disk; medians of nine rounds in turns, as ratios to `Blocking`.
/// Trust the CPU column; the wall clock was noisy, and said nothing with two readers.
///
/// | | CPU, warm | CPU, cold | wall, cold, one reader |
/// |---|---|---|---|
/// | `io_uring` | 1.08 (18 µs a file) | 0.72–0.85 | 0.35 |
/// | `threads` | 1.3–1.5 | 0.83–1.08 | 0.36 |
/// | `blocking` | 1 (16 µs a file) | 1 (66 µs a file) | 1 |
///
/// So `io_uring` overlaps cold reads with decoding as well as threads do, at the lowest cost, and costs
/// a microsecond a file more than reading in place when all is cached: a thousandth of decoding one.
/// Where it is refused, threads overlap as well, for some microseconds a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// `io_uring` where the system allows it, threads where not.
    #[default]
    Auto,
    /// `io_uring`, or an error.
    IoUring,
    /// A pool of threads, shared by the readers of a source.
    Threads,
    /// The worker reads when it asks for the sample; nothing overlaps.
    Blocking,
}

/// How samples are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// One ring for each reader.
    IoUring,
    /// A pool of threads, shared by the readers of a source.
    Threads,
    /// The worker reads when it asks for the sample.
    Blocking,
}

impl EngineChoice {
    /// The engine that this choice comes to on this system.
    pub fn resolve(self) -> Result<EngineKind, SourceError> {
        match (self, uring_refusal()) {
            (Self::Threads, _) | (Self::Auto, Some(_)) => Ok(EngineKind::Threads),
            (Self::Blocking, _) => Ok(EngineKind::Blocking),
            (Self::Auto | Self::IoUring, None) => Ok(EngineKind::IoUring),
            (Self::IoUring, Some(refusal)) => Err(SourceError::Option(format!(
                "io_uring cannot be used here: {refusal}\nhint: choose the engine `auto` or `threads`"
            ))),
        }
    }
}

impl FromStr for EngineChoice {
    type Err = SourceError;

    fn from_str(name: &str) -> Result<Self, SourceError> {
        match name {
            "auto" => Ok(Self::Auto),
            "io_uring" => Ok(Self::IoUring),
            "threads" => Ok(Self::Threads),
            "blocking" => Ok(Self::Blocking),
            _ => Err(SourceError::Option(format!(
                "`{name}` is not a read engine: choose `auto`, `io_uring`, `threads` or `blocking`"
            ))),
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IoUring => "io_uring",
            Self::Threads => "threads",
            Self::Blocking => "blocking",
        })
    }
}

/// Why `io_uring` cannot be used, or `None` where it can. The system is asked once.
pub fn uring_refusal() -> Option<io::Error> {
    // 0 is not asked yet, 1 usable, and a negative number the negated error. An atomic instead of a
    // lock: a forked child could inherit the lock in use.
    static ANSWER: AtomicI32 = AtomicI32::new(0);
    let mut answer = ANSWER.load(Ordering::Relaxed);
    if answer == 0 {
        answer = match uring::probe() {
            Ok(()) => 1,
            Err(error) => -error.raw_os_error().unwrap_or(libc::ENOSYS),
        };
        ANSWER.store(answer, Ordering::Relaxed);
    }
    (answer < 0).then(|| io::Error::from_raw_os_error(-answer))
}

/// What is to be read.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// A whole file, by its path under a folder. Its size is not known.
    File {
        /// The folder.
        folder: Arc<OwnedFd>,
        /// The path under it.
        path: CString,
    },
    /// A part of an open file.
    Range {
        /// The file.
        file: Arc<OwnedFd>,
        /// The first byte.
        offset: u64,
        /// How many bytes.
        length: u64,
    },
}

/// Why a read failed. The reader adds which file it was.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The system refused to `action` the file.
    System(&'static str, io::Error),
    /// It is a folder, a pipe or the like.
    NotAFile(&'static str),
    /// It has `bytes` bytes (or more) where `limit` are allowed.
    TooLarge {
        /// What it has.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The file ended after `read` of the `wanted` bytes.
    Cut {
        /// What was read.
        read: u64,
        /// What was asked for.
        wanted: u64,
    },
    /// The engine is gone, as when its threads could not be started.
    Engine(io::Error),
}

impl ReadError {
    /// The same, with the file's name.
    pub(crate) fn about(self, path: PathBuf) -> SourceError {
        let content = |reason: String| SourceError::Content { path: path.clone(), reason };
        match self {
            Self::System(action, cause) => SourceError::Io { action, path, cause: Arc::new(cause) },
            Self::NotAFile(kind) => content(format!("is {kind}, not a file")),
            Self::TooLarge { bytes, limit } => content(format!(
                "has {bytes} bytes or more, and samples may have {limit}\nhint: raise the source's `max_sample_bytes`, if the file is sound"
            )),
            Self::Cut { read, wanted } => {
                content(format!("ends after {read} of the {wanted} bytes that its sample has"))
            }
            Self::Engine(cause) => {
                SourceError::Io { action: "start the engine that reads", path, cause: Arc::new(cause) }
            }
        }
    }
}

/// The bytes of a sample, which go home wherever they are dropped; or why there are none.
pub(crate) type Outcome = Result<Bytes, ReadError>;

/// Carries out reads for one reader.
pub(crate) trait Engine: Send {
    /// How many reads it takes at once.
    fn depth(&self) -> usize;

    /// Takes a read; `ticket` comes back with its outcome. No more than `depth` are given at once.
    fn start(&mut self, ticket: u64, location: Location);

    /// Lets the reads taken so far begin, where that is a step of its own.
    fn flush(&mut self);

    /// Waits until a read has ended, in whatever order; `None` when none is under way.
    fn wait(&mut self) -> Option<(u64, Outcome)>;
}

/// Where buffers come from and how large a sample may be.
#[derive(Clone)]
pub(crate) struct Buffers {
    home: Option<Arc<dyn Recycle>>,
    pub(crate) limit: u64,
}

impl Buffers {
    pub(crate) fn new(options: &ReaderOptions) -> Self {
        Self { home: options.home.clone(), limit: options.max_sample_bytes }
    }

    /// An empty buffer with room for at least `bytes` bytes, and for one.
    pub(crate) fn lend(&self, bytes: usize) -> Vec<u8> {
        let bytes = bytes.max(1);
        match &self.home {
            Some(home) => {
                let mut buffer = home.lend(bytes);
                buffer.clear();
                buffer.reserve(bytes);
                buffer
            }
            None => Vec::with_capacity(bytes),
        }
    }

    pub(crate) fn take_back(&self, buffer: Vec<u8>) {
        if let Some(home) = &self.home {
            home.recycle(buffer);
        }
    }

    /// A larger buffer with the same content.
    pub(crate) fn enlarge(&self, buffer: Vec<u8>, bytes: usize) -> Vec<u8> {
        let mut larger = self.lend(bytes.max(buffer.len() + 1));
        larger.extend_from_slice(&buffer);
        self.take_back(buffer);
        larger
    }

    /// The buffer as the bytes of a sample.
    pub(crate) fn wrap(&self, buffer: Vec<u8>) -> Bytes {
        match &self.home {
            Some(home) => Bytes::on_loan(buffer, Arc::clone(home)),
            None => Bytes::from(buffer),
        }
    }

    /// The next size for a file that did not fit `capacity` bytes: never beyond one byte more than a
    /// sample may have, which is enough to see that it has too many.
    pub(crate) fn next_size(&self, capacity: usize) -> usize {
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX).saturating_add(1);
        capacity.saturating_mul(2).min(most).max(1)
    }
}

/// Makes engines for the readers of one source. Holds the thread pool while one of them lives.
#[derive(Debug)]
pub(crate) struct Engines {
    pub(crate) kind: EngineKind,
    choice: EngineChoice,
    pool: Pool,
}

impl Engines {
    pub(crate) fn new(choice: EngineChoice) -> Result<Self, SourceError> {
        Ok(Self { kind: choice.resolve()?, choice, pool: Pool::default() })
    }

    pub(crate) fn engine(&self, buffers: Buffers) -> Result<Box<dyn Engine>, SourceError> {
        match self.kind {
            EngineKind::Blocking => Ok(Box::new(Blocking::new(buffers))),
            EngineKind::Threads => self.threads(buffers),
            EngineKind::IoUring => match uring::Ring::new(buffers.clone()) {
                Ok(ring) => Ok(Box::new(ring)),
                // Rings count against limits of the user's (locked memory, descriptors), so there may
                // be no room for one more.
                Err(error) if self.choice == EngineChoice::Auto => {
                    tracing::warn!(%error, "no io_uring for this reader; reading with threads");
                    self.threads(buffers)
                }
                Err(error) => Err(self.refused(&error)),
            },
        }
    }

    fn threads(&self, buffers: Buffers) -> Result<Box<dyn Engine>, SourceError> {
        let members = self.pool.members().map_err(|error| self.refused(&error))?;
        Ok(Box::new(Threads::new(members, buffers)))
    }

    fn refused(&self, cause: &io::Error) -> SourceError {
        SourceError::Option(format!(
            "the read engine `{}` could not be started: {cause}\nhint: choose the engine `blocking`",
            self.kind
        ))
    }
}
