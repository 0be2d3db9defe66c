//! Every n-th sample, in order.

use zenith_plugin_sdk::{Error, Population, Sampler, export, serde};

/// The configuration. An unknown key is refused.
#[derive(serde::Deserialize)]
#[serde(crate = "serde", default, deny_unknown_fields)]
struct Config {
    /// How far apart the samples are, at least 1.
    every: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { every: 2 }
    }
}

/// The sampler, and where it stands. Of an order of `length` positions, rank `r` of `w` takes `r`,
/// `r + w`, `r + 2w`, …, so that all ranks get equally many; the last may begin again at the front.
struct EveryNth {
    every: u64,
    length: u64,
    /// Positions that all ranks together had taken when this part of the epoch began.
    base: u64,
    /// What this rank has taken since.
    taken: u64,
    rank: u64,
    ranks: u64,
}

impl EveryNth {
    /// What this rank has yet to take.
    fn remaining(&self) -> u64 {
        self.length.saturating_sub(self.base).div_ceil(self.ranks) - self.taken
    }
}

impl Sampler for EveryNth {
    type Config = Config;

    /// An error here stops the pipeline before its first batch.
    fn configure(config: Config) -> Result<Self, Error> {
        if config.every == 0 {
            return Err(Error::config("every", "must be at least 1, but is 0"));
        }
        Ok(Self {
            every: config.every,
            length: 0,
            base: 0,
            taken: 0,
            rank: 0,
            ranks: 1,
        })
    }

    /// Begins an epoch: an order that changes from epoch to epoch would use `population.seed` and
    /// `population.epoch`.
    fn start(&mut self, population: Population) -> Result<u64, Error> {
        self.length = population.length.div_ceil(self.every);
        (self.base, self.taken) = (0, 0);
        (self.rank, self.ranks) = (population.rank.into(), population.world_size.into());
        Ok(self.remaining())
    }

    /// Hands over the next indices, at most `limit`; thousands at a time are usual.
    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), Error> {
        for _ in 0..self.remaining().min(limit.into()) {
            let position = (self.base + self.taken * self.ranks + self.rank) % self.length;
            run.push(position * self.every);
            self.taken += 1;
        }
        Ok(())
    }

    /// Where the epoch stands, in a form that any number of ranks can go on from.
    fn save(&self) -> Vec<u8> {
        (self.base + self.taken * self.ranks)
            .min(self.length)
            .to_le_bytes()
            .to_vec()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let bytes = state.try_into().map_err(|_| {
            Error::InvalidState(format!(
                "it is a position in 8 bytes, not {} bytes",
                state.len()
            ))
        })?;
        let position = u64::from_le_bytes(bytes);
        if position > self.length {
            return Err(Error::InvalidState(format!(
                "position {position} is beyond the {} there are",
                self.length
            )));
        }
        (self.base, self.taken) = (position, 0);
        Ok(())
    }
}

export!(sampler: EveryNth);

// `cargo test` runs the plugin's own code natively, without WebAssembly.
#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::parse_config;

    use super::*;

    fn sampler(length: u64, rank: u32, world_size: u32) -> EveryNth {
        let mut sampler = EveryNth::configure(parse_config(r#"{"every": 3}"#).unwrap()).unwrap();
        sampler
            .start(Population {
                length,
                epoch: 0,
                seed: 0,
                rank,
                world_size,
            })
            .unwrap();
        sampler
    }

    fn rest(sampler: &mut EveryNth) -> Vec<u64> {
        let mut run = Vec::new();
        sampler.next(100, &mut run).unwrap();
        run
    }

    #[test]
    fn every_third_sample_comes_in_order() {
        assert_eq!(rest(&mut sampler(10, 0, 1)), [0, 3, 6, 9]);
        assert!(rest(&mut sampler(0, 0, 1)).is_empty());
    }

    #[test]
    fn ranks_take_turns_and_equally_many() {
        assert_eq!(rest(&mut sampler(7, 0, 2)), [0, 6]);
        assert_eq!(rest(&mut sampler(7, 1, 2)), [3, 0]);
    }

    #[test]
    fn another_number_of_ranks_goes_on_where_the_epoch_stood() {
        let mut two = sampler(18, 0, 2);
        let mut run = Vec::new();
        two.next(1, &mut run).unwrap();
        let mut one = sampler(18, 0, 1);
        one.restore(&two.save()).unwrap();
        assert_eq!(rest(&mut one), [6, 9, 12, 15]);
        assert!(one.restore(&[1, 2]).is_err());
    }
}
