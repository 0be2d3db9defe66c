//! The second engine: a few threads that read, shared by all readers of a source. They begin with the
//! first reader and end with the last.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    process,
    sync::{Arc, Mutex, TryLockError, Weak},
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::{
    blocking::read_location,
    engine::{Buffers, DEPTH, Engine, Location, Outcome, ReadError},
};

/// Enough to keep a local disk busy; [`crate::EngineChoice`] has figures.
const THREADS: usize = 8;

/// How often to look for the pool while another thread holds its lock. A forked child may find it held
/// for ever, and then makes a pool of its own.
const ATTEMPTS: usize = 1000;

struct Job {
    ticket: u64,
    location: Location,
    buffers: Buffers,
    done: Sender<(u64, Outcome)>,
}

/// The place where a source finds its threads, while there are any.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    members: Mutex<Weak<Members>>,
}

impl Pool {
    /// The threads, started if there are none in this process.
    pub(crate) fn members(&self) -> io::Result<Arc<Members>> {
        for _ in 0..ATTEMPTS {
            let mut place = match self.members.try_lock() {
                Ok(place) => place,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    thread::yield_now();
                    continue;
                }
            };
            if let Some(members) = place.upgrade().filter(|members| members.process == process::id()) {
                return Ok(members);
            }
            let members = Arc::new(Members::start()?);
            *place = Arc::downgrade(&members);
            return Ok(members);
        }
        Members::start().map(Arc::new)
    }
}

/// Threads that take jobs from one queue until all who could send have gone.
#[derive(Debug)]
pub(crate) struct Members {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    process: u32,
}

impl Members {
    fn start() -> io::Result<Self> {
        let (jobs, queue) = unbounded::<Job>();
        let mut members = Self { jobs: Some(jobs), threads: Vec::new(), process: process::id() };
        for number in 0..THREADS {
            let queue = queue.clone();
            let thread = thread::Builder::new()
                .name(format!("zenith-read-{number}"))
                .stack_size(256 << 10)
                .spawn(move || work(&queue));
            match thread {
                Ok(thread) => members.threads.push(thread),
                // A few threads do, where the system gives no more.
                Err(_) if number > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(members)
    }
}

fn work(queue: &Receiver<Job>) {
    for job in queue {
        // A panic can only come from the pool that buffers are taken from, which is not ours; the
        // reader must still be answered.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| read_location(&job.location, &job.buffers)))
            .unwrap_or_else(|_| Err(ReadError::Engine(io::Error::other("a thread panicked"))));
        // A reader that is gone wants no answer.
        let _ = job.done.send((job.ticket, outcome));
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.jobs = None;
        if self.process != process::id() {
            // The threads are the parent's; here there is nobody to wait for.
            return;
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

/// One reader's end of the pool.
pub(crate) struct Threads {
    members: Arc<Members>,
    buffers: Buffers,
    done: Sender<(u64, Outcome)>,
    finished: Receiver<(u64, Outcome)>,
    under_way: usize,
}

impl Threads {
    pub(crate) fn new(members: Arc<Members>, buffers: Buffers) -> Self {
        let (done, finished) = bounded(DEPTH);
        Self { members, buffers, done, finished, under_way: 0 }
    }
}

impl Engine for Threads {
    fn depth(&self) -> usize {
        DEPTH
    }

    fn start(&mut self, ticket: u64, location: Location) {
        let job = Job { ticket, location, buffers: self.buffers.clone(), done: self.done.clone() };
        self.under_way += 1;
        let refused = match &self.members.jobs {
            Some(jobs) => jobs.send(job).err(),
            None => None,
        };
        if refused.is_some() {
            let lost = ReadError::Engine(io::Error::other("its threads have ended"));
            // There is room: no more than `depth` reads are under way.
            let _ = self.done.try_send((ticket, Err(lost)));
        }
    }

    fn flush(&mut self) {}

    fn wait(&mut self) -> Option<(u64, Outcome)> {
        self.under_way = self.under_way.checked_sub(1)?;
        self.finished.recv().ok()
    }
}
