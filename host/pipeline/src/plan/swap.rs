//! A plan with one of its plugins in another version: made from a plan that runs, so that nothing
//! else of it is resolved anew. When the workers turn to it is decided in `run`.

use std::sync::Arc;

use thiserror::Error;
use zenith_core::{FieldKind, Identity, Kind, OperatorError, PackageName, Plugin, TensorType};

use super::{
    BatchField, BatchStep, DecoderStep, OperatorStep, Plan, TransformStep, check::inspect_decoder, digest,
    validated,
};
use crate::spec::Role;

/// An operator whose plugin was swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwappedOperator {
    /// Its place in the declaration, from 1.
    pub position: u32,
    /// What it was before.
    pub before: Identity,
}

/// Why a plugin is not swapped. What ran before goes on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SwapError {
    /// No operator is this plugin.
    #[error("the pipeline has no operator `{name}`")]
    NotUsed {
        /// The plugin.
        name: PackageName,
        /// Those that the pipeline names.
        used: Vec<PackageName>,
    },
    /// It is in the plan, and not in the declaration.
    #[error("the pipeline does not name `{name}`: it was chosen {chosen}")]
    NotNamed {
        /// The plugin.
        name: PackageName,
        /// By what: "as the default sampler", "by the content of each sample".
        chosen: &'static str,
    },
    /// It is for something else.
    #[error("`{plugin}` is a {found}, and operator {position} is a {wanted}")]
    Kind {
        /// The plugin.
        plugin: String,
        /// Its kind.
        found: Kind,
        /// The operator's kind.
        wanted: Kind,
        /// The operator.
        position: u32,
    },
    /// It refuses the operator's configuration or input, or it does not start.
    #[error("operator {position}, {culprit}: {}{cause}", given(input.as_deref()))]
    Refused {
        /// The operator.
        position: u32,
        /// What errors call it.
        culprit: Arc<str>,
        /// What it was given, where it got so far.
        input: Option<Box<TensorType>>,
        /// Why.
        cause: OperatorError,
    },
    /// What follows does not take what it makes.
    #[error(
        "operator {position}, {culprit}, does not take what `{plugin}` makes: it is given {input}, and says: {cause}"
    )]
    DoesNotFit {
        /// The new plugin.
        plugin: String,
        /// The operator that follows.
        position: u32,
        /// What errors call it.
        culprit: Arc<str>,
        /// What it was given.
        input: Box<TensorType>,
        /// Why.
        cause: OperatorError,
    },
    /// Batches would be of other types.
    #[error("with `{plugin}` the batch's field `{field}` would be {after}, and it is {before}")]
    Output {
        /// The new plugin.
        plugin: String,
        /// The field.
        field: String,
        /// Its type before.
        before: Box<TensorType>,
        /// Its type after.
        after: Box<TensorType>,
    },
    /// A panic, while the plugin was tried.
    #[error("the plugin panicked while it was tried: {0}")]
    Panicked(String),
}

fn given(input: Option<&TensorType>) -> String {
    input.map(|input| format!("it is given {input}, and says: ")).unwrap_or_default()
}

impl SwapError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotUsed { used, .. } if used.is_empty() => None,
            Self::NotUsed { used, .. } => {
                let names: Vec<_> = used.iter().map(|name| format!("`{name}`")).collect();
                Some(format!("it names {}", names.join(", ")))
            }
            Self::NotNamed { name, .. } => {
                Some(format!("name `{name}` in the pipeline, to swap it in the loaders that are made of it"))
            }
            Self::Refused { cause: OperatorError::Config { .. }, .. } => Some(
                "a swap keeps the operator's configuration: a new one needs a new pipeline and loader"
                    .to_owned(),
            ),
            Self::Refused { cause, .. } | Self::DoesNotFit { cause, .. } => cause.hint().map(str::to_owned),
            Self::Kind { .. } => None,
            Self::Output { .. } => Some(
                "a swap keeps the types of a batch: what makes others needs a new pipeline and loader"
                    .to_owned(),
            ),
            Self::Panicked(_) => Some("this is a fault of the plugin: report it to its author".to_owned()),
        }
    }
}

