//! Between the generated types and the host's own, with the checks that every answer passes first.

use smallvec::SmallVec;
use zenith_core::{DType, Limits, OperatorError, OutputError, TensorType, TensorView};

use crate::{
    bindings::zenith::plugin::types::{Dtype, Error, Tensor, TensorTypeParam, TensorTypeResult},
    text::tame,
};

/// Extents of a tensor that a plugin may answer or declare; far more than any framework takes.
pub(crate) const MAX_RANK: usize = 16;

/// The answer of a plugin that makes no sense; `what` goes on after "the plugin's answer is wrong: ".
pub(crate) fn nonsense<T>(what: impl Into<String>) -> Result<T, OperatorError> {
    Err(OperatorError::Answer(what.into()))
}

/// A plugin's own error.
pub(crate) fn error(error: Error) -> OperatorError {
    match error {
        Error::Config(problem) => {
            OperatorError::Config { key: tame(&problem.key), reason: tame(&problem.reason) }
        }
        Error::UnsupportedType(text) => OperatorError::UnsupportedType(tame(&text)),
        Error::InvalidData(text) => OperatorError::InvalidData(tame(&text)),
        Error::UnsupportedData(text) => OperatorError::UnsupportedData(tame(&text)),
        Error::TooLarge(text) => OperatorError::TooLarge(tame(&text)),
        Error::InvalidState(text) => OperatorError::InvalidState(tame(&text)),
    }
}

/// A tensor type on its way to a plugin.
pub(crate) fn type_param(tensor_type: &TensorType) -> TensorTypeParam<'_> {
    TensorTypeParam { dtype: dtype_param(tensor_type.dtype), shape: &tensor_type.shape }
}

/// A tensor on its way to a plugin; nothing is copied here.
pub(crate) fn tensor<'a>(view: &TensorView<'a>) -> Tensor<'a> {
    Tensor { dtype: dtype_param(view.dtype()), shape: view.extents(), data: view.data() }
}

/// A tensor type that a plugin answered, no larger than the limits allow.
pub(crate) fn type_result(answer: TensorTypeResult, limits: &Limits) -> Result<TensorType, OperatorError> {
    if answer.shape.len() > MAX_RANK {
        return nonsense(format!(
            "it planned an output of {} dimensions, more than {MAX_RANK}",
            answer.shape.len()
        ));
    }
    let tensor_type =
        TensorType { dtype: dtype_result(answer.dtype), shape: SmallVec::from_vec(answer.shape) };
    match tensor_type.extents() {
        Some(extents) if tensor_type.byte_len().is_none_or(|bytes| bytes > limits.output) => {
            Err(OutputError::ShapeTooLarge { shape: extents.into_vec(), limit: limits.output }.into())
        }
        _ => Ok(tensor_type),
    }
}

fn dtype_param(dtype: DType) -> Dtype {
    match dtype {
        DType::Bool => Dtype::Boolean,
        DType::Uint8 => Dtype::Uint8,
        DType::Int8 => Dtype::Int8,
        DType::Int16 => Dtype::Int16,
        DType::Int32 => Dtype::Int32,
        DType::Int64 => Dtype::Int64,
        DType::Float16 => Dtype::Float16,
        DType::Bfloat16 => Dtype::Bfloat16,
        DType::Float32 => Dtype::Float32,
        DType::Float64 => Dtype::Float64,
    }
}

fn dtype_result(dtype: Dtype) -> DType {
    match dtype {
        Dtype::Boolean => DType::Bool,
        Dtype::Uint8 => DType::Uint8,
        Dtype::Int8 => DType::Int8,
        Dtype::Int16 => DType::Int16,
        Dtype::Int32 => DType::Int32,
        Dtype::Int64 => DType::Int64,
        Dtype::Float16 => DType::Float16,
        Dtype::Bfloat16 => DType::Bfloat16,
        Dtype::Float32 => DType::Float32,
        Dtype::Float64 => DType::Float64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_type_survives_the_way_there_and_back() {
        for dtype in [
            DType::Bool,
            DType::Uint8,
            DType::Int8,
            DType::Int16,
            DType::Int32,
            DType::Int64,
            DType::Float16,
            DType::Bfloat16,
            DType::Float32,
            DType::Float64,
        ] {
            assert_eq!(dtype_result(dtype_param(dtype)), dtype);
        }
    }

    #[test]
    fn a_planned_type_is_held_to_the_output_limit_and_a_sane_rank() {
        let limits = Limits { output: 1000, ..Limits::default() };
        let plan = |shape: &[Option<u32>]| {
            type_result(TensorTypeResult { dtype: Dtype::Float32, shape: shape.to_vec() }, &limits)
        };
        assert!(plan(&[Some(250)]).is_ok());
        assert!(plan(&[None, Some(u32::MAX)]).is_ok());
        for shape in [&[Some(251)][..], &[Some(u32::MAX); 4]] {
            assert!(matches!(plan(shape), Err(OperatorError::Output(OutputError::ShapeTooLarge { .. }))));
        }
        assert!(matches!(plan(&[None; MAX_RANK + 1]), Err(OperatorError::Answer(_))));
    }

    #[test]
    fn a_guests_text_is_cut_before_it_is_kept() {
        let OperatorError::InvalidData(text) = error(Error::InvalidData("x".repeat(1 << 20))) else {
            panic!("another error");
        };
        assert!(text.len() < 8192);
    }
}
