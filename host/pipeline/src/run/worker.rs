//! One worker: reads, decodes and transforms the rows that it is dealt. The same code runs on worker
//! threads and, with `num_workers=0`, on the caller's thread.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use crossbeam_channel::{Receiver, Sender};
use zenith_core::{
    Extents, OperatorError, Output, Reader, Sample, TensorType, Value, operator_seed, with_sample,
};

use super::{
    chain::{Chain, SampleId},
    generation::Generation,
    place::Destination,
    runner::Shared,
    work::{Finished, OpenRow, Task, frozen, internal},
};
use crate::{
    batch::{Batch, BatchTensor},
    error::{LoadError, SampleError, SampleFailure},
};

/// One worker's own operators and reader, made when it is dealt its first rows.
pub(super) struct Worker {
    shared: Arc<Shared>,
    which: WhichEpoch,
    stop: Arc<AtomicBool>,
    tools: Option<Tools>,
}

/// Which epoch of which run: what seeds are derived from, besides the sample and the operator.
#[derive(Clone, Copy)]
pub(super) struct WhichEpoch {
    pub(super) run_seed: u64,
    pub(super) epoch: u64,
}

struct Tools {
    reader: Box<dyn Reader>,
    /// Made for the plan of the batch that is worked on: what is read ahead may be for another.
    chain: Option<Chain>,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, which: WhichEpoch, stop: Arc<AtomicBool>) -> Self {
        Self { shared, which, stop, tools: None }
    }

    /// Serves tasks until there are no more, or nobody wants the results. While it works on one task,
    /// the reads of the next are under way.
    pub(super) fn serve(mut self, tasks: &Receiver<Task>, finished: &Sender<Finished>) {
        let mut ahead: Option<Task> = None;
        loop {
            let task = if let Some(task) = ahead.take() {
                task
            } else {
                let waiting = Instant::now();
                let Ok(task) = tasks.recv() else { return };
                self.shared.counters.worker_waited(waiting.elapsed());
                self.submit(&task);
                task
            };
            if self.stop.load(Relaxed) {
                return;
            }
            if let Ok(next) = tasks.try_recv() {
                self.submit(&next);
                ahead = Some(next);
            }
            let intact = self.work(&task);
            if let Some(result) = self.close(&task)
                && finished.send(result).is_err()
            {
                return;
            }
            // A reader that was interrupted no longer knows what is ahead: ask the new one.
            if !intact && let Some(task) = &ahead {
                self.submit(task);
            }
        }
    }

    /// Does one task from start to end, on the caller's thread.
    pub(super) fn run(&mut self, task: &Task) -> Option<Finished> {
        self.submit(task);
        self.work(task);
        self.close(task)
    }

    fn submit(&mut self, task: &Task) {
        if let Ok(tools) = self.tools() {
            tools.reader.submit(task.indices());
        }
    }

    /// Works on every row of a task. False where the worker had to throw its tools away.
    fn work(&mut self, task: &Task) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.rows(task)));
        let error = match outcome {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error,
            Err(panic) => LoadError::Internal(panic_text(&*panic)),
        };
        task.batch.fault(error);
        self.tools = None;
        false
    }

    fn rows(&mut self, task: &Task) -> Result<(), LoadError> {
        let (shared, stop, which) = (Arc::clone(&self.shared), Arc::clone(&self.stop), self.which);
        let tools = self.tools()?;
        tools.turn_to(&shared, &task.batch.generation)?;
        let plan = task.batch.plan();
        for row in task.rows.clone() {
            if stop.load(Relaxed) {
                return Err(LoadError::Internal("the epoch was dropped while it ran".to_owned()));
            }
            let waiting = Instant::now();
            let read = tools.reader.next();
            shared.counters.waited_for_reads(waiting.elapsed());
            let Some((index, sample)) = read else {
                return Err(LoadError::Internal(
                    "a reader answered fewer samples than it was asked for".to_owned(),
                ));
            };
            let id = SampleId { run_seed: which.run_seed, epoch: which.epoch, index };
            let result = match sample {
                Ok(sample) => with_sample(&plan.source, index, || tools.row(&shared, task, row, id, sample)),
                Err(error) => Err(SampleError {
                    culprit: "source".into(),
                    key: plan.source.key(index),
                    index,
                    failure: SampleFailure::Source(error),
                }),
            };
            match result {
                Ok(()) => {}
                // Not the sample's fault: it must not be left out, nor blamed on its decoder.
                Err(SampleError {
                    failure: SampleFailure::Operator(OperatorError::NoRoom { wanted }),
                    ..
                }) => {
                    let rows = task.batch.indices.len();
                    return Err(match plan.sample_sizes() {
                        Some(sizes) => shared.slots.exhausted(&sizes, rows),
                        None => shared.slots.exhausted(&[wanted], 1),
                    });
                }
                Err(error) => task.batch.fail(row, error),
            }
        }
        Ok(())
    }

    /// Counts a task as done, and finishes its batch if it was the last.
    fn close(&mut self, task: &Task) -> Option<Finished> {
        if !task.batch.done(task.rows.len()) {
            return None;
        }
        let shared = Arc::clone(&self.shared);
        let mut finished = task.batch.finish(&shared);
        if let Ok(Some(_)) = &finished.result
            && !task.batch.plan().batch_transforms.is_empty()
        {
            let transformed = catch_unwind(AssertUnwindSafe(|| {
                let Ok(Some(batch)) = std::mem::replace(&mut finished.result, Ok(None)) else {
                    return Ok(None);
                };
                let which = self.which;
                self.tools()?.batch(&shared, &task.batch.generation, batch, which).map(Some)
            }));
            finished.result =
                transformed.unwrap_or_else(|panic| Err(LoadError::Internal(panic_text(&*panic))));
        }
        Some(finished)
    }

    fn tools(&mut self) -> Result<&mut Tools, LoadError> {
        let tools = match self.tools.take() {
            Some(tools) => tools,
            None => Tools::new(&self.shared)?,
        };
        Ok(self.tools.insert(tools))
    }
}

