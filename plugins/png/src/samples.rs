//! From a row of samples, as the file has them, to RGB. Where the samples lie in the image is none
//! of its business.

use png::{BitDepth, ColorType, Info};
use zenith_plugin_sdk::Error;

/// How the samples of an image become RGB.
pub(crate) enum Samples {
    /// `bits` each, which a table turns into colours: greys and palettes.
    Table { bits: usize, table: Box<[[u8; 3]; 256]> },
    /// `stride` bytes for each pixel, of which three are red, green and blue.
    Bytes { stride: usize, channels: [usize; 3] },
    /// Greys of 16 bits, big-endian, cut off at 255.
    WideGrey,
}

impl Samples {
    /// How the samples of this image become RGB.
    pub(crate) fn of(info: &Info<'_>) -> Result<Self, Error> {
        let bits = info.bit_depth as usize;
        let wide = usize::from(info.bit_depth == BitDepth::Sixteen);
        let bytes = |stride: usize, channels: [usize; 3]| Self::Bytes {
            stride: stride << wide,
            channels: channels.map(|channel| channel << wide),
        };
        Ok(match info.color_type {
            ColorType::Grayscale if wide == 1 => Self::WideGrey,
            ColorType::Grayscale => {
                let white = (1 << bits) - 1;
                let table = std::array::from_fn(|value| {
                    [u8::try_from(value.min(white) * 255 / white).unwrap_or(u8::MAX); 3]
                });
                Self::Table { bits, table: Box::new(table) }
            }
            ColorType::Indexed => {
                let Some(palette) = &info.palette else {
                    return Err(Error::InvalidData(
                        "it has no palette, though its pixels need one".to_owned(),
                    ));
                };
                // Pixels outside the palette are black, as with Pillow.
                let mut table = Box::new([[0; 3]; 256]);
                for (entry, colour) in table.iter_mut().zip(palette.as_chunks().0) {
                    *entry = *colour;
                }
                Self::Table { bits, table }
            }
            ColorType::GrayscaleAlpha => bytes(2, [0; 3]),
            ColorType::Rgb => bytes(3, [0, 1, 2]),
            ColorType::Rgba => bytes(4, [0, 1, 2]),
        })
    }

    /// Turns the samples from the one numbered `first` on into the pixels of `places`, as many as
    /// there are of both.
    pub(crate) fn spread<'a>(
        &self,
        row: &[u8],
        first: usize,
        places: impl IntoIterator<Item = &'a mut [u8; 3]>,
    ) {
        let places = places.into_iter();
        match *self {
            Self::Table { bits: 8, ref table } => {
                for (place, sample) in places.zip(row.iter().skip(first)) {
                    *place = table[usize::from(*sample)];
                }
            }
            Self::Table { bits, ref table } => {
                let mask = (1 << bits) - 1;
                for (place, sample) in places.zip(first..) {
                    let Some(byte) = row.get(sample * bits / 8) else {
                        break;
                    };
                    // The first sample is in the uppermost bits.
                    let shift = 8 - bits - sample * bits % 8;
                    *place = table[usize::from(byte >> shift) & mask];
                }
            }
            Self::Bytes { stride: 3, .. } => {
                for (place, pixel) in places.zip(row.as_chunks().0.iter().skip(first)) {
                    *place = *pixel;
                }
            }
            Self::Bytes { stride, channels } => {
                for (place, pixel) in places.zip(row.chunks_exact(stride).skip(first)) {
                    *place = channels.map(|channel| pixel[channel]);
                }
            }
            Self::WideGrey => {
                for (place, sample) in places.zip(row.as_chunks().0.iter().skip(first)) {
                    *place = [u8::try_from(u16::from_be_bytes(*sample)).unwrap_or(u8::MAX); 3];
                }
            }
        }
    }
}
