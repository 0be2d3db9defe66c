//! A plan among those that a runner has run by, one after the other. A batch is dealt with the
//! generation of that moment and is made wholly by it; a worker turns to another when it is handed
//! the first batch of it.

use std::sync::{Arc, Mutex};

use zenith_core::{Engine, Identity, Plugin};

use super::{
    operators::Parts,
    stats::{StageCounter, StageStats},
    work::lock,
};
use crate::plan::{OperatorStep, Plan};

/// A plan, with its place among those of its runner.
pub(super) struct Generation {
    /// From 0.
    pub(super) number: u64,
    pub(super) plan: Arc<Plan>,
    /// One for each decoder, transform and batch transform, in the order of the plan.
    pub(super) stages: Vec<Arc<StageCounter>>,
    /// What the workers of running epochs lack for this plan, made before it became the present one.
    spares: Mutex<Vec<Parts>>,
}

impl Generation {
    pub(super) fn new(number: u64, plan: Arc<Plan>, history: &Mutex<History>, spares: Vec<Parts>) -> Self {
        let stages = lock(history).stages(&plan);
        Self { number, plan, stages, spares: Mutex::new(spares) }
    }

    /// What was made ahead for one worker, if something is left.
    pub(super) fn take_spare(&self) -> Option<Parts> {
        lock(&self.spares).pop()
    }

    /// Lets go of what no worker came for.
    pub(super) fn drop_spares(&self) {
        let spares = std::mem::take(&mut *lock(&self.spares));
        drop(spares);
    }
}

/// Every operator and plugin that a runner has run, for its statistics.
#[derive(Default)]
pub(super) struct History {
    stages: Vec<Stage>,
    plugins: Vec<Arc<dyn Plugin>>,
}

/// One version of one operator.
struct Stage {
    /// Its place in the plan.
    place: usize,
    plugin: (Identity, Engine),
    label: Arc<str>,
    counter: Arc<StageCounter>,
}

impl History {
    /// The counters of a plan's stages. A version that comes back counts on where it stopped.
    fn stages(&mut self, plan: &Plan) -> Vec<Arc<StageCounter>> {
        for plugin in plan.plugins() {
            if !self.plugins.iter().any(|known| Arc::ptr_eq(known, &plugin)) {
                self.plugins.push(plugin);
            }
        }
        plan.operators().skip(1).enumerate().map(|(place, step)| self.stage(place, step)).collect()
    }

    fn stage(&mut self, place: usize, step: &OperatorStep) -> Arc<StageCounter> {
        let plugin = (step.plugin().identity().clone(), step.plugin().engine());
        if let Some(known) = self.stages.iter().find(|stage| stage.place == place && stage.plugin == plugin) {
            return Arc::clone(&known.counter);
        }
        let counter = Arc::new(StageCounter::default());
        let label = Arc::clone(step.culprit());
        // Behind the other versions of the same operator.
        let behind = self.stages.partition_point(|stage| stage.place <= place);
        self.stages.insert(behind, Stage { place, plugin, label, counter: Arc::clone(&counter) });
        counter
    }

    /// What each operator did, in the order of the plan; each version of one that was swapped has its
    /// own entry.
    pub(super) fn stage_stats(&self) -> Vec<StageStats> {
        self.stages.iter().map(|stage| stage.counter.read(stage.label.to_string())).collect()
    }

    /// Bytes of memory that all of the plugins' instances hold now, and instances replaced so far.
    pub(super) fn guests(&self) -> (u64, u64) {
        self.plugins
            .iter()
            .map(|plugin| plugin.stats())
            .fold((0, 0), |(memory, replaced), stats| (memory + stats.memory, replaced + stats.replaced))
    }
}
