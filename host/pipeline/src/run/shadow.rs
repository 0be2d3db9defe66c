//! Two versions of a plugin on the same samples, with the same seeds: how far apart is what they make,
//! what does each cost, and on what do they fail. The pipeline before the operator is that of a plan,
//! and what comes after it is not run.

mod compare;
mod side;

use std::sync::{Arc, Mutex};

use serde::Serialize;
use thiserror::Error;
use zenith_buffer::Budget;
use zenith_core::{
    Extents, Kind, OperatorError, PackageName, Plugin, Population, ReaderOptions, TensorView, Value,
    operator_seed, with_sample,
};

pub use compare::Distance;
use compare::Made;
use side::Side;
pub use side::SideReport;

use super::{
    chain::{Chain, SampleId, choose},
    epoch::Next,
    generation::Generation,
    place::Destination,
    runner::Runner,
};
use crate::{
    batch::BatchTensor,
    error::LoadError,
    options::{OnError, RunOptions},
    plan::{OperatorStep, Plan, SwapError},
    state::LoaderState,
};

/// Indices that a sampler is asked for at a time, and samples that are read at a time.
const RUN: u64 = 64;

/// What is compared, and on what.
pub struct ShadowInput<'a> {
    /// The pipeline with the present version.
    pub plan: &'a Plan,
    /// The plugin that is shadowed.
    pub name: &'a PackageName,
    /// Which operator of the pipeline, where several are this plugin.
    pub position: Option<u32>,
    /// The other version.
    pub candidate: Arc<dyn Plugin>,
    /// Samples to compare. Where the source has fewer, they come again, as in the epochs after the
    /// first.
    pub samples: u64,
    /// The run's seed.
    pub seed: u64,
    /// Differences and failures of each kind that are told one by one, at most.
    pub examples: usize,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowReport {
    /// What the plugin is for.
    pub kind: Kind,
    /// The operator's place in the pipeline.
    pub position: u32,
    /// What the present version did.
    pub present: SideReport,
    /// What the other one did.
    pub candidate: SideReport,
    /// Samples that both were given; of a sampler, places in the order of an epoch.
    pub samples: u64,
    /// Samples that the pipeline before them could not make.
    pub left_out: u64,
    /// Samples on which the two differ: in what they make, or in that one of them fails.
    pub differing: u64,
    /// Samples of which the two make tensors of different types.
    pub other_types: u64,
    /// How far the elements are apart where types are equal; for a sampler, `None`.
    pub distance: Option<Distance>,
    /// The first differences, in the order of the samples.
    pub examples: Vec<Example>,
    /// The first failures, in the order of the samples.
    pub failures: Vec<Failure>,
}

/// A sample on which the two differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// What a person calls it.
    pub key: String,
    /// Its index in the source.
    pub index: u64,
    /// The epoch.
    pub epoch: u64,
    /// How far its elements are apart, where both made the same type.
    pub distance: Option<Distance>,
    /// Otherwise, how the two differ.
    pub note: Option<String>,
}

/// A sample on which something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What a person calls it.
    pub key: String,
    /// Its index in the source.
    pub index: u64,
    /// The epoch.
    pub epoch: u64,
    /// Who failed.
    pub plugin: String,
    /// Why.
    pub error: String,
}

/// Why two versions cannot be compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShadowError {
    /// The other version cannot take the operator's place.
    #[error("{0}")]
    Swap(#[from] SwapError),
    /// Several operators are this plugin.
    #[error("the operators {} are `{name}`", listed(positions))]
    Several {
        /// The plugin.
        name: PackageName,
        /// Their places.
        positions: Vec<u32>,
    },
    /// The pipeline failed.
    #[error("{0}")]
    Load(#[from] LoadError),
}

fn listed(positions: &[u32]) -> String {
    positions.iter().map(u32::to_string).collect::<Vec<_>>().join(" and ")
}

impl ShadowError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Swap(error) => error.hint(),
            Self::Several { .. } => Some("say which one, by its place in the pipeline".to_owned()),
            Self::Load(error) => error.hint(),
        }
    }
}

/// Compares two versions of a plugin. `progress` is told how many samples are done.
pub fn shadow(input: &ShadowInput<'_>, progress: &mut dyn FnMut(u64)) -> Result<ShadowReport, ShadowError> {
    let present = step_of(input)?;
    let candidate = candidate(present, &input.candidate)?;
    let side = |step: &OperatorStep| {
        Side::new(step).map_err(|cause| SwapError::Refused {
            position: step.position(),
            culprit: Arc::clone(step.culprit()),
            input: None,
            cause,
        })
    };
    let sides = [side(present)?, side(&candidate)?];
    let mut shadow = Shadow {
        input,
        step: present,
        sides,
        progress,
        samples: 0,
        left_out: 0,
        differing: 0,
        other_types: 0,
        distance: Distance::default(),
        examples: Vec::new(),
        failures: Vec::new(),
    };
    match present.plugin().kind() {
        Kind::Sampler => shadow.orders(),
        Kind::BatchTransform => shadow.batches()?,
        _ => shadow.each_sample()?,
    }
    Ok(shadow.report())
}

