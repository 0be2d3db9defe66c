//! Resizing, with torchvision's parameters. The resampling itself lives in `zenith-imaging`.

use serde::Deserialize;
use zenith_imaging::{Interpolation, Layout, MAX_SIDE, Resizer, SizeConfig};
use zenith_plugin_sdk::{Effect, Error, Output, Tensor, TensorType, Transform};

/// The configuration, by the names and with the defaults of torchvision's `Resize`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    size: Option<SizeConfig>,
    #[serde(default)]
    interpolation: Interpolation,
    max_size: Option<SizeConfig>,
    #[serde(default = "antialias_by_default")]
    antialias: Option<bool>,
}

#[expect(clippy::unnecessary_wraps, reason = "torchvision also takes None, which means false")]
fn antialias_by_default() -> Option<bool> {
    Some(true)
}

/// Resizes images of `uint8` (1 to 4 channels) or `float32`; with a `nearest` interpolation, of any
/// type. The answer to `uint8` is torchvision's, byte for byte.
#[derive(Clone, Debug)]
pub struct Resize {
    target: Target,
    /// Whether an input at a reduced scale would do as well, as far as the pixels go.
    reducible: bool,
    resizer: Resizer,
}

/// What size an image becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// This height and width.
    Exact(u32, u32),
    /// This shorter side, unless the longer one would be longer than the second number.
    Shorter(u32, Option<u32>),
    /// This longer side.
    Longer(u32),
}

impl Target {
    fn new(size: Option<SizeConfig>, max_size: Option<SizeConfig>) -> Result<Self, Error> {
        let longest = match max_size {
            None => None,
            Some(max_size) => match max_size.single("max_size")? {
                None => return Err(Error::config("max_size", "must be one number of pixels")),
                longest => longest,
            },
        };
        let Some(size) = size else {
            return longest.map(Self::Longer).ok_or_else(|| {
                Error::config(
                    "size",
                    "is missing: give a number of pixels, [height, width], or a `max_size` alone",
                )
            });
        };
        match (size.single("size")?, longest) {
            (Some(shorter), Some(longest)) if longest <= shorter => Err(Error::config(
                "max_size",
                format!("must be greater than `size`, {shorter}, but is {longest}"),
            )),
            (Some(shorter), longest) => Ok(Self::Shorter(shorter, longest)),
            (None, Some(_)) => Err(Error::config("max_size", "goes with a single number as `size` only")),
            (None, None) => size.height_and_width("size").map(|(height, width)| Self::Exact(height, width)),
        }
    }

    /// The height and width that an image becomes, with torchvision's rounding: down. The aspect is
    /// kept as well as whole pixels allow.
    fn of(self, (height, width): (u32, u32)) -> Result<(u32, u32), Error> {
        let (short, long) = (height.min(width), height.max(width));
        let (new_short, new_long) = match self {
            Self::Exact(height, width) => return Ok((height, width)),
            Self::Longer(longest) => (scaled(longest, short, long), u64::from(longest)),
            Self::Shorter(shorter, longest) => {
                let new_long = scaled(shorter, long, short);
                match longest {
                    Some(longest) if new_long > u64::from(longest) => {
                        // torchvision shrinks what it has just rounded, not the image's own sides.
                        let new_long = u32::try_from(new_long).unwrap_or(u32::MAX);
                        (scaled(longest, shorter, new_long), u64::from(longest))
                    }
                    _ => (u64::from(shorter), new_long),
                }
            }
        };
        let side = |side: u64| {
            u32::try_from(side).ok().filter(|side| (1..=MAX_SIDE).contains(side)).ok_or_else(|| {
                Error::TooLarge(format!(
                    "an image of {height}×{width} pixels would get a side of {side} pixels, which is not between 1 and {MAX_SIDE}"
                ))
            })
        };
        let (new_short, new_long) = (side(new_short)?, side(new_long)?);
        Ok(if width <= height { (new_long, new_short) } else { (new_short, new_long) })
    }
}

/// `side * numerator / denominator`, rounded down. Python divides in double precision first; where
/// that rounds up to a whole number, so does it here.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product is below 2⁴⁸, and rounding down is meant"
)]
fn scaled(side: u32, numerator: u32, denominator: u32) -> u64 {
    ((u64::from(side) * u64::from(numerator)) as f64 / f64::from(denominator)) as u64
}

impl Transform for Resize {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        let target = Target::new(config.size, config.max_size)?;
        let antialias = config.antialias.unwrap_or(false);
        // Otherwise the output's size follows from the input's, which a reduction rounds.
        let exact = matches!(target, Target::Exact(..));
        Ok(Self {
            target,
            reducible: exact && config.interpolation.covers_input(antialias),
            resizer: Resizer::new(config.interpolation, antialias),
        })
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        let layout = Layout::of(input)?;
        self.resizer.check(&layout)?;
        let size = match (self.target, layout.size()) {
            (Target::Exact(height, width), _) => Some((height, width)),
            (target, Some(size)) => Some(target.of(size)?),
            (_, None) => None,
        };
        let effect = Self::pure(layout.resized(size.map(|size| size.0), size.map(|size| size.1)));
        Ok(if self.reducible { Self::reducible(effect) } else { effect })
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let layout = Layout::of(&input.tensor_type())?;
        let size = self.target.of(layout.size().unwrap_or_default())?;
        let length = layout.resized(Some(size.0), Some(size.1)).byte_len();
        let length =
            length.ok_or_else(|| Error::TooLarge(format!("{size:?} pixels do not fit in memory")))?;
        output.fill(length, |place| self.resizer.resize(input, size, place))
    }
}