impl Tools {
    fn new(shared: &Shared) -> Result<Self, LoadError> {
        let reader = shared.current.get().plan.source.reader(&shared.reader_options())?;
        Ok(Self { reader, chain: None })
    }

    /// Sees to it that the operators are those of a plan. Batches come in the order in which they were
    /// dealt, so a worker never turns back.
    fn turn_to(&mut self, shared: &Shared, generation: &Arc<Generation>) -> Result<&mut Chain, LoadError> {
        let chain = match self.chain.take() {
            Some(chain) if chain.generation().number == generation.number => chain,
            before => Chain::under(generation, before, &shared.budget)?,
        };
        Ok(self.chain.insert(chain))
    }

    /// Takes one sample to its row.
    fn row(
        &mut self,
        shared: &Shared,
        task: &Task,
        row: usize,
        id: SampleId,
        sample: Sample,
    ) -> Result<(), SampleError> {
        let fields = &task.batch.plan().fields;
        let Some(chain) = &mut self.chain else { return Ok(()) };
        if let Some(places) = task.batch.places(row, fields.len()) {
            for (mut place, value) in places.into_iter().zip(sample.values) {
                match value {
                    Value::Int(number) => place.copy_from_slice(&number.to_le_bytes()),
                    Value::Bytes(bytes) => {
                        shared.counters.encoded_bytes.fetch_add(bytes.len() as u64, Relaxed);
                        chain.run(id, &bytes, Destination::Place(&mut place))?;
                    }
                }
            }
            return Ok(());
        }
        let mut values = OpenRow::with_capacity(fields.len());
        for value in sample.values {
            let (mut extents, mut buffer) = (Extents::new(), Vec::new());
            match value {
                Value::Int(number) => buffer.extend_from_slice(&number.to_le_bytes()),
                Value::Bytes(bytes) => {
                    shared.counters.encoded_bytes.fetch_add(bytes.len() as u64, Relaxed);
                    chain.run(id, &bytes, Destination::Open(&mut buffer, &mut extents))?;
                }
            }
            values.push((extents, buffer));
        }
        task.batch.put_open(row, values);
        Ok(())
    }

    /// Runs the batch transforms over a full batch, each into a slot of its own.
    fn batch(
        &mut self,
        shared: &Shared,
        generation: &Arc<Generation>,
        mut batch: Batch,
        which: WhichEpoch,
    ) -> Result<Batch, LoadError> {
        let plan = &generation.plan;
        let rows = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        let chain = self.turn_to(shared, generation)?;
        for (position, transform) in chain.batch_transforms().iter_mut().enumerate() {
            let planned = &plan.batch_transforms[position];
            let failed = |cause| planned.step.fault(cause);
            let started = Instant::now();
            let types: Vec<TensorType> = planned
                .effect
                .outputs
                .iter()
                .map(|output| {
                    let mut output = output.clone();
                    if let Some(extent) = output.shape.first_mut() {
                        *extent = Some(rows);
                    }
                    output
                })
                .collect();
            let sizes: Option<Vec<usize>> = types.iter().map(TensorType::byte_len).collect();
            let sizes = sizes.ok_or_else(|| {
                let types: Vec<_> = types.iter().map(ToString::to_string).collect();
                failed(OperatorError::Answer(format!(
                    "it plans {}, and only the batch's own extent may be open",
                    types.join(", ")
                )))
            })?;
            let first = batch.indices.first().copied().unwrap_or(0);
            let seed = operator_seed(which.run_seed, which.epoch, first, planned.step.position());
            let mut slot = shared.slots.exact(&sizes, 1)?;
            {
                let inputs: Option<Vec<_>> = batch.tensors.iter().map(BatchTensor::view).collect();
                let inputs =
                    inputs.ok_or_else(|| LoadError::Internal("a batch has no consistent size".into()))?;
                let mut outputs: Vec<_> =
                    slot.fields_mut().map_err(internal)?.into_iter().map(Output::place).collect();
                transform.apply(&inputs, seed, &mut outputs).map_err(failed)?;
                for output in &mut outputs {
                    output.finish().map_err(|error| failed(error.into()))?;
                }
            }
            let slot = frozen(slot, 1, &[])?;
            batch.tensors = types
                .iter()
                .zip(&plan.fields)
                .zip(&sizes)
                .enumerate()
                .map(|(field, ((output, planned), bytes))| BatchTensor {
                    name: planned.name.clone(),
                    dtype: output.dtype,
                    extents: output.extents().unwrap_or_default(),
                    slot: slot.clone(),
                    field,
                    bytes: *bytes,
                })
                .collect();
            let stage = plan.decoders.len() + plan.transforms.len() + position;
            generation.stages[stage].add(started.elapsed(), Some(sizes.iter().sum()));
        }
        Ok(batch)
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
