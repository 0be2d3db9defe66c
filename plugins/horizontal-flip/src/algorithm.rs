//! Turning an image over at random, as torchvision's `RandomHorizontalFlip` does.

use serde::Deserialize;
use zenith_imaging::{Image, Layout, flip, simd::Level};
use zenith_plugin_sdk::{Effect, Error, Output, Rng, Tensor, TensorType, Transform};

/// The configuration, by the names and with the defaults of torchvision's `RandomHorizontalFlip`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "evens")]
    p: f64,
}

fn evens() -> f64 {
    0.5
}

/// Turns an image of any element type over from left to right, with probability `p`.
#[derive(Clone, Debug)]
pub struct HorizontalFlip {
    p: f64,
    level: Level,
}

impl Transform for HorizontalFlip {
    type Config = Config;

    fn configure(Config { p }: Config) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::config("p", format!("must be between 0 and 1, but is {p}")));
        }
        Ok(Self { p, level: Level::best() })
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Layout::of(input)?;
        // At either end there is nothing to draw, and the result may be kept.
        let certain = self.p <= 0.0 || self.p >= 1.0;
        Ok(if certain { Self::pure(input.clone()) } else { Self::seeded(input.clone()) })
    }

    fn apply(&mut self, input: Tensor<'_>, seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        if !Rng::new(seed).chance(self.p) {
            output.write(input.data());
            return Ok(());
        }
        let (image, _) = Image::of(input)?;
        output.fill(image.data().len(), |place| flip(self.level, image, place));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::{DType, parse_config, testing};

    use super::*;

    fn flip_with(config: &str) -> Result<HorizontalFlip, Error> {
        HorizontalFlip::configure(parse_config(config)?)
    }

    #[test]
    fn pixels_change_sides_and_channels_stay_in_order() {
        let mut flip = flip_with(r#"{"p": 1}"#).unwrap();
        let input = Tensor::new(DType::Uint8, &[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]).unwrap();
        let result = testing::apply(&mut flip, input, 0).unwrap();
        assert_eq!(result, [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
    }

    #[test]
    fn half_of_the_seeds_flip_and_the_others_copy() {
        let mut flip = flip_with("{}").unwrap();
        let input = Tensor::new(DType::Uint8, &[1, 2], &[1, 2]).unwrap();
        let flipped = (0..10_000)
            .filter(|seed| match *testing::apply(&mut flip, input, *seed).unwrap() {
                [2, 1] => true,
                [1, 2] => false,
                ref other => panic!("neither flipped nor copied: {other:?}"),
            })
            .count();
        // Five standard deviations of a binomial distribution are 250.
        assert!((4750..=5250).contains(&flipped), "{flipped}");
    }

    #[test]
    fn a_certain_flip_needs_no_seed() {
        let image = TensorType { dtype: DType::Uint8, shape: [None, None, Some(3)].into_iter().collect() };
        for (config, seeded) in [("{}", true), (r#"{"p": 0}"#, false), (r#"{"p": 1.0}"#, false)] {
            let effect = flip_with(config).unwrap().plan(&image).unwrap();
            assert_eq!(effect.seeded, seeded, "{config}");
            assert_eq!(effect.output, image);
            assert!(!effect.windowed);
        }
    }

    #[test]
    fn wrong_configurations_name_the_key_and_the_range() {
        for (config, expected) in [
            (r#"{"p": 1.5}"#, "`p` must be between 0 and 1, but is 1.5"),
            (r#"{"p": -0.1}"#, "`p` must be between 0 and 1, but is -0.1"),
            (r#"{"p": "x"}"#, "`p` is wrong: invalid type: string \"x\", expected f64"),
        ] {
            assert_eq!(flip_with(config).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_tensor_that_is_no_image_is_refused_when_planned() {
        let error = flip_with("{}").unwrap().plan(&TensorType::fixed(DType::Uint8, &[3])).unwrap_err();
        assert!(matches!(error, Error::UnsupportedType(_)));
    }
}
