//! One worker's operators under one plan, and their move to the next: what two plans share stays,
//! with its instances, and only what was swapped is made anew.

use std::sync::Arc;

use zenith_core::{BatchTransform, Decode, Effect, OperatorError, TensorType, Transform};

use super::generation::Generation;
use crate::{
    error::LoadError,
    plan::{OperatorStep, Plan, validated},
};

/// One worker's operators. They belong to that worker's thread.
pub(super) struct Operators {
    pub(super) generation: Arc<Generation>,
    pub(super) decoders: Vec<Box<dyn Decode>>,
    pub(super) transforms: Vec<PlannedTransform>,
    pub(super) batch_transforms: Vec<Box<dyn BatchTransform>>,
}

pub(super) struct PlannedTransform {
    pub(super) operator: Box<dyn Transform>,
    /// What it makes of the input type that it met last.
    known: (TensorType, Effect),
}

/// Operators at hand for a plan, each in its place; `None` where there is none.
#[derive(Default)]
pub(super) struct Parts {
    decoders: Vec<Option<Box<dyn Decode>>>,
    transforms: Vec<Option<Box<dyn Transform>>>,
    batch_transforms: Vec<Option<Box<dyn BatchTransform>>>,
}

impl Operators {
    /// The operators of a plan: those of `before` that serve it too, those that were made ahead for
    /// it, and new ones for what is left.
    pub(super) fn under(generation: &Arc<Generation>, before: Option<Self>) -> Result<Self, LoadError> {
        let plan = &generation.plan;
        let kept = before.map(|before| before.kept_under(plan)).unwrap_or_default();
        let spare = generation.take_spare().unwrap_or_default();
        let decoders = plan.decoders.iter().map(|decoder| &decoder.step);
        let transforms = plan.transforms.iter().map(|transform| &transform.step);
        let batch_transforms = plan.batch_transforms.iter().map(|transform| &transform.step);
        Ok(Self {
            generation: Arc::clone(generation),
            decoders: gather(decoders, kept.decoders, spare.decoders, OperatorStep::decoder)?,
            transforms: gather(transforms, kept.transforms, spare.transforms, OperatorStep::transform)?
                .into_iter()
                .zip(&plan.transforms)
                .map(|(operator, planned)| PlannedTransform {
                    operator,
                    known: (planned.input.clone(), planned.effect.clone()),
                })
                .collect(),
            batch_transforms: gather(
                batch_transforms,
                kept.batch_transforms,
                spare.batch_transforms,
                OperatorStep::batch_transform,
            )?,
        })
    }

    /// The operators that serve another plan as well.
    fn kept_under(self, plan: &Plan) -> Parts {
        let before = Arc::clone(&self.generation.plan);
        Parts {
            decoders: self
                .decoders
                .into_iter()
                .zip(before.decoders.iter().zip(&plan.decoders))
                .map(|(operator, (old, new))| old.step.is_same(&new.step).then_some(operator))
                .collect(),
            transforms: self
                .transforms
                .into_iter()
                .zip(before.transforms.iter().zip(&plan.transforms))
                .map(|(planned, (old, new))| old.step.is_same(&new.step).then_some(planned.operator))
                .collect(),
            batch_transforms: self
                .batch_transforms
                .into_iter()
                .zip(before.batch_transforms.iter().zip(&plan.batch_transforms))
                .map(|(operator, (old, new))| old.step.is_same(&new.step).then_some(operator))
                .collect(),
        }
    }
}

impl Parts {
    /// Makes what `plan` does not share with `before`, for one worker.
    pub(super) fn made_for(plan: &Plan, before: &Plan) -> Result<Self, NotMade> {
        let decoders = before.decoders.iter().zip(&plan.decoders);
        let transforms = before.transforms.iter().zip(&plan.transforms);
        let batch_transforms = before.batch_transforms.iter().zip(&plan.batch_transforms);
        Ok(Self {
            decoders: missing(decoders.map(|(old, new)| (&old.step, &new.step)), OperatorStep::decoder)?,
            transforms: missing(
                transforms.map(|(old, new)| (&old.step, &new.step)),
                OperatorStep::transform,
            )?,
            batch_transforms: missing(
                batch_transforms.map(|(old, new)| (&old.step, &new.step)),
                OperatorStep::batch_transform,
            )?,
        })
    }
}

/// An operator that could not be made, and why.
pub(super) type NotMade = Box<(OperatorStep, OperatorError)>;

/// How a step's operator is made.
type Make<T> = fn(&OperatorStep) -> Result<T, OperatorError>;

fn missing<'a, T>(
    pairs: impl Iterator<Item = (&'a OperatorStep, &'a OperatorStep)>,
    make: Make<T>,
) -> Result<Vec<Option<T>>, NotMade> {
    pairs
        .map(|(old, new)| {
            if old.is_same(new) {
                return Ok(None);
            }
            make(new).map(Some).map_err(|cause| Box::new((new.clone(), cause)))
        })
        .collect()
}

fn gather<'a, T>(
    steps: impl Iterator<Item = &'a OperatorStep>,
    kept: Vec<Option<T>>,
    spare: Vec<Option<T>>,
    make: Make<T>,
) -> Result<Vec<T>, LoadError> {
    let (mut kept, mut spare) = (kept.into_iter(), spare.into_iter());
    steps
        .map(|step| {
            let (kept, spare) = (kept.next().flatten(), spare.next().flatten());
            kept.or(spare).map_or_else(|| make(step).map_err(|cause| step.fault(cause)), Ok)
        })
        .collect()
}

impl PlannedTransform {
    /// What it makes of an input, asked again only when the input's type changes.
    pub(super) fn effect(&mut self, input: &TensorType) -> Result<&Effect, OperatorError> {
        let planned_for_all = self.known.0 == *input;
        if !planned_for_all {
            let effect = self.operator.plan(input).and_then(|effect| validated(input, effect))?;
            self.known = (input.clone(), effect);
        }
        Ok(&self.known.1)
    }
}
