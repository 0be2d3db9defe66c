//! A random part of an image, of a given size, as torchvision's `RandomCrop` takes it.

use serde::Deserialize;
use zenith_imaging::{Image, Layout, SizeConfig, cut};
use zenith_plugin_sdk::{Effect, Error, Output, Rng, Tensor, TensorType, Transform, Window};

/// The configuration, by the names and with the defaults of torchvision's `RandomCrop`. What is
/// padded is zero.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    size: SizeConfig,
    padding: Option<Padding>,
    #[serde(default)]
    pad_if_needed: bool,
}

/// Pixels added around an image.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "must be a number of pixels, [left and right, top and bottom] or [left, top, right, bottom]"
)]
enum Padding {
    All(u16),
    Two([u16; 2]),
    Four([u16; 4]),
}

/// `height` × `width` pixels from a random place of an image of any element type.
///
/// Without padding the window is the whole result, and an image that is smaller is refused. With
/// padding the whole image is read, because its size decides where the zeros begin.
#[derive(Clone, Debug)]
pub struct RandomCrop {
    height: u32,
    width: u32,
    padding: Option<Margins>,
    pad_if_needed: bool,
}

/// Pixels added on each side.
#[derive(Clone, Copy, Debug, Default)]
struct Margins {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl From<Padding> for Margins {
    fn from(padding: Padding) -> Self {
        let [left, top, right, bottom] = match padding {
            Padding::All(all) => [all; 4],
            Padding::Two([across, down]) => [across, down, across, down],
            Padding::Four(four) => four,
        }
        .map(u32::from);
        Self { left, top, right, bottom }
    }
}

impl RandomCrop {
    fn pads(&self) -> bool {
        self.padding.is_some() || self.pad_if_needed
    }

    /// Row and column of the image at which the crop begins; below zero where it is padded.
    fn corner(&self, height: u32, width: u32, seed: u64) -> Result<(i64, i64), Error> {
        let mut rng = Rng::new(seed);
        let margins = self.padding.unwrap_or_default();
        let mut along = |image: u32, before: u32, after: u32, crop: u32| {
            let (image, mut before, after, crop) =
                (i64::from(image), i64::from(before), i64::from(after), i64::from(crop));
            let mut room = image + before + after - crop;
            if self.pad_if_needed && room < 0 {
                // torchvision adds all that is missing on both sides.
                before -= room;
                room = -room;
            }
            let drawn = u64::try_from(room).ok().map(|room| rng.below(room + 1));
            drawn.and_then(|drawn| i64::try_from(drawn).ok()).map(|drawn| drawn - before)
        };
        let top = along(height, margins.top, margins.bottom, self.height);
        let left = along(width, margins.left, margins.right, self.width);
        top.zip(left).ok_or_else(|| {
            let padded = if self.padding.is_some() { ", padding included" } else { "" };
            Error::UnsupportedData(format!(
                "an image of {height}×{width} pixels is smaller than the crop of {}×{}{padded}; `pad_if_needed` would pad it",
                self.height, self.width
            ))
        })
    }
}

impl Transform for RandomCrop {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        let (height, width) = config.size.height_and_width("size")?;
        let padding = config.padding.map(Margins::from);
        Ok(Self { height, width, padding, pad_if_needed: config.pad_if_needed })
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        let layout = Layout::of(input)?;
        let output = layout.resized(Some(self.height), Some(self.width));
        Ok(if self.pads() { Self::seeded(output) } else { Self::crop(output, true) })
    }

    fn window(&self, width: u32, height: u32, seed: u64) -> Result<Window, Error> {
        if self.pads() {
            return Ok(Window::full(width, height));
        }
        let (top, left) = self.corner(height, width, seed)?;
        let place = |start: i64| u32::try_from(start).unwrap_or(0);
        Ok(Window { x: place(left), y: place(top), width: self.width, height: self.height })
    }

