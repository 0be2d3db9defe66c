//! `(x - mean) / std` for each channel, as torchvision's v2 `Normalize` does it, in one pass with
//! the conversion from bytes.

use serde::Deserialize;
use zenith_planar::{Layout, pixels_to_pixels, pixels_to_planes, planes_to_planes};
use zenith_plugin_sdk::{DType, Effect, Error, Output, Tensor, TensorType, Transform};

/// The configuration of [`Normalize`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is subtracted, in units of the scaled image (0 to 1).
    pub mean: Numbers,
    /// What the difference is divided by; not 0.
    pub std: Numbers,
    /// The order of the output's extents, and of a `float32` input's.
    #[serde(default)]
    pub layout: Layout,
}

/// A number for every channel, or one for all.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "must be a number, or a list with a number for each channel")]
pub enum Numbers {
    /// One for all channels.
    One(f64),
    /// One for each channel; a list of one is for all.
    Each(Vec<f64>),
}

/// Normalises images to `float32`.
///
/// A `uint8` image is always `[height, width, channels]`, as decoders give it: its values are first
/// multiplied by 1/255, as v2's `ToDtype(float32, scale=True)` does, and its channels come first in
/// the output unless `layout` is `hwc`. A `float32` image is taken to be in `layout` already, as
/// `zenith:to-float` gives it, and stays in it. Nothing is guessed from extents.
///
/// Every step is rounded to binary32 in torchvision's order, so the results are those of
/// torchvision bit by bit.
#[derive(Debug)]
pub struct Normalize {
    mean: Vec<f32>,
    std: Vec<f32>,
    layout: Layout,
}

impl Normalize {
    /// How many channels the lists are for, where they say.
    fn channels(&self) -> Option<usize> {
        [self.mean.len(), self.std.len()].into_iter().find(|length| *length != 1)
    }

    /// Mean and deviation of a channel.
    fn of(&self, channel: usize) -> (f32, f32) {
        let pick = |numbers: &[f32]| numbers[channel.min(numbers.len() - 1)];
        (pick(&self.mean), pick(&self.std))
    }
}

impl Transform for Normalize {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        let mean = config.mean.checked("mean", |_| None)?;
        let std = config.std.checked("std", |deviation| {
            (deviation == 0.0).then_some("must not be 0, because values are divided by it")
        })?;
        if mean.len() != 1 && std.len() != 1 && mean.len() != std.len() {
            let reason = format!(
                "must have as many numbers as `mean`, {}, or one for all channels, but has {}",
                mean.len(),
                std.len()
            );
            return Err(Error::config("std", reason));
        }
        Ok(Self { mean, std, layout: config.layout })
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        let (output, axis) = match input.dtype {
            DType::Uint8 => (self.layout.of_decoded(input, DType::Float32), Layout::Hwc.channel_axis()),
            DType::Float32 if input.shape.len() == 3 => (Some(input.clone()), self.layout.channel_axis()),
            _ => (None, 0),
        };
        let Some(output) = output else {
            return Err(Error::UnsupportedType(format!(
                "it takes uint8[height, width, channels] or float32{}, not {input}",
                self.layout.describe()
            )));
        };
        match (input.shape[axis], self.channels()) {
            (Some(channels), Some(expected)) if channels as usize != expected => {
                Err(Error::UnsupportedType(format!(
                    "`mean` and `std` are for {expected} channels, but {input} has {channels}{}",
                    match input.dtype {
                        DType::Uint8 => String::new(),
                        _ => format!(", because `layout` takes it as {}", self.layout.describe()),
                    }
                )))
            }
            _ => Ok(Self::pure(output)),
        }
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let axis = if input.dtype() == DType::Uint8 { Layout::Hwc } else { self.layout }.channel_axis();
        let channels = input.extents().get(axis).map_or(0, |channels| *channels as usize);
        if input.dtype() == DType::Uint8 {
            let map = |channel| {
                let (mean, std) = self.of(channel);
                move |value: u8| ((f32::from(value) * (1.0 / 255.0) - mean) / std).to_le_bytes()
            };
            output.fill(input.data().len() * 4, |place| match self.layout {
                Layout::Chw => pixels_to_planes(input.data(), channels, place, map),
                Layout::Hwc => pixels_to_pixels(input.data(), channels, place, map),
            });
        } else {
            let map = |channel| {
                let (mean, std) = self.of(channel);
                move |value: [u8; 4]| ((f32::from_le_bytes(value) - mean) / std).to_le_bytes()
            };
            let elements = input.data().as_chunks::<4>().0;
            output.fill(input.data().len(), |place| match self.layout {
                Layout::Chw => planes_to_planes(elements, channels, place, map),
                Layout::Hwc => pixels_to_pixels(elements, channels, place, map),
            });
        }
        Ok(())
    }
}

