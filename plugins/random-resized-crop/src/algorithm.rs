//! A random part of an image, resized: what photographs are trained on. The resampling itself lives
//! in `zenith-imaging`.
//!
//! How the window is drawn is torchvision's `RandomResizedCrop.make_params` (after Szegedy et al.,
//! "Going deeper with convolutions", 2015): ten attempts at an area and an aspect ratio, then the
//! largest central window whose ratio is allowed. The random numbers are our own.

use serde::Deserialize;
use zenith_imaging::{Interpolation, Layout, Resizer, SizeConfig};
use zenith_plugin_sdk::{Effect, Error, Output, Rng, Tensor, TensorType, Transform, Window};

/// The configuration, by the names and with the defaults of torchvision's `RandomResizedCrop`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    size: SizeConfig,
    #[serde(default = "default_scale")]
    scale: (f64, f64),
    #[serde(default = "default_ratio")]
    ratio: (f64, f64),
    #[serde(default)]
    interpolation: Interpolation,
    #[serde(default = "antialias_by_default")]
    antialias: Option<bool>,
}

fn default_scale() -> (f64, f64) {
    (0.08, 1.0)
}

fn default_ratio() -> (f64, f64) {
    (3.0 / 4.0, 4.0 / 3.0)
}

#[expect(clippy::unnecessary_wraps, reason = "torchvision also takes None, which means false")]
fn antialias_by_default() -> Option<bool> {
    Some(true)
}

/// A window of random area and aspect ratio, resized to a fixed size. It takes images of `uint8` (1
/// to 4 channels) or `float32`; with a `nearest` interpolation, of any type.
#[derive(Clone, Debug)]
pub struct RandomResizedCrop {
    size: (u32, u32),
    draw: Draw,
    reducible: bool,
    resizer: Resizer,
}

/// How windows are drawn.
#[derive(Clone, Copy, Debug)]
struct Draw {
    scale: (f64, f64),
    ratio: (f64, f64),
    log_ratio: (f64, f64),
}

impl Draw {
    const ATTEMPTS: usize = 10;

    fn new(scale: (f64, f64), ratio: (f64, f64)) -> Result<Self, Error> {
        let range = |key, (low, high): (f64, f64), allowed, sound: bool| {
            if sound && low <= high && high.is_finite() {
                return Ok(());
            }
            Err(Error::config(key, format!("must be [low, high] with {allowed}, but is [{low}, {high}]")))
        };
        range(
            "scale",
            scale,
            "0 <= low <= high <= 1, high above 0",
            scale.0 >= 0.0 && scale.1 > 0.0 && scale.1 <= 1.0,
        )?;
        range("ratio", ratio, "0 < low <= high", ratio.0 > 0.0)?;
        // Not the standard library's: its logarithm is the platform's, and differs in the last bit.
        Ok(Self { scale, ratio, log_ratio: (libm::log(ratio.0), libm::log(ratio.1)) })
    }

    fn window(&self, width: u32, height: u32, seed: u64) -> Window {
        let mut rng = Rng::new(seed);
        let area = f64::from(width) * f64::from(height);
        for _ in 0..Self::ATTEMPTS {
            let target = area * rng.uniform(self.scale.0, self.scale.1);
            let ratio = libm::exp(rng.uniform(self.log_ratio.0, self.log_ratio.1));
            let (w, h) = (round((target * ratio).sqrt()), round((target / ratio).sqrt()));
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let y = below(&mut rng, height - h);
                let x = below(&mut rng, width - w);
                return Window { x, y, width: w, height: h };
            }
        }
        let ratio = f64::from(width) / f64::from(height);
        let (w, h) = if ratio < self.ratio.0 {
            (width, round(f64::from(width) / self.ratio.0))
        } else if ratio > self.ratio.1 {
            (round(f64::from(height) * self.ratio.1), height)
        } else {
            (width, height)
        };
        // A side that rounds to nothing keeps one pixel, where torchvision fails.
        let (w, h) = (w.clamp(1, width), h.clamp(1, height));
        Window { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h }
    }
}

/// To the nearest whole number, a half to the even one, as Python's `round`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts hold too large a number at the end of the range, which the caller refuses"
)]
fn round(value: f64) -> u32 {
    value.round_ties_even() as u32
}

