//! A slot as its users see it: written by many, then frozen and read by many. The rules that make
//! this safe are in `lease`; where slots come from is in `pool`.

use std::{fmt, ptr::NonNull, sync::Arc};

use smallvec::SmallVec;
use thiserror::Error;

use crate::{
    compact::compact,
    layout::SlotLayout,
    lease::{Lease, Place},
};

/// Why a slot did not do what it was asked. Each is a mistake of the caller's, not of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SlotError {
    /// Places of the slot are still held.
    #[error("the slot is still being written")]
    Busy,
    /// There is no such field.
    #[error("the slot has {fields} fields and no field {field}")]
    NoSuchField {
        /// What was asked for.
        field: usize,
        /// How many there are.
        fields: usize,
    },
    /// There is no such row.
    #[error("the slot has {rows} rows and no row {row}")]
    NoSuchRow {
        /// What was asked for.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// The place was handed out before.
    #[error("the place of row {row} in field {field} was handed out before")]
    Taken {
        /// The field.
        field: usize,
        /// The row.
        row: usize,
    },
}

/// A slot that is being filled. Workers write through [`WritableSlot::place`], at the same time and
/// through `&self`; what needs the slot as a whole takes `&mut self` and answers [`SlotError::Busy`]
/// while a place is still held. Dropping it sends the memory home, unread.
pub struct WritableSlot {
    lease: Arc<Lease>,
}

impl WritableSlot {
    pub(crate) fn new(lease: Lease) -> Self {
        Self { lease: Arc::new(lease) }
    }

    /// Where its fields lie.
    pub fn layout(&self) -> &SlotLayout {
        self.lease.layout()
    }

    /// How many samples it holds; at first as many as its layout has room for.
    pub fn rows(&self) -> usize {
        self.lease.rows()
    }

    /// The place of `row` in `field`. Each can be had once; it stays taken when it is dropped.
    pub fn place(&self, field: usize, row: usize) -> Result<Place, SlotError> {
        self.lease.claim(field, row)
    }

    /// Whether every place that was handed out has been dropped.
    pub fn is_complete(&self) -> bool {
        Arc::strong_count(&self.lease) == 1
    }

    /// Shortens it to its first `rows` rows, as for the last batch of an epoch; more than it has are
    /// refused.
    pub fn truncate(&mut self, rows: usize) -> Result<(), SlotError> {
        let lease = self.whole()?;
        if rows > lease.rows() {
            return Err(SlotError::NoSuchRow { row: rows, rows: lease.rows() });
        }
        lease.set_rows(rows);
        Ok(())
    }

    /// Removes rows from all fields, keeping the order of the others, as for samples that were
    /// skipped. Answers how many rows are left. `rows` may be in any order; doubles count once.
    pub fn remove_rows(&mut self, rows: &[usize]) -> Result<usize, SlotError> {
        let lease = self.whole()?;
        let total = lease.rows();
        if let Some(&row) = rows.iter().find(|row| **row >= total) {
            return Err(SlotError::NoSuchRow { row, rows: total });
        }
        let mut kept = vec![true; total];
        for &row in rows {
            kept[row] = false;
        }
        let fields: SmallVec<[_; 4]> = lease.layout().fields().iter().copied().collect();
        for field in fields {
            let end = field.offset + field.place_bytes * total;
            compact(&mut lease.bytes_mut()[field.offset..end], field.place_bytes, &kept);
        }
        lease.set_rows(kept.iter().filter(|keep| **keep).count());
        Ok(lease.rows())
    }

    /// The rows of one field, for a step that works on the whole batch.
    pub fn field_mut(&mut self, field: usize) -> Result<&mut [u8], SlotError> {
        let lease = self.whole()?;
        let fields = lease.layout().fields();
        let layout = *fields.get(field).ok_or(SlotError::NoSuchField { field, fields: fields.len() })?;
        let bytes = layout.place_bytes * lease.rows();
        Ok(&mut lease.bytes_mut()[layout.offset..layout.offset + bytes])
    }

    /// The rows of all fields at once, in the layout's order.
    pub fn fields_mut(&mut self) -> Result<SmallVec<[&mut [u8]; 4]>, SlotError> {
        let lease = self.whole()?;
        let rows = lease.rows();
        let layouts: SmallVec<[_; 4]> = lease.layout().fields().iter().copied().collect();
        let mut rest = lease.bytes_mut();
        let mut begin = 0;
        Ok(layouts
            .into_iter()
            .map(|layout| {
                let (field, after) = std::mem::take(&mut rest)
                    .split_at_mut(layout.offset - begin)
                    .1
                    .split_at_mut(layout.place_bytes * rows);
                begin = layout.offset + field.len();
                rest = after;
                field
            })
            .collect())
    }

    /// Ends writing: from here on the batch is only read. Refused, and the slot handed back, while
    /// places are still held.
    pub fn freeze(mut self) -> Result<FrozenSlot, Self> {
        match Arc::get_mut(&mut self.lease) {
            Some(lease) => {
                lease.freeze();
                Ok(FrozenSlot { lease: self.lease })
            }
            None => Err(self),
        }
    }

    fn whole(&mut self) -> Result<&mut Lease, SlotError> {
        Arc::get_mut(&mut self.lease).ok_or(SlotError::Busy)
    }
}

impl fmt::Debug for WritableSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = Arc::strong_count(&self.lease) - 1;
        write!(f, "WritableSlot({} rows, {places} places held)", self.rows())
    }
}

/// A finished batch. Clones share it; when the last is dropped, from whatever thread, the slot goes
/// home to its pool, or back to the kernel if the pool is gone.
#[derive(Clone)]
pub struct FrozenSlot {
    lease: Arc<Lease>,
}

impl FrozenSlot {
    /// Where its fields lie.
    pub fn layout(&self) -> &SlotLayout {
        self.lease.layout()
    }

    /// How many samples it holds.
    pub fn rows(&self) -> usize {
        self.lease.rows()
    }

    /// The rows of a field, or `None` where there is no such field.
    pub fn field(&self, field: usize) -> Option<&[u8]> {
        self.lease.frozen_field(field)
    }

    /// The address of a field's first row, for a consumer outside Rust that keeps a clone of this
    /// slot for as long as it uses the address. Such a consumer may write, as torch does to a tensor
    /// in place; whoever hands the address out must then not read [`FrozenSlot::field`] meanwhile.
    pub fn field_start(&self, field: usize) -> Option<NonNull<u8>> {
        self.lease.frozen_start(field)
    }
}

impl fmt::Debug for FrozenSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrozenSlot({} rows)", self.rows())
    }
}
