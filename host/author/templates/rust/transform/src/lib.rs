//! Solarisation: each value of an RGB image that reaches a threshold is inverted.

use zenith_plugin_sdk::{
    DType, Effect, Error, Output, Tensor, TensorType, Transform, export, serde,
};

/// The configuration, and the transform itself: it keeps nothing else. An unknown key is refused.
#[derive(serde::Deserialize)]
#[serde(crate = "serde", default, deny_unknown_fields)]
struct Solarize {
    /// The smallest value that is inverted, from 0 to 256.
    threshold: u16,
}

impl Default for Solarize {
    fn default() -> Self {
        Self { threshold: 128 }
    }
}

impl Transform for Solarize {
    type Config = Self;

    /// Called once for each worker. An error here stops the pipeline before its first batch.
    fn configure(config: Self) -> Result<Self, Error> {
        match config.threshold {
            0..=256 => Ok(config),
            wrong => Err(Error::config(
                "threshold",
                format!("must be from 0 to 256, but is {wrong}"),
            )),
        }
    }

    /// Called when a pipeline is planned: what comes of a tensor of this type. `pure` says that the seed
    /// is not used, so that the result may be kept.
    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        match (input.dtype, input.shape.as_slice()) {
            (DType::Uint8, [_, _, Some(3)]) => Ok(Self::pure(input.clone())),
            _ => Err(Error::UnsupportedType(format!(
                "it takes uint8[height, width, 3], not {input}"
            ))),
        }
    }

    /// Called for each sample. What `plan` has promised must be written whole.
    fn apply(
        &mut self,
        input: Tensor<'_>,
        _seed: u64,
        output: &mut Output<'_>,
    ) -> Result<(), Error> {
        output.fill(input.data().len(), |place| {
            for (out, value) in place.iter_mut().zip(input.data()) {
                *out = if u16::from(*value) >= self.threshold {
                    255 - value
                } else {
                    *value
                };
            }
        });
        Ok(())
    }
}

export!(transform: Solarize);

// `cargo test` runs the plugin's own code natively, without WebAssembly.
#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::{parse_config, testing::apply};

    use super::*;

    fn solarize(config: &str, pixel: [u8; 3]) -> Vec<u8> {
        let mut transform = Solarize::configure(parse_config(config).unwrap()).unwrap();
        apply(
            &mut transform,
            Tensor::new(DType::Uint8, &[1, 1, 3], &pixel).unwrap(),
            0,
        )
        .unwrap()
    }

    #[test]
    fn values_from_the_threshold_on_are_inverted() {
        assert_eq!(solarize("{}", [127, 128, 255]), [127, 127, 0]);
        assert_eq!(
            solarize(r#"{"threshold": 255}"#, [127, 128, 255]),
            [127, 128, 0]
        );
        assert_eq!(
            solarize(r#"{"threshold": 256}"#, [127, 128, 255]),
            [127, 128, 255]
        );
    }

    #[test]
    fn a_threshold_beyond_256_is_refused_by_name() {
        let error = Solarize::configure(parse_config(r#"{"threshold": 257}"#).unwrap())
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "`threshold` must be from 0 to 256, but is 257"
        );
    }

    #[test]
    fn a_greyscale_image_is_refused_when_the_pipeline_is_planned() {
        let error = Solarize::default()
            .plan(&TensorType::fixed(DType::Uint8, &[4, 4, 1]))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "it takes uint8[height, width, 3], not uint8[4, 4, 1]"
        );
    }
}