impl Plan {
    /// Says whether a plugin of this name can be swapped at all, before one is looked for.
    pub fn check_swap(&self, name: &PackageName) -> Result<(), SwapError> {
        let step = self.operators().find(|step| step.plugin.identity().name == *name);
        let chosen = match step {
            Some(step) if step.position == 0 => "as the default sampler",
            Some(step) if step.role == Role::Decode && self.decoder_by_content => {
                "by the content of each sample"
            }
            Some(_) => return Ok(()),
            None => {
                let mut used: Vec<_> = self
                    .operators()
                    .filter(|step| step.position > 0)
                    .filter(|step| step.role != Role::Decode || !self.decoder_by_content)
                    .map(|step| step.plugin.identity().name.clone())
                    .collect();
                used.sort();
                used.dedup();
                return Err(SwapError::NotUsed { name: name.clone(), used });
            }
        };
        Err(SwapError::NotNamed { name: name.clone(), chosen })
    }

    /// This plan with another version of a plugin in each operator that is one, and those operators.
    /// There are none where all of them ran it already.
    ///
    /// The new version is configured and planned as the old one was. What it makes may differ where
    /// what follows takes it, but a batch stays of the same types.
    pub(crate) fn swapped(
        &self,
        plugin: &Arc<dyn Plugin>,
    ) -> Result<(Self, Vec<SwappedOperator>), SwapError> {
        self.check_swap(&plugin.identity().name)?;
        let mut swap = Swap { plugin, operators: Vec::new() };
        let sampler = self.swap_sampler(&mut swap)?;
        let decoders: Vec<_> =
            self.decoders.iter().map(|decoder| swap.decoder(decoder)).collect::<Result<_, _>>()?;
        let mut flow = decoders.first().map(|decoder| decoder.output.clone());
        let mut transforms = Vec::with_capacity(self.transforms.len());
        for transform in &self.transforms {
            let transform = swap.transform(transform, flow.as_ref().unwrap_or(&transform.input))?;
            flow = Some(transform.effect.output.clone());
            transforms.push(transform);
        }
        let fields = self.fields.iter().map(|field| match field.kind {
            FieldKind::Int => field.clone(),
            FieldKind::Bytes => BatchField {
                sample_type: flow.clone().unwrap_or_else(|| field.sample_type.clone()),
                ..field.clone()
            },
        });
        let mut plan = Self {
            source: Arc::clone(&self.source),
            sampler,
            decoders,
            decoder_by_content: self.decoder_by_content,
            transforms,
            batch_transforms: Vec::new(),
            fields: fields.collect(),
            batch: self.batch,
            fidelity: self.fidelity,
            optimisations: self.optimisations,
            digest: String::new(),
        };
        let (mut before, mut after) = (self.stacked_types(), plan.stacked_types());
        for transform in &self.batch_transforms {
            let transform = swap.batch_transform(transform, &before, &after)?;
            before.clone_from(&self.batch_transforms[plan.batch_transforms.len()].effect.outputs);
            after.clone_from(&transform.effect.outputs);
            plan.batch_transforms.push(transform);
        }
        let differs =
            before.into_iter().zip(after).zip(&plan.fields).find(|((before, after), _)| before != after);
        if let Some(((before, after), field)) = differs {
            return Err(SwapError::Output {
                plugin: plugin.identity().to_string(),
                field: field.name.clone(),
                before: Box::new(before),
                after: Box::new(after),
            });
        }
        plan.digest = digest::of(&plan, &plan.sampler);
        Ok((plan, swap.operators))
    }

    fn swap_sampler(&self, swap: &mut Swap<'_>) -> Result<OperatorStep, SwapError> {
        let Some(step) = swap.step(&self.sampler)? else { return Ok(self.sampler.clone()) };
        match step.plugin.sampler(&step.config, &step.limits) {
            Ok(_) => Ok(step),
            Err(cause) => Err(refused(&step, None, cause)),
        }
    }
}

/// The new version on its way through the operators of a plan.
struct Swap<'a> {
    plugin: &'a Arc<dyn Plugin>,
    operators: Vec<SwappedOperator>,
}

