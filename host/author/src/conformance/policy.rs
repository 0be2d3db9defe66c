//! What a policy promises: decisions that can be carried out, the same for the same history, and a state
//! that its successor takes. That a decision can be carried out is the host's own check.

use zenith_core::{Decision, OperatorError, Policy, Round};

use super::{Checks, Failure, Subject, Verdict, answered, inputs::Noise, over, value, worlds};

/// Rounds that are decided in a row.
const ROUNDS: usize = 40;

pub(super) fn check(checks: &mut Checks, subject: &Subject<'_>, configs: &[String]) {
    let trials: Vec<_> = configs.iter().map(|config| Trial { subject, config }).collect();
    let trials = &trials[..];
    checks.check("its decisions can be carried out, on small clusters of every shape", || {
        over(trials, Trial::decides)
    });
    checks.check("nothing to decide, and amounts without sense, do not trap", || over(trials, Trial::bears));
    if subject.is_deterministic() {
        checks.check("the same rounds give the same decisions in another instance", || {
            over(trials, Trial::repeats)
        });
    } else {
        checks.skip("the same rounds give the same decisions", "it is given what is not the same twice");
    }
    checks.check("its successor takes its state, and decides the next round as it does", || {
        over(trials, Trial::continues)
    });
    checks.check("a state that is not its own is refused or taken, without a trap", || {
        over(trials, Trial::bears_states)
    });
}

/// A policy under test, in one configuration.
struct Trial<'a> {
    subject: &'a Subject<'a>,
    config: &'a str,
}

fn rounds() -> Vec<Round> {
    let mut noise = Noise::new(6);
    (0..ROUNDS)
        .map(|_| {
            let (nodes, jobs) = (noise.below_u32(7), noise.below_u32(12));
            worlds::round(&mut noise, nodes, jobs)
        })
        .collect()
}

fn told(round: &Round) -> String {
    let text = format!("{round:?}");
    if text.len() < 3000 {
        text
    } else {
        format!("{} jobs and {} nodes", round.waiting.id.len(), round.nodes.id.len())
    }
}

impl Trial<'_> {
    fn make(&self) -> Result<Box<dyn Policy>, Failure> {
        let made = self.subject.plugin.policy(self.config, &self.subject.limits);
        value(made, self.config, "its configuration")
    }

    fn decide(
        &self,
        policy: &mut dyn Policy,
        round: &Round,
    ) -> Result<Result<Decision, OperatorError>, Failure> {
        answered(policy.decide(round), self.config, told(round))
    }

    fn decides(&self) -> Verdict {
        let mut policy = self.make()?;
        let (mut placed, mut waiting) = (0, 0);
        for round in rounds() {
            waiting += round.waiting.id.len();
            if let Ok(decision) = self.decide(&mut *policy, &round)? {
                placed += decision.placements.len();
            }
        }
        Ok(Some(format!("{placed} tasks placed for {waiting} jobs, over {ROUNDS} rounds")))
    }

    fn bears(&self) -> Verdict {
        let mut policy = self.make()?;
        for (what, round) in worlds::extremes() {
            let _ = answered(policy.decide(&round), self.config, what)?;
        }
        Ok(None)
    }

    fn repeats(&self) -> Verdict {
        let (mut one, mut other) = (self.make()?, self.make()?);
        for round in rounds() {
            let (first, again) = (self.decide(&mut *one, &round)?, self.decide(&mut *other, &round)?);
            if first != again {
                return Err(Failure::new(
                    self.config,
                    told(&round),
                    format!("{first:?}, and then {again:?}"),
                ));
            }
        }
        Ok(None)
    }

    fn continues(&self) -> Verdict {
        let (mut old, mut new) = (self.make()?, self.make()?);
        let (before, after) = (rounds(), worlds::round(&mut Noise::new(8), 5, 9));
        for round in &before {
            let _ = self.decide(&mut *old, round)?;
        }
        let state = value(old.save(), self.config, "`save`")?;
        value(new.restore(&state), self.config, format!("its own state of {} bytes", state.len()))?;
        if !self.subject.is_deterministic() {
            return Ok(None);
        }
        let (first, again) = (self.decide(&mut *old, &after)?, self.decide(&mut *new, &after)?);
        if first != again {
            let came = format!("{first:?}, and by the successor {again:?}");
            return Err(Failure::new(self.config, told(&after), came));
        }
        Ok(Some(format!("{} bytes of state", state.len())))
    }

    fn bears_states(&self) -> Verdict {
        let mut policy = self.make()?;
        let own = value(policy.save(), self.config, "`save`")?;
        let mut noise = Noise::new(5);
        let mut states = vec![vec![0], vec![0xFF; 8], b"{}".to_vec()];
        states.extend([8, 9, 64, 1000].map(|length| noise.bytes(length)));
        states.extend((0..own.len()).map(|cut| own[..cut].to_vec()));
        for state in states {
            let given = format!("the state {:02x?}", &state[..state.len().min(32)]);
            if answered(policy.restore(&state), self.config, &given)?.is_ok() {
                let round = worlds::round(&mut noise, 3, 4);
                let _ = answered(policy.decide(&round), self.config, &given)?;
            }
        }
        Ok(None)
    }
}
