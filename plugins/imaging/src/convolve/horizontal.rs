//! Resampling along rows of interleaved pixels. Which rows, and when, is not decided here.
//!
//! One multiply-add takes two neighbouring pixels of up to four channels: their bytes are shuffled
//! to `r₀ r₁ g₀ g₁ b₀ b₁` in 16 bits, and multiplied by `w₀ w₁ w₀ w₁ w₀ w₁`.

#![expect(unsafe_code, reason = "vector loads and stores without a bounds check for each")]

use crate::{
    axis::{Axis, Filter, fixed_point},
    simd::{NOTHING, Simd, Table, Weights},
};

/// Output pixels that are finished together.
const GROUP: usize = 4;

/// Bytes that one vector load reads.
const LOAD: usize = 16;

/// The tables of the horizontal pass.
#[derive(Clone, Debug)]
pub(super) struct Horizontal {
    axis: Axis,
    /// The first input pixel of each output pixel; the last is repeated to fill a group.
    starts: Vec<u32>,
    /// `pairs` for each entry of `starts`.
    weights: Vec<Weights>,
    pairs: usize,
    precision: u32,
    /// The largest of `starts`.
    furthest: usize,
}

impl Horizontal {
    pub(super) fn new(filter: Filter, antialias: bool) -> Self {
        let axis = Axis::new(filter, antialias);
        Self { axis, starts: Vec::new(), weights: Vec::new(), pairs: 1, precision: 0, furthest: 0 }
    }

    /// Makes the tables for rows of `input` pixels that become `output` pixels.
    pub(super) fn prepare(&mut self, input: usize, output: usize) {
        if !self.axis.prepare(input, output) {
            return;
        }
        self.pairs = self.axis.widest().div_ceil(2);
        self.precision = self.axis.precision();
        self.furthest = 0;
        self.starts.clear();
        self.weights.clear();
        for (start, weights) in self.axis.iter() {
            self.furthest = self.furthest.max(start);
            self.starts.push(u32::try_from(start).unwrap_or(u32::MAX));
            let first = self.weights.len();
            for pair in weights.chunks(2) {
                let weight = |index| pair.get(index).map_or(0, |weight| fixed_point(*weight, self.precision));
                let (even, odd) = (weight(0), weight(1));
                self.weights.push(Weights([even, odd, even, odd, even, odd, even, odd]));
            }
            self.weights.resize(first + self.pairs, Weights::default());
        }
        let groups = output.next_multiple_of(GROUP);
        self.starts.resize(groups, self.starts.last().copied().unwrap_or(0));
        self.weights.resize(groups * self.pairs, Weights::default());
    }

    /// How many bytes of a row, from its first, must be readable. It may be more than the row has.
    pub(super) fn reach(&self, channels: usize) -> usize {
        (self.furthest + self.loads().saturating_sub(1) * 4) * channels + LOAD
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
        match self.pairs {
            1 => self.rows_by::<S, CHANNELS, 1>(simd, input, stride, output, output_stride),
            2 => self.rows_by::<S, CHANNELS, 2>(simd, input, stride, output, output_stride),
            3 => self.rows_by::<S, CHANNELS, 3>(simd, input, stride, output, output_stride),
            4 => self.rows_by::<S, CHANNELS, 4>(simd, input, stride, output, output_stride),
            _ => self.rows_by::<S, CHANNELS, 0>(simd, input, stride, output, output_stride),
        }
    }

