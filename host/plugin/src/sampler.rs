//! A sampler that runs as a component.

use zenith_core::{OperatorError, Population, Sampler, operator_seed};

use crate::{bindings::exports::zenith::plugin::sampler as wit, convert::nonsense, instance::Guest};

/// Bytes that a saved place may have: it travels in every checkpoint.
const MAX_STATE: usize = 1 << 20;

/// The adapter from a sampler's component to the host's trait.
pub(crate) struct WasmSampler {
    guest: Guest<wit::Guest>,
    epoch: Option<Epoch>,
}

/// The epoch under way.
struct Epoch {
    /// The instance that it began in.
    born: u64,
    population: Population,
    /// Indices in all.
    announced: u64,
    /// Indices that may still come.
    left: u64,
    /// Whether exactly those must come; after a `restore` the host does not know how many were read.
    exact: bool,
}

impl WasmSampler {
    pub(crate) fn new(guest: Guest<wit::Guest>) -> Self {
        Self { guest, epoch: None }
    }

    /// The epoch under way, unless it was lost together with its instance.
    fn epoch(&mut self) -> Result<&mut Epoch, OperatorError> {
        let born = self.guest.born();
        let gone = self.guest.is_gone();
        self.epoch.as_mut().filter(|epoch| !gone && epoch.born == born).ok_or_else(|| {
            OperatorError::Start("no epoch is under way: it was never begun, or lost in a fault".into())
        })
    }
}

impl Sampler for WasmSampler {
    fn start(&mut self, population: Population) -> Result<u64, OperatorError> {
        self.epoch = None;
        let Population { length, epoch, seed, rank, world_size } = population;
        let argument = wit::Population { length, epoch, seed, rank, world_size };
        let count = self.guest.call_seeded(epoch_seed(&population), |live| {
            live.interface.instance().call_start(&mut live.store, live.resource, argument)
        })?;
        if length == 0 && count > 0 {
            let wrong = nonsense(format!("it announces {count} indices of a dataset without samples"));
            return self.guest.judge(wrong);
        }
        self.epoch =
            Some(Epoch { born: self.guest.born(), population, announced: count, left: count, exact: true });
        Ok(count)
    }

    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), OperatorError> {
        let seed = epoch_seed(&self.epoch()?.population);
        let indices = self.guest.call_seeded(seed, |live| {
            live.interface.instance().call_next(&mut live.store, live.resource, limit)
        })?;
        let checked = match self.epoch() {
            Ok(epoch) => epoch.take(&indices, limit),
            Err(error) => Err(error),
        };
        self.guest.judge(checked)?;
        run.extend_from_slice(&indices);
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, OperatorError> {
        self.epoch()?;
        let state =
            self.guest.call(|live| live.interface.instance().call_save(&mut live.store, live.resource))?;
        let checked = if state.len() > MAX_STATE {
            nonsense(format!("its state is {} bytes long, more than {MAX_STATE}", state.len()))
        } else {
            Ok(state)
        };
        self.guest.judge(checked)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), OperatorError> {
        self.epoch()?;
        self.guest
            .call(|live| live.interface.instance().call_restore(&mut live.store, live.resource, state))?;
        let epoch = self.epoch()?;
        epoch.left = epoch.announced;
        epoch.exact = false;
        Ok(())
    }
}

/// The seed of the randomness that a sampler's runtime may ask for. It is the same for every rank, and
/// for every run of indices: where a restored epoch stands, the host does not know. A sampler that
/// wants more takes the population's seed.
fn epoch_seed(population: &Population) -> u64 {
    operator_seed(population.seed, population.epoch, 0, 0)
}

impl Epoch {
    /// Counts a run of indices in, or says what is wrong with it.
    fn take(&mut self, indices: &[u64], limit: u32) -> Result<(), OperatorError> {
        let count = indices.len() as u64;
        let length = self.population.length;
        if count > u64::from(limit) {
            return nonsense(format!("it yields {count} indices where at most {limit} were asked for"));
        }
        if let Some(wrong) = indices.iter().find(|index| **index >= length) {
            return nonsense(format!("it yields the index {wrong} of a dataset of {length} samples"));
        }
        if count > self.left {
            return nonsense("it yields more indices than it announced");
        }
        if count == 0 && limit > 0 && self.exact && self.left > 0 {
            return nonsense(format!("it ends the epoch {} indices early", self.left));
        }
        self.left -= count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(left: u64) -> Epoch {
        let population = Population { length: 10, epoch: 0, seed: 0, rank: 0, world_size: 1 };
        Epoch { born: 1, population, announced: left, left, exact: true }
    }

    #[test]
    fn indices_are_held_to_the_dataset_the_limit_and_the_announcement() {
        let mut sound = epoch(4);
        sound.take(&[9, 0, 0], 3).unwrap();
        sound.take(&[1], 3).unwrap();
        sound.take(&[], 3).unwrap();
        for (indices, limit) in [(&[10][..], 3), (&[0, 0], 1), (&[0, 0, 0], 3), (&[], 1)] {
            assert!(matches!(epoch(2).take(indices, limit), Err(OperatorError::Answer(_))), "{indices:?}");
        }
    }

    #[test]
    fn after_a_restore_an_epoch_may_end_before_its_announced_count() {
        let mut restored = Epoch { exact: false, ..epoch(4) };
        restored.take(&[], 3).unwrap();
        assert!(restored.take(&[0; 5], 9).is_err());
    }
}
