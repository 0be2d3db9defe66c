//! A finished batch: named tensors that share one slot, which goes home when the last is dropped.

use std::ptr::NonNull;

use zenith_buffer::FrozenSlot;
use zenith_core::{DType, Extents, TensorView};

/// One field of a batch. Cloning it is cheap and keeps the slot out.
#[derive(Clone)]
pub struct BatchTensor {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) extents: Extents,
    pub(crate) slot: FrozenSlot,
    /// Which field of the slot holds its elements.
    pub(crate) field: usize,
    pub(crate) bytes: usize,
}

impl BatchTensor {
    /// The field's name, such as `image`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents, the batch's first.
    pub fn extents(&self) -> &[u32] {
        &self.extents
    }

    /// The elements, row-major and without padding, aligned to 64 bytes.
    pub fn data(&self) -> &[u8] {
        self.slot.field(self.field).and_then(|bytes| bytes.get(..self.bytes)).unwrap_or_default()
    }

    /// The address of the elements, for a consumer outside Rust that keeps a clone of this tensor for
    /// as long as it uses the address. Such a consumer may write, as torch does to a tensor in place;
    /// whoever hands the address out must then not call [`BatchTensor::data`] meanwhile.
    pub fn start(&self) -> Option<NonNull<u8>> {
        self.slot.field_start(self.field)
    }

    /// The size of the elements together, in bytes.
    pub fn byte_len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn view(&self) -> Option<TensorView<'_>> {
        TensorView::new(self.dtype, &self.extents, self.data())
    }
}

/// A finished batch.
#[derive(Clone)]
pub struct Batch {
    pub(crate) tensors: Vec<BatchTensor>,
    pub(crate) indices: Vec<u64>,
}

impl Batch {
    /// Its fields, in the order of the source's.
    pub fn tensors(&self) -> &[BatchTensor] {
        &self.tensors
    }

    /// Takes the batch apart.
    pub fn into_tensors(self) -> Vec<BatchTensor> {
        self.tensors
    }

    /// The indices of its samples in the source, row by row.
    pub fn indices(&self) -> &[u64] {
        &self.indices
    }

    /// Samples in it.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether it has no sample.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("indices", &self.indices).finish_non_exhaustive()
    }
}
