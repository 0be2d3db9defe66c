//! From a spec to a plan: resolves every reference, configures every operator once, follows the
//! type of a sample through all of them, and gathers whatever is wrong.

use std::sync::Arc;

use zenith_core::{DType, Effect, FieldKind, Format, Kind, Limits, OperatorError, Plugin, TensorType};

use super::{BatchField, BatchStep, DecoderStep, OperatorStep, Plan, PlanInput, TransformStep, digest};
use crate::{
    error::{PlanError, PlanErrors},
    spec::{OperatorSpec, Role},
};

/// The sampler of a pipeline that names none.
pub const DEFAULT_SAMPLER: &str = "zenith:sequential";

pub(super) fn plan(input: &PlanInput<'_>) -> Result<Plan, PlanErrors> {
    let mut checker = Checker { input, errors: Vec::new() };
    let parts = checker.check();
    match parts {
        Some(plan) if checker.errors.is_empty() => Ok(plan),
        _ => Err(PlanErrors { errors: checker.errors }),
    }
}

struct Checker<'a> {
    input: &'a PlanInput<'a>,
    errors: Vec<PlanError>,
}

impl Checker<'_> {
    fn check(&mut self) -> Option<Plan> {
        self.check_order();
        let spec = self.input.spec;
        let mut sampler = None;
        let mut decoders = Vec::new();
        let mut decoder_by_content = false;
        let mut transforms = Vec::new();
        let mut batch_transforms = Vec::new();
        // The type of the sample so far; `None` once something upstream is wrong, so that one mistake
        // is not reported again by everything after it.
        let mut flow: Option<TensorType> = None;
        let mut broken = false;

        for (position, operator) in (1..).zip(&spec.operators) {
            match operator.role {
                Role::Sample => {
                    sampler = self.step(position, operator).inspect(|step| self.check_sampler(step));
                }
                Role::Decode => {
                    decoder_by_content = operator.plugin.is_none();
                    decoders = self.decoders(position, operator);
                    flow = self.decoded_type(position, &decoders);
                    broken |= flow.is_none();
                }
                Role::Map => {
                    let known = self.errors.len();
                    let step = self.step(position, operator);
                    let planned = step.and_then(|step| self.transform(step, flow.as_ref()));
                    // Without a decoder nothing is planned either, and that is still to be told.
                    broken |= self.errors.len() > known;
                    flow = planned.as_ref().map(|planned| planned.effect.output.clone());
                    transforms.extend(planned);
                }
                Role::MapBatch => batch_transforms.push((position, operator)),
            }
        }

        let fields = self.fields(flow.as_ref(), broken, !decoders.is_empty());
        let sampler = match sampler {
            None if !spec.operators.iter().any(|operator| operator.role == Role::Sample) => {
                self.default_sampler()
            }
            sampler => sampler,
        };
        let mut plan = Plan {
            source: Arc::clone(&self.input.source),
            sampler: sampler?,
            decoders,
            decoder_by_content,
            transforms,
            batch_transforms: Vec::new(),
            fields: fields?,
            batch: spec.batch,
            fidelity: self.input.fidelity,
            optimisations: self.input.optimisations,
            digest: String::new(),
        };
        plan.batch_transforms = self.batch_transforms(&batch_transforms, plan.stacked_types())?;
        plan.digest = digest::of(&plan, &plan.sampler);
        Some(plan)
    }

    /// Roles must come in the order in which a sample meets them.
    fn check_order(&mut self) {
        let spec = self.input.spec;
        let rank = |role: Role| match role {
            Role::Sample => 0,
            Role::Decode => 1,
            Role::Map => 2,
            Role::MapBatch => 3,
        };
        for (position, pair) in (2..).zip(spec.operators.windows(2)) {
            let (before, after) = (pair[0].role, pair[1].role);
            let twice = before == after && matches!(before, Role::Sample | Role::Decode);
            if twice || rank(before) > rank(after) {
                self.error(
                    operator_place(position, &pair[1]),
                    if twice {
                        format!("a pipeline has one `{after}`, and this is the second")
                    } else {
                        format!("`{after}` comes after `{before}`")
                    },
                    Some("the order is: sample, decode, map, batch, map-batch".to_owned()),
                );
            }
        }
        if spec.batch.size == 0 {
            self.error("batch".to_owned(), "the batch size must be at least 1, but is 0".to_owned(), None);
        }
        if self.input.source.is_empty() {
            self.error("source".to_owned(), format!("{} has no samples", self.input.source.describe()), None);
        }
    }

    fn step(&mut self, position: u32, operator: &OperatorSpec) -> Option<OperatorStep> {
        let reference = operator.plugin.as_deref()?;
        match self.input.catalog.resolve(reference) {
            Ok(plugin) => self.of_role(position, operator, plugin),
            Err(error) => {
                self.error(operator_place(position, operator), error.message, error.hint);
                None
            }
        }
    }

    /// What the operator says itself goes before what the catalog says about its plugin.
    fn limits(&mut self, position: u32, operator: &OperatorSpec, plugin: &dyn Plugin) -> Option<Limits> {
        operator
            .limits
            .resolve_over(&self.input.catalog.limits(plugin))
            .map_err(|error| self.error(operator_place(position, operator), error.to_string(), None))
            .ok()
    }

    fn of_role(
        &mut self,
        position: u32,
        operator: &OperatorSpec,
        plugin: Arc<dyn Plugin>,
    ) -> Option<OperatorStep> {
        let limits = self.limits(position, operator, &*plugin)?;
        let wanted = match operator.role {
            Role::Sample => Kind::Sampler,
            Role::Decode => Kind::Decoder,
            Role::Map => Kind::Transform,
            Role::MapBatch => Kind::BatchTransform,
        };
        if plugin.kind() != wanted {
            let message = format!(
                "`{}` is a {}, and `{}` takes a {wanted}",
                plugin.identity(),
                plugin.kind(),
                operator.role
            );
            self.error(operator_place(position, operator), message, None);
            return None;
        }
        let config = serde_json::Value::Object(operator.config.clone()).to_string();
        Some(OperatorStep::new(operator.role, plugin, config.into(), limits, position))
    }

    fn default_sampler(&mut self) -> Option<OperatorStep> {
        let resolved = self.input.catalog.resolve(DEFAULT_SAMPLER);
        match resolved {
            Ok(plugin) => {
                let limits = self.input.catalog.limits(&*plugin);
                Some(OperatorStep::new(Role::Sample, plugin, "{}".into(), limits, 0))
            }
            Err(error) => {
                self.error("the default sampler".to_owned(), error.message, error.hint);
                None
            }
        }
    }

    fn check_sampler(&mut self, step: &OperatorStep) {
        if let Err(error) = step.plugin.sampler(&step.config, &step.limits) {
            self.operator_error(step, &error);
        }
    }

    fn decoders(&mut self, position: u32, operator: &OperatorSpec) -> Vec<DecoderStep> {
        let steps: Vec<_> = if operator.plugin.is_some() {
            self.step(position, operator).into_iter().collect()
        } else {
            match self.input.catalog.decoders() {
                Ok(plugins) => plugins
                    .into_iter()
                    .filter_map(|plugin| self.of_role(position, operator, plugin))
                    .collect(),
                Err(error) => {
                    self.error(operator_place(position, operator), error.message, error.hint);
                    Vec::new()
                }
            }
        };
        steps
            .into_iter()
            .filter_map(|step| match inspect_decoder(&step) {
                Ok((formats, output)) => Some(DecoderStep { step, formats, output }),
                Err(error) => {
                    self.operator_error(&step, &error);
                    None
                }
            })
            .collect()
    }

    /// What the decoders decode to, if they agree.
    fn decoded_type(&mut self, position: u32, decoders: &[DecoderStep]) -> Option<TensorType> {
        let first = decoders.first()?;
        if let Some(other) = decoders.iter().find(|other| other.output != first.output) {
            let message = format!(
                "{} decodes to {}, but {} to {}",
                other.step.culprit, other.output, first.step.culprit, first.output
            );
            let hint = "name one decoder, as in .decode(\"zenith:jpeg\")".to_owned();
            self.error(format!("operator {position}, decode"), message, Some(hint));
            return None;
        }
        Some(first.output.clone())
    }

    /// Configures a transform, and plans it where the type of its input is known.
    fn transform(&mut self, step: OperatorStep, flow: Option<&TensorType>) -> Option<TransformStep> {
        let mut transform = match step.plugin.transform(&step.config, &step.limits) {
            Ok(transform) => transform,
            Err(error) => {
                self.operator_error(&step, &error);
                return None;
            }
        };
        let input = flow?;
        match transform.plan(input).and_then(|effect| validated(input, effect)) {
            Ok(effect) => Some(TransformStep { step, input: input.clone(), effect }),
            Err(error) => {
                let message = format!("it is given {input}, and says: {error}");
                self.error(step_place(&step), message, error.hint().map(str::to_owned));
                None
            }
        }
    }

    /// The fields of a batch: the encoded field as it leaves the last transform, and the numbers.
    fn fields(&mut self, flow: Option<&TensorType>, broken: bool, decoded: bool) -> Option<Vec<BatchField>> {
        let source = Arc::clone(&self.input.source);
        let mut fields = Vec::new();
        for field in source.fields() {
            let sample_type = match field.kind {
                FieldKind::Int => Some(TensorType { dtype: DType::Int64, shape: [].into_iter().collect() }),
                FieldKind::Bytes => flow.cloned(),
            };
            match sample_type {
                Some(sample_type) => {
                    fields.push(BatchField { name: field.name.clone(), kind: field.kind, sample_type });
                }
                None if broken || decoded => return None,
                None => {
                    self.error(
                        "batch".to_owned(),
                        format!("the field `{}` holds encoded bytes, which have no shape to batch", field.name),
                        Some("add a decoder, as in .decode(\"zenith:jpeg\"), or .decode() to choose by content".to_owned()),
                    );
                    return None;
                }
            }
        }
        Some(fields)
    }

    fn batch_transforms(
        &mut self,
        operators: &[(u32, &OperatorSpec)],
        mut types: Vec<TensorType>,
    ) -> Option<Vec<BatchStep>> {
        let mut steps = Vec::new();
        for (position, operator) in operators {
            let step = self.step(*position, operator)?;
            let planned = step
                .plugin
                .batch_transform(&step.config, &step.limits)
                .and_then(|mut transform| transform.plan(&types))
                .and_then(|effect| {
                    if effect.outputs.len() == types.len() {
                        Ok(effect)
                    } else {
                        let (answers, fields) = (effect.outputs.len(), types.len());
                        Err(OperatorError::Answer(format!("it plans {answers} outputs for {fields} fields")))
                    }
                });
            match planned {
                Ok(effect) => {
                    types.clone_from(&effect.outputs);
                    steps.push(BatchStep { step, effect });
                }
                Err(error) => {
                    self.operator_error(&step, &error);
                    return None;
                }
            }
        }
        Some(steps)
    }

    fn operator_error(&mut self, step: &OperatorStep, error: &OperatorError) {
        let message = match error {
            OperatorError::Config { .. } => format!("configuration: {error}"),
            _ => error.to_string(),
        };
        self.error(step_place(step), message, error.hint().map(str::to_owned));
    }

    fn error(&mut self, place: String, message: String, hint: Option<String>) {
        self.errors.push(PlanError { place, message, hint });
    }
}

