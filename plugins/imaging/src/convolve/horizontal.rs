//! Resampling along rows of interleaved pixels. Which rows, and when, is not decided here.
//!
//! One multiply-add takes two neighbouring pixels of up to four channels: their bytes are shuffled
//! to `r₀ r₁ g₀ g₁ b₀ b₁` in 16 bits, and multiplied by `w₀ w₁ w₀ w₁ w₀ w₁`.

#![expect(unsafe_code, reason = "vector loads and stores without a bounds check for each")]

use crate::{
    axis::{Axis, Filter, fixed_point_pairs},
    simd::{NOTHING, Simd, Table, Weights},
};

/// Output pixels that are finished together.
const GROUP: usize = 4;

/// Bytes that one vector load reads of a row.
const LOAD: usize = 16;

/// Bytes that one vector store writes to a row.
const STORE: usize = 16;

/// The tables of the horizontal pass.
#[derive(Clone, Debug)]
pub(super) struct Horizontal {
    axis: Axis,
    channels: usize,
    /// Where the first input pixel of each output pixel lies in a row, in bytes; the last is repeated
    /// to fill a group.
    starts: Vec<usize>,
    /// `pairs` for each entry of `starts`.
    weights: Vec<Weights>,
    pairs: usize,
    precision: u32,
    /// Whether a sum can lie outside a byte's range.
    hold: bool,
    /// The largest of `starts`.
    furthest: usize,
}

impl Horizontal {
    pub(super) fn new(filter: Filter, antialias: bool) -> Self {
        let axis = Axis::new(filter, antialias);
        let (starts, weights) = (Vec::new(), Vec::new());
        Self { axis, channels: 0, starts, weights, pairs: 1, precision: 0, hold: true, furthest: 0 }
    }

    /// Makes the tables for rows of `input` pixels, of `channels` bytes each, that become `output`
    /// pixels.
    pub(super) fn prepare(&mut self, input: usize, output: usize, channels: usize) {
        if !self.axis.prepare(input, output) && self.channels == channels {
            return;
        }
        self.channels = channels;
        self.pairs = self.axis.widest().div_ceil(2);
        self.precision = self.axis.precision();
        self.hold = self.axis.overshoots(self.precision);
        self.furthest = 0;
        self.starts.clear();
        let unit = f64::from(1 << self.precision);
        self.weights.clear();
        for (start, weights) in self.axis.iter() {
            let start = start * channels;
            self.furthest = self.furthest.max(start);
            self.starts.push(start);
            let first = self.weights.len();
            self.weights
                .extend(fixed_point_pairs(weights, unit).map(|[a, b]| Weights([a, b, a, b, a, b, a, b])));
            self.weights.resize(first + self.pairs, Weights::default());
        }
        let groups = output.next_multiple_of(GROUP);
        self.starts.resize(groups, self.starts.last().copied().unwrap_or(0));
        self.weights.resize(groups * self.pairs, Weights::default());
    }

    /// How many bytes of a row, from its first, must be readable. It may be more than the row has.
    pub(super) fn reach(&self) -> usize {
        self.furthest + self.loads().saturating_sub(1) * 4 * self.channels + LOAD
    }

    /// Vector loads for one output pixel: each is good for four input pixels.
    fn loads(&self) -> usize {
        self.pairs.div_ceil(2)
    }

