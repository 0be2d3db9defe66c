//! Well-behaved: every rank's share of the dataset, in order. Its state is the next index.

use zenith_plugin_sdk::{Error, NoConfig, Population, Sampler, export};

struct Guest {
    population: Option<Population>,
    next: u64,
}

impl Sampler for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self { population: None, next: 0 })
    }

    fn start(&mut self, population: Population) -> Result<u64, Error> {
        let rank = u64::from(population.rank);
        self.next = rank;
        self.population = Some(population);
        Ok(population.length.saturating_sub(rank).div_ceil(u64::from(population.world_size)))
    }

    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), Error> {
        let population = self.population.expect("`start` comes first");
        for _ in 0..limit {
            if self.next < population.length {
                run.push(self.next);
                self.next += u64::from(population.world_size);
            }
        }
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        self.next.to_le_bytes().to_vec()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let state = state.try_into().map_err(|_| Error::InvalidState("it is not eight bytes".into()))?;
        self.next = u64::from_le_bytes(state);
        Ok(())
    }
}

export!(sampler: Guest);
