//! One batch in the works, shared by the workers that fill it. The last of them finishes it.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::AcqRel},
    },
};

use zenith_buffer::{FrozenSlot, Place, SlotError, WritableSlot};
use zenith_core::{Extents, TensorType};

use super::{generation::Generation, runner::Shared};
use crate::{
    batch::{Batch, BatchTensor},
    error::{LoadError, SampleError, SampleFailure},
    options::OnError,
    plan::Plan,
};

/// Some rows of one batch: what a worker takes at a time.
pub(super) struct Task {
    pub(super) batch: Arc<BatchWork>,
    pub(super) rows: std::ops::Range<usize>,
}

impl Task {
    pub(super) fn indices(&self) -> &[u64] {
        &self.batch.indices[self.rows.clone()]
    }
}

/// A batch as it leaves the works. `batch` is `None` where every sample of it was left out.
pub(super) struct Finished {
    pub(super) number: u64,
    pub(super) result: Result<Option<Batch>, LoadError>,
    pub(super) skipped: Vec<SampleError>,
    /// Samples that it was dealt.
    pub(super) dealt: usize,
    /// Where the sampler stood after it was dealt.
    pub(super) sampler: Option<Vec<u8>>,
}

/// One batch in the works.
pub(super) struct BatchWork {
    pub(super) number: u64,
    pub(super) indices: Vec<u64>,
    /// By which plan all of it is made.
    pub(super) generation: Arc<Generation>,
    sampler: Option<Vec<u8>>,
    storage: Storage,
    remaining: AtomicUsize,
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    failures: Vec<(usize, SampleError)>,
    fault: Option<LoadError>,
}

/// Where the rows go.
enum Storage {
    /// Straight into a slot.
    Slot(Mutex<Option<WritableSlot>>),
    /// Into buffers of their own, because their sizes are not known before.
    Open(Mutex<Vec<Option<OpenRow>>>),
}

/// One row that has a size of its own: its fields in the order of the plan.
pub(super) type OpenRow = Vec<(Extents, Vec<u8>)>;

impl BatchWork {
    pub(super) fn new(
        number: u64,
        indices: Vec<u64>,
        sampler: Option<Vec<u8>>,
        slot: Option<WritableSlot>,
        generation: Arc<Generation>,
    ) -> Self {
        let storage = match slot {
            Some(slot) => Storage::Slot(Mutex::new(Some(slot))),
            None => Storage::Open(Mutex::new(indices.iter().map(|_| None).collect())),
        };
        let remaining = AtomicUsize::new(indices.len());
        Self { number, indices, generation, sampler, storage, remaining, trouble: Mutex::default() }
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.generation.plan
    }

    /// The places of one row in the slot, one for each field, or `None` where rows are open.
    pub(super) fn places(&self, row: usize, fields: usize) -> Option<Vec<Place>> {
        let Storage::Slot(slot) = &self.storage else { return None };
        let slot = lock(slot);
        (0..fields).map(|field| slot.as_ref()?.place(field, row).ok()).collect()
    }

    /// Puts an open row down.
    pub(super) fn put_open(&self, row: usize, value: OpenRow) {
        if let Storage::Open(rows) = &self.storage
            && let Some(place) = lock(rows).get_mut(row)
        {
            *place = Some(value);
        }
    }

    /// Notes that a sample failed.
    pub(super) fn fail(&self, row: usize, error: SampleError) {
        lock(&self.trouble).failures.push((row, error));
    }

    /// Notes that the batch as a whole failed; the first such fault is kept.
    pub(super) fn fault(&self, error: LoadError) {
        lock(&self.trouble).fault.get_or_insert(error);
    }

    /// Counts rows as done. True for the caller that did the last of them, who then finishes it.
    pub(super) fn done(&self, rows: usize) -> bool {
        self.remaining.fetch_sub(rows, AcqRel) == rows
    }

    /// Gathers the rows into a batch. Only the caller to whom [`BatchWork::done`] said so calls it.
    pub(super) fn finish(&self, shared: &Shared) -> Finished {
        let Trouble { mut failures, fault } = std::mem::take(&mut *lock(&self.trouble));
        let mut finished = Finished {
            number: self.number,
            result: Ok(None),
            skipped: Vec::new(),
            dealt: self.indices.len(),
            sampler: self.sampler.clone(),
        };
        if let Some(fault) = fault {
            finished.result = Err(fault);
            return finished;
        }
        let rows = match &self.storage {
            Storage::Slot(_) => None,
            Storage::Open(rows) => {
                let rows = std::mem::take(&mut *lock(rows));
                failures.extend(self.odd_rows(&rows));
                Some(rows)
            }
        };
        failures.sort_by_key(|(row, _)| *row);
        if shared.options.on_error == OnError::Raise && !failures.is_empty() {
            finished.result = Err(LoadError::Sample(failures.swap_remove(0).1));
            return finished;
        }
        let failed: HashSet<usize> = failures.iter().map(|(row, _)| *row).collect();
        finished.skipped = failures.into_iter().map(|(_, error)| error).collect();
        if failed.len() < self.indices.len() {
            finished.result = self.gather(shared, &failed, rows).map(Some);
        }
        finished
    }

