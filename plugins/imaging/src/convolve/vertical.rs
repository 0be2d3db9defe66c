//! Resampling along columns: an output row as a weighted sum of whole input rows. The number of
//! channels does not matter here.

#![expect(unsafe_code, reason = "vector loads and stores without a bounds check for each")]

use crate::{
    axis::{Axis, Filter, fixed_point_pairs},
    simd::{IN_PLACE, Simd},
};

/// The tables of the vertical pass.
#[derive(Clone, Debug)]
pub(super) struct Vertical {
    axis: Axis,
    /// The first input row of each output row, and how many there are.
    ranges: Vec<(usize, usize)>,
    /// `pairs` for each output row: the weights of two input rows.
    weights: Vec<[i16; 2]>,
    pairs: usize,
    precision: u32,
    /// Whether a sum can lie outside a byte's range.
    hold: bool,
    /// Where the input rows of the output row at hand lie, in pairs. A row that fills up a pair has
    /// no weight.
    offsets: Vec<[usize; 2]>,
}

impl Vertical {
    pub(super) fn new(filter: Filter, antialias: bool) -> Self {
        Self {
            axis: Axis::new(filter, antialias),
            ranges: Vec::new(),
            weights: Vec::new(),
            pairs: 1,
            precision: 0,
            hold: true,
            offsets: Vec::new(),
        }
    }

    /// Makes the tables for `input` rows that become `output` rows.
    pub(super) fn prepare(&mut self, input: usize, output: usize) {
        if !self.axis.prepare(input, output) {
            return;
        }
        self.pairs = self.axis.widest().div_ceil(2);
        self.precision = self.axis.precision();
        self.hold = self.axis.overshoots(self.precision);
        self.ranges.clear();
        let unit = f64::from(1 << self.precision);
        self.weights.clear();
        for (start, weights) in self.axis.iter() {
            self.ranges.push((start, weights.len()));
            let first = self.weights.len();
            self.weights.extend(fixed_point_pairs(weights, unit));
            self.weights.resize(first + self.pairs, [0; 2]);
        }
    }

    /// The most input rows that one output row is made of.
    pub(super) fn widest(&self) -> usize {
        self.axis.widest()
    }

    /// At most how many input rows an output row would be made of.
    pub(super) fn widest_for(&self, input: usize, output: usize) -> usize {
        self.axis.widest_for(input, output)
    }

    /// The first input row of an output row, and how many there are.
    pub(super) fn range(&self, row: usize) -> (usize, usize) {
        self.ranges[row]
    }

    /// Notes where the input rows of an output row lie.
    pub(super) fn locate(&mut self, row: usize, offset: impl Fn(usize) -> usize) {
        let (start, count) = self.ranges[row];
        let last = start + count - 1;
        self.offsets.clear();
        self.offsets.extend((0..self.pairs).map(|pair| {
            let first = start + 2 * pair;
            [offset(first.min(last)), offset((first + 1).min(last))]
        }));
    }

    fn weights_of(&self, row: usize) -> &[[i16; 2]] {
        &self.weights[row * self.pairs..][..self.pairs]
    }

