//! Talks: a line of each level, a line too long, a line that would forge another, and (seed 666) a
//! flood.

use zenith_guests::BAD_SEED;
use zenith_plugin_sdk::{Effect, Error, NoConfig, Output, Tensor, TensorType, Transform, export, log};

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
            for line in 0..10_000 {
                log::info(&format!("line {line}"));
            }
        }
        log::error("an error");
        log::warn("a warning");
        log::info(&"long ".repeat(10_000));
        log::debug("one line\nor two");
        output.write(input.data());
        Ok(())
    }
}

export!(transform: Guest);
