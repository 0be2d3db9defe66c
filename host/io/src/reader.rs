//! The reader that all sources share: it keeps an engine busy a window ahead of the worker, and puts
//! samples back into the order in which they were asked for.

use std::{collections::VecDeque, io, process, sync::Arc};

use zenith_core::{Bytes, Reader, Sample, SourceError};

use crate::engine::{Engine, Location, Outcome, ReadError};

/// What a reader must know about a source.
pub(crate) trait Catalogue: Send + Sync {
    /// Where the bytes of a sample lie, or why they cannot be had.
    fn locate(&self, index: u64) -> Result<Location, SourceError>;

    /// The error for a read that failed.
    fn blame(&self, index: u64, error: ReadError) -> SourceError;

    /// The sample made of its bytes.
    fn sample(&self, index: u64, bytes: Bytes) -> Sample;
}

pub(crate) struct OrderedReader<C> {
    catalogue: Arc<C>,
    engine: Box<dyn Engine>,
    /// Asked for, and not yet given to the engine.
    asked: VecDeque<u64>,
    /// Given to the engine or ready, in the order of the asking.
    window: VecDeque<Entry>,
    /// The ticket of the window's first entry; the others follow.
    first: u64,
    process: u32,
}

struct Entry {
    index: u64,
    outcome: Option<Result<Bytes, SourceError>>,
}

impl<C: Catalogue> OrderedReader<C> {
    pub(crate) fn new(catalogue: Arc<C>, engine: Box<dyn Engine>) -> Self {
        Self {
            catalogue,
            engine,
            asked: VecDeque::new(),
            window: VecDeque::new(),
            first: 0,
            process: process::id(),
        }
    }

    /// Gives the engine work. Reads begin in batches of half the window, so that a batched engine
    /// enters the kernel once for several of them.
    fn top_up(&mut self) {
        let depth = self.engine.depth();
        if self.window.len() > depth / 2 || self.asked.is_empty() {
            return;
        }
        while self.window.len() < depth {
            let Some(index) = self.asked.pop_front() else { break };
            let outcome = match self.catalogue.locate(index) {
                Ok(location) => {
                    self.engine.start(self.first + self.window.len() as u64, location);
                    None
                }
                Err(error) => Some(Err(error)),
            };
            self.window.push_back(Entry { index, outcome });
        }
        self.engine.flush();
    }

    /// Puts a finished read into its place in the window.
    fn settle(&mut self, ticket: u64, outcome: Outcome) {
        let place = ticket.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = place.and_then(|place| self.window.get_mut(place)) {
            entry.outcome = Some(outcome.map_err(|error| self.catalogue.blame(entry.index, error)));
        }
    }
}

impl<C: Catalogue> Reader for OrderedReader<C> {
    fn submit(&mut self, run: &[u64]) {
        self.asked.extend(run);
        if self.process == process::id() {
            self.top_up();
        }
    }

    fn next(&mut self) -> Option<(u64, Result<Sample, SourceError>)> {
        if self.process != process::id() {
            let index = self.asked.pop_front()?;
            let cause = io::Error::other("the reader belongs to the parent process");
            return Some((index, Err(self.catalogue.blame(index, ReadError::Engine(cause)))));
        }
        self.top_up();
        while self.window.front()?.outcome.is_none() {
            // An engine that loses reads would leave the worker waiting for ever.
            let lost = || (self.first, Err(ReadError::Engine(io::Error::other("a read was lost"))));
            let (ticket, outcome) = self.engine.wait().unwrap_or_else(lost);
            self.settle(ticket, outcome);
        }
        let Entry { index, outcome } = self.window.pop_front()?;
        self.first += 1;
        self.top_up();
        let sample = outcome?.map(|bytes| self.catalogue.sample(index, bytes));
        Some((index, sample))
    }
}
