//! A keyed permutation of `0..length` with random access, in constant memory.

use zenith_sampling::{Order, Stream};

/// Passes over row and column, two rounds each. Four rounds already make a Feistel network pass for
/// a random permutation where the range is large (Luby and Rackoff, 1988); small ranges mix slowly,
/// and seven passes are the fewest that make every order of 2 to 7 indices equally likely, by test.
const PASSES: usize = 8;

/// A permutation of `0..length`.
///
/// A generalised Feistel network over the rectangle `rows × columns` that just holds `length`
/// numbers (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002): a number is
/// split into row and column, and each round adds to one of them a keyed function of the other. A
/// result outside `0..length` is put through again until it lies inside ("cycle walking"), which
/// the tight rectangle makes rare: fewer than `columns` of its numbers lie outside. Grain's index
/// shuffle has the same purpose and another cipher.
#[derive(Clone, Debug)]
pub struct Permutation {
    length: u64,
    rows: u64,
    columns: u64,
    keys: [[u64; 2]; PASSES],
    /// 1 where the numbers 0 and 1 change places at the end: adding to rows and columns of odd extents
    /// makes even permutations only, and half of all orders are odd.
    swap: u64,
}

impl Permutation {
    /// The permutation of `0..length` that `stream` keys. `length` is at most 2⁵³.
    pub fn new(length: u64, stream: Stream) -> Self {
        let mut random = stream.at(0);
        let keys = std::array::from_fn(|_| [random.next_u64(), random.next_u64()]);
        // At least two columns from two numbers on: a single column could only be rotated.
        let columns = length.saturating_sub(1).isqrt() + 1;
        let swap = if length > 1 { random.next_u64() & 1 } else { 0 };
        Self { length, rows: length.div_ceil(columns).max(1), columns, keys, swap }
    }

    fn pass_through(&self, number: u64) -> u64 {
        let (mut row, mut column) = (number / self.columns, number % self.columns);
        for [row_key, column_key] in self.keys {
            row = add(row, keyed(column, row_key, self.rows), self.rows);
            column = add(column, keyed(row, column_key, self.columns), self.columns);
        }
        let number = row * self.columns + column;
        if number < 2 { number ^ self.swap } else { number }
    }
}

impl Order for Permutation {
    fn positions(&self) -> u64 {
        self.length
    }

    fn index(&self, position: u64) -> u64 {
        let mut number = self.pass_through(position);
        // Ends: a permutation of the rectangle leads every number of `0..length` back to one.
        while number >= self.length {
            number = self.pass_through(number);
        }
        number
    }
}

/// A number below `bound` that looks random: `SplitMix64`'s finaliser, scaled down by a
/// multiplication (Lemire, 2019), whose bias is below 2⁻³⁷ for bounds of at most 2²⁷.
fn keyed(input: u64, key: u64, bound: u64) -> u64 {
    let mut z = input.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ key;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    ((u128::from(z) * u128::from(bound)) >> 64) as u64
}

/// The sum modulo `bound`, for terms below it.
fn add(a: u64, b: u64, bound: u64) -> u64 {
    let sum = a + b;
    if sum >= bound { sum - bound } else { sum }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the numbers are small"
    )]

    use std::collections::HashMap;

    use super::*;

    fn permutation(length: u64, seed: u64) -> Permutation {
        Permutation::new(length, Stream::new(seed, 0, 7))
    }

    fn all(permutation: &Permutation) -> Vec<u64> {
        (0..permutation.positions()).map(|position| permutation.index(position)).collect()
    }

    #[test]
    fn every_index_comes_exactly_once() {
        for length in (0..300).chain([1000, 4095, 4096, 4097, 65_535, 100_003]) {
            let mut indices = all(&permutation(length, length));
            indices.sort_unstable();
            assert!(indices.into_iter().eq(0..length), "{length}");
        }
    }

    #[test]
    fn a_huge_range_is_reached_without_walking_far() {
        for length in [(1 << 40) + 1, (1 << 53) - 1, 1 << 53] {
            let huge = permutation(length, 1);
            assert!(huge.rows * huge.columns - length < huge.columns);
            let mut indices: Vec<_> = (0..1000).map(|step| huge.index(step * (length / 1000))).collect();
            assert!(indices.iter().all(|index| *index < length));
            indices.sort_unstable();
            indices.dedup();
            assert_eq!(indices.len(), 1000);
        }
    }

    /// Pearson's statistic of counts that should be equal.
    fn chi_square(counts: &[u32]) -> f64 {
        let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
    }

    /// A value that a sound statistic with that many degrees of freedom exceeds once in about
    /// 30,000 times (Wilson and Hilferty's approximation, four standard deviations).
    fn chi_square_bound(cells: usize) -> f64 {
        let freedom = (cells - 1) as f64;
        let spread = 2.0 / (9.0 * freedom);
        freedom * (1.0 - spread + 4.0 * spread.sqrt()).powi(3)
    }

    #[test]
    fn every_order_of_a_small_range_is_equally_likely() {
        for (length, orders) in [(2, 2), (3, 6), (4, 24), (5, 120), (6, 720), (7, 5040)] {
            let mut counts: HashMap<Vec<u64>, u32> = HashMap::new();
            for seed in 0..orders * 100 {
                *counts.entry(all(&permutation(length, seed))).or_default() += 1;
            }
            let counts: Vec<u32> = counts.into_values().collect();
            assert_eq!(counts.len() as u64, orders, "{length}");
            let statistic = chi_square(&counts);
            assert!(statistic < chi_square_bound(counts.len()), "{length}: {statistic}");
        }
    }

    #[test]
    fn every_position_holds_every_index_equally_often() {
        const LENGTH: u64 = 37;
        let mut counts = vec![0; 37 * 37];
        for seed in 0..4000 {
            for (position, index) in all(&permutation(LENGTH, seed)).into_iter().enumerate() {
                counts[position * 37 + index as usize] += 1;
            }
        }
        let statistic = chi_square(&counts);
        assert!(statistic < chi_square_bound(counts.len()), "{statistic}");
    }

    #[test]
    fn neighbours_part_evenly() {
        // Where position + 1 lies relative to position, in a range far larger than the rounds'
        // structure, in 64 equal sectors.
        let long = permutation(100_003, 3);
        let mut counts = vec![0; 64];
        for position in 0..100_002 {
            let step = (long.index(position + 1) + 100_003 - long.index(position)) % 100_003;
            counts[(step * 64 / 100_003) as usize] += 1;
        }
        let statistic = chi_square(&counts);
        assert!(statistic < chi_square_bound(counts.len()), "{statistic}");
    }

    #[test]
    fn epochs_and_seeds_give_unrelated_orders() {
        let base = all(&Permutation::new(1000, Stream::new(1, 1, 7)));
        for (seed, epoch) in [(1, 2), (2, 1), (0, 1), (1, 0)] {
            let other = all(&Permutation::new(1000, Stream::new(seed, epoch, 7)));
            let fixed = base.iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!(fixed < 8, "{fixed} positions agree");
        }
    }
}
