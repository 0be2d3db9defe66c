//! Images as tensors: `[height, width, channels]`, or `[height, width]` for a single channel.

use zenith_plugin_sdk::{DType, Error, Tensor, TensorType};

/// What is known of an image's type: the element type, and each extent where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The element type.
    pub dtype: DType,
    /// Rows.
    pub height: Option<u32>,
    /// Columns.
    pub width: Option<u32>,
    /// Elements of one pixel.
    channels: Option<u32>,
    /// Whether the tensor has no extent for them, and so a single one.
    matrix: bool,
}

impl Layout {
    /// Reads a tensor type as an image's. One without pixels is refused.
    pub fn of(input: &TensorType) -> Result<Self, Error> {
        let refuse = |reason: &str| Err(Error::UnsupportedType(format!("takes {reason}, not {input}")));
        let (height, width, channels, matrix) = match *input.shape {
            [height, width] => (height, width, Some(1), true),
            [height, width, channels] => (height, width, channels, false),
            _ => return refuse("images as [height, width, channels] or [height, width]"),
        };
        if input.shape.contains(&Some(0)) {
            return refuse("images with at least one pixel");
        }
        Ok(Self { dtype: input.dtype, height, width, channels, matrix })
    }

    /// How many elements a pixel has, where that is known.
    pub fn channels(&self) -> Option<u32> {
        self.channels
    }

    /// The extents, height first, where both are known.
    pub fn size(&self) -> Option<(u32, u32)> {
        self.height.zip(self.width)
    }

    /// The type of such an image with another height and width.
    pub fn resized(&self, height: Option<u32>, width: Option<u32>) -> TensorType {
        let extents = [height, width].into_iter().chain((!self.matrix).then_some(self.channels));
        TensorType { dtype: self.dtype, shape: extents.collect() }
    }
}

/// An image at hand: rows of pixels without padding. It has at least one pixel of at least one byte.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    data: &'a [u8],
    height: usize,
    width: usize,
    pixel: usize,
}

impl<'a> Image<'a> {
    /// An image of `height` × `width` pixels of `pixel` bytes each, or `None` where `data` is not
    /// exactly that, or nothing.
    pub fn new(data: &'a [u8], height: usize, width: usize, pixel: usize) -> Option<Self> {
        let length = height.checked_mul(width)?.checked_mul(pixel)?;
        (length > 0 && length == data.len()).then_some(Self { data, height, width, pixel })
    }

    /// A tensor as an image, and its type.
    pub fn of(input: Tensor<'a>) -> Result<(Self, Layout), Error> {
        let layout = Layout::of(&input.tensor_type())?;
        let extent = |extent: Option<u32>| usize::try_from(extent.unwrap_or(0)).unwrap_or(0);
        let pixel = extent(layout.channels()) * layout.dtype.size();
        Self::new(input.data(), extent(layout.height), extent(layout.width), pixel)
            .map(|image| (image, layout))
            .ok_or_else(|| Error::UnsupportedType(format!("takes images, not {}", input.tensor_type())))
    }

    /// The bytes.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes of one pixel.
    pub fn pixel(&self) -> usize {
        self.pixel
    }

    /// The rows, each `width * pixel` bytes.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator {
        self.data.chunks_exact(self.width * self.pixel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_an_image_of_one_channel_and_stays_a_matrix() {
        let layout = Layout::of(&TensorType::fixed(DType::Uint8, &[4, 6])).unwrap();
        assert_eq!(layout.channels(), Some(1));
        assert_eq!(layout.resized(Some(2), None).to_string(), "uint8[2, ?]");
    }

    #[test]
    fn open_extents_stay_open() {
        let input = TensorType { dtype: DType::Float32, shape: [None, None, Some(3)].into_iter().collect() };
        let layout = Layout::of(&input).unwrap();
        assert_eq!(layout.size(), None);
        assert_eq!(layout.resized(Some(8), Some(9)).to_string(), "float32[8, 9, 3]");
    }

    #[test]
    fn what_is_no_image_is_refused_with_its_type() {
        for (shape, expected) in [
            (&[3][..], "takes images as [height, width, channels] or [height, width], not uint8[3]"),
            (&[0, 5, 3], "takes images with at least one pixel, not uint8[0, 5, 3]"),
        ] {
            let error = Layout::of(&TensorType::fixed(DType::Uint8, shape)).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn bytes_that_do_not_fill_an_image_are_none() {
        assert!(Image::new(&[0; 12], 2, 2, 3).is_some());
        assert!(Image::new(&[0; 11], 2, 2, 3).is_none());
        assert!(Image::new(&[], 0, 2, 3).is_none());
        assert!(Image::new(&[0; 4], usize::MAX, usize::MAX, 4).is_none());
    }
}
