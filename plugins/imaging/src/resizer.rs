//! The one entry to resampling: it chooses among the algorithms by interpolation and element type.

use serde::Deserialize;
use zenith_plugin_sdk::{DType, Error, Tensor};

use crate::{
    axis::Filter,
    convolve::Convolution,
    float::FloatConvolution,
    layout::{Image, Layout},
    nearest::Nearest,
    simd::Level,
};

/// The longest side of an image that is resized: tables are as long as a side.
const LONGEST_SIDE: usize = 1 << 20;

/// How much memory for rows in between may be taken, unless the image or the result is larger still.
/// Only an image that gets much shorter and much wider at once needs more.
const WORKING_BYTES: usize = 64 << 20;

/// How pixels between pixels are made, by torchvision's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// The pixel whose index, scaled, is just below.
    Nearest,
    /// The pixel whose centre is nearest.
    NearestExact,
    /// A triangle of weights.
    #[default]
    Bilinear,
    /// A cubic of weights, some of them negative.
    Bicubic,
}

impl Interpolation {
    fn filter(self) -> Option<Filter> {
        match self {
            Self::Nearest | Self::NearestExact => None,
            Self::Bilinear => Some(Filter::Linear),
            Self::Bicubic => Some(Filter::Cubic),
        }
    }

    /// Whether every input pixel counts in the result, so that an input at a reduced scale stands
    /// for the image just as well.
    pub fn covers_input(self, antialias: bool) -> bool {
        antialias && self.filter().is_some()
    }
}

/// Resizes images. Tables and scratch memory are kept from call to call, so that a call for extents
/// seen before allocates nothing.
///
/// For `uint8` images of 1 to 4 channels the bytes are those of torchvision's tensors on the CPU
/// (`transforms.v2.functional.resize`). `float32` images are resampled in single precision. The
/// `nearest` interpolations take elements of any type.
#[derive(Clone, Debug)]
pub struct Resizer {
    level: Level,
    method: Method,
}

#[derive(Clone, Debug)]
enum Method {
    Nearest(Nearest),
    Filtered(Box<Filtered>),
}

#[derive(Clone, Debug)]
struct Filtered {
    bytes: Convolution,
    floats: FloatConvolution,
}

impl Resizer {
    /// A resizer; `antialias` only matters to `bilinear` and `bicubic`.
    pub fn new(interpolation: Interpolation, antialias: bool) -> Self {
        let method = match interpolation.filter() {
            None => Method::Nearest(Nearest::new(interpolation == Interpolation::NearestExact)),
            Some(filter) => Method::Filtered(Box::new(Filtered {
                bytes: Convolution::new(filter, antialias),
                floats: FloatConvolution::new(filter, antialias),
            })),
        };
        Self { level: Level::best(), method }
    }

    /// The same, with these instructions instead of the fastest. The bytes do not depend on it.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// Says why images of this type cannot be resized, if so.
    pub fn check(&self, layout: &Layout) -> Result<(), Error> {
        let takes = match (&self.method, layout.dtype) {
            (Method::Nearest(_), _) | (Method::Filtered(_), DType::Float32) => true,
            (Method::Filtered(_), DType::Uint8) => {
                layout.channels().is_none_or(|channels| (1..=4).contains(&channels))
            }
            _ => false,
        };
        if takes {
            return Ok(());
        }
        let input = layout.resized(layout.height, layout.width);
        Err(Error::UnsupportedType(format!(
            "takes uint8 images of 1 to 4 channels or float32 images, not {input}"
        )))
    }

    /// Resizes an image to `height` × `width` pixels, written to `place`, whose length must be that
    /// of the result. Neither extent may be 0.
    pub fn resize(
        &mut self,
        input: Tensor<'_>,
        (height, width): (u32, u32),
        place: &mut [u8],
    ) -> Result<(), Error> {
        let (image, layout) = Image::of(input)?;
        self.check(&layout)?;
        let size = (extent(height), extent(width));
        let length = size.0.checked_mul(size.1).and_then(|pixels| pixels.checked_mul(image.pixel()));
        if length != Some(place.len()) || place.is_empty() {
            let length = place.len();
            return Err(Error::TooLarge(format!("{height}×{width} pixels do not fit {length} bytes")));
        }
        if image.height().max(image.width()) > LONGEST_SIDE {
            return Err(Error::TooLarge(format!(
                "images with sides of at most {LONGEST_SIDE} pixels are resized, not of {}×{}",
                image.height(),
                image.width()
            )));
        }
        if let Method::Filtered(filtered) = &self.method {
            let needed = match layout.dtype {
                DType::Float32 => FloatConvolution::working_bytes(image, size),
                _ => filtered.bytes.working_bytes(image, size),
            };
            if needed > WORKING_BYTES.max(image.data().len()).max(place.len()) {
                return Err(Error::TooLarge(format!(
                    "resizing {}×{} pixels to {height}×{width} would take {needed} bytes of working memory",
                    image.height(),
                    image.width()
                )));
            }
        }
        match &mut self.method {
            _ if size == (image.height(), image.width()) => place.copy_from_slice(image.data()),
            Method::Nearest(nearest) => nearest.run(image, size, place),
            Method::Filtered(filtered) if layout.dtype == DType::Float32 => {
                filtered.floats.run(image, size, place);
            }
            Method::Filtered(filtered) => filtered.bytes.run(self.level, image, size, place),
        }
        Ok(())
    }
}

