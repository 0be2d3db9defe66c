//! What a sampler promises: as many indices as it announces, each of the dataset, the same for the same
//! seed, and the rest of them after a restore.

use std::collections::HashMap;

use zenith_core::{OperatorError, Population, Sampler};

use super::{Checks, Failure, Subject, Verdict, answered, inputs::Noise, over, value};

/// Samples in the datasets that are drawn from.
const LENGTHS: [u64; 6] = [0, 1, 2, 7, 100, 1000];

/// Processes that share an epoch.
const WORLDS: [u32; 4] = [1, 2, 3, 7];

/// Indices asked for at once, as a pipeline does.
const RUN: u32 = 4096;

pub(super) fn check(checks: &mut Checks, subject: &Subject<'_>, configs: &[String]) {
    let trials: Vec<_> = configs.iter().map(|config| Trial { subject, config }).collect();
    let trials = &trials[..];
    checks.check("it yields as many indices as it announces, each of them in the dataset", || {
        over(trials, Trial::counts)
    });
    checks.check("a dataset without samples, and one of one sample, are drawn from or declined", || {
        over(trials, Trial::bears_nothing)
    });
    checks.check("how many indices are asked for at once changes none of them", || {
        over(trials, Trial::runs_alike)
    });
    if subject.is_deterministic() {
        checks.check("the same seed gives the same order, in another instance too", || {
            over(trials, Trial::repeats)
        });
    } else {
        checks.skip("the same seed gives the same order", "it is given what is not the same twice");
    }
    checks.check("the ranks of an epoch draw its indices between them", || over(trials, Trial::shares));
    checks.check("a restored epoch goes on as the saved one does", || over(trials, Trial::continues));
    checks.check("a state that is not its own is refused or taken, without a trap", || {
        over(trials, Trial::bears_states)
    });
}

/// A sampler under test, in one configuration.
struct Trial<'a> {
    subject: &'a Subject<'a>,
    config: &'a str,
}

impl Trial<'_> {
    fn make(&self) -> Result<Box<dyn Sampler>, Failure> {
        let made = self.subject.plugin.sampler(self.config, &self.subject.limits);
        value(made, self.config, "its configuration")
    }

    /// All indices of an epoch, unless the sampler declines it.
    fn epoch(&self, population: Population, limit: u32) -> Result<Option<Vec<u64>>, Failure> {
        let mut sampler = self.make()?;
        let drawn = drawn(&mut *sampler, population, limit);
        Ok(answered(drawn, self.config, told(&population))?.ok())
    }

    fn counts(&self) -> Verdict {
        let mut drawn = 0;
        for length in LENGTHS {
            for (epoch, world_size) in [(0, 1), (1, 3)] {
                let population = Population { length, epoch, seed: 42, rank: world_size - 1, world_size };
                drawn += usize::from(self.epoch(population, RUN)?.is_some());
            }
        }
        match drawn {
            0 => {
                Err(Failure::new(self.config, format!("datasets of {LENGTHS:?} samples"), "it declined all"))
            }
            _ => Ok(None),
        }
    }

    fn bears_nothing(&self) -> Verdict {
        for length in [0, 1] {
            for world_size in WORLDS {
                for rank in 0..world_size {
                    self.epoch(Population { length, epoch: 0, seed: 0, rank, world_size }, RUN)?;
                }
            }
        }
        Ok(None)
    }

    fn runs_alike(&self) -> Verdict {
        for length in LENGTHS {
            let population = Population { length, epoch: 1, seed: 7, rank: 0, world_size: 1 };
            let Some(whole) = self.epoch(population, RUN)? else { continue };
            for limit in [1, 3] {
                let pieces = self.epoch(population, limit)?;
                same(self.config, &population, &whole, &pieces.unwrap_or_default(), || {
                    format!("when {limit} were asked for at once")
                })?;
            }
        }
        Ok(None)
    }

    fn repeats(&self) -> Verdict {
        for length in LENGTHS {
            for seed in [0, 1, (1 << 53) - 1] {
                let population = Population { length, epoch: 3, seed, rank: 1, world_size: 2 };
                let mut sampler = self.make()?;
                let first = drawn(&mut *sampler, population, RUN);
                let Ok(first) = answered(first, self.config, told(&population))? else { continue };
                let _ = drawn(&mut *sampler, Population { epoch: 4, ..population }, RUN);
                let again = drawn(&mut *sampler, population, RUN);
                let again = value(again, self.config, told(&population))?;
                same(self.config, &population, &first, &again, || "after another epoch".to_owned())?;
                let other = self.epoch(population, RUN)?.unwrap_or_default();
                same(self.config, &population, &first, &other, || "in another instance".to_owned())?;
            }
        }
        Ok(None)
    }

    /// The ranks together draw what one process would, give or take what makes their shares even. A
    /// sampler whose ranks draw on their own is told about, not refused.
    fn shares(&self) -> Verdict {
        let mut note = None;
        for length in [7, 100] {
            for world_size in WORLDS {
                let alone = Population { length, epoch: 0, seed: 5, rank: 0, world_size: 1 };
                let Some(whole) = self.epoch(alone, RUN)? else { continue };
                let mut together = Vec::new();
                for rank in 0..world_size {
                    let population = Population { rank, world_size, ..alone };
                    together.extend(self.epoch(population, RUN)?.unwrap_or_default());
                }
                let (missing, added) = exchanged(&whole, &together);
                let even = u64::from(world_size) - 1;
                if missing > even || added > even {
                    note = Some(format!(
                        "ranks draw on their own: of {} indices, {world_size} ranks miss {missing} and add {added}",
                        whole.len()
                    ));
                }
            }
        }
        Ok(note)
    }

    fn continues(&self) -> Verdict {
        for length in [1, 7, 100, 1000] {
            let population = Population { length, epoch: 2, seed: 9, rank: 0, world_size: 2 };
            let Some(whole) = self.epoch(population, RUN)? else { continue };
            for read in [0, 1, whole.len() / 2, whole.len()] {
                let given = format!("{}, saved after {read} of {} indices", told(&population), whole.len());
                let rest = value(self.rest(population, read), self.config, &given)?;
                let expected = whole.get(read..).unwrap_or_default();
                if rest != expected {
                    let came = format!("{rest:?} instead of {expected:?}");
                    let came = came.chars().take(400).collect::<String>();
                    return Err(Failure::new(self.config, given, came));
                }
            }
        }
        Ok(None)
    }

    /// What a new instance yields after the state of one that has yielded some.
    fn rest(&self, population: Population, read: usize) -> Result<Vec<u64>, OperatorError> {
        let (plugin, limits) = (self.subject.plugin, &self.subject.limits);
        let mut first = plugin.sampler(self.config, limits)?;
        first.start(population)?;
        let mut run = Vec::new();
        while run.len() < read {
            let before = run.len();
            first.next(u32::try_from(read - before).unwrap_or(RUN), &mut run)?;
            if run.len() == before {
                break;
            }
        }
        let state = first.save()?;
        let mut second = plugin.sampler(self.config, limits)?;
        second.start(population)?;
        second.restore(&state)?;
        let mut rest = Vec::new();
        loop {
            let before = rest.len();
            second.next(RUN, &mut rest)?;
            if rest.len() == before {
                return Ok(rest);
            }
        }
    }

    fn bears_states(&self) -> Verdict {
        let population = Population { length: 100, epoch: 0, seed: 0, rank: 0, world_size: 1 };
        let mut noise = Noise::new(4);
        let mut states = vec![Vec::new(), vec![0], vec![0xFF; 8], b"{}".to_vec()];
        states.extend([1, 8, 9, 64, 1000].map(|length| noise.bytes(length)));
        let mut sampler = self.make()?;
        if answered(sampler.start(population), self.config, told(&population))?.is_ok() {
            let state = value(sampler.save(), self.config, "`save`")?;
            states.extend((0..state.len()).map(|cut| state[..cut].to_vec()));
        }
        for state in states {
            let given = format!("the state {:02x?}", &state[..state.len().min(32)]);
            if answered(sampler.start(population), self.config, told(&population))?.is_err() {
                return Ok(None);
            }
            if answered(sampler.restore(&state), self.config, &given)?.is_ok() {
                // What was taken must be gone on from.
                let mut run = Vec::new();
                let _ = answered(sampler.next(RUN, &mut run), self.config, &given)?;
            }
        }
        Ok(None)
    }
}

