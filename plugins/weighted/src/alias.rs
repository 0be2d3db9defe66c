//! Drawing with replacement: any draw of the epoch in constant time, in any order.

use zenith_sampling::Stream;

/// An alias table: every column holds one index with a share of the column, and another index that
/// fills the rest, so that a draw is a column and a comparison (Walker 1977; built in linear time
/// and robustly to rounding as Vose describes, "A linear algorithm for generating random numbers
/// with a given distribution", 1991).
#[derive(Clone, Debug)]
pub(crate) struct AliasTable {
    /// The share of column `i` that belongs to index `i`, from 0 to 1.
    shares: Vec<f64>,
    /// The index that fills the rest of the column.
    aliases: Vec<u32>,
}

impl AliasTable {
    /// A table for finite weights that are not negative and of which at least one is positive.
    pub(crate) fn new(weights: &[f64]) -> Self {
        // Scaled by the largest weight first, so that no sum overflows.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let total: f64 = weights.iter().map(|weight| weight / largest).sum();
        #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
        let columns = weights.len() as f64;
        let mut shares: Vec<f64> =
            weights.iter().map(|weight| weight / largest * (columns / total)).collect();
        let mut aliases: Vec<u32> = (0u32..).take(weights.len()).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            aliases.iter().partition(|index| shares[**index as usize] < 1.0);
        while let (Some(poor), Some(rich)) = (small.pop(), large.last().copied()) {
            aliases[poor as usize] = rich;
            let rest = (shares[rich as usize] + shares[poor as usize]) - 1.0;
            shares[rich as usize] = rest;
            if rest < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        // What is left differs from a full column by rounding only, unless its weight is 0: then
        // rounding has used up all others, and it must still never be drawn.
        let fallback = (0u32..).zip(weights).max_by(|(_, a), (_, b)| a.total_cmp(b));
        for index in small.into_iter().chain(large) {
            if weights[index as usize] > 0.0 {
                shares[index as usize] = 1.0;
            } else if let Some((fallback, _)) = fallback {
                aliases[index as usize] = fallback;
            }
        }
        Self { shares, aliases }
    }

    /// The draw of a stream that has the number `counter`.
    pub(crate) fn draw(&self, stream: Stream, counter: u64) -> u64 {
        let mut random = stream.at(counter);
        let column = random.below(self.shares.len() as u64);
        // A share of 0 is never below a number in [0, 1), and one of 1 always is above.
        let index = usize::try_from(column).unwrap_or(0);
        if random.unit() < self.shares[index] { column } else { u64::from(self.aliases[index]) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the numbers are small"
    )]

    use super::*;

    /// The probability that the table gives to each index.
    fn probabilities(table: &AliasTable) -> Vec<f64> {
        let columns = table.shares.len() as f64;
        let mut probabilities = vec![0.0; table.shares.len()];
        for (index, share) in table.shares.iter().enumerate() {
            probabilities[index] += share / columns;
            probabilities[table.aliases[index] as usize] += (1.0 - share) / columns;
        }
        probabilities
    }

    #[test]
    fn a_table_gives_every_index_its_share() {
        let long: Vec<f64> = (0..1000).map(|index| f64::from(index * 7919 % 1000)).collect();
        for weights in [
            &[1.0][..],
            &[1.0, 3.0],
            &[0.0, 1.0, 0.0],
            &[0.1, 0.2, 0.3, 0.4],
            &[1e-300, 2e-300],
            &[f64::MAX, f64::MAX, f64::MAX / 2.0],
            &[1e-9, 1e9],
            &long,
        ] {
            let largest = weights.iter().copied().fold(0.0, f64::max);
            let total: f64 = weights.iter().map(|weight| weight / largest).sum();
            for (weight, probability) in weights.iter().zip(probabilities(&AliasTable::new(weights))) {
                let expected = weight / largest / total;
                assert!((probability - expected).abs() < 1e-12, "{probability} is not {expected}");
                assert!(*weight > 0.0 || probability == 0.0);
            }
        }
    }

    #[test]
    fn draws_follow_the_weights() {
        let weights = [1.0, 0.0, 2.0, 5.0];
        let table = AliasTable::new(&weights);
        let mut counts = [0u32; 4];
        for counter in 0..80_000 {
            counts[table.draw(Stream::new(1, 2, 3), counter) as usize] += 1;
        }
        assert_eq!(counts[1], 0);
        for (count, weight) in counts.into_iter().zip(weights) {
            // Four standard deviations of a binomial count.
            let expected = 10_000.0 * weight;
            let bound = 4.0 * (expected * (1.0 - weight / 8.0)).sqrt();
            assert!((f64::from(count) - expected).abs() <= bound, "{count} draws for a weight of {weight}");
        }
    }
}
