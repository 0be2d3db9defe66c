//! One epoch: the caller's thread draws indices from the sampler, deals rows out to the workers, and
//! takes batches in order.

use std::{
    collections::{BTreeMap, VecDeque},
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use zenith_core::{Current, Sampler};

use super::{
    generation::Generation,
    quarantine::QuarantineEntry,
    runner::Shared,
    work::{BatchWork, Finished, Task, lock},
    worker::{WhichEpoch, Worker},
};
use crate::{
    batch::Batch,
    error::LoadError,
    plan::{OperatorStep, Plan},
    state::LoaderState,
};

/// Rows that a worker takes at a time, at most: enough to read several files at once, few enough
/// that all workers finish a batch together.
const MAX_ROWS: usize = 16;

/// What waiting for a batch led to.
#[derive(Debug)]
pub enum Next {
    /// The next batch, in order.
    Batch(Batch),
    /// The epoch is over.
    End,
    /// The time is up and no batch is ready; ask again.
    Pending,
}

/// A running epoch. Dropping it stops its threads and frees what they hold.
pub struct Epoch {
    shared: Arc<Shared>,
    which: WhichEpoch,
    process: u32,
    sampler: Box<dyn Sampler>,
    /// Indices drawn but not dealt, because there was no slot for them.
    drawn: Option<Drawn>,
    exhausted: bool,
    /// The number of the next batch to be dealt, and to be handed over.
    next_dealt: u64,
    next_handed: u64,
    ready: BTreeMap<u64, Finished>,
    /// What a swap does not touch is taken from the plan under which the epoch began: the order of its
    /// samples, and how they become batches.
    plan: Arc<Plan>,
    standing: Standing,
    stop: Arc<AtomicBool>,
    crew: Crew,
}

/// Where an epoch stands, also when it runs no longer.
#[derive(Clone)]
pub struct Standing {
    /// The plan is told when the state is asked for: it may be swapped until then.
    state: LoaderState,
    sampler: OperatorStep,
    current: Arc<Current<Generation>>,
}

impl Standing {
    /// The state behind the last batch that was handed over. Its plan is the one that the batches
    /// after that belong to: the present one, in the order in which the epoch began.
    pub fn state(&self) -> LoaderState {
        let plan = self.current.get().plan.digest_in_order_of(&self.sampler);
        LoaderState { plan, ..self.state.clone() }
    }
}

struct Drawn {
    indices: Vec<u64>,
    sampler: Option<Vec<u8>>,
}

/// Who does the work.
enum Crew {
    /// The caller's thread, when it asks for a batch.
    Caller { worker: Box<Worker>, tasks: VecDeque<Task> },
    /// Threads.
    Threads {
        tasks: Option<Sender<Task>>,
        finished: Receiver<Finished>,
        handles: Vec<thread::JoinHandle<()>>,
    },
}

impl Epoch {
    pub(super) fn begin(shared: &Arc<Shared>, state: &LoaderState) -> Result<Self, LoadError> {
        let plan = Arc::clone(&shared.current.get().plan);
        let step = &plan.sampler;
        let mut sampler = step.sampler().map_err(|cause| step.fault(cause))?;
        let samples =
            sampler.start(shared.population(state.epoch, state.seed)).map_err(|cause| step.fault(cause))?;
        if let Some(saved) = &state.sampler {
            sampler.restore(saved).map_err(|cause| step.fault(cause))?;
        }
        let which = WhichEpoch { run_seed: state.seed, epoch: state.epoch };
        let stop = Arc::new(AtomicBool::new(false));
        let crew = Crew::assemble(shared, which, &stop)?;
        let current = Arc::clone(&shared.current);
        let standing = Standing { state: state.clone(), sampler: step.clone(), current };
        shared.epochs.fetch_add(1, Relaxed);
        Ok(Self {
            shared: Arc::clone(shared),
            which,
            process: process::id(),
            sampler,
            drawn: None,
            exhausted: samples == 0,
            next_dealt: 0,
            next_handed: 0,
            ready: BTreeMap::new(),
            plan,
            standing,
            stop,
            crew,
        })
    }

    /// Which epoch it is.
    pub fn number(&self) -> u64 {
        self.which.epoch
    }

    /// Where it stands: behind the last batch that was handed over.
    pub fn state(&self) -> LoaderState {
        self.standing.state()
    }

    /// The same, to keep when the epoch is dropped.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Waits up to `patience` for the next batch.
    pub fn next(&mut self, patience: Duration) -> Result<Next, LoadError> {
        if self.process != process::id() {
            return Err(LoadError::Forked { parent: self.process, child: process::id() });
        }
        let asked = Instant::now();
        let answer = self.wait(asked + patience);
        self.shared.counters.caller_waited(asked.elapsed());
        answer
    }

    fn wait(&mut self, deadline: Instant) -> Result<Next, LoadError> {
        loop {
            self.deal()?;
            if let Some(finished) = self.ready.remove(&self.next_handed) {
                if let Some(batch) = self.hand_over(finished)? {
                    // The workers go on while the caller uses the batch.
                    if let Err(error) = self.deal() {
                        tracing::debug!(%error, "the next batch could not be dealt; it is told when it is asked for");
                    }
                    return Ok(Next::Batch(batch));
                }
                continue;
            }
            if self.next_dealt == self.next_handed {
                return match &self.drawn {
                    None => Ok(Next::End),
                    Some(drawn) => Err(self.no_slot(drawn.indices.len())),
                };
            }
            match self.crew.finished(deadline)? {
                Some(finished) => {
                    self.ready.insert(finished.number, finished);
                }
                None => return Ok(Next::Pending),
            }
        }
    }

    /// Deals out batches until enough are under way, or no slot is free.
    fn deal(&mut self) -> Result<(), LoadError> {
        while self.next_dealt - self.next_handed < self.shared.options.prefetch.max(1) as u64 {
            if self.drawn.is_none() {
                self.drawn = self.draw()?;
            }
            if self.drawn.is_none() {
                return Ok(());
            }
            self.shared.charge_guests();
            // Here is the boundary between two plans: the whole batch is made by this one.
            let generation = self.shared.current.get();
            let slot = match generation.plan.sample_sizes() {
                None => None,
                Some(sizes) => match self.shared.slots.now(&sizes, self.plan.batch.size as usize)? {
                    None => return Ok(()),
                    slot => slot,
                },
            };
            let Some(drawn) = self.drawn.take() else { return Ok(()) };
            let Drawn { indices, sampler } = drawn;
            let batch = Arc::new(BatchWork::new(self.next_dealt, indices, sampler, slot, generation));
            self.next_dealt += 1;
            let total = batch.indices.len();
            let workers = self.shared.options.num_workers.max(1);
            let rows = total.div_ceil(4 * workers).clamp(1, MAX_ROWS);
            for start in (0..total).step_by(rows) {
                self.crew.deal(Task { batch: Arc::clone(&batch), rows: start..total.min(start + rows) });
            }
        }
        Ok(())
    }

    /// Draws the indices of one batch.
    fn draw(&mut self) -> Result<Option<Drawn>, LoadError> {
        if self.exhausted {
            return Ok(None);
        }
        let plan = Arc::clone(&self.plan);
        let batch = plan.batch;
        let failed = |cause| plan.sampler.fault(cause);
        let mut indices = Vec::with_capacity(batch.size as usize);
        while indices.len() < batch.size as usize {
            let before = indices.len();
            let wanted = batch.size - u32::try_from(before).unwrap_or(batch.size);
            self.sampler.next(wanted, &mut indices).map_err(failed)?;
            if indices.len() == before {
                self.exhausted = true;
                break;
            }
        }
        let length = plan.source.len();
        if let Some(index) = indices.iter().find(|index| **index >= length) {
            return Err(failed(zenith_core::OperatorError::Answer(format!(
                "it yields the index {index}, and the source has {length} samples"
            ))));
        }
        if indices.is_empty() || (batch.drop_last && indices.len() < batch.size as usize) {
            return Ok(None);
        }
        let sampler = Some(self.sampler.save().map_err(failed)?);
        Ok(Some(Drawn { indices, sampler }))
    }

    /// Takes note of a finished batch; `None` where all of its samples were left out.
    fn hand_over(&mut self, finished: Finished) -> Result<Option<Batch>, LoadError> {
        self.next_handed += 1;
        self.standing.state.position += finished.dealt as u64;
        self.standing.state.sampler = finished.sampler;
        let counters = &self.shared.counters;
        counters.skipped.fetch_add(finished.skipped.len() as u64, Relaxed);
        lock(&self.shared.quarantine)
            .extend(finished.skipped.iter().map(|error| QuarantineEntry::new(error, self.which.epoch)));
        let batch = finished.result?;
        if let Some(batch) = &batch {
            counters.batches.fetch_add(1, Relaxed);
            counters.samples.fetch_add(batch.len() as u64, Relaxed);
        }
        Ok(batch)
    }

    fn no_slot(&self, rows: usize) -> LoadError {
        let sizes = self.shared.current.get().plan.sample_sizes().unwrap_or_default();
        self.shared.slots.exhausted(&sizes, rows.max(self.plan.batch.size as usize))
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Crew::Threads { tasks, finished, handles } = &mut self.crew {
            drop(tasks.take());
            let handles = std::mem::take(handles);
            // In a forked child the threads do not exist, and waiting for them would last for ever.
            if self.process == process::id() {
                drop(std::mem::replace(finished, crossbeam_channel::never()));
                for handle in handles {
                    // A worker that panicked has told so in its batch.
                    let _ = handle.join();
                }
            } else {
                std::mem::forget(handles);
            }
        }
        if self.process == process::id() && self.shared.epochs.fetch_sub(1, Relaxed) == 1 {
            self.shared.current.get().drop_spares();
        }
    }
}

impl Crew {
    fn assemble(shared: &Arc<Shared>, which: WhichEpoch, stop: &Arc<AtomicBool>) -> Result<Self, LoadError> {
        let worker = || Worker::new(Arc::clone(shared), which, Arc::clone(stop));
        if shared.options.num_workers == 0 {
            return Ok(Self::Caller { worker: Box::new(worker()), tasks: VecDeque::new() });
        }
        let (task_sender, task_receiver) = unbounded::<Task>();
        let (finished_sender, finished) = unbounded();
        let handles = (0..shared.options.num_workers)
            .map(|number| {
                let (worker, tasks, finished) = (worker(), task_receiver.clone(), finished_sender.clone());
                thread::Builder::new()
                    .name(format!("zenith-{number}"))
                    .spawn(move || worker.serve(&tasks, &finished))
                    .map_err(|error| LoadError::System {
                        action: "starting a worker thread",
                        cause: error.to_string(),
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Threads { tasks: Some(task_sender), finished, handles })
    }

    fn deal(&mut self, task: Task) {
        match self {
            Self::Caller { tasks, .. } => tasks.push_back(task),
            // The channel is closed only when every worker is gone, which `finished` then tells.
            Self::Threads { tasks, .. } => drop(tasks.as_ref().map(|tasks| tasks.send(task))),
        }
    }

    /// The next finished batch, in any order; `None` where none is finished in time.
    fn finished(&mut self, deadline: Instant) -> Result<Option<Finished>, LoadError> {
        match self {
            Self::Caller { worker, tasks } => loop {
                let Some(task) = tasks.pop_front() else { return Ok(None) };
                if let Some(finished) = worker.run(&task) {
                    return Ok(Some(finished));
                }
                // A caller that watches for signals is let out between two tasks.
                if Instant::now() >= deadline {
                    return Ok(None);
                }
            },
            Self::Threads { finished, .. } => match finished.recv_deadline(deadline) {
                Ok(finished) => Ok(Some(finished)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => {
                    Err(LoadError::Internal("every worker thread is gone".to_owned()))
                }
            },
        }
    }
}
