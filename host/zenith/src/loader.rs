//! A loader: a pipeline, planned, and run epoch after epoch, with a state that can be saved.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use zenith_core::Kind;
use zenith_pipeline::{
    Catalog as _, EpochStats, Fidelity, LoaderState, Next, Optimisations, Plan, PlanInput, QuarantineEntry,
    RunOptions, Runner, Spec, Standing, Swap,
};
use zenith_registry::Reference;

use crate::{
    allowance::Allowed,
    context::{Context, EngineChoice},
    error::{Error, ErrorKind},
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
    /// What plugins are allowed, in place of what `zenith.toml` says of those that are named.
    pub grants: Allowed,
}

/// A pipeline, planned and ready to run. Making one starts no thread and reads no sample.
pub struct Loader {
    runner: Runner,
    /// How a plugin is found and run that is swapped in.
    engine: EngineChoice,
    grants: Allowed,
    locked: bool,
    /// Where the next epoch begins.
    next: Mutex<LoaderState>,
    length: Mutex<Option<(u64, u64)>>,
}

impl Loader {
    /// Opens the source, resolves every plugin, and checks and optimises the pipeline.
    pub fn new(context: &Context, spec: &Spec, options: LoadOptions) -> Result<Self, Error> {
        let plan = Arc::new(plan(context, spec, &options)?);
        let next = Mutex::new(LoaderState::at_start(plan.digest(), 0, options.run.seed));
        Ok(Self {
            runner: Runner::new(plan, options.run),
            engine: options.engine,
            grants: options.grants,
            locked: options.locked,
            next,
            length: Mutex::default(),
        })
    }

    /// The plan by which batches are made now: the first one, until a plugin is swapped.
    pub fn plan(&self) -> Arc<Plan> {
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
        *next = LoaderState::at_start(self.plan().digest(), next.epoch + 1, next.seed);
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
        let mut next = self.lock();
        *next = LoaderState::read(text, self.plan().digest())?;
        Ok(())
    }

    /// Puts another version of a plugin in the place of each operator that is one, while epochs run:
    /// `version` is one, such as `1.3.0`, or a requirement, such as `^1.3`.
    ///
    /// Batches that are under way are made by the old version, those begun afterwards by the new one;
    /// a sampler's new version orders the epochs that begin afterwards. The new version is found,
    /// compiled and tried in the caller's thread while the workers go on. On any error the old one goes
    /// on.
    ///
    /// A state that is saved afterwards belongs to the plan with the new version.
    pub fn swap(&self, context: &Context, name: &str, version: &str) -> Result<Swap, Error> {
        let reference: Reference =
            format!("{name}@{version}").parse().map_err(|error: zenith_registry::ReferenceError| {
                Error::new(ErrorKind::Registry, error.to_string(), error.hint())
            })?;
        self.plan().check_swap(&reference.name)?;
        let plugin = context
            .catalog(self.engine, &self.grants, self.locked)
            .resolve(&reference.to_string())
            .map_err(|error| Error::new(ErrorKind::Registry, error.message, error.hint))?;
        // A restored state that stands in the middle of an epoch holds the place of the old sampler.
        let orders = plugin.kind() == Kind::Sampler;
        if orders && self.lock().sampler.is_some() {
            return Err(Error::new(
                ErrorKind::State,
                "the next epoch goes on where a restored state stands, in the order of the present sampler",
                Some("swap the sampler after that epoch has begun".to_owned()),
            ));
        }
        let swap = self.runner.swap(&plugin)?;
        let mut next = self.lock();
        // The present plan, which another swap may have made meanwhile.
        self.plan().digest().clone_into(&mut next.plan);
        drop(next);
        *self.length.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(swap)
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

/// A pipeline, planned.
pub(crate) fn plan(context: &Context, spec: &Spec, options: &LoadOptions) -> Result<Plan, Error> {
    let input = PlanInput {
        spec,
        source: source::open(&spec.source)?,
        catalog: &context.catalog(options.engine, &options.grants, options.locked),
        fidelity: options.fidelity,
        optimisations: options.optimisations,
    };
    let plan = Plan::new(&input)?;
    check_grants(&plan, &options.grants)?;
    Ok(plan)
}

/// A grant for a plugin that is not there is a mistyped one; and one that nobody asks for is told.
fn check_grants(plan: &Plan, allowed: &Allowed) -> Result<(), Error> {
    for (name, grants) in allowed {
        let Some(step) = plan.operators().find(|step| step.plugin().identity().name == *name) else {
            let mut names: Vec<_> =
                plan.operators().map(|step| format!("`{}`", step.plugin().identity().name)).collect();
            names.dedup();
            return Err(Error::new(
                ErrorKind::Option,
                format!("a grant names the plugin `{name}`, which the pipeline does not use"),
                Some(format!("it uses {}", names.join(", "))),
            ));
        };
        let (plugin, given) = (step.plugin().identity(), &step.plugin().permissions().given);
        for grant in grants.iter().filter(|grant| !given.has(grant.permission())) {
            tracing::warn!("`{plugin}` does not ask for {}, and is not given {grant}", grant.permission());
        }
    }
    Ok(())
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
    pub fn state(&self) -> LoaderState {
        self.inner.state()
    }

    /// The same, to keep when the epoch is dropped.
    pub fn standing(&self) -> Standing {
        self.inner.standing().clone()
    }
}