fn step_of<'a>(input: &ShadowInput<'a>) -> Result<&'a OperatorStep, ShadowError> {
    let named = |step: &&OperatorStep| step.plugin().identity().name == *input.name;
    let mut steps: Vec<_> = input.plan.operators().filter(named).collect();
    let positions: Vec<_> = steps.iter().map(|step| step.position()).collect();
    if let Some(position) = input.position {
        steps.retain(|step| step.position() == position);
    }
    match steps[..] {
        [step] => Ok(step),
        [] => {
            let mut used: Vec<_> =
                input.plan.operators().map(|step| step.plugin().identity().name.clone()).collect();
            used.sort();
            used.dedup();
            Err(SwapError::NotUsed { name: input.name.clone(), used }.into())
        }
        _ => Err(ShadowError::Several { name: input.name.clone(), positions }),
    }
}

fn candidate(present: &OperatorStep, plugin: &Arc<dyn Plugin>) -> Result<OperatorStep, SwapError> {
    let (found, wanted) = (plugin.kind(), present.plugin().kind());
    if found != wanted {
        let position = present.position();
        return Err(SwapError::Kind { plugin: plugin.identity().to_string(), found, wanted, position });
    }
    Ok(present.with(plugin))
}

struct Shadow<'a, 'b> {
    input: &'b ShadowInput<'a>,
    /// The operator, with the present version.
    step: &'a OperatorStep,
    sides: [Side; 2],
    progress: &'b mut dyn FnMut(u64),
    samples: u64,
    left_out: u64,
    differing: u64,
    other_types: u64,
    distance: Distance,
    examples: Vec<Example>,
    failures: Vec<Failure>,
}

/// Which sample is at hand, and how many are made with it.
#[derive(Clone, Copy)]
struct At<'k> {
    key: &'k str,
    index: u64,
    epoch: u64,
    samples: u64,
}

type Results = [Result<Vec<Made>, OperatorError>; 2];

impl Shadow<'_, '_> {
    fn report(self) -> ShadowReport {
        let kind = self.step.plugin().kind();
        let [present, candidate] = self.sides;
        ShadowReport {
            kind,
            position: self.step.position(),
            present: present.report(),
            candidate: candidate.report(),
            samples: self.samples,
            left_out: self.left_out,
            differing: self.differing,
            other_types: self.other_types,
            distance: (kind != Kind::Sampler).then_some(self.distance),
            examples: self.examples,
            failures: self.failures,
        }
    }

    /// Lets both work, in turns, so that neither always finds the caches warm.
    fn both<T>(&mut self, mut work: impl FnMut(&mut Side) -> T) -> [T; 2] {
        let [present, candidate] = &mut self.sides;
        if self.samples.is_multiple_of(2) {
            [work(present), work(candidate)]
        } else {
            let candidate = work(candidate);
            [work(present), candidate]
        }
    }

    /// Compares what both made of the sample at hand.
    fn compare(&mut self, at: At<'_>, results: &Results) {
        self.samples += at.samples;
        for (side, result) in results.iter().enumerate() {
            if let Err(error) = result {
                self.fail(at, self.sides[side].identity().to_string(), error.to_string());
            }
        }
        let (distance, note) = match results {
            [Ok(present), Ok(candidate)] => match distance(present, candidate) {
                Ok(distance) => {
                    self.distance.add(&distance);
                    (Some(distance), None)
                }
                Err(note) => {
                    self.other_types += at.samples;
                    (None, Some(note))
                }
            },
            [Err(_), Err(_)] => return,
            [Err(_), Ok(_)] => (None, Some(format!("only `{}` fails", self.sides[0].identity()))),
            [Ok(_), Err(_)] => (None, Some(format!("only `{}` fails", self.sides[1].identity()))),
        };
        if distance.is_none_or(|distance| distance.differing > 0) {
            self.differ(at, distance, note);
        }
    }

    fn differ(&mut self, at: At<'_>, distance: Option<Distance>, note: Option<String>) {
        self.differing += at.samples;
        if self.examples.len() < self.input.examples {
            let (key, index, epoch) = (at.key.to_owned(), at.index, at.epoch);
            self.examples.push(Example { key, index, epoch, distance, note });
        }
    }

