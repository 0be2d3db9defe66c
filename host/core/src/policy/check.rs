//! Whether a round is well-formed, and whether a decision makes sense in it. What a policy answers is
//! never believed: a decision that passes here can be carried out as it stands.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::{Decision, Nodes, Placement, Round, RunningTasks, WaitingJobs};

/// Columns of one record that differ in length: a mistake of whoever made the round, not of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the columns of `{record}` differ in length")]
pub struct UnevenColumns {
    /// The record's name in `wit/policy.wit`.
    pub record: &'static str,
}

/// Whether these columns are all as long as the first.
macro_rules! even {
    ($record:expr, $first:ident, $($column:ident),*) => {
        [$($record.$column.len()),*].iter().all(|length| *length == $record.$first.len())
    };
}

impl Round {
    /// Says which record's columns differ in length, if any do.
    pub fn check_columns(&self) -> Result<(), UnevenColumns> {
        let Self { now: _, waiting, nodes, running } = self;
        let records =
            [("waiting", waiting.is_even()), ("nodes", nodes.is_even()), ("running", running.is_even())];
        match records.iter().find(|(_, even)| !even) {
            Some((record, _)) => Err(UnevenColumns { record }),
            None => Ok(()),
        }
    }

    /// Says what is wrong with a decision, in a clause whose subject is the policy. The columns are
    /// even, as [`Round::check_columns`] says.
    ///
    /// A job is placed whole or not at all, only if it waits, only on nodes that exist, and only where
    /// it fits into what is free or is freed by the decision's own preemptions. Only what runs is
    /// preempted. A reason is given once, for a job that waits or is made to.
    pub fn check(&self, decision: &Decision) -> Result<(), String> {
        let Decision { placements, preemptions, reasons } = decision;
        let preempted = self.preempted(preemptions)?;
        let rows: HashMap<u64, usize> = numbered(&self.waiting.id);
        self.check_tasks(placements, &rows)?;
        self.check_room(placements, &rows, &preempted)?;
        let mut explained = HashSet::new();
        for reason in reasons {
            let job = reason.job;
            if !rows.contains_key(&job) && !preempted.contains(&job) {
                return Err(format!("it says why job {job} waits, which does not"));
            }
            if !explained.insert(job) {
                return Err(format!("it says twice why job {job} waits"));
            }
        }
        Ok(())
    }

    fn preempted(&self, preemptions: &[u64]) -> Result<HashSet<u64>, String> {
        let running: HashSet<u64> = self.running.job.iter().copied().collect();
        let mut preempted = HashSet::new();
        for job in preemptions {
            if !running.contains(job) {
                return Err(format!("it preempts job {job}, which does not run"));
            }
            if !preempted.insert(*job) {
                return Err(format!("it preempts job {job} twice"));
            }
        }
        Ok(preempted)
    }

    fn check_tasks(&self, placements: &[Placement], rows: &HashMap<u64, usize>) -> Result<(), String> {
        let mut placed: HashMap<u64, u64> = HashMap::new();
        for Placement { job, .. } in placements {
            if !rows.contains_key(job) {
                let state = if self.running.job.contains(job) { "runs already" } else { "does not exist" };
                return Err(format!("it places job {job}, which {state}"));
            }
            *placed.entry(*job).or_default() += 1;
        }
        // In the order of the answer, so that the same answer gives the same text.
        for Placement { job, .. } in placements {
            let (wanted, given) = (u64::from(self.waiting.tasks[rows[job]]), placed[job]);
            if given != wanted {
                return Err(format!("it places {given} of the {wanted} tasks of job {job}"));
            }
        }
        Ok(())
    }

    fn check_room(
        &self,
        placements: &[Placement],
        rows: &HashMap<u64, usize>,
        preempted: &HashSet<u64>,
    ) -> Result<(), String> {
        let nodes = &self.nodes;
        let mut rooms: HashMap<u32, Room> = (0..nodes.id.len())
            .map(|row| {
                (
                    nodes.id[row],
                    Room { free: [nodes.cpus_free[row], nodes.memory_free[row], nodes.gpus_free[row]] },
                )
            })
            .collect();
        let running = &self.running;
        for row in (0..running.job.len()).filter(|row| preempted.contains(&running.job[*row])) {
            if let Some(room) = rooms.get_mut(&running.node[row]) {
                room.give_back([running.cpus[row], running.memory[row], running.gpus[row]]);
            }
        }
        for Placement { job, node } in placements {
            let Some(room) = rooms.get_mut(node) else {
                return Err(format!("it places job {job} on node {node}, which does not exist"));
            };
            let row = rows[job];
            let waiting = &self.waiting;
            room.take([waiting.cpus[row], waiting.memory[row], waiting.gpus[row]]).map_err(|what| {
                format!("it places job {job} on node {node}, which has not enough {what} left")
            })?;
        }
        Ok(())
    }
}

/// What is left of a node: thousandths of a core, bytes of memory, thousandths of a GPU.
struct Room {
    free: [u64; 3],
}

impl Room {
    fn give_back(&mut self, held: [u64; 3]) {
        for (free, held) in self.free.iter_mut().zip(held) {
            *free = free.saturating_add(held);
        }
    }