    fn apply(&mut self, input: Tensor<'_>, seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let (image, layout) = Image::of(input)?;
        let planned = layout.resized(Some(self.height), Some(self.width));
        let too_large = || Error::TooLarge(format!("an image of type {planned} does not fit in memory"));
        let length = planned.byte_len().ok_or_else(too_large)?;
        let (height, width) = layout.size().ok_or_else(too_large)?;
        let corner = self.corner(height, width, seed)?;
        let size =
            usize::try_from(self.height).ok().zip(usize::try_from(self.width).ok()).ok_or_else(too_large)?;
        output.fill(length, |place| cut(image, corner, size, place));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use zenith_plugin_sdk::{DType, parse_config, testing};

    use super::*;

    fn crop(config: &str) -> Result<RandomCrop, Error> {
        RandomCrop::configure(parse_config(config)?)
    }

    #[test]
    fn every_place_is_drawn_about_as_often() {
        let crop = crop(r#"{"size": [3, 2]}"#).unwrap();
        let mut counts = [[0; 4]; 3];
        for seed in 0..12_000 {
            let window = crop.window(5, 5, seed).unwrap();
            assert!(window.lies_in(5, 5));
            counts[window.y as usize][window.x as usize] += 1;
        }
        // A thousand each; five standard deviations are 150.
        assert!(counts.as_flattened().iter().all(|count| (850..=1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn without_padding_the_window_is_the_result_and_a_small_image_is_refused() {
        let crop = crop(r#"{"size": 4}"#).unwrap();
        let effect = crop.plan(&TensorType::fixed(DType::Uint8, &[9, 9, 3])).unwrap();
        assert!(effect.crop_only && effect.seeded);
        assert_eq!(crop.window(4, 4, 3).unwrap(), Window::full(4, 4));
        let error = crop.window(9, 3, 3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "an image of 3×9 pixels is smaller than the crop of 4×4; `pad_if_needed` would pad it"
        );
    }

    #[test]
    fn padding_lets_the_crop_reach_beyond_the_image() {
        let mut crop = crop(r#"{"size": 2, "padding": 1}"#).unwrap();
        let effect = crop.plan(&TensorType::fixed(DType::Uint8, &[2, 2])).unwrap();
        assert!(effect.seeded && !effect.windowed && !effect.crop_only);
        let input = Tensor::new(DType::Uint8, &[2, 2], &[1, 2, 3, 4]).unwrap();
        let results: HashSet<Vec<u8>> =
            (0..500).map(|seed| testing::apply(&mut crop, input, seed).unwrap()).collect();
        assert_eq!(results.len(), 9, "three places across times three down");
        assert!(results.contains(&vec![1, 2, 3, 4]) && results.contains(&vec![0, 0, 0, 1]));
    }

    #[test]
    fn padding_if_needed_keeps_the_image_inside_the_crop_or_cut_at_its_edge() {
        let mut crop = crop(r#"{"size": [1, 3], "pad_if_needed": true}"#).unwrap();
        let input = Tensor::new(DType::Uint8, &[1, 2], &[1, 2]).unwrap();
        let results: HashSet<Vec<u8>> =
            (0..100).map(|seed| testing::apply(&mut crop, input, seed).unwrap()).collect();
        // One pixel is missing; torchvision adds it on both sides, and draws one of two places.
        assert_eq!(results, HashSet::from([vec![0, 1, 2], vec![1, 2, 0]]));
    }

    #[test]
    fn padding_is_told_in_one_two_or_four_numbers() {
        for (padding, expected) in
            [("3", [3, 3, 3, 3]), ("[1, 2]", [1, 2, 1, 2]), ("[1, 2, 3, 4]", [1, 2, 3, 4])]
        {
            let crop = crop(&format!(r#"{{"size": 2, "padding": {padding}}}"#)).unwrap();
            let margins = crop.padding.unwrap();
            assert_eq!([margins.left, margins.top, margins.right, margins.bottom], expected);
        }
    }

    #[test]
    fn wrong_configurations_name_the_key_and_the_range() {
        for (config, expected) in [
            (r#"{"size": 99999}"#, "`size` must be between 1 and 65535 pixels, but is 99999"),
            (
                r#"{"size": 4, "padding": -1}"#,
                "`padding` is wrong: must be a number of pixels, [left and right, top and bottom] or [left, top, right, bottom]",
            ),
            (
                r#"{"size": 4, "padding": [1, 2, 3]}"#,
                "`padding` is wrong: must be a number of pixels, [left and right, top and bottom] or [left, top, right, bottom]",
            ),
        ] {
            assert_eq!(crop(config).unwrap_err().to_string(), expected);
        }
    }
}
