//! A spec resolved, checked and optimised. Making one starts no thread and reads no sample; all
//! errors are reported together.

mod check;
mod digest;
mod explain;
mod swap;

pub use check::DEFAULT_SAMPLER;
pub(crate) use check::validated;
pub use swap::{SwapError, SwappedOperator};

use std::sync::Arc;

use zenith_core::{
    BatchEffect, BatchTransform, Decode, Effect, FieldKind, Format, Limits, OperatorError, Plugin, Sampler,
    Source, TensorType, Transform,
};

use crate::{
    catalog::Catalog,
    error::{LoadError, PlanErrors},
    options::{Fidelity, Optimisations},
    spec::{BatchSpec, Role, Spec},
};

/// What a plan is made from.
pub struct PlanInput<'a> {
    /// The declared pipeline.
    pub spec: &'a Spec,
    /// Its source, opened.
    pub source: Arc<dyn Source>,
    /// Where its plugins are found.
    pub catalog: &'a dyn Catalog,
    /// Which pixels decoders must give.
    pub fidelity: Fidelity,
    /// What may be optimised.
    pub optimisations: Optimisations,
}

/// One operator of a plan: a plugin, its configuration, and what it may use.
#[derive(Clone)]
pub struct OperatorStep {
    role: Role,
    plugin: Arc<dyn Plugin>,
    config: Arc<str>,
    limits: Limits,
    /// Its place in the declaration, from 1; part of its seeds.
    position: u32,
    /// What errors call it, such as "decoder `zenith:jpeg@0.1.0`".
    culprit: Arc<str>,
}

impl OperatorStep {
    fn new(role: Role, plugin: Arc<dyn Plugin>, config: Arc<str>, limits: Limits, position: u32) -> Self {
        let culprit = format!("{} `{}`", plugin.kind(), plugin.identity()).into();
        Self { role, plugin, config, limits, position, culprit }
    }

    /// The same with another plugin of its kind.
    pub(crate) fn with(&self, plugin: &Arc<dyn Plugin>) -> Self {
        Self::new(self.role, Arc::clone(plugin), Arc::clone(&self.config), self.limits, self.position)
    }

    /// What it is for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The plugin.
    pub fn plugin(&self) -> &dyn Plugin {
        &*self.plugin
    }

    /// Its place in the declaration, from 1.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// What errors call it.
    pub fn culprit(&self) -> &Arc<str> {
        &self.culprit
    }

    /// Whether an operator made for one of them serves the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.plugin), Arc::as_ptr(&other.plugin))
            && (&self.config, &self.limits, self.position) == (&other.config, &other.limits, other.position)
    }

    /// The most that one call may hand over, in bytes.
    pub(crate) fn output_limit(&self) -> usize {
        self.limits.output
    }

    pub(crate) fn sampler(&self) -> Result<Box<dyn Sampler>, OperatorError> {
        self.plugin.sampler(&self.config, &self.limits)
    }

    pub(crate) fn decoder(&self) -> Result<Box<dyn Decode>, OperatorError> {
        self.plugin.decoder(&self.config, &self.limits)
    }

    pub(crate) fn transform(&self) -> Result<Box<dyn Transform>, OperatorError> {
        self.plugin.transform(&self.config, &self.limits)
    }

    pub(crate) fn batch_transform(&self) -> Result<Box<dyn BatchTransform>, OperatorError> {
        self.plugin.batch_transform(&self.config, &self.limits)
    }

    /// This operator's failure outside any sample.
    pub(crate) fn fault(&self, cause: OperatorError) -> LoadError {
        LoadError::Operator { culprit: Arc::clone(&self.culprit), cause }
    }
}

/// A decoder and what it reads.
#[derive(Clone)]
pub(crate) struct DecoderStep {
    pub(crate) step: OperatorStep,
    pub(crate) formats: Vec<Format>,
    pub(crate) output: TensorType,
}

/// A transform and what it makes of its planned input.
#[derive(Clone)]
pub(crate) struct TransformStep {
    pub(crate) step: OperatorStep,
    pub(crate) input: TensorType,
    pub(crate) effect: Effect,
}

/// A batch transform and what it makes of its inputs.
#[derive(Clone)]
pub(crate) struct BatchStep {
    pub(crate) step: OperatorStep,
    pub(crate) effect: BatchEffect,
}

/// A field of a batch: its name and the type of one sample's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchField {
    pub(crate) name: String,
    pub(crate) kind: FieldKind,
    pub(crate) sample_type: TensorType,
}

