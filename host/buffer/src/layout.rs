//! Where the fields of a batch lie in its slot. Arithmetic only.

use smallvec::SmallVec;

/// Every field begins at a multiple of this many bytes, as does the slot: a cache line, the widest
/// vector register, and what DLPack promises its consumers is never more than this.
pub const ALIGNMENT: usize = 64;

/// One field of a slot: `rows` places of equal size, one after the other without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLayout {
    /// Where the field begins, in bytes from the slot's start; a multiple of [`ALIGNMENT`].
    pub offset: usize,
    /// The size of one sample's place in bytes.
    pub place_bytes: usize,
}

/// The fields of a batch in one allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotLayout {
    rows: usize,
    fields: SmallVec<[FieldLayout; 4]>,
    bytes: usize,
}

impl SlotLayout {
    /// A layout for batches of at most `rows` samples, `place_bytes` holding the size of one sample's
    /// place for each field. `None` where the whole does not fit the address space.
    pub fn new(rows: usize, place_bytes: &[usize]) -> Option<Self> {
        let mut end = 0_usize;
        let mut fields = SmallVec::with_capacity(place_bytes.len());
        for &place_bytes in place_bytes {
            let offset = end.checked_next_multiple_of(ALIGNMENT)?;
            end = place_bytes.checked_mul(rows).and_then(|bytes| offset.checked_add(bytes))?;
            fields.push(FieldLayout { offset, place_bytes });
        }
        let bytes = end.checked_next_multiple_of(ALIGNMENT)?;
        // Half of the address space, less a margin for page rounding, is what one object may span.
        (bytes <= isize::MAX.unsigned_abs() / 2).then_some(Self { rows, fields, bytes })
    }

    /// The most samples that a slot holds.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The fields, in the order in which they were given.
    pub fn fields(&self) -> &[FieldLayout] {
        &self.fields
    }

    /// The size of a slot in bytes, the gaps between fields included.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_each_other_on_cache_lines() {
        let layout = SlotLayout::new(3, &[10, 0, 8]).unwrap();
        let offsets: Vec<_> = layout.fields().iter().map(|field| field.offset).collect();
        assert_eq!(offsets, [0, 64, 64]);
        assert_eq!((layout.rows(), layout.bytes()), (3, 128));
    }

    #[test]
    fn a_layout_beyond_the_address_space_is_refused() {
        assert_eq!(SlotLayout::new(2, &[usize::MAX / 2 + 1]), None);
        assert_eq!(SlotLayout::new(1, &[isize::MAX.unsigned_abs()]), None);
        assert_eq!(SlotLayout::new(1, &[usize::MAX - 3, 8]), None);
    }

    #[test]
    fn a_batch_without_rows_or_fields_is_empty() {
        assert_eq!(SlotLayout::new(0, &[8]).unwrap().bytes(), 0);
        assert_eq!(SlotLayout::new(8, &[]).unwrap().bytes(), 0);
    }
}
