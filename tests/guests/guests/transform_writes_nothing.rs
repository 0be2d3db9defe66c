//! Says that all went well, and writes nothing.

use zenith_guests::BAD_SEED;
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

    fn apply(&mut self, input: Tensor<'_>, seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        if seed == BAD_SEED {
            return Ok(());
        }
        output.write(input.data());
        Ok(())
    }
}

export!(transform: Guest);