    fn gather(
        &self,
        shared: &Shared,
        failed: &HashSet<usize>,
        rows: Option<Vec<Option<OpenRow>>>,
    ) -> Result<Batch, LoadError> {
        let kept = |row: &usize| !failed.contains(row);
        let indices: Vec<u64> = (0..self.indices.len()).filter(kept).map(|row| self.indices[row]).collect();
        let types = match (&self.storage, rows) {
            (Storage::Slot(slot), _) => {
                let slot =
                    lock(slot).take().ok_or_else(|| LoadError::Internal("a batch lost its slot".into()))?;
                let types: Vec<_> =
                    self.plan().fields.iter().map(|field| field.sample_type.clone()).collect();
                let removed: Vec<usize> =
                    (0..self.indices.len()).filter(|row| failed.contains(row)).collect();
                return Ok(assemble(
                    self.plan(),
                    &frozen(slot, self.indices.len(), &removed)?,
                    &types,
                    indices,
                ));
            }
            (Storage::Open(_), rows) => rows.unwrap_or_default(),
        };
        let rows: Vec<OpenRow> =
            types.into_iter().enumerate().filter(|(row, _)| kept(row)).filter_map(|(_, row)| row).collect();
        let Some(first) = rows.first() else {
            return Err(LoadError::Internal("a batch lost its rows".into()));
        };
        let types: Vec<_> = first
            .iter()
            .zip(&self.plan().fields)
            .map(|((extents, _), field)| TensorType::fixed(field.sample_type.dtype, extents))
            .collect();
        let sizes: Vec<usize> = first.iter().map(|(_, bytes)| bytes.len()).collect();
        let slot = shared.slots.exact(&sizes, rows.len())?;
        for (row, values) in rows.iter().enumerate() {
            for (field, (_, bytes)) in values.iter().enumerate() {
                let mut place = slot.place(field, row).map_err(internal)?;
                place.copy_from_slice(bytes);
            }
        }
        Ok(assemble(self.plan(), &frozen(slot, rows.len(), &[])?, &types, indices))
    }

    /// Rows whose shape is not that of the first row.
    fn odd_rows(&self, rows: &[Option<OpenRow>]) -> Vec<(usize, SampleError)> {
        let Some((first, shape)) =
            rows.iter().enumerate().find_map(|(row, value)| Some((row, value.as_ref()?)))
        else {
            return Vec::new();
        };
        let differs =
            |values: &OpenRow| values.iter().zip(shape).any(|((left, _), (right, _))| left != right);
        rows.iter()
            .enumerate()
            .filter(|(_, value)| value.as_ref().is_some_and(differs))
            .map(|(row, value)| {
                let shown =
                    |row: &OpenRow| row.first().map(|(extents, _)| extents.to_vec()).unwrap_or_default();
                let index = self.indices[row];
                let error = SampleError {
                    culprit: "batch".into(),
                    key: self.plan().source.key(index),
                    index,
                    failure: SampleFailure::Collate(format!(
                        "its shape is {:?}, but that of `{}` in the same batch is {:?}",
                        value.as_ref().map(shown).unwrap_or_default(),
                        self.plan().source.key(self.indices[first]),
                        shown(shape),
                    )),
                };
                (row, error)
            })
            .collect()
    }
}

/// Ends the writing of a slot that has `rows` rows, less those that were left out.
pub(super) fn frozen(
    mut slot: WritableSlot,
    rows: usize,
    removed: &[usize],
) -> Result<FrozenSlot, LoadError> {
    slot.truncate(rows).map_err(internal)?;
    if !removed.is_empty() {
        slot.remove_rows(removed).map_err(internal)?;
    }
    slot.freeze().map_err(|_| internal(SlotError::Busy))
}

/// Slots are used by this crate alone: what goes wrong with one is its own fault.
pub(super) fn internal(error: SlotError) -> LoadError {
    LoadError::Internal(error.to_string())
}

/// A batch over a frozen slot.
fn assemble(plan: &Plan, slot: &FrozenSlot, types: &[TensorType], indices: Vec<u64>) -> Batch {
    let rows = u32::try_from(indices.len()).unwrap_or(u32::MAX);
    let tensors = types
        .iter()
        .zip(&plan.fields)
        .enumerate()
        .map(|(field, (sample_type, planned))| BatchTensor {
            name: planned.name.clone(),
            dtype: sample_type.dtype,
            extents: std::iter::once(rows).chain(sample_type.extents().unwrap_or_default()).collect(),
            slot: slot.clone(),
            field,
            bytes: sample_type.byte_len().unwrap_or(0) * indices.len(),
        })
        .collect();
    Batch { tensors, indices }
}

/// Locks, whatever became of an earlier holder: what these locks guard is whole between any two
/// statements that hold them.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
