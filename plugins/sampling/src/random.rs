//! Counter-based random numbers for an epoch: any of them can be had without those before it.

use zenith_plugin_sdk::{Error, Rng};

use crate::LONGEST;

/// The random numbers of one epoch. `SplitMix64`'s state only counts, so the generator at any
/// counter is a function of the key and the counter (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014).
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// The stream of an epoch. `purpose` keeps samplers apart that run with the same seed.
    pub fn new(seed: u64, epoch: u64, purpose: u64) -> Self {
        let absorb = |state: u64, input: u64| Rng::new(state ^ Rng::new(input).next_u64()).next_u64();
        Self { key: absorb(absorb(absorb(0, purpose), seed), epoch) }
    }

    /// A generator for `counter`, unrelated to that of any other counter.
    pub fn at(self, counter: u64) -> Rng {
        Rng::new(Rng::new(self.key ^ Rng::new(counter).next_u64()).next_u64())
    }
}

/// Checks the `seed` of a configuration, which must be exact in a double.
///
/// # Errors
///
/// `config` where it is 2⁵³ or more.
pub fn check_seed(seed: Option<u64>) -> Result<Option<u64>, Error> {
    match seed {
        Some(seed) if seed >= LONGEST => {
            Err(Error::config("seed", format!("must be below 2^53 = {LONGEST}, but is {seed}")))
        }
        seed => Ok(seed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_moves_the_numbers() {
        let draw = |seed, epoch, purpose, counter| Stream::new(seed, epoch, purpose).at(counter).next_u64();
        let base = draw(1, 2, 3, 4);
        assert_eq!(base, draw(1, 2, 3, 4));
        for other in
            [draw(0, 2, 3, 4), draw(1, 0, 3, 4), draw(1, 2, 0, 4), draw(1, 2, 3, 0), draw(2, 1, 3, 4)]
        {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_seed_that_a_double_cannot_hold_is_refused() {
        assert_eq!(check_seed(Some(LONGEST - 1)), Ok(Some(LONGEST - 1)));
        assert_eq!(
            check_seed(Some(LONGEST)).unwrap_err().to_string(),
            "`seed` must be below 2^53 = 9007199254740992, but is 9007199254740992"
        );
    }
}
