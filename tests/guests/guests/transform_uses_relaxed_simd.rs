//! Multiplies and adds with a relaxed vector instruction, whose result differs from CPU to CPU.

use zenith_plugin_sdk::{Effect, Error, NoConfig, Output, Tensor, TensorType, Transform, export};

struct Guest;

#[target_feature(enable = "relaxed-simd")]
fn multiply_and_add(value: f32) -> f32 {
    use core::arch::wasm32::{f32x4_extract_lane, f32x4_relaxed_madd, f32x4_splat};

    let value = f32x4_splat(value);
    f32x4_extract_lane::<0>(f32x4_relaxed_madd(value, value, value))
}

impl Transform for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::pure(input.clone()))
    }

    fn apply(&mut self, input: Tensor<'_>, _: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let sum: f32 = input.data().iter().map(|value| multiply_and_add(f32::from(*value))).sum();
        output.write(&sum.to_le_bytes());
        Ok(())
    }
}

export!(transform: Guest);
