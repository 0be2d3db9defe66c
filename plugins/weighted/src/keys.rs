//! Drawing without replacement: the whole epoch's order at once.

use zenith_sampling::Stream;

/// The first `count` indices of a weighted draw without replacement: each next one is drawn from
/// those left, with probabilities proportional to their weights. `count` is at most the number of
/// positive weights.
///
/// Every index waits for an exponentially distributed time with its weight as the rate; the order
/// in which the waits end is such a draw (Efraimidis and Spirakis, "Weighted random sampling with a
/// reservoir", 2006).
pub(crate) fn order(weights: &[f64], count: usize, stream: Stream) -> Vec<u64> {
    let mut waits: Vec<(f64, u64)> = (0u64..)
        .zip(weights)
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(index, weight)| {
            // `libm`'s logarithm is the same natively and in WebAssembly, which std's is not.
            let wait = -libm::log(1.0 - stream.at(index).unit());
            // The logarithm of `wait / weight`, because the quotient of extreme weights has no
            // exact double; it orders the same.
            (libm::log(wait) - libm::log(*weight), index)
        })
        .collect();
    let sooner = |a: &(f64, u64), b: &(f64, u64)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if count < waits.len() {
        waits.select_nth_unstable_by(count, sooner);
        waits.truncate(count);
    }
    waits.sort_unstable_by(sooner);
    waits.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, reason = "the numbers are small")]

    use super::*;

    #[test]
    fn every_positive_weight_comes_once() {
        let weights = [1.0, 0.0, 1e-300, f64::MAX, 0.5];
        let mut indices = order(&weights, 4, Stream::new(0, 0, 0));
        assert_eq!(indices[0], 3);
        assert_eq!(indices[3], 2);
        indices.sort_unstable();
        assert_eq!(indices, [0, 2, 3, 4]);
    }

    #[test]
    fn a_shorter_draw_is_the_beginning_of_a_longer_one() {
        let weights: Vec<f64> = (1..100).map(f64::from).collect();
        let whole = order(&weights, 99, Stream::new(5, 0, 0));
        assert_eq!(order(&weights, 10, Stream::new(5, 0, 0)), whole[..10]);
    }

    #[test]
    fn first_and_second_draws_follow_the_weights() {
        let weights = [1.0, 2.0, 5.0];
        let mut pairs = [[0u32; 3]; 3];
        for seed in 0..40_000 {
            let drawn = order(&weights, 2, Stream::new(seed, 0, 0));
            pairs[drawn[0] as usize][drawn[1] as usize] += 1;
        }
        for first in 0..3 {
            for second in 0..3 {
                let probability = if first == second {
                    0.0
                } else {
                    weights[first] / 8.0 * weights[second] / (8.0 - weights[first])
                };
                let expected = 40_000.0 * probability;
                let bound = 4.0 * (expected * (1.0 - probability)).sqrt();
                let count = f64::from(pairs[first][second]);
                assert!((count - expected).abs() <= bound, "({first}, {second}) came {count} times");
            }
        }
    }
}
