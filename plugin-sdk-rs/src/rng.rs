//! Random numbers from a seed: the same on every machine, natively and in WebAssembly.

/// `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014): enough for drawing a handful of parameters for
/// one sample, and nothing else.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A generator for one sample; `seed` is what the host hands to `window` and `apply`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in [0, 1), with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let bits = (self.next_u64() >> 11) as f64;
        bits * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A number in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number in [0, bound), or 0 where `bound` is 0, without modulo bias (Lemire, "Fast
    /// random integer generation in an interval", 2019).
    pub fn below(&mut self, bound: u64) -> u64 {
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            #[expect(clippy::cast_possible_truncation, reason = "the halves of a product, taken apart")]
            let (high, low) = ((product >> 64) as u64, product as u64);
            if low >= bound || low >= bound.wrapping_neg() % bound.max(1) {
                return high;
            }
        }
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept() {
        let mut rng = Rng::new(1);
        for bound in [0, 1, 2, 3, 10, u64::MAX] {
            for _ in 0..100 {
                let value = rng.below(bound);
                assert!(value < bound.max(1));
            }
        }
        assert!((0..1000).map(|_| rng.unit()).all(|value| (0.0..1.0).contains(&value)));
    }

    #[test]
    fn chance_knows_its_ends() {
        let mut rng = Rng::new(2);
        assert!((0..100).all(|_| !rng.chance(0.0)));
        assert!((0..100).all(|_| rng.chance(1.0)));
    }
}