/// Zero where the address space is smaller than the number, which no place then fits.
fn extent(pixels: u32) -> usize {
    usize::try_from(pixels).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resize(
        resizer: &mut Resizer,
        dtype: DType,
        extents: [u32; 3],
        size: (u32, u32),
    ) -> Result<Vec<u8>, Error> {
        let length = extents.iter().product::<u32>() as usize * dtype.size();
        let data: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut place = vec![0; (size.0 * size.1 * extents[2]) as usize * dtype.size()];
        resizer.resize(Tensor::new(dtype, &extents, &data).unwrap(), size, &mut place).map(|()| place)
    }

    #[test]
    fn every_kind_of_vectors_gives_the_same_bytes() {
        // Sides around the widths of vectors and groups, and enough of them to be larger and smaller.
        let sides = [1, 2, 3, 5, 8, 15, 16, 17, 33, 70];
        for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
            for antialias in [true, false] {
                let mut scalar = Resizer::new(interpolation, antialias).with_level(Level::SCALAR);
                let mut others: Vec<Resizer> =
                    Level::all().into_iter().map(|level| scalar.clone().with_level(level)).collect();
                for (number, side) in sides.into_iter().cycle().take(300).enumerate() {
                    let other = |step: usize| sides[number * step / 7 % sides.len()];
                    let extents = [side, other(3), u32::try_from(1 + number % 4).unwrap()];
                    let size = (other(5), other(11));
                    let expected = resize(&mut scalar, DType::Uint8, extents, size).unwrap();
                    for resizer in &mut others {
                        let result = resize(resizer, DType::Uint8, extents, size).unwrap();
                        assert_eq!(result, expected, "{extents:?} to {size:?}, {}", resizer.level.name());
                    }
                }
            }
        }
    }

    #[test]
    fn the_same_size_is_a_copy_whatever_the_interpolation() {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic] {
            let mut resizer = Resizer::new(interpolation, true);
            let result = resize(&mut resizer, DType::Uint8, [4, 5, 3], (4, 5)).unwrap();
            assert!(result.iter().copied().eq(0..60));
        }
    }

    #[test]
    fn what_it_does_not_take_is_told() {
        let mut resizer = Resizer::new(Interpolation::Bilinear, true);
        for (dtype, channels) in [(DType::Uint8, 5), (DType::Int16, 3), (DType::Float64, 1)] {
            let error = resize(&mut resizer, dtype, [4, 4, channels], (2, 2)).unwrap_err();
            assert!(error.to_string().starts_with("takes uint8 images of 1 to 4 channels"), "{error}");
        }
        let mut nearest = Resizer::new(Interpolation::Nearest, true);
        assert!(resize(&mut nearest, DType::Float64, [4, 4, 7], (2, 2)).is_ok());
    }

    #[test]
    fn a_place_of_another_size_is_refused_and_not_written() {
        let mut resizer = Resizer::new(Interpolation::Bilinear, true);
        let input = Tensor::new(DType::Uint8, &[2, 2, 1], &[9; 4]).unwrap();
        for size in [(3, 3), (0, 8), (u32::MAX, u32::MAX)] {
            let mut place = [7; 8];
            assert!(matches!(resizer.resize(input, size, &mut place), Err(Error::TooLarge(_))), "{size:?}");
            assert_eq!(place, [7; 8]);
        }
        assert!(resizer.resize(input, (0, 0), &mut []).is_err());
    }

    #[test]
    fn a_tall_sliver_made_flat_is_refused_before_memory_is_taken() {
        let mut resizer = Resizer::new(Interpolation::Bilinear, true);
        for dtype in [DType::Uint8, DType::Float32] {
            let error = resize(&mut resizer, dtype, [60_000, 1, 1], (1, 60_000)).unwrap_err();
            assert!(error.to_string().contains("bytes of working memory"), "{error}");
        }
        assert!(resize(&mut resizer, DType::Uint8, [60_000, 1, 1], (1, 300)).is_ok());
        let error = resize(&mut resizer, DType::Uint8, [1, (1 << 20) + 1, 1], (1, 1)).unwrap_err();
        assert!(matches!(error, Error::TooLarge(_)));
    }
}
