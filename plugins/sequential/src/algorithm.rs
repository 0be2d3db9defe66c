//! The order of the indices themselves, as torch's `SequentialSampler` has it, sharded.

use serde::Deserialize;
use zenith_plugin_sdk::{Error, Population, Sampler};
use zenith_sampling::{Order, Walk};

/// The configuration of [`Sequential`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether the samples that would make the shards uneven are left out. Otherwise the shards are
    /// filled up from the beginning of the order.
    pub drop_last: bool,
}

/// Yields 0, 1, 2, …: rank `r` of `w` takes `r`, `r + w`, `r + 2w`, ….
#[derive(Debug)]
pub struct Sequential {
    config: Config,
    walk: Walk<Indices>,
}

#[derive(Debug)]
struct Indices {
    length: u64,
}

impl Order for Indices {
    fn positions(&self) -> u64 {
        self.length
    }

    fn index(&self, position: u64) -> u64 {
        position
    }
}

impl Sampler for Sequential {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        Ok(Self { config, walk: Walk::new() })
    }

    fn start(&mut self, population: Population) -> Result<u64, Error> {
        self.walk.start(Indices { length: population.length }, &population, self.config.drop_last)
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

    fn epoch(config: &str, population: Population) -> Vec<u64> {
        let mut sampler = Sequential::configure(parse_config(config).unwrap()).unwrap();
        let count = sampler.start(population).unwrap();
        let mut run = Vec::new();
        sampler.next(1000, &mut run).unwrap();
        assert_eq!(run.len() as u64, count);
        run
    }

    #[test]
    fn indices_come_in_order_whatever_the_seed_and_epoch() {
        for (epoch_number, seed) in [(0, 0), (3, 4)] {
            let population = Population { length: 5, epoch: epoch_number, seed, rank: 0, world_size: 1 };
            assert_eq!(epoch("{}", population), [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn ranks_take_turns() {
        let population = Population { length: 5, epoch: 0, seed: 0, rank: 1, world_size: 2 };
        assert_eq!(epoch("{}", population), [1, 3, 0]);
        assert_eq!(epoch(r#"{"drop_last": true}"#, population), [1, 3]);
    }

    #[test]
    fn an_unknown_key_is_told() {
        assert_eq!(
            parse_config::<Config>(r#"{"seed": 1}"#).unwrap_err().to_string(),
            "`seed` is wrong: unknown field `seed`, expected `drop_last`"
        );
    }
}