    /// [`Horizontal::rows`] for a number of pairs that is known when it is compiled, or 0.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    fn rows_by<S: Simd, const CHANNELS: usize, const PAIRS: usize>(
        &self,
        simd: S,
        input: &[u8],
        stride: usize,
        output: &mut [u8],
        output_stride: usize,
    ) {
        let pairs = if PAIRS == 0 { self.pairs } else { PAIRS };
        let groups = self.starts.len() / GROUP;
        assert_eq!(self.pairs, pairs, "the caller chose the right form");
        assert_eq!(self.weights.len(), groups * GROUP * pairs, "each pixel has its weights");
        assert!((S::ROWS - 1) * stride + self.reach(CHANNELS) <= input.len(), "the input reaches far enough");
        assert!(
            (S::ROWS - 1) * output_stride + groups * GROUP * CHANNELS + LOAD <= output.len(),
            "the output has room for whole vectors"
        );
        let half = simd.splat(1 << (self.precision - 1));
        for group in 0..groups {
            let mut sums = [half; GROUP];
            for (member, sum) in sums.iter_mut().enumerate() {
                let position = group * GROUP + member;
                // SAFETY: `position` is below `groups * GROUP`, which is at most the length.
                let start = unsafe { *self.starts.get_unchecked(position) } as usize;
                let pixels = input.as_ptr().wrapping_add(start * CHANNELS);
                for load in 0..pairs.div_ceil(2) {
                    let at = pixels.wrapping_add(load * 4 * CHANNELS);
                    // SAFETY: `start` is at most `furthest` and `load` below `loads()`, so that
                    // this row ends within `reach`, which was checked for the first and last row.
                    let four = unsafe { simd.load_rows(at, stride) };
                    let first = position * pairs + load * 2;
                    // SAFETY: `load * 2 < pairs`, so `first` is below the checked number of weights.
                    let weights = simd.weights(unsafe { self.weights.get_unchecked(first) });
                    let two = simd.shuffle(four, &Tables::<CHANNELS>::FIRST_TWO);
                    *sum = simd.add(*sum, simd.multiply_add_pairs(two, weights));
                    if load * 2 + 1 < pairs {
                        // SAFETY: `load * 2 + 1 < pairs`, as for the first pair.
                        let weights = simd.weights(unsafe { self.weights.get_unchecked(first + 1) });
                        let two = simd.shuffle(four, &Tables::<CHANNELS>::LAST_TWO);
                        *sum = simd.add(*sum, simd.multiply_add_pairs(two, weights));
                    }
                }
                *sum = simd.shift_right(*sum, self.precision);
            }
            let bytes =
                simd.narrow_to_u8(simd.narrow_to_i16(sums[0], sums[1]), simd.narrow_to_i16(sums[2], sums[3]));
            let at = output.as_mut_ptr().wrapping_add(group * GROUP * CHANNELS);
            // SAFETY: `group` is below `groups`, so 16 bytes from here end within the checked room.
            unsafe { simd.store_rows(at, output_stride, simd.shuffle(bytes, &Tables::<CHANNELS>::CLOSE_UP)) };
        }
    }

    /// Resamples one row without vectors.
    pub(super) fn row_scalar(&self, channels: usize, input: &[u8], output: &mut [u8]) {
        let half = 1 << (self.precision - 1);
        let positions = self.starts.iter().zip(self.weights.chunks_exact(self.pairs));
        let ranges = self.axis.iter().map(|(_, weights)| weights.len());
        for (((start, weights), count), pixel) in positions.zip(ranges).zip(output.chunks_exact_mut(channels))
        {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let mut sum: i32 = half;
                for index in 0..count {
                    let source = input[(*start as usize + index) * channels + channel];
                    sum += i32::from(source) * i32::from(weights[index / 2].0[index % 2]);
                }
                *value = super::vertical::to_byte(sum >> self.precision);
            }
        }
    }
}

/// Shuffles for interleaved pixels of `CHANNELS` bytes.
struct Tables<const CHANNELS: usize>;

impl<const CHANNELS: usize> Tables<CHANNELS> {
    /// Pixels 0 and 1 of a load, channel by channel, in 16 bits.
    const FIRST_TWO: Table = two(CHANNELS, 0);
    /// Pixels 2 and 3 of a load.
    const LAST_TWO: Table = two(CHANNELS, 2);
    /// Four finished pixels, from four bytes for each to `CHANNELS` bytes for each.
    const CLOSE_UP: Table = close_up(CHANNELS);
}

#[expect(clippy::cast_possible_truncation, reason = "all positions are below 16")]
const fn two(channels: usize, first: usize) -> Table {
    let mut table = [NOTHING; 16];
    let mut channel = 0;
    while channel < channels {
        table[channel * 4] = (first * channels + channel) as u8;
        table[channel * 4 + 2] = ((first + 1) * channels + channel) as u8;
        channel += 1;
    }
    table
}

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
