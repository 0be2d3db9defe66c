//! Which input pixels an output pixel is made of along one axis, and by what weights.
//!
//! Positions and weights are those of torch's CPU kernels for `uint8` images, which follow Pillow
//! (`_compute_indices_min_size_weights_aa`, `_compute_indices_min_size_weights` and
//! `_compute_index_ranges_int16_weights` in `ATen`'s `UpSampleKernel.cpp`): computed in double
//! precision in the same order of operations, because a weight that falls to the other side of a
//! rounding shows in the pixels. What is done with them does not live here.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel positions are below 2³², which doubles hold exactly, and rounding down is meant"
)]

/// A filter that resamples by weighted sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// A triangle.
    Linear,
    /// Keys's cubic: `a = -0.5` with antialiasing, as Pillow has it, and -0.75 without, as `OpenCV`.
    Cubic,
}

impl Filter {
    /// Input pixels that an output pixel is made of where nothing is shrunk.
    const fn size(self) -> usize {
        match self {
            Self::Linear => 2,
            Self::Cubic => 4,
        }
    }
}

/// The triangle, at a distance from its middle.
fn linear(distance: f64) -> f64 {
    let x = distance.abs();
    if x < 1.0 { 1.0 - x } else { 0.0 }
}

/// Keys's cubic, at a distance from its middle.
fn cubic(a: f64, distance: f64) -> f64 {
    let x = distance.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// The weights along one axis, for one pair of extents at a time. Memory is kept and used again.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    filter: Filter,
    antialias: bool,
    input: usize,
    output: usize,
    starts: Vec<u32>,
    counts: Vec<u32>,
    room: usize,
    weights: Vec<f64>,
    heaviest: f64,
}

impl Axis {
    /// An axis for no extents yet.
    pub(crate) fn new(filter: Filter, antialias: bool) -> Self {
        let (starts, counts, weights) = (Vec::new(), Vec::new(), Vec::new());
        Self { filter, antialias, input: 0, output: 0, starts, counts, room: 0, weights, heaviest: 0.0 }
    }

    /// Computes the weights that take `input` pixels to `output` pixels, both at least 1. Says
    /// whether they changed.
    pub(crate) fn prepare(&mut self, input: usize, output: usize) -> bool {
        if (self.input, self.output) == (input, output) {
            return false;
        }
        (self.input, self.output) = (input, output);
        match (self.filter, self.antialias) {
            (Filter::Linear, true) => self.antialias(linear),
            (Filter::Linear, false) => self.interpolate(linear),
            (Filter::Cubic, true) => self.antialias(|distance| cubic(-0.5, distance)),
            (Filter::Cubic, false) => self.interpolate(|distance| cubic(-0.75, distance)),
        }
        true
    }

    /// Input pixels for an output pixel, and how far the antialiasing filter reaches.
    fn scale_and_support(&self, input: usize, output: usize) -> (f64, f64) {
        let scale = input as f64 / output as f64;
        let half = self.filter.size() as f64 * 0.5;
        (scale, if scale >= 1.0 { half * scale } else { half })
    }

    /// At most how many input pixels an output pixel would be made of.
    pub(crate) fn widest_for(&self, input: usize, output: usize) -> usize {
        let (_, support) = self.scale_and_support(input, output);
        let room = if self.antialias { support.ceil() as usize * 2 + 1 } else { self.filter.size() };
        room.min(input)
    }

    /// Makes room for the weights of each output pixel, all zero.
    fn clear(&mut self, room: usize) {
        self.room = room;
        self.starts.clear();
        self.counts.clear();
        self.weights.clear();
        self.weights.resize(self.output * room, 0.0);
        self.heaviest = 0.0;
    }

    /// Weights of the input pixels whose centres lie within the filter, which grows as the image
    /// shrinks. They add up to 1.
    fn antialias(&mut self, filter: impl Fn(f64) -> f64) {
        let (scale, support) = self.scale_and_support(self.input, self.output);
        let inverse = if scale >= 1.0 { 1.0 / scale } else { 1.0 };
        let room = support.ceil() as usize * 2 + 1;
        self.clear(room);
        let (last, end) = (self.input as i64 - 1, self.input as i64);
        for (position, weights) in self.weights.chunks_exact_mut(room).enumerate() {
            let center = scale * (position as f64 + 0.5);
            // Where rounding leaves nothing, torch leaves a black pixel: a weight of zero is the same.
            let start = ((center - support + 0.5) as i64).clamp(0, last);
            let end = ((center + support + 0.5) as i64).min(end);
            let count = ((end - start).max(1) as usize).min(room);
            let weights = &mut weights[..count];
            let mut total = 0.0;
            let mut pixel = start as f64;
            for weight in &mut *weights {
                *weight = filter((pixel - center + 0.5) * inverse);
                total += *weight;
                pixel += 1.0;
            }
            if total != 0.0 {
                for weight in weights {
                    *weight /= total;
                    if *weight > self.heaviest {
                        self.heaviest = *weight;
                    }
                }
            }
            self.starts.push(start as u32);
            self.counts.push(count as u32);
        }
    }

