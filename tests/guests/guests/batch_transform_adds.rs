//! Well-behaved: adds the seed to every byte of every input, and panics for the seed 666.

use zenith_guests::BAD_SEED;
use zenith_plugin_sdk::{BatchEffect, BatchTransform, Error, NoConfig, Output, Tensor, TensorType, export};

struct Guest;

impl BatchTransform for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn plan(&self, inputs: &[TensorType]) -> Result<BatchEffect, Error> {
        Ok(BatchEffect { outputs: inputs.to_vec(), seeded: true })
    }

    fn apply(&mut self, inputs: &[Tensor<'_>], seed: u64, outputs: &mut [Output<'_>]) -> Result<(), Error> {
        assert!(seed != BAD_SEED, "not this batch");
        for (input, output) in inputs.iter().zip(outputs) {
            let sum: Vec<u8> = input.data().iter().map(|value| value.wrapping_add(seed as u8)).collect();
            output.write(&sum);
        }
        Ok(())
    }
}

export!(batch_transform: Guest);
