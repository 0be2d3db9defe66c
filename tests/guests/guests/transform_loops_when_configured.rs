//! Never comes back from its constructor.

use zenith_plugin_sdk::{Effect, Error, NoConfig, Output, Tensor, TensorType, Transform, export};

struct Guest;

impl Transform for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        loop {
            std::hint::black_box(());
        }
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::pure(input.clone()))
    }

    fn apply(&mut self, _: Tensor<'_>, _: u64, _: &mut Output<'_>) -> Result<(), Error> {
        Ok(())
    }
}

export!(transform: Guest);
