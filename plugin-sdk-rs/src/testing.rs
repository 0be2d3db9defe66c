//! Running a plugin's own code in its unit tests, without WebAssembly.

#[cfg(not(target_arch = "wasm32"))]
pub use native::{apply, decode};

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use zenith_core::{DecodeRequest, OperatorError, TensorView};

    use crate::{
        output::Output,
        traits::{Decoder, Transform},
    };

    /// Applies a transform to one tensor and returns the bytes of the result, having checked that
    /// they are what its plan calls for. The input is the window already, where it takes one.
    pub fn apply<T: Transform>(
        transform: &mut T,
        input: TensorView<'_>,
        seed: u64,
    ) -> Result<Vec<u8>, OperatorError> {
        let planned = transform.plan(&input.tensor_type())?.output;
        let mut result = vec![0; planned.byte_len().unwrap_or(0)];
        let mut output = Output::new(zenith_core::Output::place(&mut result));
        transform.apply(input, seed, &mut output)?;
        output.into_inner().finish()?;
        Ok(result)
    }

    /// Decodes a part of one sample and returns its bytes, having checked their number.
    pub fn decode<D: Decoder>(
        decoder: &mut D,
        data: &[u8],
        request: DecodeRequest,
    ) -> Result<Vec<u8>, OperatorError> {
        decoder.open(data)?;
        let (width, height) = request.size();
        let mut planned = decoder.plan();
        planned.shape[0] = Some(height);
        planned.shape[1] = Some(width);
        let mut result = vec![0; planned.byte_len().unwrap_or(0)];
        let mut output = Output::new(zenith_core::Output::place(&mut result));
        decoder.decode(data, request, &mut output)?;
        output.into_inner().finish()?;
        Ok(result)
    }
}
