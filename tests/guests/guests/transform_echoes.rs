//! Well-behaved: copies its input, one tensor to one of the same type.

use zenith_plugin_sdk::{Effect, Error, NoConfig, Output, Tensor, TensorType, Transform, export};

struct Guest;

impl Transform for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::pure(input.clone()))
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        output.write(input.data());
        Ok(())
    }
}

export!(transform: Guest);