/// A whole number from 0 to `last`.
fn below(rng: &mut Rng, last: u32) -> u32 {
    u32::try_from(rng.below(u64::from(last) + 1)).unwrap_or(last)
}

impl Transform for RandomResizedCrop {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        let antialias = config.antialias.unwrap_or(false);
        Ok(Self {
            size: config.size.height_and_width("size")?,
            draw: Draw::new(config.scale, config.ratio)?,
            reducible: config.interpolation.covers_input(antialias),
            resizer: Resizer::new(config.interpolation, antialias),
        })
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        let layout = Layout::of(input)?;
        self.resizer.check(&layout)?;
        let effect = Self::windowed(layout.resized(Some(self.size.0), Some(self.size.1)), true);
        Ok(if self.reducible { Self::reducible(effect) } else { effect })
    }

    fn window(&self, width: u32, height: u32, seed: u64) -> Result<Window, Error> {
        Ok(self.draw.window(width, height, seed))
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let planned = Layout::of(&input.tensor_type())?.resized(Some(self.size.0), Some(self.size.1));
        let length = planned
            .byte_len()
            .ok_or_else(|| Error::TooLarge(format!("an image of type {planned} does not fit in memory")))?;
        output.fill(length, |place| self.resizer.resize(input, self.size, place))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use zenith_plugin_sdk::{DType, parse_config, testing};

    use super::*;

    fn crop(config: &str) -> Result<RandomResizedCrop, Error> {
        RandomResizedCrop::configure(parse_config(config)?)
    }

    #[derive(Deserialize)]
    struct Case {
        height: u32,
        width: u32,
        scale: (f64, f64),
        ratio: (f64, f64),
        features: HashMap<String, Feature>,
    }

    #[derive(Deserialize)]
    struct Feature {
        mean: f64,
        deviation: f64,
        count: usize,
        quantiles: [f64; 5],
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn windows_are_drawn_from_the_distribution_of_torchvision() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../tests/distribution.json")).unwrap();
        for Case { height, width, scale, ratio, features } in cases {
            let draw = Draw::new(scale, ratio).unwrap();
            let mut drawn: HashMap<&str, Vec<f64>> = HashMap::new();
            for seed in 0..20_000_u64 {
                let window = draw.window(width, height, seed * 7919);
                assert!(window.lies_in(width, height));
                let (w, h) = (f64::from(window.width), f64::from(window.height));
                let mut note = |name, value| drawn.entry(name).or_default().push(value);
                note("area", w * h / (f64::from(width) * f64::from(height)));
                note("log_ratio", (w / h).ln());
                if window.width < width {
                    note("x", f64::from(window.x) / f64::from(width - window.width));
                }
                if window.height < height {
                    note("y", f64::from(window.y) / f64::from(height - window.height));
                }
            }
            assert_eq!(drawn.len(), features.len(), "{height}×{width}");
            for (name, expected) in features {
                let values = drawn.get_mut(name.as_str()).unwrap();
                let note = format!("{name} of {height}×{width}, {scale:?}, {ratio:?}");
                // Five standard errors of the difference of two means.
                let error =
                    expected.deviation * (1.0 / expected.count as f64 + 1.0 / values.len() as f64).sqrt();
                let difference = (mean(values) - expected.mean).abs();
                assert!(difference <= 5.0 * error + 1e-9, "{note}: mean off by {difference}");
                values.sort_by(f64::total_cmp);
                for (level, quantile) in [0.05, 0.25, 0.5, 0.75, 0.95].into_iter().zip(expected.quantiles) {
                    // As many values below as torchvision has, give or take: ties make it a range.
                    let below = values.partition_point(|value| *value < quantile - 1e-9) as f64;
                    let up_to = values.partition_point(|value| *value <= quantile + 1e-9) as f64;
                    let (count, slack) = (values.len() as f64, 0.02);
                    assert!(
                        below / count <= level + slack && up_to / count >= level - slack,
                        "{note}: quantile {level} is {quantile} there, but {} to {} here",
                        below / count,
                        up_to / count
                    );
                }
            }
        }
    }

    #[test]
    fn windows_lie_inside_images_of_any_size() {
        let draws = [
            Draw::new((0.08, 1.0), (0.75, 4.0 / 3.0)).unwrap(),
            Draw::new((1.0, 1.0), (1.0, 1.0)).unwrap(),
            Draw::new((1e-9, 1e-9), (1e-300, 1e300)).unwrap(),
            Draw::new((0.5, 1.0), (50.0, 60.0)).unwrap(),
        ];
        for draw in draws {
            for (width, height) in
                [(1, 1), (1, 5000), (5000, 1), (2, 3), (224, 224), (u32::MAX, 1), (u32::MAX, u32::MAX)]
            {
                for seed in 0..50 {
                    assert!(draw.window(width, height, seed).lies_in(width, height), "{width}×{height}");
                }
            }
        }
    }

    #[test]
    fn a_ratio_that_never_fits_gives_the_largest_central_window() {
        let draw = Draw::new((0.9, 1.0), (0.75, 4.0 / 3.0)).unwrap();
        assert_eq!(draw.window(40, 1000, 1), Window { x: 0, y: 473, width: 40, height: 53 });
        assert_eq!(draw.window(1000, 40, 1), Window { x: 473, y: 0, width: 53, height: 40 });
    }

    #[test]
    fn the_same_seed_gives_the_same_window_for_ever() {
        // Epochs are repeated from seeds: a different window here changes every user's training.
        let draw = Draw::new(default_scale(), default_ratio()).unwrap();
        let windows = [0, 1, 1 << 52].map(|seed| draw.window(500, 375, seed).to_string());
        assert_eq!(windows, ["160×122+111+27", "360×313+62+61", "201×225+249+75"]);
    }

    #[test]
    fn the_output_is_fixed_whatever_the_input() {
        let crop = crop(r#"{"size": [8, 9]}"#).unwrap();
        let input = TensorType { dtype: DType::Uint8, shape: [None, None, Some(3)].into_iter().collect() };
        let effect = crop.plan(&input).unwrap();
        assert_eq!(effect.output.to_string(), "uint8[8, 9, 3]");
        assert!(effect.seeded && effect.windowed && effect.reducible && !effect.crop_only);
    }

    #[test]
    fn what_skips_pixels_does_not_take_a_reduced_input() {
        let input = TensorType::fixed(DType::Uint8, &[9, 9, 3]);
        for config in
            [r#"{"size": 8, "antialias": false}"#, r#"{"size": 8, "interpolation": "nearest-exact"}"#]
        {
            assert!(!crop(config).unwrap().plan(&input).unwrap().reducible, "{config}");
        }
    }

    #[test]
    fn the_window_is_resized_whatever_its_size() {
        let mut crop = crop(r#"{"size": 4}"#).unwrap();
        for side in [1, 3, 4, 50] {
            let data = vec![200; side * side * 3];
            let extents = [u32::try_from(side).unwrap(), u32::try_from(side).unwrap(), 3];
            let input = Tensor::new(DType::Uint8, &extents, &data).unwrap();
            assert_eq!(testing::apply(&mut crop, input, 5).unwrap(), vec![200; 4 * 4 * 3]);
        }
    }

    #[test]
    fn wrong_configurations_name_the_key_and_the_range() {
        for (config, expected) in [
            ("{}", "its configuration is wrong: missing field `size`"),
            (r#"{"size": 0}"#, "`size` must be between 1 and 65535 pixels, but is 0"),
            (
                r#"{"size": 8, "scale": [0.5, 2]}"#,
                "`scale` must be [low, high] with 0 <= low <= high <= 1, high above 0, but is [0.5, 2]",
            ),
            (
                r#"{"size": 8, "scale": [0.5, 0.4]}"#,
                "`scale` must be [low, high] with 0 <= low <= high <= 1, high above 0, but is [0.5, 0.4]",
            ),
            (
                r#"{"size": 8, "ratio": [-1, 4]}"#,
                "`ratio` must be [low, high] with 0 < low <= high, but is [-1, 4]",
            ),
            (
                r#"{"size": 8, "scales": 1}"#,
                "`scales` is wrong: unknown field `scales`, expected one of `size`, `scale`, `ratio`, `interpolation`, `antialias`",
            ),
        ] {
            assert_eq!(crop(config).unwrap_err().to_string(), expected);
        }
        assert!(crop(r#"{"size": 8, "scale": [0.1]}"#).unwrap_err().to_string().starts_with("`scale"));
    }
}
