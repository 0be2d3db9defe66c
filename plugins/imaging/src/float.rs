//! Separable resampling of `float32` images. No rounding but that of single precision; a plain
//! loop, since photographs are resampled as `uint8`.

#![expect(clippy::cast_possible_truncation, reason = "weights are used in single precision")]

use crate::{
    axis::{Axis, Filter},
    layout::Image,
};

const SIZE: usize = size_of::<f32>();

/// Resamples `float32` images with one filter, keeping tables and rows between calls.
#[derive(Clone, Debug)]
pub(crate) struct FloatConvolution {
    columns: Axis,
    rows: Axis,
    between: Vec<f32>,
    line: Vec<f32>,
}

impl FloatConvolution {
    /// A convolution with this filter.
    pub(crate) fn new(filter: Filter, antialias: bool) -> Self {
        let (columns, rows) = (Axis::new(filter, antialias), Axis::new(filter, antialias));
        Self { columns, rows, between: Vec::new(), line: Vec::new() }
    }

    /// How many bytes of resampled rows would be kept.
    pub(crate) fn working_bytes(image: Image<'_>, (_, width): (usize, usize)) -> usize {
        image.height().saturating_mul(width).saturating_mul(image.pixel())
    }

    /// Resamples `image` into `place`, which holds `height` rows of `width` pixels.
    pub(crate) fn run(&mut self, image: Image<'_>, (height, width): (usize, usize), place: &mut [u8]) {
        assert_eq!(place.len(), height * width * image.pixel(), "the place holds the result");
        let channels = image.pixel() / SIZE;
        self.columns.prepare(image.width(), width);
        self.rows.prepare(image.height(), height);

        let between = width * channels;
        self.between.resize(image.height() * between, 0.0);
        for (row, output) in image.rows().zip(self.between.chunks_exact_mut(between)) {
            self.line.clear();
            self.line.extend(row.as_chunks::<SIZE>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
            for ((start, weights), pixel) in self.columns.iter().zip(output.chunks_exact_mut(channels)) {
                sum(&self.line[start * channels..], channels, weights, pixel);
            }
        }
        for ((start, weights), row) in self.rows.iter().zip(place.chunks_exact_mut(between * SIZE)) {
            self.line.resize(between, 0.0);
            sum(&self.between[start * between..], between, weights, &mut self.line);
            for (bytes, value) in row.as_chunks_mut::<SIZE>().0.iter_mut().zip(&self.line) {
                *bytes = value.to_le_bytes();
            }
        }
    }
}

/// The weighted sum of items of `length` numbers that follow one another.
fn sum(items: &[f32], length: usize, weights: &[f64], output: &mut [f32]) {
    output.fill(0.0);
    for (item, weight) in items.chunks_exact(length).zip(weights) {
        for (out, value) in output.iter_mut().zip(item) {
            *out += value * *weight as f32;
        }
    }
}
