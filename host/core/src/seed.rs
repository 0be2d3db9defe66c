//! Counter-based randomness: where an operator's seed for a sample comes from.

/// Seeds handed to plugins have this many bits, so that a language whose only number is a double
/// (JavaScript in `QuickJS`) holds them exactly.
pub const SEED_BITS: u32 = 53;

/// The seed of the operator at `position` for the sample at `index`, in an epoch of a run.
///
/// It depends on nothing else, so pixels are the same for any number of workers, ranks or resumes.
/// Each input is absorbed by one round of `SplitMix64`'s finaliser (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014), whose avalanche keeps neighbouring
/// counters apart.
pub fn operator_seed(run: u64, epoch: u64, index: u64, position: u32) -> u64 {
    let mut state = mix(run ^ 0x5A45_4E49_5448_0001);
    for input in [epoch, index, u64::from(position)] {
        state = mix(state ^ mix(input));
    }
    state >> (u64::BITS - SEED_BITS)
}

fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_input_moves_the_seed() {
        let base = operator_seed(1, 2, 3, 4);
        for other in [
            operator_seed(0, 2, 3, 4),
            operator_seed(1, 0, 3, 4),
            operator_seed(1, 2, 0, 4),
            operator_seed(1, 2, 3, 0),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn swapped_counters_do_not_collide() {
        assert_ne!(operator_seed(0, 1, 2, 0), operator_seed(0, 2, 1, 0));
    }

    #[test]
    fn seeds_fit_a_double_and_rarely_repeat() {
        let seeds: HashSet<u64> = (0..10_000).map(|index| operator_seed(0, 0, index, 1)).collect();
        assert_eq!(seeds.len(), 10_000);
        assert!(seeds.iter().all(|seed| *seed < 1 << SEED_BITS));
    }

    #[test]
    fn the_derivation_is_part_of_the_format_and_does_not_change() {
        // Saved states resume with these seeds: a different value here breaks every user's resume.
        assert_eq!(operator_seed(0, 0, 0, 0), FROZEN);
    }

    const FROZEN: u64 = 2_687_235_132_872_473;
}