/// All indices of an epoch, asked for `limit` at a time.
pub(super) fn drawn(
    sampler: &mut dyn Sampler,
    population: Population,
    limit: u32,
) -> Result<Vec<u64>, OperatorError> {
    let announced = sampler.start(population)?;
    let mut indices = Vec::new();
    loop {
        let before = indices.len();
        sampler.next(limit, &mut indices)?;
        if indices.len() == before {
            break;
        }
    }
    match indices.len() as u64 {
        count if count == announced => Ok(indices),
        count => Err(OperatorError::Answer(format!("it announces {announced} indices and yields {count}"))),
    }
}

fn told(population: &Population) -> String {
    let Population { length, epoch, seed, rank, world_size } = population;
    format!("{length} samples, epoch {epoch}, seed {seed}, rank {rank} of {world_size}")
}

fn same(
    config: &str,
    population: &Population,
    one: &[u64],
    other: &[u64],
    when: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if one == other {
        return Ok(());
    }
    let came = match one.iter().zip(other).position(|(one, other)| one != other) {
        Some(at) => format!("index {at} is {}, and then {}", one[at], other[at]),
        None => format!("{} indices, and then {}", one.len(), other.len()),
    };
    Err(Failure::new(config, told(population), format!("{came}, {}", when())))
}

/// How many indices of `whole` are not in `together`, and the reverse, each counted as often as it comes.
fn exchanged(whole: &[u64], together: &[u64]) -> (u64, u64) {
    let mut counts: HashMap<u64, i64> = HashMap::new();
    for index in whole {
        *counts.entry(*index).or_default() += 1;
    }
    for index in together {
        *counts.entry(*index).or_default() -= 1;
    }
    let sum = |sign: i64| counts.values().map(|count| (count * sign).max(0).unsigned_abs()).sum();
    (sum(1), sum(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_that_are_missing_and_added_are_counted() {
        assert_eq!(exchanged(&[1, 2, 2, 3], &[3, 2, 2, 1]), (0, 0));
        assert_eq!(exchanged(&[1, 2, 2, 3], &[2, 4, 4]), (3, 2));
    }
}
