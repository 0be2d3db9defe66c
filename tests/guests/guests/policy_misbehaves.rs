//! Misbehaves in the way that its configuration names, and decides nothing otherwise.

use zenith_plugin_sdk::{Decision, Error, Placement, Policy, Reason, Round, export, serde};

struct Guest {
    case: String,
}

#[derive(serde::Deserialize)]
#[serde(crate = "serde", deny_unknown_fields)]
struct Config {
    case: String,
}

impl Policy for Guest {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        Ok(Self { case: config.case })
    }

    fn decide(&mut self, round: &Round) -> Result<Decision, Error> {
        let (job, node) = (round.waiting.id[0], round.nodes.id[0]);
        let place = |count| vec![Placement { job, node }; count];
        let reason = |job, text: &str| Reason { job, text: text.to_owned() };
        let mut decision = Decision::default();
        match &*self.case {
            "an unknown job" => decision.placements.push(Placement { job: u64::MAX, node }),
            "an unknown node" => decision.placements = vec![Placement { job, node: u32::MAX }; 2],
            "half a job" => decision.placements = place(1),
            "a job twice" => decision.placements = place(4),
            "more than there is" => decision.placements = place(2),
            "a preemption of what waits" => decision.preemptions.push(job),
            "a reason for nothing" => decision.reasons.push(reason(u64::MAX, "")),
            "a long reason" => decision.reasons.push(reason(job, &"\u{1b}long".repeat(10_000))),
            "a flood of reasons" => decision.reasons = vec![reason(job, &"x".repeat(1000)); 20_000],
            "a loop" => loop {
                std::hint::black_box(());
            },
            "a trap" => panic!("I lost my mind"),
            "an error" => return Err(Error::InvalidData("the queue displeases it".into())),
            _ => {}
        }
        Ok(decision)
    }

    fn save(&self) -> Vec<u8> {
        vec![0; 2 << 20]
    }
}

export!(policy: Guest);
