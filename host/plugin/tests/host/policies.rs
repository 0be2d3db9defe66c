//! Policies, well-behaved and hostile: one module for each guest, of the guest's name.

use crate::common::{load, short};
use zenith_core::{Kind, Limits, Nodes, OperatorError, Placement, Policy, Round, RunningTasks, WaitingJobs};
use zenith_test_artifacts as guests;
use zenith_test_artifacts::assert_test_exists;

zenith_test_artifacts::foreach_policy!(assert_test_exists);

/// Two tasks of two cores wait as job 5, one task of a core as job 6; node 1 has three cores free and
/// node 2 one, where job 4 holds the others.
fn round() -> Round {
    Round {
        now: 60_000,
        waiting: WaitingJobs {
            id: vec![5, 6],
            user: vec![0, 1],
            priority: vec![-1, 0],
            waited: vec![2000, 1000],
            tasks: vec![2, 1],
            cpus: vec![2000, 1000],
            memory: vec![1 << 30, 1 << 20],
            gpus: vec![0, 0],
            time_limit: vec![0, 5000],
        },
        nodes: Nodes {
            id: vec![1, 2],
            cpus: vec![4000, 4000],
            cpus_free: vec![3000, 1000],
            memory: vec![8 << 30, 8 << 30],
            memory_free: vec![8 << 30, 8 << 30],
            gpus: vec![0, 0],
            gpus_free: vec![0, 0],
            labels: vec![0, 1],
        },
        running: RunningTasks {
            job: vec![4],
            user: vec![1],
            node: vec![2],
            cpus: vec![3000],
            memory: vec![0],
            gpus: vec![0],
            since: vec![30_000],
            remaining: vec![0],
        },
    }
}

fn wide() -> Round {
    let mut round = round();
    round.nodes.cpus_free = vec![4000, 1000];
    round
}

mod policy_packs {
    use super::*;

    fn policy() -> Box<dyn Policy> {
        load(guests::POLICY_PACKS).policy("{}", &Limits::default()).unwrap()
    }

    #[test]
    fn jobs_are_placed_whole_and_the_others_are_told_why_they_wait() {
        assert_eq!(load(guests::POLICY_PACKS).kind(), Kind::Policy);
        let mut policy = policy();
        let decision = policy.decide(&round()).unwrap();
        assert_eq!(decision.placements, [Placement { job: 6, node: 1 }]);
        assert_eq!(decision.reasons.len(), 1);
        assert_eq!(
            (decision.reasons[0].job, &*decision.reasons[0].text),
            (5, "no node has room for its task 1")
        );
        let decision = policy.decide(&wide()).unwrap();
        assert_eq!(decision.placements, [(5, 1), (5, 1), (6, 2)].map(|(job, node)| Placement { job, node }));
    }

    #[test]
    fn an_empty_round_is_a_round() {
        let decision = policy().decide(&Round::default()).unwrap();
        assert_eq!(decision, zenith_core::Decision::default());
    }

    #[test]
    fn a_queue_of_a_hundred_thousand_jobs_passes_in_one_call() {
        let jobs = 100_000;
        let round = Round {
            waiting: WaitingJobs {
                id: (0..jobs).collect(),
                user: vec![0; 100_000],
                priority: vec![0; 100_000],
                waited: vec![0; 100_000],
                tasks: vec![1; 100_000],
                cpus: vec![1; 100_000],
                memory: vec![0; 100_000],
                gpus: vec![0; 100_000],
                time_limit: vec![0; 100_000],
            },
            nodes: Nodes { cpus_free: vec![jobs, 0], ..round().nodes },
            ..round()
        };
        let decision = policy().decide(&round).unwrap();
        assert_eq!(decision.placements.len(), 100_000);
    }

    #[test]
    fn what_it_learnt_goes_on_in_the_next_policy() {
        let (mut first, mut second) = (policy(), policy());
        first.decide(&round()).unwrap();
        first.decide(&round()).unwrap();
        second.restore(&first.save().unwrap()).unwrap();
        assert_eq!(second.save().unwrap(), 2_u64.to_le_bytes());
        assert_eq!(
            second.restore(b"?").unwrap_err(),
            OperatorError::InvalidState("it is not eight bytes".into())
        );
    }

