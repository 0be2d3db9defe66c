//! Leaves its output's shape open, and then declares one that no machine could hold (seed 666), one of
//! thousands of dimensions (667), none before it writes (668), or two (669).

use zenith_guests::BAD_SEED;
use zenith_plugin_sdk::{Effect, Error, NoConfig, Output, Tensor, TensorType, Transform, export};

struct Guest;

impl Transform for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::pure(TensorType { dtype: input.dtype, shape: [None].into_iter().collect() }))
    }

    fn apply(&mut self, input: Tensor<'_>, seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let length = u32::try_from(input.data().len()).unwrap_or(u32::MAX);
        match seed.wrapping_sub(BAD_SEED) {
            0 => output.set_shape(&[u32::MAX; 4]),
            1 => output.set_shape(&[1; 5000]),
            2 => {}
            3 => {
                output.set_shape(&[length]);
                output.set_shape(&[length]);
            }
            _ => output.set_shape(&[length]),
        }
        output.write(input.data());
        Ok(())
    }
}

export!(transform: Guest);
