//! Resampling by picking the nearest pixel, whatever a pixel is made of.
//!
//! `nearest` picks as torch's `nearest_idx` does (single precision, which shows in large images),
//! `nearest-exact` by pixel centres, as `nearest_exact_idx`; both are in `ATen`'s `UpSample.h`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "torch's arithmetic is single precision here, and rounds down"
)]

use crate::layout::Image;

/// Picks pixels, keeping its table between calls.
#[derive(Clone, Debug)]
pub(crate) struct Nearest {
    centers: bool,
    columns: Vec<usize>,
}

impl Nearest {
    /// Picks by pixel centres, or as `nearest` does.
    pub(crate) fn new(centers: bool) -> Self {
        Self { centers, columns: Vec::new() }
    }

    /// Resamples `image` into `place`, which holds `height` rows of `width` pixels.
    pub(crate) fn run(&mut self, image: Image<'_>, (height, width): (usize, usize), place: &mut [u8]) {
        assert_eq!(place.len(), height * width * image.pixel(), "the place holds the result");
        self.columns.clear();
        let centers = self.centers;
        self.columns
            .extend((0..width).map(|column| source(column, image.width(), width, centers) * image.pixel()));
        let rows = (0..height).map(|row| source(row, image.height(), height, centers));
        let line = image.width() * image.pixel();
        let lines = rows.map(|row| &image.data()[row * line..][..line]);
        for (input, output) in lines.zip(place.chunks_exact_mut(width * image.pixel())) {
            match image.pixel() {
                1 => pick::<1>(&self.columns, input, output),
                3 => pick::<3>(&self.columns, input, output),
                4 => pick::<4>(&self.columns, input, output),
                pixel => {
                    for (at, out) in self.columns.iter().zip(output.chunks_exact_mut(pixel)) {
                        out.copy_from_slice(&input[*at..at + pixel]);
                    }
                }
            }
        }
    }
}

fn pick<const PIXEL: usize>(columns: &[usize], input: &[u8], output: &mut [u8]) {
    for (at, out) in columns.iter().zip(output.as_chunks_mut::<PIXEL>().0) {
        out.copy_from_slice(&input[*at..at + PIXEL]);
    }
}

fn source(position: usize, input: usize, output: usize, centers: bool) -> usize {
    let scale = input as f32 / output as f32;
    let index =
        if centers { ((position as f64 + 0.5) * f64::from(scale)) as f32 } else { position as f32 * scale };
    (index.floor() as usize).min(input - 1)
}
