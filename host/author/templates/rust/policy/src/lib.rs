//! Shortest first: of the jobs that wait, those with the smallest time limit start first, each on the
//! first nodes that have room.

use zenith_plugin_sdk::{Decision, Error, Placement, Policy, Reason, Round, export, serde};

/// The configuration, and the policy itself: it keeps nothing else. An unknown key is refused.
#[derive(serde::Deserialize)]
#[serde(crate = "serde", default, deny_unknown_fields)]
struct ShortestFirst {
    /// The most jobs to start in one round, at least 1.
    jobs_per_round: usize,
}

impl Default for ShortestFirst {
    fn default() -> Self {
        Self {
            jobs_per_round: 1000,
        }
    }
}

/// What is free on a node, or what a task takes: thousandths of cores, bytes, thousandths of GPUs.
type Amounts = [u64; 3];

impl Policy for ShortestFirst {
    type Config = Self;

    /// An error here leaves the policy that runs in its place.
    fn configure(config: Self) -> Result<Self, Error> {
        if config.jobs_per_round == 0 {
            return Err(Error::config(
                "jobs_per_round",
                "must be at least 1, but is 0",
            ));
        }
        Ok(config)
    }

    /// Called each round. What waits and what is free are columns of numbers; the host checks every
    /// placement, and takes the policy out if it answers nonsense.
    fn decide(&mut self, round: &Round) -> Result<Decision, Error> {
        let (waiting, nodes) = (&round.waiting, &round.nodes);
        let mut free: Vec<Amounts> = (0..nodes.id.len())
            .map(|node| {
                [
                    nodes.cpus_free[node],
                    nodes.memory_free[node],
                    nodes.gpus_free[node],
                ]
            })
            .collect();
        let mut order: Vec<usize> = (0..waiting.id.len()).collect();
        // A job without a limit comes last. The sort is stable: equals stay in the order of submission.
        order.sort_by_key(|job| waiting.time_limit[*job].wrapping_sub(1));

        let mut decision = Decision::default();
        let mut started = 0;
        for job in order {
            let id = waiting.id[job];
            if started == self.jobs_per_round {
                decision.reasons.push(Reason {
                    job: id,
                    text: "enough jobs start in this round".to_owned(),
                });
                continue;
            }
            let wanted = [waiting.cpus[job], waiting.memory[job], waiting.gpus[job]];
            match place(waiting.tasks[job], wanted, &free) {
                Some((chosen, left)) => {
                    free = left;
                    started += 1;
                    let placements = chosen.into_iter().map(|node| Placement {
                        job: id,
                        node: nodes.id[node],
                    });
                    decision.placements.extend(placements);
                }
                None => {
                    decision.reasons.push(Reason {
                        job: id,
                        text: "no node has room for all of its tasks".to_owned(),
                    });
                }
            }
        }
        Ok(decision)
    }
}

/// A node for each of a job's tasks, which must start together, and what is then left.
fn place(tasks: u32, wanted: Amounts, free: &[Amounts]) -> Option<(Vec<usize>, Vec<Amounts>)> {
    let mut left = free.to_vec();
    let mut chosen = Vec::new();
    for _ in 0..tasks {
        let node = left
            .iter()
            .position(|free| (0..3).all(|part| free[part] >= wanted[part]))?;
        for part in 0..3 {
            left[node][part] -= wanted[part];
        }
        chosen.push(node);
    }
    Some((chosen, left))
}

export!(policy: ShortestFirst);

// `cargo test` runs the plugin's own code natively, without WebAssembly.
#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::{Nodes, WaitingJobs, parse_config};

    use super::*;

    /// Jobs of one task and one core each on a node with two, by their time limits.
    fn round(limits: &[u64]) -> Round {
        let jobs = limits.len();
        let waiting = WaitingJobs {
            id: (1..=jobs as u64).collect(),
            user: vec![0; jobs],
            priority: vec![0; jobs],
            waited: vec![0; jobs],
            tasks: vec![1; jobs],
            cpus: vec![1000; jobs],
            memory: vec![1; jobs],
            gpus: vec![0; jobs],
            time_limit: limits.to_vec(),
        };
        let nodes = Nodes {
            id: vec![7],
            cpus: vec![2000],
            cpus_free: vec![2000],
            memory: vec![8],
            memory_free: vec![8],
            gpus: vec![0],
            gpus_free: vec![0],
            labels: vec![0],
        };
        Round {
            waiting,
            nodes,
            ..Round::default()
        }
    }

    fn started(config: &str, limits: &[u64]) -> Vec<u64> {
        let mut policy = ShortestFirst::configure(parse_config(config).unwrap()).unwrap();
        let decision = policy.decide(&round(limits)).unwrap();
        decision
            .placements
            .iter()
            .map(|placement| placement.job)
            .collect()
    }

    #[test]
    fn the_shortest_start_first_and_those_without_a_limit_last() {
        assert_eq!(started("{}", &[0, 900, 20]), [3, 2]);
        assert_eq!(started("{}", &[0, 5]), [2, 1]);
    }

    #[test]
    fn no_more_jobs_start_than_a_round_may_have() {
        assert_eq!(started(r#"{"jobs_per_round": 1}"#, &[5, 5]), [1]);
    }

    #[test]
    fn no_jobs_in_a_round_are_refused_by_name() {
        let error = ShortestFirst::configure(parse_config(r#"{"jobs_per_round": 0}"#).unwrap())
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "`jobs_per_round` must be at least 1, but is 0"
        );
    }
}
