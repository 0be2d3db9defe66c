//! Small clusters for policies to decide about, the same in every run. Nothing here calls a policy.

use zenith_core::{Nodes, Round, RunningTasks, WaitingJobs};

use super::inputs::Noise;

/// Clusters at the ends of what can be: nothing at all, jobs without nodes, nodes without jobs, and
/// amounts that overflow what is careless.
pub(crate) fn extremes() -> Vec<(&'static str, Round)> {
    let busy = round(&mut Noise::new(11), 3, 5);
    let mut huge = busy.clone();
    huge.waiting.cpus.fill(u64::MAX);
    huge.waiting.memory.fill(u64::MAX);
    huge.waiting.tasks.fill(u32::MAX);
    huge.waiting.waited.fill(u64::MAX);
    huge.waiting.priority.fill(i32::MIN);
    vec![
        ("a round without jobs and nodes", Round { now: 0, ..Round::default() }),
        (
            "jobs without nodes",
            Round { nodes: Nodes::default(), running: RunningTasks::default(), ..busy.clone() },
        ),
        ("nodes without jobs", Round { waiting: WaitingJobs::default(), ..busy.clone() }),
        ("jobs larger than any node", huge),
        ("a clock at its end", Round { now: u64::MAX, ..busy }),
    ]
}

/// A cluster of so many nodes on which some tasks run, and so many jobs that wait.
pub(crate) fn round(noise: &mut Noise, nodes: u32, jobs: u32) -> Round {
    let mut round = Round { now: noise.below(1_000_000), ..Round::default() };
    for id in 0..nodes {
        let (cpus, memory, gpus) =
            (1000 * (1 + noise.below(16)), (1 + noise.below(64)) << 30, 1000 * noise.below(5));
        let column = &mut round.nodes;
        column.id.push(id * 3 + 1);
        column.cpus.push(cpus);
        column.memory.push(memory);
        column.gpus.push(gpus);
        column.labels.push(noise.below(4));
        // What runs there holds a part of it.
        let (held_cpus, held_memory, held_gpus) = (
            1000 * noise.below(cpus / 1000 + 1),
            noise.below(memory + 1),
            1000 * noise.below(gpus / 1000 + 1),
        );
        column.cpus_free.push(cpus - held_cpus);
        column.memory_free.push(memory - held_memory);
        column.gpus_free.push(gpus - held_gpus);
        if held_cpus + held_memory + held_gpus > 0 {
            let running = &mut round.running;
            running.job.push(10_000 + u64::from(id));
            running.user.push(noise.below_u32(3));
            running.node.push(id * 3 + 1);
            running.cpus.push(held_cpus);
            running.memory.push(held_memory);
            running.gpus.push(held_gpus);
            running.since.push(noise.below(100_000));
            running.remaining.push(noise.below(2) * noise.below(100_000));
        }
    }
    for id in 0..jobs {
        let waiting = &mut round.waiting;
        waiting.id.push(u64::from(id) * 7 + 2);
        waiting.user.push(noise.below_u32(3));
        waiting.priority.push(i32::try_from(noise.below(7)).unwrap_or_default() - 3);
        waiting.waited.push(noise.below(100_000));
        waiting.tasks.push(1 + noise.below_u32(4));
        waiting.cpus.push(500 * (1 + noise.below(12)));
        waiting.memory.push(noise.below(16 << 30));
        waiting.gpus.push(500 * noise.below(3));
        waiting.time_limit.push(noise.below(2) * noise.below(1_000_000));
    }
    round
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_is_well_formed() {
        let mut noise = Noise::new(0);
        for (nodes, jobs) in [(0, 0), (1, 1), (4, 9), (10, 40)] {
            round(&mut noise, nodes, jobs).check_columns().unwrap();
        }
        for (_, round) in extremes() {
            round.check_columns().unwrap();
        }
    }
}
