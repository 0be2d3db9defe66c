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