impl Swap<'_> {
    /// The step with the new version, where it is one of another version.
    fn step(&mut self, step: &OperatorStep) -> Result<Option<OperatorStep>, SwapError> {
        let (before, after) = (step.plugin.identity(), self.plugin.identity());
        if before.name != after.name {
            return Ok(None);
        }
        let (wanted, found) = (step.plugin.kind(), self.plugin.kind());
        if wanted != found {
            return Err(SwapError::Kind {
                plugin: after.to_string(),
                found,
                wanted,
                position: step.position,
            });
        }
        if before == after && step.plugin.engine() == self.plugin.engine() {
            return Ok(None);
        }
        self.operators.push(SwappedOperator { position: step.position, before: before.clone() });
        Ok(Some(step.with(self.plugin)))
    }

    fn decoder(&mut self, decoder: &DecoderStep) -> Result<DecoderStep, SwapError> {
        let Some(step) = self.step(&decoder.step)? else { return Ok(decoder.clone()) };
        match inspect_decoder(&step) {
            Ok((formats, output)) => Ok(DecoderStep { step, formats, output }),
            Err(cause) => Err(refused(&step, None, cause)),
        }
    }

    fn transform(
        &mut self,
        transform: &TransformStep,
        input: &TensorType,
    ) -> Result<TransformStep, SwapError> {
        let swapped = self.step(&transform.step)?;
        if swapped.is_none() && transform.input == *input {
            return Ok(transform.clone());
        }
        let is_new = swapped.is_some();
        let step = swapped.unwrap_or_else(|| transform.step.clone());
        let mut operator =
            step.plugin.transform(&step.config, &step.limits).map_err(|cause| refused(&step, None, cause))?;
        match operator.plan(input).and_then(|effect| validated(input, effect)) {
            Ok(effect) => Ok(TransformStep { step, input: input.clone(), effect }),
            Err(cause) if is_new => Err(refused(&step, Some(input), cause)),
            Err(cause) => Err(self.does_not_fit(&step, input, cause)),
        }
    }

    fn batch_transform(
        &mut self,
        transform: &BatchStep,
        before: &[TensorType],
        inputs: &[TensorType],
    ) -> Result<BatchStep, SwapError> {
        let swapped = self.step(&transform.step)?;
        if swapped.is_none() && before == inputs {
            return Ok(transform.clone());
        }
        let is_new = swapped.is_some();
        let step = swapped.unwrap_or_else(|| transform.step.clone());
        let mut operator = step
            .plugin
            .batch_transform(&step.config, &step.limits)
            .map_err(|cause| refused(&step, None, cause))?;
        let planned = operator.plan(inputs).and_then(|effect| match (effect.outputs.len(), inputs.len()) {
            (outputs, fields) if outputs != fields => {
                Err(OperatorError::Answer(format!("it plans {outputs} outputs for {fields} fields")))
            }
            _ => Ok(effect),
        });
        let changed = || {
            let pairs = inputs.iter().zip(before);
            pairs.filter(|(input, before)| input != before).map(|(input, _)| input).next().or(inputs.first())
        };
        match (planned, changed()) {
            (Ok(effect), _) => Ok(BatchStep { step, effect }),
            (Err(cause), Some(input)) if !is_new => Err(self.does_not_fit(&step, input, cause)),
            (Err(cause), input) => Err(refused(&step, input, cause)),
        }
    }

    fn does_not_fit(&self, step: &OperatorStep, input: &TensorType, cause: OperatorError) -> SwapError {
        SwapError::DoesNotFit {
            plugin: self.plugin.identity().to_string(),
            position: step.position,
            culprit: Arc::clone(&step.culprit),
            input: Box::new(input.clone()),
            cause,
        }
    }
}

fn refused(step: &OperatorStep, input: Option<&TensorType>, cause: OperatorError) -> SwapError {
    SwapError::Refused {
        position: step.position,
        culprit: Arc::clone(&step.culprit),
        input: input.cloned().map(Box::new),
        cause,
    }
}
