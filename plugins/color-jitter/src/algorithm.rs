//! What is changed by how much, and in which order, as torchvision's v2 `ColorJitter` draws it.

use serde::Deserialize;
use zenith_plugin_sdk::{DType, Effect, Error, Output, Rng, Tensor, TensorType, Transform};

use crate::{adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation};

/// The configuration of [`ColorJitter`]. What is absent or `null` is left as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How far the brightness may go from 1, or the least and the greatest factor.
    pub brightness: Option<Amount>,
    /// How far the contrast may go from 1, or the least and the greatest factor.
    pub contrast: Option<Amount>,
    /// How far the saturation may go from 1, or the least and the greatest factor.
    pub saturation: Option<Amount>,
    /// How far the hue may turn either way, or the least and the greatest turn: parts of the full
    /// circle, from -0.5 to 0.5.
    pub hue: Option<Amount>,
}

/// How much to change something.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged, expecting = "must be a number, or a list of two numbers, the least and the greatest")]
pub enum Amount {
    /// This much either way of no change, but no factor is below 0.
    Around(f64),
    /// From the first to the second.
    Between(f64, f64),
}

/// Changes brightness, contrast, saturation and hue of `uint8[height, width, 1 or 3]` by factors
/// drawn evenly from their ranges, in an order that is drawn too. Saturation and hue of a greyscale
/// image stay as they are.
#[derive(Debug)]
pub struct ColorJitter {
    /// Least and greatest, by [`Property`]; `None` where there is nothing to change.
    ranges: [Option<(f64, f64)>; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

impl Property {
    const ALL: [Self; 4] = [Self::Brightness, Self::Contrast, Self::Saturation, Self::Hue];

    const fn key(self) -> &'static str {
        match self {
            Self::Brightness => "brightness",
            Self::Contrast => "contrast",
            Self::Saturation => "saturation",
            Self::Hue => "hue",
        }
    }

    /// The value that changes nothing, and the least and greatest that are allowed.
    const fn bounds(self) -> (f64, f64, f64) {
        match self {
            Self::Hue => (0.0, -0.5, 0.5),
            _ => (1.0, 0.0, f64::MAX),
        }
    }

    /// The range that a configured amount stands for; `None` where it holds no change only.
    fn range(self, amount: Amount) -> Result<Option<(f64, f64)>, Error> {
        let (neutral, least, greatest) = self.bounds();
        let (low, high) = match amount {
            Amount::Around(reach) if self == Self::Hue && !(0.0..=0.5).contains(&reach) => {
                let reason = format!("must be between 0 and 0.5, but is {reach}");
                return Err(Error::config(self.key(), reason));
            }
            Amount::Around(reach) if reach < 0.0 => {
                return Err(Error::config(self.key(), format!("must not be negative, but is {reach}")));
            }
            Amount::Around(reach) => ((neutral - reach).max(least), neutral + reach),
            Amount::Between(low, high) => (low, high),
        };
        if low > high {
            let reason = format!("must have the least number first, but is [{low}, {high}]");
            return Err(Error::config(self.key(), reason));
        }
        if low < least || high > greatest {
            let reason = match self {
                Self::Hue => format!("must lie between -0.5 and 0.5, but is [{low}, {high}]"),
                _ => format!("must not be negative, but is [{low}, {high}]"),
            };
            return Err(Error::config(self.key(), reason));
        }
        Ok(((low, high) != (neutral, neutral)).then_some((low, high)))
    }
}

impl ColorJitter {
    /// What a seed means: the properties to change, in their order, each with its factor or turn.
    ///
    /// All four numbers are drawn whether they are used or not, so that configuring one property
    /// does not change what is drawn for another.
    fn draw(&self, seed: u64) -> impl Iterator<Item = (Property, f64)> + use<> {
        let mut random = Rng::new(seed);
        let factors = self.ranges.map(|range| {
            let unit = random.unit();
            range.map(|(low, high)| low + (high - low) * unit)
        });
        let mut order = Property::ALL;
        // Fisher and Yates's shuffle.
        for last in (1..order.len()).rev() {
            let other = usize::try_from(random.below(last as u64 + 1)).unwrap_or(0);
            order.swap(last, other);
        }
        order
            .into_iter()
            .filter_map(move |property| factors[property as usize].map(|factor| (property, factor)))
    }
}

impl Transform for ColorJitter {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        let amounts = [config.brightness, config.contrast, config.saturation, config.hue];
        let mut ranges = [None; 4];
        for ((property, amount), range) in Property::ALL.into_iter().zip(amounts).zip(&mut ranges) {
            *range = amount.map(|amount| property.range(amount)).transpose()?.flatten();
        }
        Ok(Self { ranges })
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        match (input.dtype, input.shape.as_slice()) {
            (DType::Uint8, [_, _, None | Some(1 | 3)]) if self.ranges == [None; 4] => {
                Ok(Self::pure(input.clone()))
            }
            (DType::Uint8, [_, _, None | Some(1 | 3)]) => Ok(Self::seeded(input.clone())),
            _ => Err(Error::UnsupportedType(format!(
                "it takes uint8[height, width, channels] with 1 or 3 channels, not {input}"
            ))),
        }
    }

