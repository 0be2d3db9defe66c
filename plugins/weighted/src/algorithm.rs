//! A weighted epoch, as torch's `WeightedRandomSampler` has it: configuration and choice of method.

use std::sync::Arc;

use serde::Deserialize;
use zenith_plugin_sdk::{Error, Population, Sampler};
use zenith_sampling::{LONGEST, Order, Stream, Walk, check_seed};

use crate::{alias::AliasTable, keys};

/// Keeps this sampler's numbers apart from other samplers' with the same seed.
const PURPOSE: u64 = 0x7765_6967_6874_6564;

/// The configuration of [`Weighted`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A weight for every sample of the dataset, not necessarily adding up to 1. A sample of weight
    /// 0 is never drawn.
    pub weights: Vec<f64>,
    /// How many samples all ranks together draw in an epoch. By default as many as there are
    /// weights, or, without replacement, positive weights.
    #[serde(default)]
    pub num_samples: Option<u64>,
    /// Whether a sample may be drawn more than once in an epoch.
    #[serde(default = "yes")]
    pub replacement: bool,
    /// Goes before the run's seed; below 2⁵³.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether the samples that would make the shards uneven are left out. Otherwise the shards are
    /// filled up from the beginning of the epoch's order.
    #[serde(default)]
    pub drop_last: bool,
}

fn yes() -> bool {
    true
}

/// Yields indices drawn with given weights. The draw at a position is a function of seed, epoch and
/// position alone.
#[derive(Debug)]
pub struct Weighted {
    config: Config,
    num_samples: u64,
    /// Made once and shared by the epochs; absent without replacement.
    table: Option<Arc<AliasTable>>,
    walk: Walk<Draws>,
}

#[derive(Debug)]
enum Draws {
    WithReplacement { table: Arc<AliasTable>, stream: Stream, count: u64 },
    WithoutReplacement(Vec<u64>),
}

impl Order for Draws {
    fn positions(&self) -> u64 {
        match self {
            Self::WithReplacement { count, .. } => *count,
            Self::WithoutReplacement(order) => order.len() as u64,
        }
    }

    fn index(&self, position: u64) -> u64 {
        match self {
            Self::WithReplacement { table, stream, .. } => table.draw(*stream, position),
            // A position is below the order's length, so below `usize::MAX`.
            Self::WithoutReplacement(order) => order[usize::try_from(position).unwrap_or(usize::MAX)],
        }
    }
}

