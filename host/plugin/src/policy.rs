//! A scheduling policy that runs as a component.

use zenith_core::{Decision, OperatorError, Placement, Policy, Reason, Round};

use crate::{
    bindings::exports::zenith::plugin::policy as wit, convert::nonsense, instance::Guest, text::tame,
};

/// Bytes that a policy's state may have: it is kept with the queue, and handed over at each swap.
const MAX_STATE: usize = 1 << 20;

/// The adapter from a policy's component to the host's trait.
pub(crate) struct WasmPolicy {
    guest: Guest<wit::Guest>,
}

impl WasmPolicy {
    pub(crate) fn new(guest: Guest<wit::Guest>) -> Self {
        Self { guest }
    }
}

impl Policy for WasmPolicy {
    fn decide(&mut self, round: &Round) -> Result<Decision, OperatorError> {
        // The policy did nothing wrong: its instance is kept.
        round.check_columns().map_err(|error| OperatorError::InvalidData(error.to_string()))?;
        let decision = self.guest.call(|live| {
            live.interface.instance().call_decide(
                &mut live.store,
                live.resource,
                round.now,
                waiting(round),
                nodes(round),
                running(round),
            )
        })?;
        let checked = checked(round, decision);
        self.guest.judge(checked)
    }

    fn save(&mut self) -> Result<Vec<u8>, OperatorError> {
        let state =
            self.guest.call(|live| live.interface.instance().call_save(&mut live.store, live.resource))?;
        let checked = if state.len() > MAX_STATE {
            nonsense(format!("its state is {} bytes long, more than {MAX_STATE}", state.len()))
        } else {
            Ok(state)
        };
        self.guest.judge(checked)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), OperatorError> {
        self.guest.call(|live| live.interface.instance().call_restore(&mut live.store, live.resource, state))
    }
}

fn checked(round: &Round, decision: wit::Decision) -> Result<Decision, OperatorError> {
    let placement = |wit::Placement { job, node }| Placement { job, node };
    let decision = Decision {
        placements: decision.placements.into_iter().map(placement).collect(),
        preemptions: decision.preemptions,
        reasons: decision
            .reasons
            .into_iter()
            .map(|reason| Reason { job: reason.job, text: tame(&reason.text) })
            .collect(),
    };
    match round.check(&decision) {
        Ok(()) => Ok(decision),
        Err(wrong) => nonsense(wrong),
    }
}

fn waiting(round: &Round) -> wit::Waiting<'_> {
    let waiting = &round.waiting;
    wit::Waiting {
        id: &waiting.id,
        user: &waiting.user,
        priority: &waiting.priority,
        waited: &waiting.waited,
        tasks: &waiting.tasks,
        cpus: &waiting.cpus,
        memory: &waiting.memory,
        gpus: &waiting.gpus,
        time_limit: &waiting.time_limit,
    }
}

fn nodes(round: &Round) -> wit::Nodes<'_> {
    let nodes = &round.nodes;
    wit::Nodes {
        id: &nodes.id,
        cpus: &nodes.cpus,
        cpus_free: &nodes.cpus_free,
        memory: &nodes.memory,
        memory_free: &nodes.memory_free,
        gpus: &nodes.gpus,
        gpus_free: &nodes.gpus_free,
        labels: &nodes.labels,
    }
}

fn running(round: &Round) -> wit::Running<'_> {
    let running = &round.running;
    wit::Running {
        job: &running.job,
        user: &running.user,
        node: &running.node,
        cpus: &running.cpus,
        memory: &running.memory,
        gpus: &running.gpus,
        since: &running.since,
        remaining: &running.remaining,
    }
}
