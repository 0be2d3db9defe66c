//! Who may touch which bytes of a slot, and when. This is the whole argument for the slots' safety:
//!
//! - while a lease has one owner, that owner alone reaches its bytes, through `&mut`;
//! - while it is shared and not frozen, bytes are reached through [`Place`]s only, and each row of
//!   each field has at most one, because claiming it sets a bit that stays set;
//! - once it is frozen, which takes `&mut`, there are no places and none can be claimed, and the bytes
//!   are only read.
#![expect(unsafe_code, reason = "rows of one allocation are lent to several threads at once")]

use std::{
    fmt,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{budget::Reservation, layout::SlotLayout, mapping::Mapping, pool::Home, slot::SlotError};

/// The memory of one slot, and what the budget knows of it. This is what a pool keeps.
pub(crate) struct Memory {
    mapping: Mapping,
    /// One bit for each row of each field; set once its place has been claimed.
    claims: Box<[AtomicU64]>,
    _reservation: Reservation,
}

impl Memory {
    pub(crate) fn new(layout: &SlotLayout, reservation: Reservation) -> std::io::Result<Self> {
        let words = (layout.rows() * layout.fields().len()).div_ceil(64);
        Ok(Self {
            mapping: Mapping::new(layout.bytes())?,
            claims: (0..words).map(|_| AtomicU64::new(0)).collect(),
            _reservation: reservation,
        })
    }
}

/// A slot away from its pool. Dropping it sends the memory home.
pub(crate) struct Lease {
    memory: ManuallyDrop<Memory>,
    layout: Arc<SlotLayout>,
    rows: usize,
    frozen: bool,
    home: Weak<Home>,
}

impl Lease {
    pub(crate) fn new(mut memory: Memory, layout: Arc<SlotLayout>, home: Weak<Home>) -> Self {
        for word in &mut memory.claims {
            *word.get_mut() = 0;
        }
        Self { rows: layout.rows(), memory: ManuallyDrop::new(memory), layout, frozen: false, home }
    }

    pub(crate) fn layout(&self) -> &SlotLayout {
        &self.layout
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Sets how many rows there are; more than the layout's are cut to them.
    pub(crate) fn set_rows(&mut self, rows: usize) {
        self.rows = rows.min(self.layout.rows());
    }

    /// Ends writing, for good.
    pub(crate) fn freeze(&mut self) {
        self.frozen = true;
        if let Some(home) = self.home.upgrade() {
            home.lend();
        }
    }

    /// All bytes, for the only owner.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.mapping.as_mut_slice()
    }

    /// The rows of a field, once frozen.
    pub(crate) fn frozen_field(&self, field: usize) -> Option<&[u8]> {
        let field = self.layout.fields().get(field).filter(|_| self.frozen)?;
        // SAFETY: the layout keeps every field inside the mapping, which was made for it, and `rows`
        // never passes the layout's. A frozen lease has no writer: no place exists, for freezing took
        // `&mut`, none can be claimed, and `bytes_mut` takes `&mut` again.
        Some(unsafe { self.memory.mapping.slice(field.offset, field.place_bytes * self.rows) })
    }

    /// The address of a field's first row, once frozen.
    pub(crate) fn frozen_start(&self, field: usize) -> Option<NonNull<u8>> {
        let field = self.layout.fields().get(field).filter(|_| self.frozen)?;
        // SAFETY: the layout keeps every field inside the mapping.
        Some(unsafe { self.memory.mapping.start().add(field.offset) })
    }

    /// Claims the place of `row` in `field`, once and for all.
    pub(crate) fn claim(self: &Arc<Self>, field: usize, row: usize) -> Result<Place, SlotError> {
        let fields = self.layout.fields();
        let layout = *fields.get(field).ok_or(SlotError::NoSuchField { field, fields: fields.len() })?;
        if row >= self.rows {
            return Err(SlotError::NoSuchRow { row, rows: self.rows });
        }
        let bit = field * self.layout.rows() + row;
        let mask = 1 << (bit % 64);
        // Relaxed: the bit decides who gets the place and publishes nothing.
        let before = self.memory.claims[bit / 64].fetch_or(mask, Ordering::Relaxed);
        if self.frozen || before & mask != 0 {
            return Err(SlotError::Taken { field, row });
        }
        // SAFETY: `row` is below the layout's rows, so the place lies inside the mapping.
        let start = unsafe { self.memory.mapping.start().add(layout.offset + row * layout.place_bytes) };
        let bytes = NonNull::slice_from_raw_parts(start, layout.place_bytes);
        Ok(Place { bytes, field, row, _lease: Arc::clone(self) })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // SAFETY: the lease is being dropped and its memory is not looked at again.
        let memory = unsafe { ManuallyDrop::take(&mut self.memory) };
        match self.home.upgrade() {
            Some(home) => home.come_home(memory, self.frozen),
            // Its consumers outlived the pool: the memory goes back to the kernel.
            None => drop(memory),
        }
    }
}

/// The place of one sample in one field of a slot, to be written by whoever holds it.
///
/// Its content is what the slot's last user left, or zeros. The slot is complete when all its places
/// have been dropped.
pub struct Place {
    bytes: NonNull<[u8]>,
    field: usize,
    row: usize,
    _lease: Arc<Lease>,
}

// SAFETY: a place is the only access to its bytes, as `&mut [u8]` is; the lease behind it is `Sync`.
unsafe impl Send for Place {}
// SAFETY: `&Place` only reads.
unsafe impl Sync for Place {}

impl Place {
    /// Which field it belongs to.
    pub fn field(&self) -> usize {
        self.field
    }

    /// Which row it is.
    pub fn row(&self) -> usize {
        self.row
    }
}

impl Deref for Place {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the claim makes this place the only access to its bytes, which are mapped as long
        // as the lease lives, and initialised.
        unsafe { slice::from_raw_parts(self.bytes.cast().as_ptr(), self.bytes.len()) }
    }
}

impl DerefMut for Place {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` excludes other access through this place.
        unsafe { slice::from_raw_parts_mut(self.bytes.cast().as_ptr(), self.bytes.len()) }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({} bytes, field {}, row {})", self.bytes.len(), self.field, self.row)
    }
}
