//! `zenith run`, `explain` and `lock`.

use std::{
    collections::BTreeMap,
    num::NonZero,
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use zenith_core::{Grant, PackageName};
use zenith_pipeline::{Fidelity, Next, OnError, RunOptions as PipelineRun};

use super::{
    arguments::{
        Engine, ExplainOptions, FidelityArgument, LoadArguments, LockOptions, OnErrorArgument, RunOptions,
    },
    say,
};
use crate::{
    allowance::Allowed,
    context::{Context, EngineChoice},
    error::{Error, ErrorKind},
    file::read_pipeline,
    loader::{LoadOptions, Loader},
    vet::locked_by_environment,
};

/// How long to wait for a batch before the progress bar is drawn again.
const PATIENCE: Duration = Duration::from_millis(200);

fn load(context: &Context, arguments: &LoadArguments) -> Result<Loader, Error> {
    let spec = read_pipeline(&arguments.pipeline)?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let options = LoadOptions {
        engine: match arguments.engine {
            Engine::Auto => EngineChoice::Auto,
            Engine::Wasm => EngineChoice::Wasm,
            Engine::Native => EngineChoice::Native,
        },
        fidelity: match arguments.fidelity {
            FidelityArgument::Exact => Fidelity::Exact,
            FidelityArgument::Fast => Fidelity::Fast,
        },
        run: PipelineRun {
            num_workers: arguments.workers.unwrap_or(cores),
            memory_limit: arguments.memory_limit,
            on_error: match arguments.on_error {
                OnErrorArgument::Raise => OnError::Raise,
                OnErrorArgument::Skip => OnError::Skip,
            },
            seed: arguments.seed,
            ..PipelineRun::default()
        },
        grants: allowed(&arguments.grants),
        locked: arguments.locked || locked_by_environment(),
        ..LoadOptions::default()
    };
    Loader::new(context, &spec, options)
}

/// What was allowed on the command line, by plugin.
pub(super) fn allowed(grants: &[(PackageName, Grant)]) -> Allowed {
    let mut lists: BTreeMap<PackageName, Vec<Grant>> = BTreeMap::new();
    for (name, grant) in grants {
        lists.entry(name.clone()).or_default().push(grant.clone());
    }
    lists.into_iter().map(|(name, list)| (name, list.into_iter().collect())).collect()
}

pub(super) fn explain(context: &Context, options: &ExplainOptions) -> Result<(), Error> {
    say(load(context, &options.load)?.explain(false).trim_end())
}

pub(super) fn lock(context: &Context, options: &LockOptions) -> Result<(), Error> {
    let spec = read_pipeline(&options.pipeline)?;
    if options.locked || locked_by_environment() {
        let lock = context.pin_locked(&spec, &options.output)?;
        return say(&format!(
            "{} pins {} packages, as it should",
            options.output.display(),
            lock.packages().len()
        ));
    }
    let lock = context.pin(&spec)?;
    lock.write(&options.output)
        .map_err(|error| Error::new(ErrorKind::Registry, error.to_string(), error.hint()))?;
    say(&format!("{} pins {} packages", options.output.display(), lock.packages().len()))
}

pub(super) fn run(context: &Context, options: &RunOptions) -> Result<(), Error> {
    let loader = load(context, &options.load)?;
    let wanted = match options.batches {
        Some(batches) => batches,
        None => loader.batches()?,
    };
    let bar = ProgressBar::new(wanted);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} batches  {elapsed}  {msg}") {
        bar.set_style(style);
    }
    let started = Instant::now();
    let (mut batches, mut samples, mut bytes) = (0, 0, 0);
    while batches < wanted {
        let mut epoch = loader.begin()?;
        let before = batches;
        while batches < wanted {
            match epoch.next(PATIENCE)? {
                Next::Batch(batch) => {
                    batches += 1;
                    samples += batch.len() as u64;
                    bytes += batch.tensors().iter().map(|tensor| tensor.data().len() as u64).sum::<u64>();
                    bar.set_message(format!("{:.0} samples/s", rate(samples, started)));
                    bar.inc(1);
                }
                Next::End => break,
                Next::Pending => bar.tick(),
            }
        }
        if batches == before {
            break;
        }
    }
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    say(&format!(
        "{samples} samples in {batches} batches in {seconds:.2} s: {:.0} samples/s, {:.1} MB/s of tensors",
        rate(samples, started),
        rate(bytes, started) / 1e6,
    ))?;
    if options.analyze {
        say(loader.explain(true).trim_end())?;
    }
    for entry in loader.quarantine() {
        say(&format!(
            "skipped: {} failed on `{}` (sample {}): {}",
            entry.operator, entry.key, entry.index, entry.error
        ))?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a rate is shown to a few digits")]
fn rate(count: u64, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64().max(f64::MIN_POSITIVE)
}