    /// Takes a task's share, or names what there is too little of.
    fn take(&mut self, wanted: [u64; 3]) -> Result<(), &'static str> {
        for ((free, wanted), what) in self.free.iter_mut().zip(wanted).zip(["CPU", "memory", "GPU"]) {
            *free = free.checked_sub(wanted).ok_or(what)?;
        }
        Ok(())
    }
}

fn numbered(ids: &[u64]) -> HashMap<u64, usize> {
    ids.iter().enumerate().map(|(row, id)| (*id, row)).collect()
}

impl WaitingJobs {
    fn is_even(&self) -> bool {
        even!(self, id, user, priority, waited, tasks, cpus, memory, gpus, time_limit)
    }
}

impl Nodes {
    fn is_even(&self) -> bool {
        even!(self, id, cpus, cpus_free, memory, memory_free, gpus, gpus_free, labels)
    }
}

impl RunningTasks {
    fn is_even(&self) -> bool {
        even!(self, job, user, node, cpus, memory, gpus, since, remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Reason;

    /// Job 1 waits with two tasks of one core, job 2 with one of four cores; node 7 has two cores free,
    /// node 8 none; job 3 holds all four cores of node 8.
    fn round() -> Round {
        Round {
            now: 1000,
            waiting: WaitingJobs {
                id: vec![1, 2],
                user: vec![0, 1],
                priority: vec![0, 0],
                waited: vec![5, 5],
                tasks: vec![2, 1],
                cpus: vec![1000, 4000],
                memory: vec![10, 10],
                gpus: vec![0, 0],
                time_limit: vec![0, 0],
            },
            nodes: Nodes {
                id: vec![7, 8],
                cpus: vec![2000, 4000],
                cpus_free: vec![2000, 0],
                memory: vec![100, 100],
                memory_free: vec![100, 90],
                gpus: vec![0, 0],
                gpus_free: vec![0, 0],
                labels: vec![0, 0],
            },
            running: RunningTasks {
                job: vec![3],
                user: vec![0],
                node: vec![8],
                cpus: vec![4000],
                memory: vec![10],
                gpus: vec![0],
                since: vec![9],
                remaining: vec![0],
            },
        }
    }

    fn decision(placements: &[(u64, u32)], preemptions: &[u64], reasons: &[u64]) -> Decision {
        Decision {
            placements: placements.iter().map(|(job, node)| Placement { job: *job, node: *node }).collect(),
            preemptions: preemptions.to_vec(),
            reasons: reasons.iter().map(|job| Reason { job: *job, text: "it must".into() }).collect(),
        }
    }

    #[test]
    fn what_can_be_carried_out_passes() {
        for sound in [
            decision(&[], &[], &[]),
            decision(&[(1, 7), (1, 7)], &[], &[2]),
            decision(&[(2, 8)], &[3], &[1, 3]),
            decision(&[(1, 7), (2, 8), (1, 7)], &[3], &[]),
        ] {
            assert_eq!(round().check(&sound), Ok(()));
        }
    }

    #[test]
    fn what_cannot_be_carried_out_is_told() {
        for (wrong, expected) in [
            (decision(&[(9, 7)], &[], &[]), "it places job 9, which does not exist"),
            (decision(&[(3, 7)], &[], &[]), "it places job 3, which runs already"),
            (decision(&[(1, 7)], &[], &[]), "it places 1 of the 2 tasks of job 1"),
            (decision(&[(1, 7); 3], &[], &[]), "it places 3 of the 2 tasks of job 1"),
            (decision(&[(2, 9)], &[], &[]), "it places job 2 on node 9, which does not exist"),
            (decision(&[(2, 8)], &[], &[]), "it places job 2 on node 8, which has not enough CPU left"),
            (
                decision(&[(1, 7), (1, 8)], &[], &[]),
                "it places job 1 on node 8, which has not enough CPU left",
            ),
            (decision(&[], &[1], &[]), "it preempts job 1, which does not run"),
            (decision(&[], &[3, 3], &[]), "it preempts job 3 twice"),
            (decision(&[], &[], &[9]), "it says why job 9 waits, which does not"),
            (decision(&[], &[], &[3]), "it says why job 3 waits, which does not"),
            (decision(&[], &[], &[2, 2]), "it says twice why job 2 waits"),
        ] {
            assert_eq!(round().check(&wrong), Err(expected.to_owned()));
        }
    }

    #[test]
    fn amounts_that_overflow_fit_nowhere() {
        let mut round = round();
        round.waiting.cpus[1] = u64::MAX;
        assert!(round.check(&decision(&[(2, 7)], &[], &[])).is_err());
        round.running.cpus[0] = u64::MAX;
        round.nodes.cpus_free[1] = 1;
        assert_eq!(round.check(&decision(&[(2, 8)], &[3], &[])), Ok(()));
    }

    #[test]
    fn columns_of_one_record_are_equally_long() {
        assert_eq!(round().check_columns(), Ok(()));
        let mut waiting = round();
        waiting.waiting.time_limit.pop();
        assert_eq!(waiting.check_columns(), Err(UnevenColumns { record: "waiting" }));
        let mut nodes = round();
        nodes.nodes.labels.push(0);
        assert_eq!(nodes.check_columns(), Err(UnevenColumns { record: "nodes" }));
        let mut running = round();
        running.running.since.clear();
        assert_eq!(running.check_columns(), Err(UnevenColumns { record: "running" }));
    }
}
