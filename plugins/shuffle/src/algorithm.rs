//! A shuffled epoch: a keyed permutation instead of a list, so that an order costs no memory, and a
//! shard and a resume are arithmetic.

use serde::Deserialize;
use zenith_plugin_sdk::{Error, Population, Sampler};
use zenith_sampling::{Stream, Walk, check_seed};

use crate::permutation::Permutation;

/// Keeps this sampler's numbers apart from other samplers' with the same seed.
const PURPOSE: u64 = 0x7368_7566_666C_6531;

/// The configuration of [`Shuffle`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Goes before the run's seed; below 2⁵³.
    pub seed: Option<u64>,
    /// Whether the samples that would make the shards uneven are left out. Otherwise the shards are
    /// filled up from the beginning of the epoch's order, as torch's `DistributedSampler` does.
    pub drop_last: bool,
}

/// Yields every index once, in an order that is a function of seed and epoch.
#[derive(Debug)]
pub struct Shuffle {
    config: Config,
    walk: Walk<Permutation>,
}

impl Sampler for Shuffle {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        check_seed(config.seed)?;
        Ok(Self { config, walk: Walk::new() })
    }

    fn start(&mut self, population: Population) -> Result<u64, Error> {
        let seed = self.config.seed.unwrap_or(population.seed);
        let order = Permutation::new(population.length, Stream::new(seed, population.epoch, PURPOSE));
        self.walk.start(order, &population, self.config.drop_last)
    }

    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), Error> {
        self.walk.next(limit, run)
    }

    fn save(&self) -> Vec<u8> {
        self.walk.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        self.walk.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::parse_config;

    use super::*;

    const ALONE: Population = Population { length: 20, epoch: 0, seed: 42, rank: 0, world_size: 1 };

    fn sampler(config: &str) -> Shuffle {
        Shuffle::configure(parse_config(config).unwrap()).unwrap()
    }

    fn epoch(config: &str, population: Population) -> Vec<u64> {
        let mut sampler = sampler(config);
        let count = sampler.start(population).unwrap();
        let mut run = Vec::new();
        sampler.next(1000, &mut run).unwrap();
        assert_eq!(run.len() as u64, count);
        run
    }

    #[test]
    fn the_order_is_part_of_the_format_and_does_not_change() {
        // Saved states resume into this order: another one here breaks every user's resume.
        assert_eq!(epoch("{}", ALONE), FROZEN);
    }

    const FROZEN: [u64; 20] = [12, 9, 16, 18, 0, 19, 13, 4, 3, 2, 10, 14, 8, 1, 17, 5, 6, 11, 15, 7];

    #[test]
    fn a_configured_seed_goes_before_the_runs() {
        let own = epoch(r#"{"seed": 42}"#, Population { seed: 1, ..ALONE });
        assert_eq!(own, epoch("{}", ALONE));
        assert_ne!(own, epoch("{}", Population { seed: 1, ..ALONE }));
    }

    #[test]
    fn epochs_differ_and_repeat() {
        let second = Population { epoch: 1, ..ALONE };
        assert_ne!(epoch("{}", ALONE), epoch("{}", second));
        assert_eq!(epoch("{}", second), epoch("{}", second));
    }

    #[test]
    fn ranks_share_out_one_order() {
        let whole = epoch("{}", ALONE);
        for rank in 0..3 {
            let shard = epoch("{}", Population { rank, world_size: 3, ..ALONE });
            let expected: Vec<_> =
                (0..7).map(|step| whole[(rank as usize + step * 3) % whole.len()]).collect();
            assert_eq!(shard, expected);
        }
    }

    #[test]
    fn an_epoch_of_a_million_million_samples_starts_at_once() {
        let mut sampler = sampler("{}");
        let population = Population { length: 1 << 40, ..ALONE };
        assert_eq!(sampler.start(population), Ok(1 << 40));
        sampler.restore(br#"{"format":1,"position":1099511627774}"#).unwrap();
        let mut run = Vec::new();
        sampler.next(u32::MAX, &mut run).unwrap();
        assert_eq!(run.len(), 2);
        assert!(run.iter().all(|index| *index < 1 << 40));
    }

    #[test]
    fn short_datasets_work() {
        assert!(epoch("{}", Population { length: 0, ..ALONE }).is_empty());
        assert_eq!(epoch("{}", Population { length: 1, ..ALONE }), [0]);
        assert_eq!(epoch("{}", Population { length: 1, rank: 2, world_size: 3, ..ALONE }), [0]);
    }

    #[test]
    fn hostile_configurations_are_told_apart() {
        for (config, expected) in [
            (r#"{"seed": -1}"#, "`seed` is wrong: invalid value: integer `-1`, expected u64"),
            (r#"{"seed": 1.5}"#, "`seed` is wrong: invalid type: floating point `1.5`, expected u64"),
            (r#"{"sede": 1}"#, "`sede` is wrong: unknown field `sede`, expected `seed` or `drop_last`"),
            (r#"{"drop_last": 1}"#, "`drop_last` is wrong: invalid type: integer `1`, expected a boolean"),
        ] {
            assert_eq!(parse_config::<Config>(config).unwrap_err().to_string(), expected);
        }
        let error = Shuffle::configure(Config { seed: Some(1 << 53), drop_last: false }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`seed` must be below 2^53 = 9007199254740992, but is 9007199254740992"
        );
    }
}