    /// Weights of the nearest input pixels, whatever the scale. Pixels beyond the edge count as the
    /// pixel at the edge.
    fn interpolate(&mut self, filter: impl Fn(f64) -> f64) {
        let scale = self.input as f64 / self.output as f64;
        let room = self.filter.size();
        self.clear(room);
        let size = room as i64;
        let (last, end) = (self.input as i64 - 1, self.input as i64);
        for (position, weights) in self.weights.chunks_exact_mut(room).enumerate() {
            let source = scale * (position as f64 + 0.5) - 0.5;
            let source = if self.filter == Filter::Linear { source.max(0.0) } else { source };
            // torch rounds down in single precision here, also for doubles.
            let index = ((source as f32).floor() as i64).min(last);
            let fraction = (source - index as f64).clamp(0.0, 1.0);
            let first = index - size / 2 + 1;
            let start = first.clamp(0, last);
            let count = ((first + size).min(end) - start).clamp(1, size);
            for offset in 0..size {
                let weight = &mut weights[((first + offset).clamp(0, last) - start) as usize];
                *weight += filter((offset + 1 - size / 2) as f64 - fraction);
                if *weight > self.heaviest {
                    self.heaviest = *weight;
                }
            }
            self.starts.push(start as u32);
            self.counts.push(count as u32);
        }
    }

    /// The most input pixels that one output pixel is made of.
    pub(crate) fn widest(&self) -> usize {
        self.counts.iter().copied().max().unwrap_or(1) as usize
    }

    /// For each output pixel: its first input pixel, and the weights from there on, at least one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let weights = self.weights.chunks_exact(self.room.max(1));
        let ranges = self.starts.iter().zip(&self.counts);
        ranges.zip(weights).map(|((start, count), weights)| (*start as usize, &weights[..*count as usize]))
    }

    /// The number of fraction bits with which the heaviest weight just fits 16 bits, at most 22.
    pub(crate) fn precision(&self) -> u32 {
        (0..22)
            .find(|bits| (0.5 + self.heaviest * f64::from(1 << (bits + 1))) as i32 >= 1 << 15)
            .unwrap_or(22)
    }

    /// Whether a weighted sum of bytes, with weights of `precision` fraction bits and rounded, can
    /// come out below 0 or above 255: only where there are negative weights, or very many.
    pub(crate) fn overshoots(&self, precision: u32) -> bool {
        let slack = 0.5 * self.room as f64;
        let unit = f64::from(1 << precision);
        self.filter == Filter::Cubic || 255.0 * (unit + slack) + 0.5 * unit >= 256.0 * unit
    }
}

/// A weight as a 16-bit number, rounded half away from zero; `unit` is what 1 becomes.
pub(crate) fn fixed_point(weight: f64, unit: f64) -> i16 {
    let scaled = weight * unit;
    (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32 as i16
}

/// Weights in pairs of 16-bit numbers, the last filled up with zero.
pub(crate) fn fixed_point_pairs(weights: &[f64], unit: f64) -> impl Iterator<Item = [i16; 2]> {
    let (pairs, rest) = weights.as_chunks::<2>();
    let pairs = pairs.iter().map(move |[a, b]| [fixed_point(*a, unit), fixed_point(*b, unit)]);
    pairs.chain(rest.iter().map(move |last| [fixed_point(*last, unit), 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_to_one_and_stay_inside_the_image() {
        for filter in [Filter::Linear, Filter::Cubic] {
            for antialias in [true, false] {
                let mut axis = Axis::new(filter, antialias);
                for input in [1, 2, 3, 7, 100, 1000] {
                    for output in [1, 2, 3, 8, 224] {
                        axis.prepare(input, output);
                        assert_eq!(axis.iter().count(), output);
                        for (start, weights) in axis.iter() {
                            assert!(start + weights.len() <= input, "{filter:?} {input} → {output}");
                            let total: f64 = weights.iter().sum();
                            assert!((total - 1.0).abs() < 1e-12, "{filter:?} {input} → {output}: {total}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn windows_never_move_backwards() {
        // The vertical pass keeps a few rows only, and relies on it.
        for filter in [Filter::Linear, Filter::Cubic] {
            for antialias in [true, false] {
                let mut axis = Axis::new(filter, antialias);
                for (input, output) in [(1, 9), (9, 1), (300, 224), (224, 300), (2, 1000), (1000, 7)] {
                    axis.prepare(input, output);
                    let ranges: Vec<_> =
                        axis.iter().map(|(start, weights)| (start, start + weights.len())).collect();
                    assert!(ranges.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
                }
            }
        }
    }

    #[test]
    fn fixed_point_weights_fit_16_bits() {
        for filter in [Filter::Linear, Filter::Cubic] {
            for (input, output) in [(1, 2), (2, 1), (3, 7), (10_000, 1), (5, 5000)] {
                let mut axis = Axis::new(filter, true);
                axis.prepare(input, output);
                let precision = axis.precision();
                assert!((14..=22).contains(&precision));
                let unit = f64::from(1 << precision);
                for weight in axis.iter().flat_map(|(_, weights)| weights) {
                    assert!((f64::from(fixed_point(*weight, unit)) / unit - weight).abs() <= 0.5 / unit);
                }
            }
        }
    }

    #[test]
    fn the_same_extents_are_not_computed_twice() {
        let mut axis = Axis::new(Filter::Linear, true);
        assert!(axis.prepare(10, 5));
        assert!(!axis.prepare(10, 5));
        assert!(axis.prepare(5, 10));
    }
}