impl Sampler for Weighted {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        check_seed(config.seed)?;
        let positive = check_weights(&config.weights)?;
        let default = if config.replacement { config.weights.len() as u64 } else { positive };
        let num_samples = config.num_samples.unwrap_or(default);
        if num_samples == 0 || num_samples > LONGEST {
            let reason = format!("must be between 1 and 2^53 = {LONGEST}, but is {num_samples}");
            return Err(Error::config("num_samples", reason));
        }
        if !config.replacement && num_samples > positive {
            let reason = format!(
                "must be at most the number of positive weights, {positive}, where `replacement` is false, \
                 but is {num_samples}"
            );
            return Err(Error::config("num_samples", reason));
        }
        let table = config.replacement.then(|| Arc::new(AliasTable::new(&config.weights)));
        Ok(Self { config, num_samples, table, walk: Walk::new() })
    }

    fn start(&mut self, population: Population) -> Result<u64, Error> {
        let weights = &self.config.weights;
        if weights.len() as u64 != population.length {
            return Err(Error::UnsupportedData(format!(
                "`weights` has {} entries, but the dataset has {} samples: give one weight for each sample",
                weights.len(),
                population.length,
            )));
        }
        let seed = self.config.seed.unwrap_or(population.seed);
        let stream = Stream::new(seed, population.epoch, PURPOSE);
        let draws = if let Some(table) = &self.table {
            Draws::WithReplacement { table: Arc::clone(table), stream, count: self.num_samples }
        } else {
            // No more than there are weights, so within `usize`.
            let count = usize::try_from(self.num_samples).unwrap_or(usize::MAX);
            Draws::WithoutReplacement(keys::order(weights, count, stream))
        };
        self.walk.start(draws, &population, self.config.drop_last)
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

/// Checks the weights and counts the positive ones.
fn check_weights(weights: &[f64]) -> Result<u64, Error> {
    if weights.len() > u32::MAX as usize {
        let reason = format!("must have at most {} entries, but has {}", u32::MAX, weights.len());
        return Err(Error::config("weights", reason));
    }
    if let Some((index, weight)) =
        weights.iter().enumerate().find(|(_, weight)| !(weight.is_finite() && **weight >= 0.0))
    {
        let reason = format!("must be finite and not negative, but entry {index} is {weight}");
        return Err(Error::config("weights", reason));
    }
    match weights.iter().filter(|weight| **weight > 0.0).count() as u64 {
        0 => Err(Error::config("weights", "must have at least one entry above 0")),
        positive => Ok(positive),
    }
}

#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::parse_config;

    use super::*;

    const ALONE: Population = Population { length: 4, epoch: 0, seed: 42, rank: 0, world_size: 1 };

    fn configure(config: &str) -> Result<Weighted, Error> {
        Weighted::configure(parse_config(config)?)
    }

    fn epoch(config: &str, population: Population) -> Vec<u64> {
        let mut sampler = configure(config).unwrap();
        let count = sampler.start(population).unwrap();
        let mut run = Vec::new();
        sampler.next(1000, &mut run).unwrap();
        assert_eq!(run.len() as u64, count);
        run
    }

    #[test]
    fn the_draws_are_part_of_the_format_and_do_not_change() {
        let with = epoch(r#"{"weights": [1, 2, 3, 0], "num_samples": 12}"#, ALONE);
        assert_eq!(with, [1, 2, 1, 2, 0, 2, 1, 1, 1, 2, 0, 2]);
        let without = epoch(r#"{"weights": [1, 2, 3, 4], "replacement": false}"#, ALONE);
        assert_eq!(without, [1, 2, 3, 0]);
    }

    #[test]
    fn epochs_and_seeds_differ_and_repeat() {
        for replacement in [true, false] {
            let weights = vec!["1"; 100].join(",");
            let config = format!(r#"{{"weights": [{weights}], "replacement": {replacement}}}"#);
            let population = Population { length: 100, ..ALONE };
            let base = epoch(&config, population);
            assert_eq!(base, epoch(&config, population));
            assert_ne!(base, epoch(&config, Population { epoch: 1, ..population }));
            assert_ne!(base, epoch(&config, Population { seed: 43, ..population }));
            let own = format!(r#"{{"weights": [{weights}], "replacement": {replacement}, "seed": 42}}"#);
            assert_eq!(base, epoch(&own, Population { seed: 7, ..population }));
        }
    }

    #[test]
    fn a_weight_of_zero_is_never_drawn() {
        let drawn = epoch(r#"{"weights": [0, 1, 0, 1], "num_samples": 500}"#, ALONE);
        assert!(drawn.iter().all(|index| index % 2 == 1));
        let mut drawn = epoch(r#"{"weights": [0, 1, 0, 1], "replacement": false}"#, ALONE);
        drawn.sort_unstable();
        assert_eq!(drawn, [1, 3]);
    }

    #[test]
    fn ranks_share_out_one_order_and_resume_inside_it() {
        for replacement in [true, false] {
            let config =
                format!(r#"{{"weights": [1, 1, 1, 1], "num_samples": 4, "replacement": {replacement}}}"#);
            let whole = epoch(&config, ALONE);
            for rank in 0..2 {
                let population = Population { rank, world_size: 2, ..ALONE };
                let first = rank as usize;
                assert_eq!(epoch(&config, population), [whole[first], whole[first + 2]]);
                let mut sampler = configure(&config).unwrap();
                sampler.start(population).unwrap();
                sampler.restore(br#"{"format":1,"position":2}"#).unwrap();
                let mut run = Vec::new();
                sampler.next(10, &mut run).unwrap();
                assert_eq!(run, [whole[first + 2]]);
            }
        }
    }

    #[test]
    fn a_million_million_draws_cost_nothing_until_they_are_made() {
        let mut sampler = configure(r#"{"weights": [1, 1, 1, 1], "num_samples": 1099511627776}"#).unwrap();
        assert_eq!(sampler.start(ALONE), Ok(1 << 40));
    }

    #[test]
    fn weights_must_fit_the_dataset() {
        let mut sampler = configure(r#"{"weights": [1, 2]}"#).unwrap();
        assert_eq!(
            sampler.start(ALONE).unwrap_err().to_string(),
            "`weights` has 2 entries, but the dataset has 4 samples: give one weight for each sample"
        );
    }

    #[test]
    fn hostile_configurations_are_told_apart() {
        for (config, expected) in [
            ("{}", "its configuration is wrong: missing field `weights`"),
            (r#"{"weights": 3}"#, "`weights` is wrong: invalid type: integer `3`, expected a sequence"),
            (r#"{"weights": [1, "a"]}"#, "`weights[1]` is wrong: invalid type: string \"a\", expected f64"),
            (r#"{"weights": []}"#, "`weights` must have at least one entry above 0"),
            (r#"{"weights": [0, 0]}"#, "`weights` must have at least one entry above 0"),
            (r#"{"weights": [1, -0.5]}"#, "`weights` must be finite and not negative, but entry 1 is -0.5"),
            (r#"{"weights": [1e999]}"#, "`weights[0]` is wrong: number out of range"),
            (
                r#"{"weights": [1], "num_samples": 0}"#,
                "`num_samples` must be between 1 and 2^53 = 9007199254740992, but is 0",
            ),
            (
                r#"{"weights": [1, 0], "num_samples": 2, "replacement": false}"#,
                "`num_samples` must be at most the number of positive weights, 1, where `replacement` is \
                 false, but is 2",
            ),
            (
                r#"{"weights": [1], "seed": 9007199254740992}"#,
                "`seed` must be below 2^53 = 9007199254740992, but is 9007199254740992",
            ),
        ] {
            assert_eq!(configure(config).unwrap_err().to_string(), expected, "{config}");
        }
    }
}
