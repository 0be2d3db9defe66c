//! Loses a mebibyte at each call, as some languages' runtimes lose what they hand over. Otherwise
//! well-behaved.

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
        std::mem::forget(std::hint::black_box(vec![1_u8; 1 << 20]));
        output.write(input.data());
        Ok(())
    }
}

export!(transform: Guest);
