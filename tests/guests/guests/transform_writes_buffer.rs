//! Well-behaved: for each byte of `uint8` input it writes one `float32` out of a buffer that it holds,
//! without looking at either, so that moving the bytes is all that a call costs.

use zenith_plugin_sdk::{DType, Effect, Error, NoConfig, Output, Tensor, TensorType, Transform, export};

#[derive(Default)]
struct Guest {
    buffer: Vec<u8>,
}

impl Transform for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self::default())
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::pure(TensorType { dtype: DType::Float32, ..input.clone() }))
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        self.buffer.resize(4 * input.data().len(), 0);
        output.write(&self.buffer);
        Ok(())
    }
}

export!(transform: Guest);