impl Numbers {
    /// The numbers in binary32, each checked to be finite there and to pass `refuse`.
    fn checked(self, key: &str, refuse: impl Fn(f32) -> Option<&'static str>) -> Result<Vec<f32>, Error> {
        let numbers = match self {
            Self::One(number) => vec![number],
            Self::Each(numbers) => numbers,
        };
        if numbers.is_empty() {
            return Err(Error::config(key, "must have a number for each channel, but is empty"));
        }
        numbers
            .into_iter()
            .map(|number| {
                #[expect(clippy::cast_possible_truncation, reason = "torchvision rounds to binary32 too")]
                let narrow = number as f32;
                if !narrow.is_finite() {
                    return Err(Error::config(
                        key,
                        format!("must be finite in binary32, but {number} is not"),
                    ));
                }
                refuse(narrow).map_or(Ok(narrow), |reason| Err(Error::config(key, reason)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, reason = "the numbers are small")]

    use zenith_plugin_sdk::{parse_config, testing::apply};

    use super::*;

    fn configure(config: &str) -> Result<Normalize, Error> {
        Normalize::configure(parse_config(config)?)
    }

    fn floats(bytes: &[u8]) -> Vec<f32> {
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    fn of_bytes(config: &str, extents: &[u32], data: &[u8]) -> Vec<f32> {
        let input = Tensor::new(DType::Uint8, extents, data).unwrap();
        floats(&apply(&mut configure(config).unwrap(), input, 0).unwrap())
    }

    fn of_floats(config: &str, extents: &[u32], data: &[f32]) -> Vec<f32> {
        let data: Vec<u8> = data.iter().flat_map(|value| value.to_le_bytes()).collect();
        let input = Tensor::new(DType::Float32, extents, &data).unwrap();
        floats(&apply(&mut configure(config).unwrap(), input, 0).unwrap())
    }

    #[test]
    fn bytes_are_scaled_normalised_and_put_into_planes() {
        let config = r#"{"mean": [0, 0.5, 1], "std": [1, 0.5, 2]}"#;
        let data = [0, 0, 0, 255, 255, 255];
        assert_eq!(of_bytes(config, &[1, 2, 3], &data), [0., 1., -1., 1., -0.5, 0.]);
    }

    #[test]
    fn pixels_stay_pixels_where_the_layout_says_so() {
        let config = r#"{"mean": [0, 0.5, 1], "std": [1, 0.5, 2], "layout": "hwc"}"#;
        let data = [0, 0, 0, 255, 255, 255];
        assert_eq!(of_bytes(config, &[1, 2, 3], &data), [0., -1., -0.5, 1., 1., 0.]);
        assert_eq!(of_floats(config, &[1, 1, 3], &[1., 1., 1.]), [1., 1., 0.]);
    }

    #[test]
    fn a_float_image_is_taken_in_the_layout_whatever_its_extents() {
        let config = r#"{"mean": [0, 1, 2], "std": 1}"#;
        let ones = [1.; 9];
        assert_eq!(of_floats(config, &[3, 1, 3], &ones), [1., 1., 1., 0., 0., 0., -1., -1., -1.]);
        let config = r#"{"mean": [0, 1, 2], "std": [1], "layout": "hwc"}"#;
        assert_eq!(of_floats(config, &[3, 1, 3], &ones), [1., 0., -1., 1., 0., -1., 1., 0., -1.]);
    }

    #[test]
    fn one_number_serves_any_number_of_channels() {
        for channels in 1..6 {
            let data = vec![255; channels];
            let result = of_bytes(r#"{"mean": 0.5, "std": 0.25}"#, &[1, 1, channels as u32], &data);
            assert_eq!(result, vec![2.0; channels]);
        }
    }

    #[test]
    fn normalising_floats_after_to_float_is_normalising_bytes() {
        let config = r#"{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}"#;
        let bytes: Vec<u8> = (0..=255).flat_map(|value| [value; 3]).collect();
        let scaled: Vec<f32> =
            (0..3).flat_map(|_| (0..=255u8).map(|value| f32::from(value) * (1.0 / 255.0))).collect();
        assert_eq!(of_bytes(config, &[16, 16, 3], &bytes), of_floats(config, &[3, 16, 16], &scaled));
    }

    #[test]
    fn types_are_planned_or_refused() {
        let plan = |config: &str, dtype, shape: &[Option<u32>]| {
            let input = TensorType { dtype, shape: shape.iter().copied().collect() };
            let answer = configure(config).unwrap().plan(&input);
            answer.map(|effect| effect.output.to_string()).map_err(|error| error.to_string())
        };
        let rgb = r#"{"mean": [0, 0, 0], "std": [1, 1, 1]}"#;
        assert_eq!(plan(rgb, DType::Uint8, &[None, Some(5), Some(3)]), Ok("float32[3, ?, 5]".into()));
        assert_eq!(plan(rgb, DType::Uint8, &[None, None, None]), Ok("float32[?, ?, ?]".into()));
        assert_eq!(plan(rgb, DType::Float32, &[Some(3), None, None]), Ok("float32[3, ?, ?]".into()));
        assert_eq!(
            plan(rgb, DType::Uint8, &[None, None, Some(1)]),
            Err("`mean` and `std` are for 3 channels, but uint8[?, ?, 1] has 1".into())
        );
        assert_eq!(
            plan(rgb, DType::Float32, &[Some(8), Some(8), Some(3)]),
            Err(
                "`mean` and `std` are for 3 channels, but float32[8, 8, 3] has 8, because `layout` takes it \
                 as [channels, height, width]"
                    .into()
            )
        );
        for (dtype, shape) in [
            (DType::Float16, &[Some(3), None, None][..]),
            (DType::Uint8, &[None]),
            (DType::Float32, &[None; 4]),
        ] {
            let refused = plan(rgb, dtype, shape).unwrap_err();
            assert!(
                refused.starts_with(
                    "it takes uint8[height, width, channels] or float32[channels, height, width], not "
                ),
                "{refused}"
            );
        }
    }

    #[test]
    fn empty_images_stay_empty() {
        for extents in [[0, 5, 3], [5, 0, 3]] {
            assert!(of_bytes(r#"{"mean": 0, "std": 1}"#, &extents, &[]).is_empty());
            assert!(of_floats(r#"{"mean": 0, "std": 1}"#, &extents, &[]).is_empty());
        }
    }

    #[test]
    fn hostile_configurations_are_told_apart() {
        for (config, expected) in [
            (r#"{"mean": 0}"#, "its configuration is wrong: missing field `std`"),
            (
                r#"{"mean": "a", "std": 1}"#,
                "`mean` is wrong: must be a number, or a list with a number for each channel",
            ),
            (
                r#"{"mean": [[0]], "std": 1}"#,
                "`mean` is wrong: must be a number, or a list with a number for each channel",
            ),
            (r#"{"mean": [], "std": 1}"#, "`mean` must have a number for each channel, but is empty"),
            (r#"{"mean": 0, "std": 0}"#, "`std` must not be 0, because values are divided by it"),
            (r#"{"mean": 0, "std": [1, 1e-60, 1]}"#, "`std` must not be 0, because values are divided by it"),
            (
                r#"{"mean": 1e39, "std": 1}"#,
                "`mean` must be finite in binary32, but 1000000000000000000000000000000000000000 is not",
            ),
            (
                r#"{"mean": [0, 0, 0], "std": [1, 1]}"#,
                "`std` must have as many numbers as `mean`, 3, or one for all channels, but has 2",
            ),
            (
                r#"{"mean": 0, "std": 1, "inplace": true}"#,
                "`inplace` is wrong: unknown field `inplace`, expected one of `mean`, `std`, `layout`",
            ),
        ] {
            assert_eq!(configure(config).unwrap_err().to_string(), expected, "{config}");
        }
    }
}
