//! Cropping the middle, as torchvision's `center_crop` does.

use serde::Deserialize;
use zenith_imaging::{Image, Layout, SizeConfig, cut};
use zenith_plugin_sdk::{Effect, Error, Output, Tensor, TensorType, Transform, Window};

/// The configuration, by the names of torchvision's `CenterCrop`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    size: SizeConfig,
}

/// The middle `height` × `width` pixels of an image of any element type.
///
/// An image that is smaller in one or both directions is padded with zeros, evenly, the odd pixel
/// to the right or below. So the output's size never depends on the image. Where the image is known
/// to be large enough, its window is the whole result, and the host need not call `apply`.
#[derive(Clone, Debug)]
pub struct CenterCrop {
    height: u32,
    width: u32,
}

/// Where a crop begins along one axis: below zero, where the image is smaller.
fn origin(image: u32, crop: u32) -> i64 {
    let (image, crop) = (i64::from(image), i64::from(crop));
    if image < crop {
        return -((crop - image) / 2);
    }
    // Python's round() takes a half to the even neighbour.
    let half = (image - crop) / 2;
    half + (image - crop) % 2 * (half % 2)
}

/// The part of the image inside a crop, along one axis: where it begins and how long it is.
fn inside(image: u32, crop: u32) -> (u32, u32) {
    (u32::try_from(origin(image, crop)).unwrap_or(0), image.min(crop))
}

impl Transform for CenterCrop {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        let (height, width) = config.size.height_and_width("size")?;
        Ok(Self { height, width })
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        let layout = Layout::of(input)?;
        let output = layout.resized(Some(self.height), Some(self.width));
        let fits = layout.size().is_some_and(|(height, width)| height >= self.height && width >= self.width);
        Ok(if fits { Self::crop(output, false) } else { Self::windowed(output, false) })
    }

    fn window(&self, width: u32, height: u32, _seed: u64) -> Result<Window, Error> {
        let ((x, width), (y, height)) = (inside(width, self.width), inside(height, self.height));
        Ok(Window { x, y, width, height })
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let (image, layout) = Image::of(input)?;
        let planned = layout.resized(Some(self.height), Some(self.width));
        let too_large = || Error::TooLarge(format!("an image of type {planned} does not fit in memory"));
        let length = planned.byte_len().ok_or_else(too_large)?;
        let (height, width) = layout.size().ok_or_else(too_large)?;
        let corner = (origin(height, self.height), origin(width, self.width));
        let size =
            usize::try_from(self.height).ok().zip(usize::try_from(self.width).ok()).ok_or_else(too_large)?;
        output.fill(length, |place| cut(image, corner, size, place));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::{DType, parse_config, testing};

    use super::*;

    fn crop(config: &str) -> Result<CenterCrop, Error> {
        CenterCrop::configure(parse_config(config)?)
    }

    #[derive(Deserialize)]
    struct Case {
        height: u32,
        width: u32,
        size: [u32; 2],
        pixels: Vec<u8>,
    }

    #[test]
    fn results_are_those_of_torchvision() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../tests/crops.json")).unwrap();
        for Case { height, width, size, pixels } in cases {
            let mut crop = CenterCrop { height: size[0], width: size[1] };
            let data: Vec<u8> = (1..=u8::try_from(height * width).unwrap()).collect();
            let extents = [height, width];
            let whole = Tensor::new(DType::Uint8, &extents, &data).unwrap();
            assert_eq!(testing::apply(&mut crop, whole, 0).unwrap(), pixels, "{height}×{width} to {size:?}");

            // What the host does: cut the window first.
            let window = crop.window(width, height, 0).unwrap();
            assert!(window.lies_in(width, height));
            let image = Image::new(&data, height as usize, width as usize, 1).unwrap();
            let mut part = vec![0; (window.width * window.height) as usize];
            let corner = (i64::from(window.y), i64::from(window.x));
            cut(image, corner, (window.height as usize, window.width as usize), &mut part);
            let extents = [window.height, window.width];
            let part = Tensor::new(DType::Uint8, &extents, &part).unwrap();
            assert_eq!(testing::apply(&mut crop, part, 0).unwrap(), pixels, "{height}×{width} to {size:?}");
        }
    }

    #[test]
    fn it_is_a_mere_crop_only_where_the_image_is_known_to_be_large_enough() {
        let crop = crop(r#"{"size": 224}"#).unwrap();
        let plan = |shape: &[Option<u32>]| {
            let input = TensorType { dtype: DType::Uint8, shape: shape.iter().copied().collect() };
            crop.plan(&input).unwrap()
        };
        for (shape, crop_only) in [
            ([None, None, Some(3)], false),
            ([Some(300), None, Some(3)], false),
            ([Some(300), Some(223), Some(3)], false),
            ([Some(224), Some(224), Some(3)], true),
        ] {
            let effect = plan(&shape);
            assert_eq!(effect.output.to_string(), "uint8[224, 224, 3]");
            assert!(effect.windowed && !effect.seeded && !effect.reducible);
            assert_eq!(effect.crop_only, crop_only, "{shape:?}");
        }
    }

    #[test]
    fn pixels_of_any_type_are_moved_whole() {
        let mut crop = crop(r#"{"size": [1, 2]}"#).unwrap();
        let data: Vec<u8> = (0..3 * 2 * 8).collect();
        let input = Tensor::new(DType::Float32, &[1, 3, 4], &data[..48]).unwrap();
        assert_eq!(testing::apply(&mut crop, input, 0).unwrap(), data[..32]);
    }

    #[test]
    fn wrong_configurations_name_the_key_and_the_range() {
        for (config, expected) in [
            ("{}", "its configuration is wrong: missing field `size`"),
            (r#"{"size": -3}"#, "`size` must be between 1 and 65535 pixels, but is -3"),
            (r#"{"size": 3, "pad": 1}"#, "`pad` is wrong: unknown field `pad`, expected `size`"),
        ] {
            assert_eq!(crop(config).unwrap_err().to_string(), expected);
        }
    }
}
