//! Lines of the log, from the host's threads to Python's `logging`.
//!
//! A worker that writes a line puts it into a queue and never takes the GIL. The lines are handed over
//! at the end of every entry from Python, on the thread that called, by `zenith._log`. Only an urgent
//! line is handed over at once: it says that loading a plugin will take long, which is of no use later.

use std::{
    collections::VecDeque,
    process,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed},
    },
};

use pyo3::prelude::*;
use zenith::log::{Level, Line, Listener, listen};

/// Lines that wait for Python. What comes on top is counted and left out.
const WAITING: usize = 10_000;

/// The least level that Python wants, as `Level`'s number; 0 for none.
static WANTED: AtomicU8 = AtomicU8::new(0);

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Lines on their way, in the process that the queue belongs to.
struct Queue {
    process: u32,
    lines: Mutex<VecDeque<Line>>,
    waiting: AtomicUsize,
    left_out: AtomicUsize,
    /// The queue of a forked child: the lock of its parent's may be held by a thread that the child
    /// does not have.
    in_child: OnceLock<Box<Queue>>,
}

impl Queue {
    fn new() -> Self {
        Self {
            process: process::id(),
            lines: Mutex::default(),
            waiting: AtomicUsize::new(0),
            left_out: AtomicUsize::new(0),
            in_child: OnceLock::new(),
        }
    }

    /// The queue of this process.
    fn here() -> &'static Self {
        let mut queue = QUEUE.get_or_init(Self::new);
        while queue.process != process::id() {
            queue = queue.in_child.get_or_init(|| Box::new(Self::new()));
        }
        queue
    }

    fn push(&self, line: Line) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == WAITING {
            self.left_out.fetch_add(1, Relaxed);
            return;
        }
        lines.push_back(line);
        self.waiting.store(lines.len(), Relaxed);
    }

    fn take(&self) -> VecDeque<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.store(0, Relaxed);
        let mut taken = std::mem::take(&mut *lines);
        let left_out = self.left_out.swap(0, Relaxed);
        if left_out > 0 {
            let message = format!("{left_out} more lines were left out: Python did not take them in time");
            let (plugin, sample) = (None, None);
            taken.push_back(Line { level: Level::Warn, plugin, sample, index: None, urgent: false, message });
        }
        taken
    }
}

/// The end of the log that the host sees.
struct ToPython;

impl Listener for ToPython {
    fn wants(&self, level: Level) -> bool {
        number(level) <= WANTED.load(Relaxed)
    }

    fn take(&self, line: Line) {
        let urgent = line.urgent;
        Queue::here().push(line);
        if urgent {
            // Only where plugins are loaded, which is the thread that called or one that nobody waits for
            // with the GIL in hand.
            let _ = Python::try_attach(hand_over);
        }
    }
}

fn number(level: Level) -> u8 {
    match level {
        Level::Error => 1,
        Level::Warn => 2,
        Level::Info => 3,
        Level::Debug => 4,
    }
}

/// Begins to listen, and sets the least level that Python's loggers show, by Python's numbers.
#[pyfunction]
pub(crate) fn listen_for(level: u32) {
    static LISTENING: OnceLock<bool> = OnceLock::new();
    let wanted = match level {
        0..=10 => Level::Debug,
        11..=20 => Level::Info,
        21..=30 => Level::Warn,
        _ => Level::Error,
    };
    WANTED.store(if level > 40 { 0 } else { number(wanted) }, Relaxed);
    LISTENING.get_or_init(|| listen(ToPython));
}

/// Hands the waiting lines to `zenith._log`. Whatever goes wrong there is told as Python tells of
/// errors that nobody can catch, and keeps no entry from its answer.
pub(crate) fn hand_over(py: Python<'_>) {
    let Some(queue) = QUEUE.get() else { return };
    // Without a system call, where there is nothing: a forked child's own queue is empty at first, and
    // has its parent's count of lines in front of it at most.
    if queue.waiting.load(Relaxed) == 0 && queue.in_child.get().is_none() {
        return;
    }
    let lines = Queue::here().take();
    if lines.is_empty() {
        return;
    }
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| {
            let text = line.to_string();
            (10 * u32::from(5 - number(line.level)), line.plugin, line.sample, line.index, text)
        })
        .collect();
    let told = py.import("zenith._log").and_then(|log| log.call_method1("tell", (lines,)));
    if let Err(error) = told {
        error.write_unraisable(py, None);
    }
}