    fn fail(&mut self, at: At<'_>, plugin: String, error: String) {
        let same = self.failures.iter().filter(|failure| failure.plugin == plugin).count();
        if same < self.input.examples {
            let (key, index, epoch) = (at.key.to_owned(), at.index, at.epoch);
            self.failures.push(Failure { key, index, epoch, plugin, error });
        }
    }

    fn population(&self, epoch: u64) -> Population {
        let length = self.input.plan.source.len();
        Population { length, epoch, seed: self.input.seed, rank: 0, world_size: 1 }
    }

    /// Decoders and transforms: sample by sample, in the pipeline's order.
    fn each_sample(&mut self) -> Result<(), LoadError> {
        let plan = self.input.plan;
        let mut reader = plan.source.reader(&ReaderOptions::default())?;
        let mut before = self.chain_before()?;
        let sampler_failed = |cause| plan.sampler.fault(cause);
        for epoch in 0.. {
            let mut sampler = plan.sampler.sampler().map_err(sampler_failed)?;
            sampler.start(self.population(epoch)).map_err(sampler_failed)?;
            let before_epoch = self.samples;
            loop {
                let left = self.input.samples.saturating_sub(self.samples).min(RUN);
                let mut run = Vec::new();
                if left > 0 {
                    sampler.next(u32::try_from(left).unwrap_or(1), &mut run).map_err(sampler_failed)?;
                }
                if run.is_empty() {
                    break;
                }
                run.retain(|index| *index < plan.source.len());
                reader.submit(&run);
                for _ in 0..run.len() {
                    let Some((index, sample)) = reader.next() else { break };
                    let key = plan.source.key(index);
                    let at = At { key: &key, index, epoch, samples: 1 };
                    match sample {
                        Ok(sample) => with_sample(&plan.source, index, || {
                            for value in sample.values {
                                if let Value::Bytes(bytes) = value {
                                    self.sample(at, &bytes, before.as_mut());
                                }
                            }
                        }),
                        Err(error) => {
                            self.left_out += 1;
                            self.fail(at, "source".to_owned(), error.to_string());
                        }
                    }
                    (self.progress)(self.samples);
                }
            }
            // An epoch of which nothing came would be followed by the same.
            if self.samples >= self.input.samples || self.samples == before_epoch {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The pipeline before a transform; `None` before a decoder.
    fn chain_before(&self) -> Result<Option<Chain>, LoadError> {
        let plan = self.input.plan;
        let place = plan.transforms.iter().position(|transform| transform.step.is_same(self.step));
        let Some(place) = place else { return Ok(None) };
        let plan = Arc::new(plan.until(place, None));
        let generation = Arc::new(Generation::new(0, plan, &Mutex::default(), Vec::new()));
        Chain::under(&generation, None, &Budget::new(None)).map(Some)
    }

    fn sample(&mut self, at: At<'_>, data: &[u8], before: Option<&mut Chain>) {
        let Some(before) = before else {
            let plan = self.input.plan;
            // Where the decoder is chosen by content, others read the rest.
            if choose(plan, data).is_ok_and(|chosen| plan.decoders[chosen].step.is_same(self.step)) {
                let results = self.both(|side| side.decode(data));
                self.compare(at, &results);
            } else {
                self.left_out += 1;
            }
            return;
        };
        let id = SampleId { run_seed: self.input.seed, epoch: at.epoch, index: at.index };
        let (mut extents, mut buffer) = (Extents::new(), Vec::new());
        if let Err(error) = before.run(id, data, Destination::Open(&mut buffer, &mut extents)) {
            self.left_out += 1;
            self.fail(at, error.culprit.to_string(), error.failure.to_string());
            return;
        }
        let dtype = before.output_type().dtype;
        let Some(input) = TensorView::new(dtype, &extents, &buffer) else { return };
        let seed = id.seed(self.step);
        let results = self.both(|side| side.transform(input, seed));
        self.compare(at, &results);
    }

    /// Batch transforms: on the batches that the pipeline makes.
    fn batches(&mut self) -> Result<(), LoadError> {
        let plan = self.input.plan;
        let place = plan.batch_transforms.iter().position(|transform| transform.step.is_same(self.step));
        let before = Arc::new(plan.until(plan.transforms.len(), place));
        let options = RunOptions { seed: self.input.seed, on_error: OnError::Skip, ..RunOptions::default() };
        let runner = Runner::new(before, options);
        for number in 0.. {
            let state = LoaderState::at_start(runner.plan().digest(), number, self.input.seed);
            let mut epoch = runner.epoch(&state)?;
            let before_epoch = self.samples;
            while self.samples < self.input.samples {
                let batch = match epoch.next(std::time::Duration::from_secs(1))? {
                    Next::Batch(batch) => batch,
                    Next::Pending => continue,
                    Next::End => break,
                };
                let inputs: Option<Vec<_>> = batch.tensors().iter().map(BatchTensor::view).collect();
                let inputs =
                    inputs.ok_or_else(|| LoadError::Internal("a batch has no consistent size".into()))?;
                let first = batch.indices().first().copied().unwrap_or(0);
                let seed = operator_seed(self.input.seed, number, first, self.step.position());
                let key = format!("{} and {} more", plan.source.key(first), batch.len() - 1);
                let at = At { key: &key, index: first, epoch: number, samples: batch.len() as u64 };
                let results = self.both(|side| side.batch(&inputs, batch.len(), seed));
                self.compare(at, &results);
                (self.progress)(self.samples);
            }
            if self.samples >= self.input.samples || self.samples == before_epoch {
                break;
            }
        }
        for entry in runner.quarantine() {
            self.left_out += 1;
            let at = At { key: &entry.key, index: entry.index, epoch: entry.epoch, samples: 1 };
            self.fail(at, entry.operator, entry.error);
        }
        Ok(())
    }

    /// Samplers: the orders of epochs, place by place.
    fn orders(&mut self) {
        let plan = self.input.plan;
        for epoch in 0.. {
            let population = self.population(epoch);
            let before_epoch = self.samples;
            let started = self.both(|side| side.sampler(|sampler| sampler.start(population)));
            let mut over = self.failed_to_order(epoch, started.map(|started| started.map(|_| ())));
            while !over && self.samples < self.input.samples {
                let left = self.input.samples - self.samples;
                let mut drawn: [Vec<u64>; 2] = Default::default();
                // Runs may be short, and of different lengths.
                let wanted = usize::try_from(left.min(RUN)).unwrap_or(1);
                let filled = self.both(|side| fill(side, wanted));
                let mut failed = [Ok(()), Ok(())];
                for (side, result) in filled.into_iter().enumerate() {
                    match result {
                        Ok(run) => drawn[side] = run,
                        Err(error) => failed[side] = Err(error),
                    }
                }
                over = self.failed_to_order(epoch, failed);
                let length = drawn[0].len().max(drawn[1].len());
                over |= length < wanted;
                for place in 0..length {
                    let [present, candidate] = [drawn[0].get(place).copied(), drawn[1].get(place).copied()];
                    let index = present.or(candidate).unwrap_or(0);
                    let number = self.samples - before_epoch;
                    self.samples += 1;
                    if present != candidate {
                        let key = format!("place {number}");
                        let shown = |index: Option<u64>| match index {
                            Some(index) if index < population.length => plan.source.key(index),
                            Some(index) => format!("the index {index}"),
                            None => "nothing".to_owned(),
                        };
                        let note = format!("{}, and {}", shown(present), shown(candidate));
                        let at = At { key: &key, index, epoch, samples: 1 };
                        self.differ(at, None, Some(note));
                    }
                }
                (self.progress)(self.samples);
            }
            if self.samples >= self.input.samples || self.samples == before_epoch {
                break;
            }
        }
    }

    /// Notes samplers that fail; true where one did.
    fn failed_to_order(&mut self, epoch: u64, results: [Result<(), OperatorError>; 2]) -> bool {
        let both = results.iter().all(Result::is_err);
        let mut failed = false;
        for (side, result) in results.into_iter().enumerate() {
            if let Err(error) = result {
                failed = true;
                let plugin = self.sides[side].identity().to_string();
                let at = At { key: "its order", index: 0, epoch, samples: 1 };
                if !both {
                    self.differ(at, None, Some(format!("only `{plugin}` fails")));
                }
                self.fail(at, plugin, error.to_string());
            }
        }
        failed
    }
}

/// The next indices of a sampler: fewer than are wanted only at the end of the epoch.
fn fill(side: &mut Side, wanted: usize) -> Result<Vec<u64>, OperatorError> {
    let mut run = Vec::new();
    while run.len() < wanted {
        let more = side.draw(u32::try_from(wanted - run.len()).unwrap_or(1))?;
        if more.is_empty() {
            break;
        }
        run.extend(more);
    }
    Ok(run)
}

/// How far apart the tensors of two versions are, or how they differ otherwise.
fn distance(present: &[Made], candidate: &[Made]) -> Result<Distance, String> {
    let types = |made: &[Made]| made.iter().map(|made| made.of.to_string()).collect::<Vec<_>>().join(", ");
    let mut total = Distance::default();
    for (present, candidate) in present.iter().zip(candidate) {
        match Distance::between(present, candidate) {
            Some(distance) => total.add(&distance),
            None => return Err(format!("{} and {}", present.of, candidate.of)),
        }
    }
    if present.len() == candidate.len() {
        Ok(total)
    } else {
        Err(format!("{} and {}", types(present), types(candidate)))
    }
}