    /// Resamples `S::ROWS` rows. Each must be readable as far as [`Horizontal::reach`] says, and
    /// each output row is written in groups of four pixels, the last of them with 16 bytes.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    pub(super) fn rows<S: Simd, const CHANNELS: usize>(
        &self,
        simd: S,
        input: &[u8],
        stride: usize,
        output: &mut [u8],
        output_stride: usize,
    ) {
        // Bilinear photographs, made larger, or smaller by up to two and up to three, and the rest.
        match (self.pairs, self.precision, self.hold) {
            (1, 14, false) => self.rows_by::<S, CHANNELS, 1, 14>(simd, input, stride, output, output_stride),
            (2, 15, false) => self.rows_by::<S, CHANNELS, 2, 15>(simd, input, stride, output, output_stride),
            (3, 16, false) => self.rows_by::<S, CHANNELS, 3, 16>(simd, input, stride, output, output_stride),
            (2, ..) => self.rows_by::<S, CHANNELS, 2, 0>(simd, input, stride, output, output_stride),
            (3, ..) => self.rows_by::<S, CHANNELS, 3, 0>(simd, input, stride, output, output_stride),
            (4, ..) => self.rows_by::<S, CHANNELS, 4, 0>(simd, input, stride, output, output_stride),
            _ => self.rows_by::<S, CHANNELS, 0, 0>(simd, input, stride, output, output_stride),
        }
    }

    /// [`Horizontal::rows`] for a number of pairs that is known when it is compiled, or 0; and for a
    /// precision that is, which then says also that no sum lies outside a byte's range, or 0.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    fn rows_by<S: Simd, const CHANNELS: usize, const PAIRS: usize, const PRECISION: u32>(
        &self,
        simd: S,
        input: &[u8],
        stride: usize,
        output: &mut [u8],
        output_stride: usize,
    ) {
        let pairs = if PAIRS == 0 { self.pairs } else { PAIRS };
        let precision = if PRECISION == 0 { self.precision } else { PRECISION };
        let hold = PRECISION == 0;
        assert_eq!((self.pairs, self.precision), (pairs, precision), "the caller chose the right form");
        assert!(hold || !self.hold, "the caller chose the right form");
        assert_eq!(self.channels, CHANNELS, "the tables are for pixels of this size");
        assert_eq!(self.weights.len(), self.starts.len() * pairs, "each pixel has its weights");
        assert!((S::ROWS - 1) * stride + self.reach() <= input.len(), "the input reaches far enough");
        assert!(
            (S::ROWS - 1) * output_stride + self.starts.len() * CHANNELS + STORE <= output.len(),
            "the output has room for whole vectors"
        );
        let row = Row::<S, CHANNELS, PAIRS> {
            simd,
            input: input.as_ptr(),
            stride,
            pairs,
            precision,
            half: simd.splat(1 << (precision - 1)),
            first_two: simd.table(&pairs_table(CHANNELS, 0)),
            last_two: simd.table(&pairs_table(CHANNELS, 2)),
        };
        let close_up = simd.narrowing_table(&close_up(CHANNELS));
        // Pointers that move on by themselves, so that WebAssembly addresses what lies at a fixed
        // distance from them without computing it.
        let mut weights = self.weights.as_ptr();
        let mut at = output.as_mut_ptr();
        for starts in self.starts.as_chunks::<GROUP>().0 {
            // SAFETY: each group has four times `pairs` weights. So for all four pixels.
            let of_b = unsafe { weights.add(pairs) };
            // SAFETY: as above.
            let of_c = unsafe { weights.add(2 * pairs) };
            // SAFETY: as above.
            let of_d = unsafe { weights.add(3 * pairs) };
            // SAFETY: each start is at most `furthest`, for which the input reaches far enough, and
            // there are `pairs` weights for each pixel. So for all four.
            let a = unsafe { row.pixel(starts[0], weights) };
            // SAFETY: as above.
            let b = unsafe { row.pixel(starts[1], of_b) };
            // SAFETY: as above.
            let c = unsafe { row.pixel(starts[2], of_c) };
            // SAFETY: as above.
            let d = unsafe { row.pixel(starts[3], of_d) };
            let bytes = simd.narrow([a, b, c, d], hold, close_up);
            // SAFETY: 16 bytes from here end within the room that was checked, in each row.
            unsafe { simd.store_rows(at, output_stride, bytes) };
            // SAFETY: the next group's weights, or the end of all.
            weights = unsafe { weights.add(GROUP * pairs) };
            // SAFETY: the next group's pixels, or what follows the last, within the checked room.
            at = unsafe { at.add(GROUP * CHANNELS) };
        }
    }

    /// Resamples one row without vectors.
    pub(super) fn row_scalar(&self, input: &[u8], output: &mut [u8]) {
        let half = 1 << (self.precision - 1);
        let positions = self.starts.iter().zip(self.weights.chunks_exact(self.pairs));
        let ranges = self.axis.iter().map(|(_, weights)| weights.len());
        for (((start, weights), count), pixel) in
            positions.zip(ranges).zip(output.chunks_exact_mut(self.channels))
        {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let mut sum: i32 = half;
                for index in 0..count {
                    let source = input[start + index * self.channels + channel];
                    sum += i32::from(source) * i32::from(weights[index / 2].0[index % 2]);
                }
                *value = super::vertical::to_byte(sum >> self.precision);
            }
        }
    }
}

