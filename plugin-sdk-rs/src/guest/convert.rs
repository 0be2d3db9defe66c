//! Between the generated types and the SDK's. Both sides say the same, so every conversion is total.

use zenith_core::{DType, TensorType, TensorView, Window};

use super::types;
use crate::error::Error;

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Config { key, reason } => Self::Config(types::ConfigProblem { key, reason }),
            Error::UnsupportedType(text) => Self::UnsupportedType(text),
            Error::InvalidData(text) => Self::InvalidData(text),
            Error::UnsupportedData(text) => Self::UnsupportedData(text),
            Error::TooLarge(text) => Self::TooLarge(text),
            Error::InvalidState(text) => Self::InvalidState(text),
        }
    }
}

impl From<types::Dtype> for DType {
    fn from(dtype: types::Dtype) -> Self {
        match dtype {
            types::Dtype::Boolean => Self::Bool,
            types::Dtype::Uint8 => Self::Uint8,
            types::Dtype::Int8 => Self::Int8,
            types::Dtype::Int16 => Self::Int16,
            types::Dtype::Int32 => Self::Int32,
            types::Dtype::Int64 => Self::Int64,
            types::Dtype::Float16 => Self::Float16,
            types::Dtype::Bfloat16 => Self::Bfloat16,
            types::Dtype::Float32 => Self::Float32,
            types::Dtype::Float64 => Self::Float64,
        }
    }
}

impl From<DType> for types::Dtype {
    fn from(dtype: DType) -> Self {
        match dtype {
            DType::Bool => Self::Boolean,
            DType::Uint8 => Self::Uint8,
            DType::Int8 => Self::Int8,
            DType::Int16 => Self::Int16,
            DType::Int32 => Self::Int32,
            DType::Int64 => Self::Int64,
            DType::Float16 => Self::Float16,
            DType::Bfloat16 => Self::Bfloat16,
            DType::Float32 => Self::Float32,
            DType::Float64 => Self::Float64,
        }
    }
}

impl From<types::TensorType> for TensorType {
    fn from(planned: types::TensorType) -> Self {
        Self { dtype: planned.dtype.into(), shape: planned.shape.into_iter().collect() }
    }
}

impl From<TensorType> for types::TensorType {
    fn from(planned: TensorType) -> Self {
        Self { dtype: planned.dtype.into(), shape: planned.shape.into_iter().collect() }
    }
}

impl From<Window> for types::Window {
    fn from(window: Window) -> Self {
        Self { x: window.x, y: window.y, width: window.width, height: window.height }
    }
}

impl From<types::Window> for Window {
    fn from(window: types::Window) -> Self {
        Self { x: window.x, y: window.y, width: window.width, height: window.height }
    }
}

/// Lends a tensor to the plugin. The host checks its length before the call, so that an error here
/// is another host's doing.
pub(super) fn view(tensor: &types::Tensor) -> Result<TensorView<'_>, Error> {
    TensorView::new(tensor.dtype.into(), &tensor.shape, &tensor.data).ok_or_else(|| {
        Error::UnsupportedType(format!(
            "the host handed over {} bytes, which do not fill a {} tensor of shape {:?}",
            tensor.data.len(),
            DType::from(tensor.dtype),
            tensor.shape
        ))
    })
}
