//! Progress along an order, in the calls that a sampler's interface has.

use zenith_plugin_sdk::{Error, Population};

use crate::cursor::Cursor;

/// The most indices that one call yields, whatever its limit: half a megabyte.
const LONGEST_RUN: u64 = 1 << 16;

/// An epoch's order: which index stands at which position.
pub trait Order {
    /// Positions in the order.
    fn positions(&self) -> u64;

    /// The index at a position below [`Order::positions`].
    fn index(&self, position: u64) -> u64;
}

/// A rank's walk along an order. Until [`Walk::start`] it has none, and every other call says so.
#[derive(Clone, Debug)]
pub struct Walk<O> {
    epoch: Option<(O, Cursor)>,
}

impl<O: Order> Walk<O> {
    /// A walk that has not started.
    pub const fn new() -> Self {
        Self { epoch: None }
    }

    /// Begins an epoch; answers how many indices this rank will be given.
    ///
    /// # Errors
    ///
    /// Those of [`Cursor::new`]. The walk that was under way then goes on.
    pub fn start(&mut self, order: O, population: &Population, drop_last: bool) -> Result<u64, Error> {
        let cursor = Cursor::new(order.positions(), population, drop_last)?;
        let count = cursor.remaining();
        self.epoch = Some((order, cursor));
        Ok(count)
    }

    /// Appends the next indices to `run`, at most `limit`; none ends the epoch.
    ///
    /// # Errors
    ///
    /// `invalid-state` where the walk has not started.
    pub fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), Error> {
        let (order, cursor) = self.epoch.as_mut().ok_or_else(not_started)?;
        run.extend(cursor.take(u64::from(limit).min(LONGEST_RUN)).map(|position| order.index(position)));
        Ok(())
    }

    /// The place, as [`Cursor::save`] writes it; before the start, the beginning.
    pub fn save(&self) -> Vec<u8> {
        match &self.epoch {
            Some((_, cursor)) => cursor.save(),
            None => br#"{"format":1,"position":0}"#.to_vec(),
        }
    }

    /// Goes on from a saved place.
    ///
    /// # Errors
    ///
    /// `invalid-state` where the walk has not started, or for the reasons of [`Cursor::restore`].
    pub fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let (_, cursor) = self.epoch.as_mut().ok_or_else(not_started)?;
        cursor.restore(state)
    }
}

impl<O: Order> Default for Walk<O> {
    fn default() -> Self {
        Self::new()
    }
}

fn not_started() -> Error {
    Error::InvalidState("the sampler has not started an epoch: call `start` first".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Backwards(u64);

    impl Order for Backwards {
        fn positions(&self) -> u64 {
            self.0
        }

        fn index(&self, position: u64) -> u64 {
            self.0 - 1 - position
        }
    }

    const ALONE: Population = Population { length: 0, epoch: 0, seed: 0, rank: 0, world_size: 1 };

    #[test]
    fn runs_join_up_to_the_order() {
        let mut walk = Walk::new();
        assert_eq!(walk.start(Backwards(5), &ALONE, false), Ok(5));
        let mut run = vec![99];
        walk.next(2, &mut run).unwrap();
        assert_eq!(run, [99, 4, 3]);
        walk.next(9, &mut run).unwrap();
        assert_eq!(run, [99, 4, 3, 2, 1, 0]);
        walk.next(9, &mut run).unwrap();
        assert_eq!(run.len(), 6);
    }

    #[test]
    fn no_limit_makes_a_run_long() {
        let mut walk = Walk::new();
        assert_eq!(walk.start(Backwards(1 << 40), &ALONE, false), Ok(1 << 40));
        let mut run = Vec::new();
        walk.next(u32::MAX, &mut run).unwrap();
        assert_eq!(run.len() as u64, LONGEST_RUN);
    }

    #[test]
    fn a_walk_that_has_not_started_says_so() {
        let mut walk = Walk::<Backwards>::new();
        let expected = Err(not_started());
        assert_eq!(walk.next(1, &mut Vec::new()), expected);
        assert_eq!(walk.restore(&walk.save()), expected);
    }
}
