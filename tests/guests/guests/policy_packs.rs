//! Places jobs in the order of their submission, each on the first nodes with room, and says why the
//! others wait. It counts its rounds, and hands the count on. Well-behaved.

use zenith_plugin_sdk::{Decision, Error, NoConfig, Placement, Policy, Reason, Round, export};

struct Guest {
    rounds: u64,
}

impl Policy for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self { rounds: 0 })
    }

    fn decide(&mut self, round: &Round) -> Result<Decision, Error> {
        self.rounds += 1;
        let (waiting, nodes) = (&round.waiting, &round.nodes);
        let mut free: Vec<[u64; 3]> = (0..nodes.id.len())
            .map(|node| [nodes.cpus_free[node], nodes.memory_free[node], nodes.gpus_free[node]])
            .collect();
        let mut decision = Decision::default();
        for (job, id) in waiting.id.iter().enumerate() {
            let wanted = [waiting.cpus[job], waiting.memory[job], waiting.gpus[job]];
            let mut left = free.clone();
            let placed: Vec<Placement> = (0..waiting.tasks[job])
                .map_while(|_| {
                    let node = left
                        .iter()
                        .position(|free| free.iter().zip(wanted).all(|(free, wanted)| *free >= wanted))?;
                    left[node].iter_mut().zip(wanted).for_each(|(free, wanted)| *free -= wanted);
                    Some(Placement { job: *id, node: nodes.id[node] })
                })
                .collect();
            if placed.len() == waiting.tasks[job] as usize {
                decision.placements.extend(placed);
                free = left;
            } else {
                let text = format!("no node has room for its task {}", placed.len());
                decision.reasons.push(Reason { job: *id, text });
            }
        }
        Ok(decision)
    }

    fn save(&self) -> Vec<u8> {
        self.rounds.to_le_bytes().to_vec()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let bytes = state.try_into().map_err(|_| Error::InvalidState("it is not eight bytes".into()))?;
        self.rounds = u64::from_le_bytes(bytes);
        Ok(())
    }
}

export!(policy: Guest);