/// What the pixels of a row have in common, or of [`Simd::ROWS`] rows.
struct Row<S: Simd, const CHANNELS: usize, const PAIRS: usize> {
    simd: S,
    input: *const u8,
    stride: usize,
    pairs: usize,
    precision: u32,
    half: S::Vector,
    first_two: S::Vector,
    last_two: S::Vector,
}

impl<S: Simd, const CHANNELS: usize, const PAIRS: usize> Row<S, CHANNELS, PAIRS> {
    /// One output pixel of each row, a channel in each 32-bit number.
    ///
    /// # Safety
    /// There are `pairs` weights, and each row is readable from `start` on as far as four pixels for
    /// each two of them take it, and to the end of a vector.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    unsafe fn pixel(&self, start: usize, weights: *const Weights) -> S::Vector {
        let simd = self.simd;
        let pairs = if PAIRS == 0 { self.pairs } else { PAIRS };
        // SAFETY: the caller vouches for it.
        let pixels = unsafe { self.input.add(start) };
        let mut sum = self.half;
        for load in 0..pairs.div_ceil(2) {
            // SAFETY: the caller vouches for it.
            let at = unsafe { pixels.add(load * 4 * CHANNELS) };
            // SAFETY: the caller vouches for it.
            let four = unsafe { simd.load_rows(at, self.stride) };
            // SAFETY: `load * 2` is below `pairs`.
            let weights = unsafe { weights.add(load * 2) };
            // SAFETY: as above.
            let pair = simd.weights(unsafe { &*weights });
            let two = simd.shuffle(four, self.first_two);
            sum = simd.add(sum, simd.multiply_add_pairs(two, pair));
            if load * 2 + 1 < pairs {
                // SAFETY: `load * 2 + 1` is below `pairs`.
                let second = unsafe { weights.add(1) };
                // SAFETY: as above.
                let pair = simd.weights(unsafe { &*second });
                let two = simd.shuffle(four, self.last_two);
                sum = simd.add(sum, simd.multiply_add_pairs(two, pair));
            }
        }
        simd.shift_right(sum, self.precision)
    }
}

/// The table that takes two of four interleaved pixels apart, channel by channel, in 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "all positions are below 16")]
const fn pairs_table(channels: usize, first: usize) -> Table {
    let mut table = [NOTHING; 16];
    let mut channel = 0;
    while channel < channels {
        table[channel * 4] = (first * channels + channel) as u8;
        table[channel * 4 + 2] = ((first + 1) * channels + channel) as u8;
        channel += 1;
    }
    table
}

/// The table that takes four finished pixels from four bytes for each to `channels` bytes for each.
#[expect(clippy::cast_possible_truncation, reason = "all positions are below 16")]
const fn close_up(channels: usize) -> Table {
    let mut table = [NOTHING; 16];
    let mut byte = 0;
    while byte < 4 * channels {
        table[byte] = (byte / channels * 4 + byte % channels) as u8;
        byte += 1;
    }
    table
}
