//! Declines samples with each of the errors in turn, as plugins do, and refuses a configuration.

use zenith_plugin_sdk::{Effect, Error, Output, Tensor, TensorType, Transform, export, serde};

struct Guest;

#[derive(serde::Deserialize)]
#[serde(crate = "serde", deny_unknown_fields, default)]
struct Config {
    p: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Transform for Guest {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        match config.p {
            0.0..=1.0 => Ok(Self),
            p => Err(Error::config("p", format!("must be between 0 and 1, but is {p}"))),
        }
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Err(Error::UnsupportedType(format!("it takes nothing, and so not {input}")))
    }

    fn apply(&mut self, _: Tensor<'_>, seed: u64, _: &mut Output<'_>) -> Result<(), Error> {
        Err(match seed {
            0 => Error::InvalidData("byte 17 is wrong".into()),
            1 => Error::UnsupportedData("it has twelve channels".into()),
            2 => Error::TooLarge("it has 900 million pixels".into()),
            3 => Error::InvalidState("it is of version 9".into()),
            _ => Error::InvalidData("\u{1b}[31m".repeat(1 << 16)),
        })
    }
}

export!(transform: Guest);
