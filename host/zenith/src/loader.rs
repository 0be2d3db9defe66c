//! A loader: a pipeline, planned, and run epoch after epoch, with a state that can be saved.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use zenith_pipeline::{
    EpochStats, Fidelity, LoaderState, Next, Optimisations, Plan, PlanInput, QuarantineEntry, RunOptions,
    Runner, Spec,
};

use crate::{
    context::{Context, EngineChoice},
    error::Error,
    source,
};

/// How a pipeline is loaded.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// As what plugins run.
    pub engine: EngineChoice,
    /// Whether plugins that the project's lockfile does not pin are refused.
    pub locked: bool,
    /// Which pixels decoders must give.
    pub fidelity: Fidelity,
    /// What may be optimised.
    pub optimisations: Optimisations,
    /// How epochs are run.
    pub run: RunOptions,
}

/// A pipeline, planned and ready to run. Making one starts no thread and reads no sample.
pub struct Loader {
    runner: Runner,
    /// Where the next epoch begins.
    next: Mutex<LoaderState>,
    length: Mutex<Option<(u64, u64)>>,
}

impl Loader {
    /// Opens the source, resolves every plugin, and checks and optimises the pipeline.
    pub fn new(context: &Context, spec: &Spec, options: LoadOptions) -> Result<Self, Error> {
        let plan = Arc::new(plan(context, spec, &options)?);
        let next = Mutex::new(LoaderState::at_start(plan.digest(), 0, options.run.seed));
        Ok(Self { runner: Runner::new(plan, options.run), next, length: Mutex::default() })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        self.runner.plan()
    }

    /// How it is run.
    pub fn options(&self) -> &RunOptions {
        self.runner.options()
    }

    /// Batches in the next epoch.
    pub fn batches(&self) -> Result<u64, Error> {
        let epoch = self.lock().epoch;
        let mut known = self.length.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, batches)) = known.filter(|(counted, _)| *counted == epoch) {
            return Ok(batches);
        }
        let batches = self.runner.epoch_batches(epoch)?;
        *known = Some((epoch, batches));
        Ok(batches)
    }

    /// Begins the next epoch, where the last saved state stands if one was restored.
    pub fn begin(&self) -> Result<Epoch, Error> {
        let mut next = self.lock();
        let epoch = self.runner.epoch(&next)?;
        let digest = self.plan().digest();
        *next = LoaderState::at_start(digest, next.epoch + 1, next.seed);
        Ok(Epoch { inner: epoch, handed: AtomicU64::new(0) })
    }

    /// Sets the number of the next epoch, as `DistributedSampler.set_epoch` does.
    pub fn set_epoch(&self, epoch: u64) {
        let mut next = self.lock();
        *next = LoaderState::at_start(&next.plan, epoch, next.seed);
    }

    /// The state from which the next epoch begins.
    pub fn next_state(&self) -> LoaderState {
        self.lock().clone()
    }

    /// Restores a saved state: the next epoch goes on where it stands.
    pub fn restore(&self, text: &str) -> Result<(), Error> {
        let state = LoaderState::read(text, self.plan().digest())?;
        *self.lock() = state;
        Ok(())
    }

    /// The plan as text; with `analyze`, what each step cost so far.
    pub fn explain(&self, analyze: bool) -> String {
        let stats = analyze.then(|| self.runner.stats());
        self.plan().explain(self.runner.options(), stats.as_ref())
    }

    /// What has been done and waited for so far.
    pub fn stats(&self) -> EpochStats {
        self.runner.stats()
    }

    /// The samples that were left out so far.
    pub fn quarantine(&self) -> Vec<QuarantineEntry> {
        self.runner.quarantine()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LoaderState> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plan(context: &Context, spec: &Spec, options: &LoadOptions) -> Result<Plan, Error> {
    let input = PlanInput {
        spec,
        source: source::open(&spec.source)?,
        catalog: &context.catalog(options.engine, options.locked),
        fidelity: options.fidelity,
        optimisations: options.optimisations,
    };
    Ok(Plan::new(&input)?)
}

/// A running epoch.
pub struct Epoch {
    inner: zenith_pipeline::Epoch,
    handed: AtomicU64,
}

impl Epoch {
    /// Waits up to `patience` for the next batch.
    pub fn next(&mut self, patience: Duration) -> Result<Next, Error> {
        let next = self.inner.next(patience)?;
        if let Next::Batch(_) = next {
            self.handed.fetch_add(1, Relaxed);
        }
        Ok(next)
    }

    /// Batches handed over so far.
    pub fn handed(&self) -> u64 {
        self.handed.load(Relaxed)
    }

    /// Where it stands: behind the last batch that was handed over.
    pub fn state(&self) -> &LoaderState {
        self.inner.state()
    }
}