    #[test]
    fn a_round_whose_columns_are_uneven_is_no_fault_of_the_policy() {
        let plugin = load(guests::POLICY_PACKS);
        let mut policy = plugin.policy("{}", &Limits::default()).unwrap();
        let mut uneven = round();
        uneven.nodes.labels.pop();
        let error = policy.decide(&uneven).unwrap_err();
        assert_eq!(error.to_string(), "the columns of `nodes` differ in length");
        assert!(!error.is_fault());
        assert_eq!(plugin.stats().replaced, 0);
    }

    #[test]
    fn a_policy_is_not_put_to_another_use() {
        let plugin = load(guests::POLICY_PACKS);
        assert_eq!(
            plugin.sampler("{}", &Limits::default()).err().unwrap().to_string(),
            "the plugin could not be started: it is a policy, not a sampler"
        );
    }
}

mod policy_misbehaves {
    use super::*;

    /// What becomes of a misbehaving policy's answer. It costs the instance, and the next round is
    /// decided by another one.
    fn fault(case: &str) -> OperatorError {
        fault_within(case, &Limits::default())
    }

    fn fault_within(case: &str, limits: &Limits) -> OperatorError {
        let plugin = load(guests::POLICY_MISBEHAVES);
        let mut policy = plugin.policy(&format!(r#"{{"case": "{case}"}}"#), limits).unwrap();
        let error = policy.decide(&round()).unwrap_err();
        assert!(error.is_fault(), "{case}: {error}");
        assert_eq!(plugin.stats().replaced, 1, "{case}");
        assert!(policy.decide(&round()).is_err());
        assert_eq!(plugin.stats().instances, 2, "{case}");
        error
    }

    #[test]
    fn decisions_that_cannot_be_carried_out_are_refused() {
        for (case, expected) in [
            ("an unknown job", "it places job 18446744073709551615, which does not exist"),
            ("an unknown node", "it places job 5 on node 4294967295, which does not exist"),
            ("half a job", "it places 1 of the 2 tasks of job 5"),
            ("a job twice", "it places 4 of the 2 tasks of job 5"),
            ("more than there is", "it places job 5 on node 1, which has not enough CPU left"),
            ("a preemption of what waits", "it preempts job 5, which does not run"),
            ("a reason for nothing", "it says why job 18446744073709551615 waits, which does not"),
        ] {
            assert_eq!(
                fault(case).to_string(),
                format!("the plugin's answer is wrong: {expected}"),
                "{case}"
            );
        }
    }

    #[test]
    fn a_long_reason_is_cut_and_tamed() {
        let plugin = load(guests::POLICY_MISBEHAVES);
        let mut policy = plugin.policy(r#"{"case": "a long reason"}"#, &Limits::default()).unwrap();
        let decision = policy.decide(&round()).unwrap();
        let text = &decision.reasons[0].text;
        assert!(text.len() < 5000 && !text.contains('\u{1b}'));
    }

    #[test]
    fn a_flood_of_reasons_is_cut_off_before_it_fills_the_memory() {
        assert!(matches!(fault("a flood of reasons"), OperatorError::Trap { .. }));
    }

    #[test]
    fn a_policy_that_never_decides_is_stopped() {
        assert_eq!(fault_within("a loop", &short()), OperatorError::TimeLimit { limit: short().time });
    }

    #[test]
    fn a_trap_is_told_with_its_message() {
        let OperatorError::Trap { reason, .. } = fault("a trap") else { panic!("another error") };
        assert!(reason.ends_with("I lost my mind"), "{reason}");
    }

    #[test]
    fn an_error_costs_no_instance() {
        let plugin = load(guests::POLICY_MISBEHAVES);
        let mut policy = plugin.policy(r#"{"case": "an error"}"#, &Limits::default()).unwrap();
        let error = policy.decide(&round()).unwrap_err();
        assert_eq!(error, OperatorError::InvalidData("the queue displeases it".into()));
        assert_eq!(plugin.stats().replaced, 0);
    }

    #[test]
    fn a_state_of_megabytes_is_refused() {
        let plugin = load(guests::POLICY_MISBEHAVES);
        let mut policy = plugin.policy(r#"{"case": ""}"#, &Limits::default()).unwrap();
        assert!(matches!(policy.save(), Err(OperatorError::Answer(_))));
        assert!(matches!(policy.restore(b"?"), Err(OperatorError::InvalidState(_))));
    }
}
