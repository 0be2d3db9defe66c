//! From the generated trait of the policy's world to [`Policy`].

use std::{cell::RefCell, marker::PhantomData};

use zenith_core::{Decision, Nodes, Round, RunningTasks, WaitingJobs};

use self::bindings::exports::zenith::plugin::policy::{self as abi, Guest, GuestInstance};
use super::{panic::report_panics, types};
use crate::{config::parse_config, traits::Policy};

/// What `wit-bindgen` generates for the world `policy-plugin`.
#[doc(hidden)]
#[expect(clippy::same_length_and_capacity, reason = "generated: lists of the canonical ABI are that full")]
pub mod bindings {
    wit_bindgen::generate!({
        world: "policy-plugin",
        path: "../wit",
        with: {
            "zenith:plugin/types@0.1.0": crate::guest::types,
            "zenith:plugin/log@0.1.0": crate::guest::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_policy",
    });
}

/// The component of a policy.
pub struct Component<T>(PhantomData<T>);

/// One configured policy.
pub struct Instance<T>(RefCell<T>);

impl<T: Policy> Guest for Component<T> {
    type Instance = Instance<T>;
}

impl<T: Policy> GuestInstance for Instance<T> {
    fn configure(config: String) -> Result<abi::Instance, types::Error> {
        report_panics();
        let policy = T::configure(parse_config(&config)?)?;
        Ok(abi::Instance::new(Self(RefCell::new(policy))))
    }

    fn decide(
        &self,
        now: u64,
        waiting: abi::Waiting,
        nodes: abi::Nodes,
        running: abi::Running,
    ) -> Result<abi::Decision, types::Error> {
        let round = Round { now, waiting: waiting.into(), nodes: nodes.into(), running: running.into() };
        Ok(self.0.borrow_mut().decide(&round)?.into())
    }

    fn save(&self) -> Result<Vec<u8>, types::Error> {
        Ok(self.0.borrow().save())
    }

    fn restore(&self, state: Vec<u8>) -> Result<(), types::Error> {
        Ok(self.0.borrow_mut().restore(&state)?)
    }
}

// Both sides have the same columns; no row is copied.

impl From<abi::Waiting> for WaitingJobs {
    fn from(waiting: abi::Waiting) -> Self {
        let abi::Waiting { id, user, priority, waited, tasks, cpus, memory, gpus, time_limit } = waiting;
        Self { id, user, priority, waited, tasks, cpus, memory, gpus, time_limit }
    }
}

impl From<abi::Nodes> for Nodes {
    fn from(nodes: abi::Nodes) -> Self {
        let abi::Nodes { id, cpus, cpus_free, memory, memory_free, gpus, gpus_free, labels } = nodes;
        Self { id, cpus, cpus_free, memory, memory_free, gpus, gpus_free, labels }
    }
}

impl From<abi::Running> for RunningTasks {
    fn from(running: abi::Running) -> Self {
        let abi::Running { job, user, node, cpus, memory, gpus, since, remaining } = running;
        Self { job, user, node, cpus, memory, gpus, since, remaining }
    }
}

impl From<Decision> for abi::Decision {
    fn from(decision: Decision) -> Self {
        let Decision { placements, preemptions, reasons } = decision;
        Self {
            placements: placements
                .into_iter()
                .map(|placement| abi::Placement { job: placement.job, node: placement.node })
                .collect(),
            preemptions,
            reasons: reasons
                .into_iter()
                .map(|reason| abi::Reason { job: reason.job, text: reason.text })
                .collect(),
        }
    }
}
