//! Swapping a plugin of a runner that runs: tried and made ready in the caller's thread while the
//! workers go on, then put in place in one step between two batches.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
};

use zenith_core::{Identity, OperatorError, Plugin};

use super::{
    generation::Generation,
    operators::{NotMade, Parts},
    runner::{Runner, Shared},
    worker::panic_text,
};
use crate::plan::{OperatorStep, Plan, SwapError, SwappedOperator};

/// What a swap did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// What runs now.
    pub plugin: Identity,
    /// The operators that were another version of it before; none where all of them ran it already.
    pub operators: Vec<SwappedOperator>,
    /// The digest of the plan since then.
    pub plan: String,
}

impl Runner {
    /// Puts another version of a plugin in the place of each operator that is one, while epochs run.
    ///
    /// Batches that are dealt by now are made by the old version, those dealt afterwards by the new
    /// one; none is made by both, lost, or made twice. A sampler's new version orders the epochs that
    /// begin afterwards.
    ///
    /// The new version is configured, planned and started as the old one was, for every worker of
    /// every running epoch, before anything changes. The workers do not wait for that. If any of it
    /// fails, the old version goes on.
    pub fn swap(&self, plugin: &Arc<dyn Plugin>) -> Result<Swap, SwapError> {
        let shared = &self.shared;
        let mut operators = Vec::new();
        let exchanged = shared.current.exchange(|before| {
            let prepared = catch_unwind(AssertUnwindSafe(|| shared.prepare(before, plugin)));
            let (after, swapped) =
                prepared.unwrap_or_else(|panic| Err(SwapError::Panicked(panic_text(&*panic))))?;
            operators = swapped;
            Ok(after)
        })?;
        // The epochs that these were made for may have ended meanwhile.
        if shared.epochs.load(Relaxed) == 0 {
            exchanged.after.drop_spares();
        }
        let plan = exchanged.after.plan.digest().to_owned();
        if !operators.is_empty() {
            tracing::info!(plugin = %plugin.identity(), %plan, "swapped");
        }
        Ok(Swap { plugin: plugin.identity().clone(), operators, plan })
    }
}

impl Shared {
    /// The generation after `before`: the same one where nothing would change.
    fn prepare(
        &self,
        before: &Arc<Generation>,
        plugin: &Arc<dyn Plugin>,
    ) -> Result<(Arc<Generation>, Vec<SwappedOperator>), SwapError> {
        let (plan, swapped) = before.plan.swapped(plugin)?;
        if swapped.is_empty() {
            return Ok((Arc::clone(before), swapped));
        }
        if !plan.sampler.is_same(&before.plan.sampler) {
            self.try_sampler(&plan).map_err(|not_made| refused(*not_made))?;
        }
        let workers = self.epochs.load(Relaxed) * self.options.num_workers.max(1);
        let spares = (0..workers)
            .map(|_| Parts::made_for(&plan, &before.plan))
            .collect::<Result<_, _>>()
            .map_err(|not_made| refused(*not_made))?;
        let generation = Generation::new(before.number + 1, Arc::new(plan), &self.history, spares);
        Ok((Arc::new(generation), swapped))
    }

    /// Begins an epoch with a plan's sampler, and draws from it.
    fn try_sampler(&self, plan: &Plan) -> Result<(), NotMade> {
        let step = &plan.sampler;
        let failed = |cause| NotMade::new((step.clone(), cause));
        let mut sampler = step.sampler().map_err(failed)?;
        sampler.start(self.population(0, self.options.seed)).map_err(failed)?;
        sampler.next(1, &mut Vec::new()).map_err(failed)
    }
}

fn refused((step, cause): (OperatorStep, OperatorError)) -> SwapError {
    SwapError::Refused { position: step.position(), culprit: Arc::clone(step.culprit()), input: None, cause }
}
