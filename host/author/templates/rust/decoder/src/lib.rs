//! PPM: images of three bytes for each pixel behind a header of text (`P6`, the width, the height and 255).

use zenith_plugin_sdk::{DecodeRequest, Decoder, Error, Format, Header, Output, export, serde};

/// The configuration. An unknown key is refused.
#[derive(serde::Deserialize)]
#[serde(crate = "serde", default, deny_unknown_fields)]
struct Config {
    /// The most pixels that an image may have, at least 1.
    max_pixels: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
        }
    }
}

/// The decoder, and what it learnt of the open sample.
struct Ppm {
    config: Config,
    width: usize,
    /// Where the pixels begin.
    pixels: usize,
}

impl Decoder for Ppm {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        if config.max_pixels == 0 {
            return Err(Error::config("max_pixels", "must be at least 1, but is 0"));
        }
        Ok(Self {
            config,
            width: 0,
            pixels: 0,
        })
    }

    fn formats(&self) -> Vec<Format> {
        vec![Format {
            media_type: "image/x-portable-pixmap".to_owned(),
            extensions: vec!["ppm".to_owned()],
            magic: b"P6".to_vec(),
        }]
    }

    /// Reads the header alone: the host asks for the size of every sample before it decodes any of it.
    fn open(&mut self, data: &[u8]) -> Result<Header, Error> {
        let mut reader = HeaderReader { data, at: 0 };
        if !data.starts_with(b"P6") {
            return Err(Error::InvalidData("it does not begin with `P6`".to_owned()));
        }
        reader.at = 2;
        let (width, height, largest) = (reader.number()?, reader.number()?, reader.number()?);
        // One byte of white space, then the pixels.
        let pixels = reader.at + 1;
        if largest != 255 {
            return Err(Error::UnsupportedData(format!(
                "its values go up to {largest}, and only those with 255 are read"
            )));
        }
        let count = u64::from(width) * u64::from(height);
        if count == 0 {
            return Err(Error::InvalidData(format!(
                "it has no pixels: its size is {width}×{height}"
            )));
        }
        if count > self.config.max_pixels {
            return Err(Error::TooLarge(format!(
                "it has {count} pixels, more than the {} of `max_pixels`",
                self.config.max_pixels
            )));
        }
        let there = data.len().saturating_sub(pixels) as u64;
        if there < count * 3 {
            return Err(Error::InvalidData(format!(
                "it ends early: {there} of {} bytes of pixels",
                count * 3
            )));
        }
        (self.width, self.pixels) = (width as usize, pixels);
        Ok(Header {
            width,
            height,
            orientation: 1,
            reductions: Vec::new(),
        })
    }

    /// Decodes a window of the sample that was opened last; the host has checked that it lies inside.
    fn decode(
        &mut self,
        data: &[u8],
        request: DecodeRequest,
        output: &mut Output<'_>,
    ) -> Result<(), Error> {
        let window = request.window;
        let row = window.width as usize * 3;
        output.fill(row * window.height as usize, |place| {
            for (line, out) in place.chunks_exact_mut(row).enumerate() {
                let first = (window.y as usize + line) * self.width + window.x as usize;
                let start = self.pixels + first * 3;
                out.copy_from_slice(&data[start..start + row]);
            }
        });
        Ok(())
    }
}

/// The numbers of a header, with white space and comments between them.
struct HeaderReader<'a> {
    data: &'a [u8],
    at: usize,
}

impl HeaderReader<'_> {
    fn number(&mut self) -> Result<u32, Error> {
        let mut comment = false;
        while let Some(byte) = self.data.get(self.at) {
            match byte {
                b'\n' => comment = false,
                _ if comment => {}
                b'#' => comment = true,
                byte if byte.is_ascii_whitespace() => {}
                _ => break,
            }
            self.at += 1;
        }
        let digits = self.data[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let text = &self.data[self.at..self.at + digits];
        self.at += digits;
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                Error::InvalidData(format!("its header has no number at byte {}", self.at))
            })
    }
}

export!(decoder: Ppm);

// `cargo test` runs the plugin's own code natively, without WebAssembly.
#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::{Window, parse_config, testing};

    use super::*;

    /// Three columns and two rows, whose bytes count up from 0.
    fn sample() -> Vec<u8> {
        let mut data = b"P6 # a comment\n3 2\n255\n".to_vec();
        data.extend(0..18);
        data
    }

    fn ppm(config: &str) -> Ppm {
        Ppm::configure(parse_config(config).unwrap()).unwrap()
    }

    #[test]
    fn a_window_is_cut_out_of_the_rows() {
        let request = DecodeRequest {
            window: Window {
                x: 1,
                y: 0,
                width: 2,
                height: 2,
            },
            reduction: 1,
        };
        let pixels = testing::decode(&mut ppm("{}"), &sample(), request).unwrap();
        assert_eq!(pixels, [3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 17]);
    }

    #[test]
    fn a_sample_that_ends_early_is_told() {
        let data = sample();
        let error = ppm("{}").open(&data[..data.len() - 1]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("it ends early: 17 of 18 bytes of pixels"),
            "{error}"
        );
    }

    #[test]
    fn a_sample_of_more_pixels_than_allowed_is_refused() {
        let error = ppm(r#"{"max_pixels": 5}"#).open(&sample()).unwrap_err();
        assert!(matches!(error, Error::TooLarge(_)), "{error}");
    }
}
