//! Plans one output less than it has inputs, or (for a single input) a scalar, which no batch is.

use zenith_plugin_sdk::{
    BatchEffect, BatchTransform, DType, Error, NoConfig, Output, Tensor, TensorType, export,
};

struct Guest;

impl BatchTransform for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn plan(&self, inputs: &[TensorType]) -> Result<BatchEffect, Error> {
        let outputs = match inputs {
            [_] => vec![TensorType::fixed(DType::Uint8, &[])],
            [_, fewer @ ..] => fewer.to_vec(),
            [] => Vec::new(),
        };
        Ok(BatchEffect { outputs, seeded: false })
    }

    fn apply(&mut self, _: &[Tensor<'_>], _: u64, _: &mut [Output<'_>]) -> Result<(), Error> {
        Ok(())
    }
}

export!(batch_transform: Guest);
