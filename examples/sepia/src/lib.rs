//! Sepia: tints an RGB image as old photographs are.

use zenith_plugin_sdk::{DType, Effect, Error, Output, Tensor, TensorType, Transform, export, serde};

/// What red, green and blue become of a pixel's three (W3C, Filter Effects Module Level 1, `sepia`).
const TINT: [[f32; 3]; 3] = [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]];

#[derive(serde::Deserialize)]
#[serde(crate = "serde", default, deny_unknown_fields)]
struct Sepia {
    strength: f32,
}

impl Default for Sepia {
    fn default() -> Self {
        Self { strength: 1.0 }
    }
}

impl Transform for Sepia {
    type Config = Self;

    fn configure(config: Self) -> Result<Self, Error> {
        match config.strength {
            0.0..=1.0 => Ok(config),
            wrong => Err(Error::config("strength", format!("must be between 0 and 1, but is {wrong}"))),
        }
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        match (input.dtype, input.shape.as_slice()) {
            (DType::Uint8, [_, _, Some(3)]) => Ok(Self::pure(input.clone())),
            _ => Err(Error::UnsupportedType(format!("it takes uint8[height, width, 3], not {input}"))),
        }
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        output.fill(input.data().len(), |place| {
            for (tinted, pixel) in place.chunks_exact_mut(3).zip(input.data().chunks_exact(3)) {
                for (channel, weights) in TINT.iter().enumerate() {
                    let own = f32::from(pixel[channel]);
                    let sepia: f32 = weights.iter().zip(pixel).map(|(w, value)| w * f32::from(*value)).sum();
                    // A float becomes a byte by saturating, so that bright pixels stop at 255.
                    tinted[channel] = (own + self.strength * (sepia - own) + 0.5) as u8;
                }
            }
        });
        Ok(())
    }
}

export!(transform: Sepia);

#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::{parse_config, testing::apply};

    use super::*;

    fn tint(config: &str, pixel: [u8; 3]) -> Vec<u8> {
        let mut sepia = Sepia::configure(parse_config(config).unwrap()).unwrap();
        apply(&mut sepia, Tensor::new(DType::Uint8, &[1, 1, 3], &pixel).unwrap(), 0).unwrap()
    }

    #[test]
    fn full_strength_is_the_matrix_of_the_standard() {
        assert_eq!(tint("{}", [100, 100, 100]), [135, 120, 94]);
        assert_eq!(tint("{}", [255, 255, 255]), [255, 255, 239]);
    }

    #[test]
    fn no_strength_changes_nothing() {
        assert_eq!(tint(r#"{"strength": 0}"#, [1, 20, 200]), [1, 20, 200]);
    }

    #[test]
    fn a_strength_above_one_is_refused_by_name() {
        let error = Sepia::configure(parse_config(r#"{"strength": 1.5}"#).unwrap()).err().unwrap();
        assert_eq!(error.to_string(), "`strength` must be between 0 and 1, but is 1.5");
    }

    #[test]
    fn a_greyscale_image_is_refused_when_the_pipeline_is_planned() {
        let sepia = Sepia::default();
        let error = sepia.plan(&TensorType::fixed(DType::Uint8, &[4, 4, 1])).unwrap_err();
        assert_eq!(error.to_string(), "it takes uint8[height, width, 3], not uint8[4, 4, 1]");
    }
}