#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::{DType, parse_config, testing};

    use super::*;

    fn resize(config: &str) -> Result<Resize, Error> {
        Resize::configure(parse_config(config)?)
    }

    fn planned(config: &str, input: &[Option<u32>]) -> Result<String, Error> {
        let input = TensorType { dtype: DType::Uint8, shape: input.iter().copied().collect() };
        resize(config)?.plan(&input).map(|effect| effect.output.to_string())
    }

    #[test]
    fn sizes_are_those_of_torchvision() {
        type Row = (u32, u32, Option<u32>, Option<u32>, u32, u32);
        let rows: Vec<Row> = serde_json::from_str(include_str!("../tests/sizes.json")).unwrap();
        for (height, width, size, max_size, new_height, new_width) in rows {
            let config = serde_json::json!({ "size": size, "max_size": max_size }).to_string();
            let result = resize(&config).unwrap().target.of((height, width));
            if new_height == 0 || new_width == 0 {
                assert!(matches!(result, Err(Error::TooLarge(_))), "{config} of {height}×{width}");
            } else {
                assert_eq!(result, Ok((new_height, new_width)), "{config} of {height}×{width}");
            }
        }
    }

    #[test]
    fn the_output_is_known_as_soon_as_the_configuration_or_the_input_says_it() {
        let open = [None, None, Some(3)];
        let image = [Some(375), Some(500), Some(3)];
        assert_eq!(planned(r#"{"size": [10, 20]}"#, &open).unwrap(), "uint8[10, 20, 3]");
        assert_eq!(planned(r#"{"size": 256}"#, &open).unwrap(), "uint8[?, ?, 3]");
        assert_eq!(planned(r#"{"size": 256}"#, &image).unwrap(), "uint8[256, 341, 3]");
        assert_eq!(planned(r#"{"size": [256]}"#, &image).unwrap(), "uint8[256, 341, 3]");
        assert_eq!(planned(r#"{"size": 256, "max_size": 300}"#, &image).unwrap(), "uint8[225, 300, 3]");
        assert_eq!(planned(r#"{"size": null, "max_size": 50}"#, &image).unwrap(), "uint8[37, 50, 3]");
    }

    #[test]
    fn only_an_antialiased_resize_to_a_fixed_size_takes_a_reduced_input() {
        for (config, expected) in [
            (r#"{"size": [8, 8]}"#, true),
            (r#"{"size": [8, 8], "interpolation": "bicubic"}"#, true),
            (r#"{"size": 8}"#, false),
            (r#"{"size": [8, 8], "antialias": false}"#, false),
            (r#"{"size": [8, 8], "antialias": null}"#, false),
            (r#"{"size": [8, 8], "interpolation": "nearest"}"#, false),
        ] {
            let effect = resize(config).unwrap().plan(&TensorType::fixed(DType::Uint8, &[9, 9, 3])).unwrap();
            assert_eq!(effect.reducible, expected, "{config}");
            assert!(!effect.seeded && !effect.windowed);
        }
    }

    #[test]
    fn wrong_configurations_name_the_key_and_the_range() {
        for (config, expected) in [
            ("{}", "`size` is missing: give a number of pixels, [height, width], or a `max_size` alone"),
            (r#"{"size": 0}"#, "`size` must be between 1 and 65535 pixels, but is 0"),
            (r#"{"size": [4, 70000]}"#, "`size` must be between 1 and 65535 pixels, but is 70000"),
            (r#"{"size": 9, "max_size": 9}"#, "`max_size` must be greater than `size`, 9, but is 9"),
            (r#"{"size": [9, 9], "max_size": 9}"#, "`max_size` goes with a single number as `size` only"),
            (r#"{"size": 9, "max_size": [9, 9]}"#, "`max_size` must be one number of pixels"),
            (
                r#"{"size": 9, "interpolation": "lanczos"}"#,
                "`interpolation` is wrong: unknown variant `lanczos`, expected one of `nearest`, `nearest-exact`, `bilinear`, `bicubic`",
            ),
            (
                r#"{"size": "big"}"#,
                "`size` is wrong: invalid type: string \"big\", expected a number of pixels or [height, width]",
            ),
        ] {
            assert_eq!(resize(config).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_image_that_would_have_an_absurd_side_is_refused() {
        for input in [[Some(1), Some(60_000), Some(3)], [Some(u32::MAX), Some(1), Some(3)]] {
            let error = planned(r#"{"size": 65535}"#, &input).unwrap_err();
            assert!(matches!(error, Error::TooLarge(_)), "{error}");
        }
        let error = planned(r#"{"max_size": 10}"#, &[Some(1), Some(1000), Some(3)]).unwrap_err();
        assert!(error.to_string().contains("a side of 0 pixels"), "{error}");
    }

    #[test]
    fn types_that_it_does_not_take_are_told() {
        let resize = resize(r#"{"size": 9}"#).unwrap();
        for (dtype, shape) in
            [(DType::Int64, &[4, 4, 3][..]), (DType::Uint8, &[4, 4, 5]), (DType::Uint8, &[3, 4, 4, 4])]
        {
            let error = resize.plan(&TensorType::fixed(dtype, shape)).unwrap_err();
            assert!(matches!(error, Error::UnsupportedType(_)), "{error}");
        }
    }

    #[test]
    fn one_instance_takes_images_of_many_sizes() {
        let mut resize = resize(r#"{"size": 8}"#).unwrap();
        for (height, width) in [(1, 1), (100, 3), (8, 8), (9, 30), (1, 1)] {
            let data = vec![77; height * width * 3];
            let extents = [u32::try_from(height).unwrap(), u32::try_from(width).unwrap(), 3];
            let input = Tensor::new(DType::Uint8, &extents, &data).unwrap();
            let result = testing::apply(&mut resize, input, 0).unwrap();
            assert!(result.iter().all(|value| *value == 77), "a flat image stays flat");
        }
    }
}