/// Configures a decoder once, for what it reads and what it decodes to.
pub(super) fn inspect_decoder(step: &OperatorStep) -> Result<(Vec<Format>, TensorType), OperatorError> {
    let mut decoder = step.plugin.decoder(&step.config, &step.limits)?;
    let output = decoder.plan()?;
    if !matches!(output.shape[..], [_, _, Some(channels)] if channels > 0) {
        return Err(OperatorError::Answer(format!(
            "it decodes to {output}, not to [height, width, channels]"
        )));
    }
    Ok((decoder.formats()?, output))
}

/// Refuses effects that contradict themselves.
pub(crate) fn validated(input: &TensorType, effect: Effect) -> Result<Effect, OperatorError> {
    let complaint = if effect.windowed && input.shape.len() != 3 {
        Some(format!("it wants a window of {input}, which is no image"))
    } else if effect.crop_only && !effect.windowed {
        Some("it says that its window is its result, but takes no window".to_owned())
    } else if effect.crop_only && (effect.output.dtype != input.dtype || effect.output.shape.len() != 3) {
        Some(format!("it says that its window is its result, but makes {} of {input}", effect.output))
    } else {
        None
    };
    complaint.map_or(Ok(effect), |complaint| Err(OperatorError::Answer(complaint)))
}

fn operator_place(position: u32, operator: &OperatorSpec) -> String {
    match &operator.plugin {
        Some(plugin) => format!("operator {position}, {} `{plugin}`", operator.role),
        None => format!("operator {position}, {}", operator.role),
    }
}

fn step_place(step: &OperatorStep) -> String {
    format!("operator {}, {}", step.position, step.culprit)
}

impl std::fmt::Debug for OperatorStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.culprit)
    }
}

/// The plugins behind a plan, for their statistics.
impl Plan {
    /// Every plugin of the plan, once.
    pub fn plugins(&self) -> Vec<Arc<dyn Plugin>> {
        let mut plugins: Vec<Arc<dyn Plugin>> = Vec::new();
        for step in self.operators() {
            if !plugins.iter().any(|known| known.identity() == step.plugin.identity()) {
                plugins.push(Arc::clone(&step.plugin));
            }
        }
        plugins
    }
}
