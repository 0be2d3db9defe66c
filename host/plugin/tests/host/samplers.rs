//! Samplers, well-behaved and hostile: one module for each guest, of the guest's name.

use crate::common::load;
use zenith_core::{Limits, OperatorError, Population, Sampler};
use zenith_test_artifacts as guests;
use zenith_test_artifacts::assert_test_exists;

zenith_test_artifacts::foreach_sampler!(assert_test_exists);

const POPULATION: Population = Population { length: 10, epoch: 0, seed: 7, rank: 1, world_size: 3 };

fn rest(sampler: &mut dyn Sampler, limit: u32) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        let before = all.len();
        sampler.next(limit, &mut all).unwrap();
        if all.len() == before {
            return all;
        }
    }
}

mod sampler_counts {
    use super::*;

    #[test]
    fn an_epoch_comes_in_runs_and_ends() {
        let plugin = load(guests::SAMPLER_COUNTS);
        let mut sampler = plugin.sampler("{}", &Limits::default()).unwrap();
        assert_eq!(sampler.start(POPULATION).unwrap(), 3);
        assert_eq!(rest(&mut *sampler, 2), [1, 4, 7]);
        assert_eq!(sampler.start(Population { rank: 0, ..POPULATION }).unwrap(), 4);
        assert_eq!(rest(&mut *sampler, 100), [0, 3, 6, 9]);
    }

    #[test]
    fn a_saved_place_is_where_another_sampler_goes_on() {
        let plugin = load(guests::SAMPLER_COUNTS);
        let mut first = plugin.sampler("{}", &Limits::default()).unwrap();
        first.start(POPULATION).unwrap();
        first.next(1, &mut Vec::new()).unwrap();
        let state = first.save().unwrap();
        let mut second = plugin.sampler("{}", &Limits::default()).unwrap();
        second.start(POPULATION).unwrap();
        second.restore(&state).unwrap();
        assert_eq!(rest(&mut *second, 2), [4, 7]);
        assert_eq!(rest(&mut *first, 2), [4, 7]);
    }

    #[test]
    fn anothers_state_is_refused() {
        let plugin = load(guests::SAMPLER_COUNTS);
        let mut sampler = plugin.sampler("{}", &Limits::default()).unwrap();
        sampler.start(POPULATION).unwrap();
        let error = sampler.restore(b"?").unwrap_err();
        assert_eq!(error, OperatorError::InvalidState("it is not eight bytes".into()));
    }

    #[test]
    fn before_its_first_epoch_a_sampler_has_nothing_to_give() {
        let plugin = load(guests::SAMPLER_COUNTS);
        let mut sampler = plugin.sampler("{}", &Limits::default()).unwrap();
        assert!(matches!(sampler.next(1, &mut Vec::new()), Err(OperatorError::Start(_))));
        assert!(matches!(sampler.save(), Err(OperatorError::Start(_))));
    }
}

mod sampler_misbehaves {
    use super::*;

    fn sampler(case: &str) -> Box<dyn Sampler> {
        let plugin = load(guests::SAMPLER_MISBEHAVES);
        plugin.sampler(&format!(r#"{{"case": "{case}"}}"#), &Limits::default()).unwrap()
    }

    fn next(case: &str) -> String {
        let mut sampler = sampler(case);
        sampler.start(POPULATION).unwrap();
        let mut run = Vec::new();
        let error = sampler.next(4, &mut run).unwrap_err();
        assert!(run.is_empty(), "a run that is refused yields nothing");
        error.to_string()
    }

    #[test]
    fn wrong_runs_are_refused() {
        assert_eq!(
            next("an index outside"),
            "the plugin's answer is wrong: it yields the index 10 of a dataset of 10 samples"
        );
        assert_eq!(
            next("more than asked for"),
            "the plugin's answer is wrong: it yields 5 indices where at most 4 were asked for"
        );
        assert_eq!(next("an early end"), "the plugin's answer is wrong: it ends the epoch 10 indices early");
    }

    #[test]
    fn an_epoch_that_never_ends_is_ended() {
        let mut sampler = sampler("one index for ever");
        sampler.start(POPULATION).unwrap();
        let mut run = Vec::new();
        let error = loop {
            if let Err(error) = sampler.next(1, &mut run) {
                break error;
            }
        };
        assert_eq!(run, [0; 10]);
        assert_eq!(
            error.to_string(),
            "the plugin's answer is wrong: it yields more indices than it announced"
        );
    }

    #[test]
    fn indices_of_an_empty_dataset_are_refused() {
        let error = sampler("indices of nothing").start(Population { length: 0, ..POPULATION }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the plugin's answer is wrong: it announces 1 indices of a dataset without samples"
        );
    }

    #[test]
    fn a_state_of_megabytes_is_refused() {
        let mut sampler = sampler("");
        sampler.start(POPULATION).unwrap();
        assert!(matches!(sampler.save(), Err(OperatorError::Answer(_))));
    }

    #[test]
    fn after_a_trap_the_epoch_is_lost_and_the_next_one_can_begin() {
        let mut sampler = sampler("a trap");
        sampler.start(POPULATION).unwrap();
        assert!(matches!(sampler.next(1, &mut Vec::new()), Err(OperatorError::Trap { .. })));
        assert_eq!(
            sampler.next(1, &mut Vec::new()).unwrap_err().to_string(),
            "the plugin could not be started: no epoch is under way: it was never begun, or lost in a fault"
        );
        assert_eq!(sampler.start(POPULATION).unwrap(), 10);
    }
}
