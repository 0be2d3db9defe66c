//! Asks for a window that reaches one column past the image.

use zenith_guests::BAD_SEED;
use zenith_plugin_sdk::{Effect, Error, NoConfig, Output, Tensor, TensorType, Transform, Window, export};

struct Guest;

impl Transform for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::crop(input.clone(), true))
    }

    fn window(&self, width: u32, height: u32, seed: u64) -> Result<Window, Error> {
        Ok(Window { x: u32::from(seed == BAD_SEED), ..Window::full(width, height) })
    }

    fn apply(&mut self, _: Tensor<'_>, _: u64, _: &mut Output<'_>) -> Result<(), Error> {
        Ok(())
    }
}

export!(transform: Guest);
