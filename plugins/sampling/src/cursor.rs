//! One rank's place in an epoch's order, as arithmetic. Which index stands at a position is none
//! of its business.

use serde::{Deserialize, Serialize};
use zenith_plugin_sdk::{Error, Population};

use crate::LONGEST;

/// The version of the saved place. Later versions read it, or say that they do not.
const FORMAT: u32 = 1;

/// A rank's progress through the positions `0..length` of an epoch's order.
///
/// Rank `r` of `w` takes the positions `r`, `r + w`, `r + 2w`, …, as torch's `DistributedSampler`
/// does. Where `length` is no multiple of `w`, every rank either takes `ceil(length / w)` positions,
/// the last of which wrap round to the beginning of the order, or (`drop_last`) `floor(length / w)`.
///
/// A saved place is a number of positions of the whole order, not of the rank's share: what all
/// ranks have taken together when each stands where this one does. So it may be restored under any
/// rank and world size; the ranks then share out the rest of the order evenly, as they would have
/// shared out the whole.
#[derive(Clone, Debug)]
pub struct Cursor {
    length: u64,
    /// The first position that is shared out; positions before it were taken before a restore.
    base: u64,
    /// Steps that this rank has made since `base`.
    step: u64,
    rank: u64,
    world_size: u64,
    drop_last: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    format: u32,
    position: u64,
}

