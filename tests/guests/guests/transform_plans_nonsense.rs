//! Plans what cannot be; its configuration says which.

use zenith_plugin_sdk::{DType, Effect, Error, Output, Tensor, TensorType, Transform, export, serde};

struct Guest {
    case: String,
}

#[derive(serde::Deserialize)]
#[serde(crate = "serde", deny_unknown_fields)]
struct Config {
    case: String,
}

impl Transform for Guest {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        Ok(Self { case: config.case })
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(match &*self.case {
            "too many dimensions" => Self::pure(TensorType::fixed(DType::Uint8, &[1; 100])),
            "too large" => Self::pure(TensorType::fixed(DType::Float64, &[u32::MAX; 3])),
            "a crop without a window" => Effect { crop_only: true, ..Self::pure(input.clone()) },
            "a crop that casts" => Self::crop(TensorType { dtype: DType::Float32, ..input.clone() }, false),
            "a window of a vector" => Self::windowed(input.clone(), false),
            _ => Self::pure(input.clone()),
        })
    }

    fn apply(&mut self, input: Tensor<'_>, _: u64, output: &mut Output<'_>) -> Result<(), Error> {
        output.write(input.data());
        Ok(())
    }
}

export!(transform: Guest);