    fn apply(&mut self, input: Tensor<'_>, seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let channels = input.extents().last().map_or(0, |channels| *channels as usize);
        output.fill(input.data().len(), |image| {
            image.copy_from_slice(input.data());
            for (property, factor) in self.draw(seed) {
                match (property, channels) {
                    (Property::Brightness, _) => adjust_brightness(image, factor),
                    (Property::Contrast, _) => adjust_contrast(image, channels, factor),
                    (Property::Saturation, 3) => adjust_saturation(image, factor),
                    (Property::Hue, 3) => adjust_hue(image, factor),
                    (Property::Saturation | Property::Hue, _) => {}
                }
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers are small")]

    use std::collections::HashSet;

    use zenith_plugin_sdk::{parse_config, testing::apply};

    use super::*;

    fn configure(config: &str) -> Result<ColorJitter, Error> {
        ColorJitter::configure(parse_config(config)?)
    }

    const ALL: &str = r#"{"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}"#;

    #[test]
    fn amounts_mean_what_they_mean_in_torchvision() {
        let ranges = |config| configure(config).unwrap().ranges;
        assert_eq!(ranges("{}"), [None; 4]);
        assert_eq!(
            ranges(r#"{"brightness": 0.5, "contrast": 2, "saturation": [0.5, 3], "hue": 0.25}"#),
            [Some((0.5, 1.5)), Some((0.0, 3.0)), Some((0.5, 3.0)), Some((-0.25, 0.25))]
        );
        assert_eq!(
            ranges(r#"{"brightness": 0, "contrast": null, "saturation": [1, 1], "hue": [0, 0]}"#),
            [None; 4]
        );
        assert_eq!(ranges(r#"{"hue": [-0.5, 0.5]}"#)[3], Some((-0.5, 0.5)));
    }

    #[test]
    fn draws_fill_their_ranges_and_every_order_comes() {
        let jitter = configure(ALL).unwrap();
        let mut orders = HashSet::new();
        let (mut least, mut greatest) = ([f64::MAX; 4], [f64::MIN; 4]);
        for seed in 0..2000 {
            let draw: Vec<_> = jitter.draw(seed).collect();
            orders.insert(draw.iter().map(|(property, _)| *property as usize).collect::<Vec<_>>());
            for (property, factor) in draw {
                let index = property as usize;
                least[index] = least[index].min(factor);
                greatest[index] = greatest[index].max(factor);
            }
        }
        assert_eq!(orders.len(), 24);
        for (index, (low, high)) in [(0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1)].into_iter().enumerate()
        {
            let margin = (high - low) / 100.0;
            assert!(least[index] >= low && least[index] < low + margin);
            assert!(greatest[index] < high && greatest[index] > high - margin);
        }
    }

    #[test]
    fn one_property_does_not_change_what_another_draws() {
        let alone = configure(r#"{"hue": 0.1}"#).unwrap();
        let among = configure(ALL).unwrap();
        for seed in 0..100 {
            let hue = among.draw(seed).find(|(property, _)| *property == Property::Hue);
            assert_eq!(alone.draw(seed).next(), hue);
        }
    }

    #[test]
    fn the_result_is_a_function_of_image_and_seed() {
        let data: Vec<u8> = (0..300).map(|index| (index * 31 % 256) as u8).collect();
        let input = Tensor::new(DType::Uint8, &[10, 10, 3], &data).unwrap();
        let mut jitter = configure(ALL).unwrap();
        let first = apply(&mut jitter, input, 1).unwrap();
        assert_ne!(first, apply(&mut jitter, input, 2).unwrap());
        assert_eq!(first, apply(&mut jitter, input, 1).unwrap());
    }

    #[test]
    fn a_grey_image_has_neither_saturation_nor_hue() {
        let data: Vec<u8> = (0..100).collect();
        let input = Tensor::new(DType::Uint8, &[10, 10, 1], &data).unwrap();
        let mut jitter = configure(r#"{"saturation": [2, 3], "hue": [0.2, 0.3]}"#).unwrap();
        assert_eq!(apply(&mut jitter, input, 1).unwrap(), data);
    }

    #[test]
    fn types_are_planned_or_refused() {
        let image = |channels| TensorType {
            dtype: DType::Uint8,
            shape: [None, None, channels].into_iter().collect(),
        };
        assert!(configure(ALL).unwrap().plan(&image(Some(3))).unwrap().seeded);
        assert!(configure(ALL).unwrap().plan(&image(None)).unwrap().seeded);
        assert!(!configure("{}").unwrap().plan(&image(Some(1))).unwrap().seeded);
        for wrong in [image(Some(4)), TensorType::fixed(DType::Float32, &[3, 4, 4])] {
            assert_eq!(
                configure(ALL).unwrap().plan(&wrong).unwrap_err().to_string(),
                format!("it takes uint8[height, width, channels] with 1 or 3 channels, not {wrong}")
            );
        }
    }

    #[test]
    fn hostile_configurations_are_told_apart() {
        let shape = "is wrong: must be a number, or a list of two numbers, the least and the greatest";
        for (config, expected) in [
            (r#"{"brightness": -1}"#, "`brightness` must not be negative, but is -1".to_owned()),
            (r#"{"contrast": [-1, 1]}"#, "`contrast` must not be negative, but is [-1, 1]".to_owned()),
            (
                r#"{"saturation": [2, 1]}"#,
                "`saturation` must have the least number first, but is [2, 1]".to_owned(),
            ),
            (r#"{"hue": 0.6}"#, "`hue` must be between 0 and 0.5, but is 0.6".to_owned()),
            (r#"{"hue": [-0.6, 0]}"#, "`hue` must lie between -0.5 and 0.5, but is [-0.6, 0]".to_owned()),
            (r#"{"brightness": "much"}"#, format!("`brightness` {shape}")),
            (r#"{"brightness": [1, 2, 3]}"#, format!("`brightness` {shape}")),
            (
                r#"{"gamma": 1}"#,
                "`gamma` is wrong: unknown field `gamma`, expected one of `brightness`, `contrast`, \
                 `saturation`, `hue`"
                    .to_owned(),
            ),
        ] {
            assert_eq!(configure(config).unwrap_err().to_string(), expected, "{config}");
        }
    }
}