/// A spec resolved, checked and optimised. Shared by all workers of an epoch.
pub struct Plan {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) sampler: OperatorStep,
    pub(crate) decoders: Vec<DecoderStep>,
    /// The configured decoder was left to the content of each sample.
    pub(crate) decoder_by_content: bool,
    pub(crate) transforms: Vec<TransformStep>,
    pub(crate) batch_transforms: Vec<BatchStep>,
    /// In the order of the source's fields.
    pub(crate) fields: Vec<BatchField>,
    pub(crate) batch: BatchSpec,
    pub(crate) fidelity: Fidelity,
    pub(crate) optimisations: Optimisations,
    digest: String,
}

impl Plan {
    /// Resolves, checks and optimises a spec.
    pub fn new(input: &PlanInput<'_>) -> Result<Self, PlanErrors> {
        check::plan(input)
    }

    /// Identifies what the plan makes of its source: operators, their digests and configurations, and
    /// the source's content; not how it is run or batched. A saved state holds it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The digest that this plan would have with another sampler: that of an epoch whose order was
    /// decided before the sampler was swapped.
    pub(crate) fn digest_in_order_of(&self, sampler: &OperatorStep) -> String {
        if self.sampler.is_same(sampler) { self.digest.clone() } else { digest::of(self, sampler) }
    }

    /// Samples in the source.
    pub fn samples(&self) -> u64 {
        self.source.len()
    }

    /// How samples become batches.
    pub fn batch(&self) -> BatchSpec {
        self.batch
    }

    /// The names of a batch's fields, in order.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// The types of a batch's fields, the batch's extent first.
    pub fn batch_types(&self) -> Vec<TensorType> {
        let stacked = self.stacked_types();
        self.batch_transforms.iter().fold(stacked, |_, step| step.effect.outputs.clone())
    }

    /// The types before any batch transform.
    pub(crate) fn stacked_types(&self) -> Vec<TensorType> {
        self.fields
            .iter()
            .map(|field| {
                let batch = Some(self.batch.size).filter(|_| self.batch.drop_last);
                let shape = std::iter::once(batch).chain(field.sample_type.shape.iter().copied()).collect();
                TensorType { dtype: field.sample_type.dtype, shape }
            })
            .collect()
    }

    /// The bytes of one full batch, where every shape is known.
    pub fn batch_bytes(&self) -> Option<usize> {
        let sample: Option<usize> = self.fields.iter().map(|field| field.sample_type.byte_len()).sum();
        sample?.checked_mul(usize::try_from(self.batch.size).ok()?)
    }

    /// The bytes of each field of one sample, where they are known before.
    pub(crate) fn sample_sizes(&self) -> Option<Vec<usize>> {
        self.fields.iter().map(|field| field.sample_type.byte_len()).collect()
    }

    /// The beginning of this plan: its first `transforms`, and its first `batch_transforms` or none.
    pub(crate) fn until(&self, transforms: usize, batch_transforms: Option<usize>) -> Self {
        let transforms = self.transforms[..transforms].to_vec();
        let decoded = self.decoders.first().map(|decoder| &decoder.output);
        let flow = transforms.last().map(|transform| &transform.effect.output).or(decoded).cloned();
        let fields = self.fields.iter().map(|field| match (field.kind, &flow) {
            (FieldKind::Bytes, Some(flow)) => BatchField { sample_type: flow.clone(), ..field.clone() },
            _ => field.clone(),
        });
        let mut plan = Self {
            source: Arc::clone(&self.source),
            sampler: self.sampler.clone(),
            decoders: self.decoders.clone(),
            decoder_by_content: self.decoder_by_content,
            transforms,
            batch_transforms: self.batch_transforms[..batch_transforms.unwrap_or(0)].to_vec(),
            fields: fields.collect(),
            batch: self.batch,
            fidelity: self.fidelity,
            optimisations: self.optimisations,
            digest: String::new(),
        };
        plan.digest = digest::of(&plan, &plan.sampler);
        plan
    }

    /// All operators, in the order in which a sample meets them.
    pub fn operators(&self) -> impl Iterator<Item = &OperatorStep> {
        std::iter::once(&self.sampler)
            .chain(self.decoders.iter().map(|decoder| &decoder.step))
            .chain(self.transforms.iter().map(|transform| &transform.step))
            .chain(self.batch_transforms.iter().map(|transform| &transform.step))
    }

    /// How many leading transforms hand their window on to the decoder, as far as the plan can tell.
    pub(crate) fn pushed_windows(&self) -> usize {
        if !self.optimisations.window_push_down {
            return 0;
        }
        let crops = self
            .transforms
            .iter()
            .take_while(|transform| transform.effect.windowed && transform.effect.crop_only)
            .count();
        match self.transforms.get(crops) {
            Some(next) if next.effect.windowed => crops + 1,
            _ => crops,
        }
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl DecoderStep {
    /// Channels of what it decodes to; the check has seen to it that there are three extents.
    pub(crate) fn channels(&self) -> u32 {
        self.output.shape.get(2).copied().flatten().unwrap_or(0)
    }
}