    /// Makes output row `row` from the located rows of `rows`.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    pub(super) fn row<S: Simd>(&self, simd: S, row: usize, rows: &[u8], output: &mut [u8]) {
        if output.len() < 16 * S::ROWS {
            return self.row_scalar(row, rows, output);
        }
        match (self.pairs, self.precision, self.hold) {
            (1, 14, false) => self.row_by::<S, 1, 14>(simd, row, rows, output),
            (2, 15, false) => self.row_by::<S, 2, 15>(simd, row, rows, output),
            (3, 16, false) => self.row_by::<S, 3, 16>(simd, row, rows, output),
            (2, ..) => self.row_by::<S, 2, 0>(simd, row, rows, output),
            (3, ..) => self.row_by::<S, 3, 0>(simd, row, rows, output),
            (4, ..) => self.row_by::<S, 4, 0>(simd, row, rows, output),
            _ => self.row_by::<S, 0, 0>(simd, row, rows, output),
        }
    }

    /// [`Vertical::row`] for a number of pairs that is known when it is compiled, or 0; and for a
    /// precision that is, which then says also that no sum lies outside a byte's range, or 0.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    fn row_by<S: Simd, const PAIRS: usize, const PRECISION: u32>(
        &self,
        simd: S,
        row: usize,
        rows: &[u8],
        output: &mut [u8],
    ) {
        let precision = if PRECISION == 0 { self.precision } else { PRECISION };
        let step = 16 * S::ROWS;
        let weights = self.weights_of(row);
        assert!(output.len() >= step, "a row is at least a vector wide");
        for offset in self.offsets.as_flattened() {
            assert!(offset + output.len() <= rows.len(), "every row is as long as the output");
        }
        assert!(PAIRS == 0 || self.offsets.len() == PAIRS, "the caller chose the right form");
        assert_eq!(self.precision, precision, "the caller chose the right form");
        let hold = PRECISION == 0;
        assert!(hold || !self.hold, "the caller chose the right form");
        // Where their number is known, weights and offsets stay in registers.
        let half = simd.splat(1 << (precision - 1));
        let mut fixed = [([0; 2], half); PAIRS];
        for (pair, entry) in fixed.iter_mut().enumerate() {
            *entry = (self.offsets[pair], splat(simd, weights[pair]));
        }
        let table = simd.narrowing_table(&IN_PLACE);
        let mut at = 0;
        while at < output.len() {
            // The last vector overlaps the one before it, and does some of its work again.
            at = at.min(output.len() - step);
            let base = rows.as_ptr().wrapping_add(at);
            let mut sums = [half; 4];
            if PAIRS == 0 {
                for (offsets, pair) in self.offsets.iter().zip(weights) {
                    // SAFETY: `at + step` is at most the output's length, and that many bytes were
                    // checked to lie behind every offset.
                    unsafe { accumulate(simd, &mut sums, base, *offsets, splat(simd, *pair)) };
                }
            } else {
                for (offsets, pair) in fixed {
                    // SAFETY: as above.
                    unsafe { accumulate(simd, &mut sums, base, offsets, pair) };
                }
            }
            let sums = [
                simd.shift_right(sums[0], precision),
                simd.shift_right(sums[1], precision),
                simd.shift_right(sums[2], precision),
                simd.shift_right(sums[3], precision),
            ];
            // SAFETY: `at + step` is at most the output's length.
            unsafe { simd.store(output.as_mut_ptr().wrapping_add(at), simd.narrow(sums, hold, table)) };
            at += step;
        }
    }

    /// Makes output row `row` without vectors.
    pub(super) fn row_scalar(&self, row: usize, rows: &[u8], output: &mut [u8]) {
        let half: i32 = 1 << (self.precision - 1);
        let weights = self.weights_of(row);
        for (column, value) in output.iter_mut().enumerate() {
            let mut sum = half;
            for (offsets, pair) in self.offsets.iter().zip(weights) {
                for (offset, weight) in offsets.iter().zip(pair) {
                    sum += i32::from(rows[offset + column]) * i32::from(*weight);
                }
            }
            *value = to_byte(sum >> self.precision);
        }
    }
}

/// Adds a vector's worth of two weighted rows to four vectors of 32-bit sums.
///
/// # Safety
/// A whole vector must be readable at `base` plus each of the offsets.
#[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
#[inline(always)]
unsafe fn accumulate<S: Simd>(
    simd: S,
    sums: &mut [S::Vector; 4],
    base: *const u8,
    [first, second]: [usize; 2],
    weights: S::Vector,
) {
    // SAFETY: the caller vouches for it.
    let a = unsafe { simd.load(base.wrapping_add(first)) };
    // SAFETY: the caller vouches for it.
    let b = unsafe { simd.load(base.wrapping_add(second)) };
    let (low, high) = (simd.zip_low(a, b), simd.zip_high(a, b));
    sums[0] = simd.add(sums[0], simd.multiply_add_pairs(simd.widen_low(low), weights));
    sums[1] = simd.add(sums[1], simd.multiply_add_pairs(simd.widen_high(low), weights));
    sums[2] = simd.add(sums[2], simd.multiply_add_pairs(simd.widen_low(high), weights));
    sums[3] = simd.add(sums[3], simd.multiply_add_pairs(simd.widen_high(high), weights));
}

/// Two weights in every 32 bits, the first of them lower.
#[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
#[inline(always)]
fn splat<S: Simd>(simd: S, [first, second]: [i16; 2]) -> S::Vector {
    simd.splat(i32::from(second) << 16 | i32::from(first.cast_unsigned()))
}

/// A sum as a byte, held at the ends of its range.
pub(super) fn to_byte(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
}
