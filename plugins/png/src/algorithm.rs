//! Opening a PNG and decoding a window of it. The chunks, the inflating and the filters are the
//! `png` crate's, chosen over others because it hands out row by row, so that rows below the window
//! are never inflated and memory is bounded by a row.

use std::io::Cursor;

use png::{DecodingError, Limits, Reader, Transformations};
use serde::Deserialize;
use zenith_plugin_sdk::{DecodeRequest, Decoder, Error, Format, Header, Output, Window};

use crate::{exif, interlace, samples::Samples};

/// What every PNG begins with.
const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Bytes that the `png` crate may allocate for a row and for chunks other than image data. It
/// allows for rows of four million pixels of 16-bit RGBA.
const CHUNK_LIMIT: usize = 32 << 20;

/// Windows up to this size are decoded in place; larger ones are handed over strip by strip, so
/// that a guest's memory need not hold them.
const STRIP: usize = 4 << 20;

/// The configuration of [`Png`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The most pixels that an image may have. By default as many as Pillow decodes before it takes
    /// the file for a decompression bomb.
    pub max_pixels: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_pixels: 178_956_970 }
    }
}

/// Decodes PNG to `uint8[height, width, 3]`, with the pixels that Pillow's `convert("RGB")` gives:
/// alpha and transparency are dropped, palettes and greys are spread out, and 16-bit samples keep
/// their upper byte. Greyscale of 16 bits is the exception, there as here: it is cut off at 255.
///
/// Of an animated PNG it decodes the default image. The orientation is that of an `eXIf` chunk
/// before the image data.
#[derive(Debug)]
pub struct Png {
    config: Config,
}

impl Png {
    /// A reader at the beginning of the image data.
    fn reader<'a>(&self, data: &'a [u8]) -> Result<Reader<Cursor<&'a [u8]>>, Error> {
        if !data.starts_with(&SIGNATURE) {
            return Err(Error::InvalidData(match data.len() {
                0 => "it is empty".to_owned(),
                length if SIGNATURE.starts_with(data) => format!("it ends early, after {length} bytes"),
                _ => "it does not begin with the signature of a PNG file".to_owned(),
            }));
        }
        let limits = Limits { bytes: CHUNK_LIMIT };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(data), limits);
        decoder.set_transformations(Transformations::IDENTITY);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let (width, height) =
            decoder.read_header_info().map_err(|error| damage("its header", &error))?.size();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.config.max_pixels {
            return Err(Error::TooLarge(format!(
                "it is {width}×{height} pixels, more than the {} that `max_pixels` allows",
                self.config.max_pixels
            )));
        }
        decoder.read_info().map_err(|error| damage("what comes before its image data", &error))
    }
}

impl Decoder for Png {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        if config.max_pixels == 0 {
            return Err(Error::config("max_pixels", "must be at least 1, but is 0"));
        }
        Ok(Self { config })
    }

    fn formats(&self) -> Vec<Format> {
        vec![Format {
            media_type: "image/png".to_owned(),
            extensions: vec!["png".to_owned(), "apng".to_owned()],
            magic: SIGNATURE.to_vec(),
        }]
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, Error> {
        let reader = self.reader(data)?;
        let info = reader.info();
        let orientation = info.exif_metadata.as_deref().and_then(exif::orientation).unwrap_or(1);
        Ok(Header { width: info.width, height: info.height, orientation, reductions: Vec::new() })
    }

    fn decode(&mut self, data: &[u8], request: DecodeRequest, output: &mut Output<'_>) -> Result<(), Error> {
        let mut reader = self.reader(data)?;
        let (width, height) = reader.info().size();
        let DecodeRequest { window, reduction } = request;
        if reduction != 1 || !window.lies_in(width, height) {
            return Err(Error::UnsupportedData(format!(
                "it is {width}×{height} pixels, and cannot be decoded to {window} at 1/{reduction}"
            )));
        }
        let samples = Samples::of(reader.info())?;
        let (row, rows) = (window.width as usize * 3, window.height as usize);
        // The row is limited by `CHUNK_LIMIT`; the product may be too much for 32-bit addresses.
        let whole = row
            .checked_mul(rows)
            .ok_or_else(|| Error::TooLarge(format!("the window {window} does not fit into memory")))?;
        if reader.info().interlaced {
            return output.fill(whole, |place| interlace::decode(&mut reader, &samples, window, place));
        }
        skip_rows(&mut reader, window.y)?;
        if whole <= STRIP {
            return output.fill(whole, |place| read_rows(&mut reader, &samples, window, window.y, place));
        }
        let rows_in_strip = (STRIP / row).max(1);
        let mut strip = vec![0; row * rows_in_strip.min(rows)];
        let mut at = window.y;
        for first in (0..rows).step_by(rows_in_strip) {
            let count = rows_in_strip.min(rows - first);
            let strip = &mut strip[..row * count];
            read_rows(&mut reader, &samples, window, at, strip)?;
            output.write(strip);
            at += u32::try_from(count).unwrap_or(u32::MAX);
        }
        Ok(())
    }
}

/// Reads rows that nobody wants. They must be inflated, because later ones build on them.
fn skip_rows(reader: &mut Reader<Cursor<&[u8]>>, count: u32) -> Result<(), Error> {
    for at in 0..count {
        next_row(reader, at)?;
    }
    Ok(())
}

/// Reads the rows that fill `place`, the first of which is row `at` of the image.
fn read_rows(
    reader: &mut Reader<Cursor<&[u8]>>,
    samples: &Samples,
    window: Window,
    at: u32,
    place: &mut [u8],
) -> Result<(), Error> {
    let row = window.width as usize * 3;
    for (at, place) in (at..).zip(place.chunks_exact_mut(row)) {
        samples.spread(next_row(reader, at)?, window.x as usize, place.as_chunks_mut().0);
    }
    Ok(())
}

fn next_row<'a>(reader: &'a mut Reader<Cursor<&[u8]>>, at: u32) -> Result<&'a [u8], Error> {
    match reader.next_row() {
        Ok(Some(row)) => Ok(row.data()),
        Ok(None) => Err(Error::InvalidData(format!("its image data end before row {at}"))),
        Err(error) => Err(damage(&format!("row {at}"), &error)),
    }
}

/// The error for something that could not be read.
pub(crate) fn damage(what: &str, error: &DecodingError) -> Error {
    match error {
        DecodingError::LimitsExceeded => {
            Error::TooLarge(format!("{what} needs more than the {CHUNK_LIMIT} bytes that it may take"))
        }
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::InvalidData(format!("{what} cannot be decoded: the file ends early"))
        }
        error => Error::InvalidData(format!(
            "{what} cannot be decoded: {}",
            error.to_string().trim_end_matches('.')
        )),
    }
}
