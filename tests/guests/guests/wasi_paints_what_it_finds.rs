//! Paints every pixel of an image with what it finds in the world: red, whether the clock runs; green, a
//! random byte; blue, the first byte of `luts/warm.bin`. It can be told to insist on that file.

#![cfg(target_env = "p2")]

use std::{fs, time::SystemTime};

use wasip2::random::random;
use zenith_plugin_sdk::{Effect, Error, Output, Tensor, TensorType, Transform, export, serde};

/// Where the clocks of guests that are given none stand still: the beginning of 2020.
const STOPPED: u64 = 1_577_836_800;

#[derive(Default, serde::Deserialize)]
#[serde(crate = "serde", deny_unknown_fields, default)]
struct Guest {
    insist: bool,
}

impl Transform for Guest {
    type Config = Self;

    fn configure(config: Self) -> Result<Self, Error> {
        Ok(config)
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::pure(input.clone()))
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let blue = match fs::read("luts/warm.bin") {
            Ok(table) => table.first().copied().unwrap_or_default(),
            Err(_) if !self.insist => 0,
            Err(error) => {
                return Err(Error::UnsupportedData(format!("`luts/warm.bin` cannot be read: {error}")));
            }
        };
        let green = random::get_random_bytes(1)[0];
        let pixel = [u8::from(now != STOPPED), green, blue];
        output.write(&pixel.repeat(input.data().len() / 3));
        Ok(())
    }
}

export!(transform: Guest);
