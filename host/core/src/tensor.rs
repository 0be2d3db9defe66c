//! Tensors as operators see them: element type, shape and bytes. No arithmetic lives here.

use std::fmt;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The extents of a tensor at hand, outermost first.
pub type Extents = SmallVec<[u32; 4]>;

/// The extents of a tensor type, outermost first; `None` differs from sample to sample.
pub type Shape = SmallVec<[Option<u32>; 4]>;

/// The element type of a tensor, by torch's names. Elements are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned, 8 bits.
    Uint8,
    /// Signed, 8 bits.
    Int8,
    /// Signed, 16 bits.
    Int16,
    /// Signed, 32 bits.
    Int32,
    /// Signed, 64 bits.
    Int64,
    /// IEEE 754 binary16.
    Float16,
    /// The upper half of a binary32.
    Bfloat16,
    /// IEEE 754 binary32.
    Float32,
    /// IEEE 754 binary64.
    Float64,
}

impl DType {
    /// Bytes in one element.
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::Uint8 | Self::Int8 => 1,
            Self::Int16 | Self::Float16 | Self::Bfloat16 => 2,
            Self::Int32 | Self::Float32 => 4,
            Self::Int64 | Self::Float64 => 8,
        }
    }

    /// The name that torch and numpy use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Uint8 => "uint8",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float16 => "float16",
            Self::Bfloat16 => "bfloat16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known about a tensor before its sample is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// The extents; `None` where they differ from sample to sample.
    pub shape: Shape,
}

impl TensorType {
    /// A type whose shape is fully known.
    pub fn fixed(dtype: DType, extents: &[u32]) -> Self {
        Self { dtype, shape: extents.iter().copied().map(Some).collect() }
    }

    /// The extents, where all of them are known.
    pub fn extents(&self) -> Option<Extents> {
        self.shape.iter().copied().collect()
    }

    /// The size in bytes, where the shape is known and the size fits the address space.
    pub fn byte_len(&self) -> Option<usize> {
        byte_len(self.dtype, &self.extents()?)
    }

    /// Whether a tensor of these extents is of this type.
    pub fn admits(&self, dtype: DType, extents: &[u32]) -> bool {
        self.dtype == dtype
            && self.shape.len() == extents.len()
            && self
                .shape
                .iter()
                .zip(extents)
                .all(|(known, at_hand)| known.is_none_or(|known| known == *at_hand))
    }
}

impl fmt::Display for TensorType {
    /// As in `uint8[?, ?, 3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (position, extent) in self.shape.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            match extent {
                Some(extent) => write!(f, "{extent}")?,
                None => f.write_str("?")?,
            }
        }
        f.write_str("]")
    }
}

/// A tensor at hand, row-major and without padding.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
    dtype: DType,
    extents: &'a [u32],
    data: &'a [u8],
}

impl<'a> TensorView<'a> {
    /// A view of `data`, or `None` where its length is not what `dtype` and `extents` call for.
    pub fn new(dtype: DType, extents: &'a [u32], data: &'a [u8]) -> Option<Self> {
        (byte_len(dtype, extents)? == data.len()).then_some(Self { dtype, extents, data })
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents, outermost first.
    pub fn extents(&self) -> &'a [u32] {
        self.extents
    }

    /// The elements.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Its type, every extent known.
    pub fn tensor_type(&self) -> TensorType {
        TensorType::fixed(self.dtype, self.extents)
    }
}

/// Bytes in a tensor, or `None` where the product overflows.
pub(crate) fn byte_len(dtype: DType, extents: &[u32]) -> Option<usize> {
    extents.iter().try_fold(dtype.size(), |bytes, extent| bytes.checked_mul(usize::try_from(*extent).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_prints_open_extents_as_question_marks() {
        let image = TensorType { dtype: DType::Uint8, shape: [None, None, Some(3)].into_iter().collect() };
        assert_eq!(image.to_string(), "uint8[?, ?, 3]");
        assert_eq!(image.byte_len(), None);
        assert!(image.admits(DType::Uint8, &[4, 5, 3]));
        assert!(!image.admits(DType::Uint8, &[4, 5, 1]));
        assert!(!image.admits(DType::Float32, &[4, 5, 3]));
    }

    #[test]
    fn an_absurd_shape_has_no_length_instead_of_a_wrapped_one() {
        assert_eq!(TensorType::fixed(DType::Float64, &[u32::MAX; 4]).byte_len(), None);
    }

    #[test]
    fn a_view_refuses_bytes_that_do_not_fill_its_shape() {
        assert!(TensorView::new(DType::Float32, &[2, 2], &[0; 16]).is_some());
        assert!(TensorView::new(DType::Float32, &[2, 2], &[0; 15]).is_none());
    }
}