/// Read before [`Place`], so that a later format is named instead of one of its fields.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Cursor {
    /// The beginning of `population`'s share of an order of `length` positions.
    ///
    /// # Errors
    ///
    /// `too-large` where there are more than 2⁵³ positions or samples, `unsupported-data` where the
    /// rank is not below the world size.
    pub fn new(length: u64, population: &Population, drop_last: bool) -> Result<Self, Error> {
        let Population { rank, world_size, length: samples, .. } = *population;
        if samples > LONGEST || length > LONGEST {
            return Err(Error::TooLarge(format!(
                "the epoch has {} samples, more than the {LONGEST} that a sampler can count",
                samples.max(length),
            )));
        }
        if rank >= world_size {
            return Err(Error::UnsupportedData(format!(
                "the rank must be below the world size, but is {rank} of {world_size}"
            )));
        }
        Ok(Self {
            length,
            base: 0,
            step: 0,
            rank: u64::from(rank),
            world_size: u64::from(world_size),
            drop_last,
        })
    }

    /// Positions that this rank has yet to take.
    pub fn remaining(&self) -> u64 {
        let rest = self.length.saturating_sub(self.base);
        let share = if self.drop_last { rest / self.world_size } else { rest.div_ceil(self.world_size) };
        share.saturating_sub(self.step)
    }

    /// Takes the next positions, at most `limit`. Each is below `length`.
    pub fn take(&mut self, limit: u64) -> impl Iterator<Item = u64> + use<> {
        let count = self.remaining().min(limit);
        let first = self.step;
        self.step += count;
        let Self { length, base, rank, world_size, .. } = *self;
        // `remaining` is 0 where `length` is, so nothing is divided by 0. No sum overflows: there
        // are at most 2⁵³ positions and fewer than 2³² more in the wrapped end.
        (first..first + count).map(move |step| (base + rank + step * world_size) % length)
    }

    /// Positions of the whole order that are taken when every rank stands where this one does.
    pub fn position(&self) -> u64 {
        self.base + self.step * self.world_size
    }

    /// The place as JSON: `{"format":1,"position":…}`.
    pub fn save(&self) -> Vec<u8> {
        let place = Place { format: FORMAT, position: self.position() };
        serde_json::to_vec(&place).unwrap_or_default()
    }

    /// Goes on from a saved place.
    ///
    /// # Errors
    ///
    /// `invalid-state` where the place is not JSON of this format, or lies past the epoch's end.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let damaged = |error: serde_json::Error| {
            Error::InvalidState(format!("the saved place cannot be read: {error}"))
        };
        let Version { format } = serde_json::from_slice(state).map_err(damaged)?;
        if format != FORMAT {
            return Err(Error::InvalidState(format!(
                "the saved place is of format {format}, and this version reads format {FORMAT}"
            )));
        }
        let Place { position, .. } = serde_json::from_slice(state).map_err(damaged)?;
        // A place saved at the end of an epoch may lie in the wrapped end, which is shorter than
        // any world.
        if position >= self.length.saturating_add(u64::from(u32::MAX)) {
            return Err(Error::InvalidState(format!(
                "the saved place is at position {position} of an epoch that has {} positions",
                self.length
            )));
        }
        self.base = position;
        self.step = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(length: u64, rank: u32, world_size: u32, drop_last: bool) -> Cursor {
        let population = Population { length, epoch: 0, seed: 0, rank, world_size };
        Cursor::new(length, &population, drop_last).unwrap()
    }

    fn all(cursor: &mut Cursor) -> Vec<u64> {
        cursor.take(u64::MAX).collect()
    }

    #[test]
    fn ranks_interleave_and_the_uneven_end_wraps_as_in_torch() {
        // DistributedSampler(range(10), num_replicas=4, shuffle=False)
        let shards: Vec<_> = (0..4).map(|rank| all(&mut cursor(10, rank, 4, false))).collect();
        assert_eq!(shards, [[0, 4, 8], [1, 5, 9], [2, 6, 0], [3, 7, 1]]);
    }

    #[test]
    fn drop_last_leaves_the_uneven_end_out() {
        let shards: Vec<_> = (0..4).map(|rank| all(&mut cursor(10, rank, 4, true))).collect();
        assert_eq!(shards, [[0, 4], [1, 5], [2, 6], [3, 7]]);
    }

    #[test]
    fn more_ranks_than_samples_repeat_them_or_get_none() {
        let shards: Vec<_> = (0..5).map(|rank| all(&mut cursor(2, rank, 5, false))).collect();
        assert_eq!(shards, [[0], [1], [0], [1], [0]]);
        assert!((0..5).all(|rank| all(&mut cursor(2, rank, 5, true)).is_empty()));
    }

    #[test]
    fn an_empty_dataset_has_no_positions() {
        for drop_last in [false, true] {
            assert_eq!(cursor(0, 1, 2, drop_last).remaining(), 0);
            assert!(all(&mut cursor(0, 1, 2, drop_last)).is_empty());
        }
    }

    #[test]
    fn a_rank_outside_the_world_is_refused() {
        for (rank, world_size) in [(2, 2), (0, 0)] {
            let population = Population { length: 5, epoch: 0, seed: 0, rank, world_size };
            let error = Cursor::new(5, &population, false).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the rank must be below the world size, but is {rank} of {world_size}")
            );
        }
    }

    #[test]
    fn a_dataset_past_the_exact_doubles_is_refused() {
        let population = Population { length: u64::MAX, epoch: 0, seed: 0, rank: 0, world_size: 1 };
        assert!(matches!(Cursor::new(u64::MAX, &population, false), Err(Error::TooLarge(_))));
        let mut longest = cursor(LONGEST, u32::MAX - 1, u32::MAX, false);
        let count = longest.remaining();
        longest.take(count - 1).for_each(drop);
        assert!(longest.take(2).all(|position| position < LONGEST));
    }

    #[test]
    fn a_restored_rank_goes_on_where_it_was_saved() {
        for (length, world_size, drop_last) in [(10, 4, false), (10, 4, true), (9, 1, false), (3, 5, false)] {
            for rank in 0..world_size {
                let whole = all(&mut cursor(length, rank, world_size, drop_last));
                for taken in 0..=whole.len() {
                    let mut first = cursor(length, rank, world_size, drop_last);
                    let head: Vec<_> = first.take(taken as u64).collect();
                    let mut second = cursor(length, rank, world_size, drop_last);
                    second.restore(&first.save()).unwrap();
                    assert_eq!(second.remaining(), first.remaining());
                    assert_eq!(second.save(), first.save());
                    assert_eq!([head, all(&mut second)].concat(), whole);
                }
            }
        }
    }

    #[test]
    fn another_world_shares_out_exactly_the_rest() {
        let mut two: Vec<_> = (0..2).map(|rank| cursor(20, rank, 2, false)).collect();
        let mut seen: Vec<u64> = two.iter_mut().flat_map(|cursor| cursor.take(4)).collect();
        let state = two[1].save();
        assert_eq!(state, two[0].save());
        for rank in 0..3 {
            let mut cursor = cursor(20, rank, 3, false);
            cursor.restore(&state).unwrap();
            assert_eq!(cursor.remaining(), 4);
            seen.extend(all(&mut cursor));
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn the_saved_place_is_part_of_the_format_and_does_not_change() {
        let mut cursor = cursor(100, 1, 4, false);
        cursor.take(5).for_each(drop);
        assert_eq!(cursor.save(), br#"{"format":1,"position":20}"#);
    }

    #[test]
    fn a_place_that_is_not_ours_is_refused() {
        for (state, reason) in [
            (&b""[..], "the saved place cannot be read: EOF while parsing a value at line 1 column 0"),
            (b"\xff", "the saved place cannot be read: expected value at line 1 column 1"),
            (b"{}", "the saved place cannot be read: missing field `format` at line 1 column 2"),
            (
                br#"{"format":2,"place":{}}"#,
                "the saved place is of format 2, and this version reads format 1",
            ),
            (
                br#"{"format":1}"#,
                "the saved place cannot be read: missing field `position` at line 1 column 12",
            ),
            (
                br#"{"format":1,"position":-1}"#,
                "the saved place cannot be read: invalid value: integer `-1`, expected u64 at line 1 column 25",
            ),
            (
                br#"{"format":1,"position":18446744073709551615}"#,
                "the saved place is at position 18446744073709551615 of an epoch that has 10 positions",
            ),
        ] {
            let error = cursor(10, 0, 1, false).restore(state).unwrap_err();
            assert_eq!(error, Error::InvalidState(reason.to_owned()));
        }
    }
}
