//! The path of one sample through a worker's operators: windows first, then the decoder for what the
//! windows leave, then each transform into the next buffer or the sample's final place.

use std::{sync::Arc, time::Instant};

use zenith_buffer::Budget;
use zenith_core::{
    BatchTransform, DecodeRequest, Effect, Header, OperatorError, Output, TensorType, TensorView, Transform,
    Window, operator_seed,
};

use super::{
    generation::Generation,
    operators::Operators,
    place::{Destination, Scratch, admitted, complete, copy_window},
};
use crate::{
    error::{LoadError, SampleError, SampleFailure},
    options::Fidelity,
    plan::{OperatorStep, Plan},
};

/// Which sample is at hand: what its seeds are derived from.
#[derive(Clone, Copy)]
pub(super) struct SampleId {
    pub(super) run_seed: u64,
    pub(super) epoch: u64,
    pub(super) index: u64,
}

impl SampleId {
    pub(super) fn seed(&self, step: &OperatorStep) -> u64 {
        operator_seed(self.run_seed, self.epoch, self.index, step.position())
    }
}

/// One worker's operators, with the buffers between them.
pub(super) struct Chain {
    operators: Operators,
    /// The first holds the tensor at hand, the second takes the next.
    scratch: [Scratch; 2],
}

/// A failure and the step that it belongs to.
type Failed = (usize, OperatorError);

impl Chain {
    /// A chain under a plan, made from the one before it, where there is one.
    pub(super) fn under(
        generation: &Arc<Generation>,
        before: Option<Self>,
        budget: &Budget,
    ) -> Result<Self, LoadError> {
        let (before, scratch) = before.map_or_else(
            || (None, [Scratch::new(budget), Scratch::new(budget)]),
            |chain| (Some(chain.operators), chain.scratch),
        );
        Ok(Self { operators: Operators::under(generation, before)?, scratch })
    }

    /// The plan that it works by, and whose place in the row of plans that is.
    pub(super) fn generation(&self) -> &Arc<Generation> {
        &self.operators.generation
    }

    /// The type that it takes samples to.
    pub(super) fn output_type(&self) -> &TensorType {
        let plan = &self.operators.generation.plan;
        plan.transforms.last().map_or(&plan.decoders[0].output, |transform| &transform.effect.output)
    }

    /// The transforms of full batches, in the order of the plan.
    pub(super) fn batch_transforms(&mut self) -> &mut [Box<dyn BatchTransform>] {
        &mut self.operators.batch_transforms
    }

    /// Takes one encoded sample to its destination.
    pub(super) fn run(
        &mut self,
        id: SampleId,
        data: &[u8],
        destination: Destination<'_>,
    ) -> Result<(), SampleError> {
        let plan = Arc::clone(&self.operators.generation.plan);
        let sample_error = |culprit: Arc<str>, error| SampleError {
            culprit,
            key: plan.source.key(id.index),
            index: id.index,
            failure: SampleFailure::Operator(error),
        };
        let decoder = choose(&plan, data).map_err(|error| sample_error("decode".into(), error))?;
        self.process(id, data, decoder, destination).map_err(|(stage, error)| {
            let steps = &plan.transforms;
            let culprit = match stage.checked_sub(plan.decoders.len()) {
                None => plan.decoders.get(stage).map(|decoder| &decoder.step),
                Some(transform) => steps.get(transform).map(|transform| &transform.step),
            };
            sample_error(culprit.map_or_else(|| "decode".into(), |step| Arc::clone(step.culprit())), error)
        })
    }

    fn process(
        &mut self,
        id: SampleId,
        data: &[u8],
        decoder: usize,
        mut destination: Destination<'_>,
    ) -> Result<(), Failed> {
        let plan = Arc::clone(&self.operators.generation.plan);
        let at_decoder = |error| (decoder, error);
        let started = Instant::now();
        let header = self.operators.decoders[decoder].open(data).map_err(at_decoder)?;
        let opening = started.elapsed();

        let step = &plan.decoders[decoder];
        let limit = step.step.output_limit();
        let wanted = self.windows(id, &header, step.channels())?;
        let whole = Window::full(header.width, header.height);
        let pushed = plan.optimisations.window_push_down;
        let request = DecodeRequest {
            window: if pushed { wanted.window } else { whole },
            reduction: match plan.fidelity {
                Fidelity::Fast if pushed || wanted.window == whole => {
                    reduction(&header, wanted.window, wanted.effect.as_ref())
                }
                _ => 1,
            },
        };
        let (width, height) = request.size();
        let tensor = TensorType::fixed(step.output.dtype, &[height, width, step.channels()]);
        let crop_after = request.window != wanted.window;
        let straight = wanted.first == self.operators.transforms.len() && !crop_after;

        let started = Instant::now();
        let decode = |output: &mut Output<'_>| self.operators.decoders[decoder].decode(data, request, output);
        if straight {
            destination.receive(&tensor, limit, decode).map_err(at_decoder)?;
        } else {
            let place = self.scratch[0].sized(&tensor, limit).map_err(at_decoder)?;
            complete(place, decode).map_err(at_decoder)?;
        }
        self.operators.generation.stages[decoder].add(opening + started.elapsed(), tensor.byte_len());
        if straight {
            return Ok(());
        }
        let tensor =
            if crop_after { self.crop(&tensor, wanted.window, limit).map_err(at_decoder)? } else { tensor };
        self.transform(id, tensor, wanted.first, wanted.effect, destination)
    }

    /// Takes the tensor in the first buffer through the transforms from `first` on. The window of the
    /// first is applied already; it was planned, as `first_effect`, for the image without it.
    fn transform(
        &mut self,
        id: SampleId,
        mut tensor: TensorType,
        first: usize,
        mut first_effect: Option<Effect>,
        mut destination: Destination<'_>,
    ) -> Result<(), Failed> {
        let plan = Arc::clone(&self.operators.generation.plan);
        let count = plan.transforms.len();
        let mut limit = usize::MAX;
        for position in first..count {
            let step = &plan.transforms[position].step;
            let stage = plan.decoders.len() + position;
            let failed = |error| (stage, error);
            limit = step.output_limit();
            let seed = id.seed(step);
            let started = Instant::now();
            let effect = if let Some(effect) = first_effect.take() {
                effect
            } else {
                let effect = self.operators.transforms[position].effect(&tensor).map_err(failed)?.clone();
                if effect.windowed {
                    tensor = self.window_of(position, tensor, seed, limit).map_err(failed)?;
                }
                effect
            };
            if effect.crop_only {
                continue;
            }
            let extents = tensor.extents().unwrap_or_default();
            let [current, other] = &mut self.scratch;
            let input = TensorView::new(tensor.dtype, &extents, current.bytes(&tensor)).ok_or_else(|| {
                failed(OperatorError::Answer("its input has no consistent size".to_owned()))
            })?;
            let operator = &mut self.operators.transforms[position].operator;
            let mut apply = |output: &mut Output<'_>| operator.apply(input, seed, output);
            let planned = effect.output;
            if position + 1 == count {
                destination.receive(&planned, limit, apply).map_err(failed)?;
                self.operators.generation.stages[stage].add(started.elapsed(), planned.byte_len());
                return Ok(());
            }
            tensor = if planned.extents().is_some() {
                complete(other.sized(&planned, limit).map_err(failed)?, apply).map_err(failed)?;
                planned
            } else {
                let declared = other.open(planned.dtype, limit, &mut apply).map_err(failed)?;
                admitted(&planned, &declared).map_err(failed)?;
                TensorType::fixed(planned.dtype, &declared)
            };
            self.operators.generation.stages[stage].add(started.elapsed(), tensor.byte_len());
            self.scratch.swap(0, 1);
        }
        // What is left was a crop, whose result has not been put anywhere yet.
        let source = self.scratch[0].bytes(&tensor);
        let stage = plan.decoders.len() + count.saturating_sub(1);
        destination
            .receive(&tensor, limit, |output| {
                output.write(source);
                Ok(())
            })
            .map_err(|error| (stage, error))
    }

    /// Crops the tensor in the first buffer to the window of the transform at `position`.
    fn window_of(
        &mut self,
        position: usize,
        tensor: TensorType,
        seed: u64,
        limit: usize,
    ) -> Result<TensorType, OperatorError> {
        let [Some(height), Some(width), _] = tensor.shape[..] else {
            return Err(OperatorError::Answer(format!("it wants a window of {tensor}, which is no image")));
        };
        let window = checked_window(&mut *self.operators.transforms[position].operator, width, height, seed)?;
        if window == Window::full(width, height) { Ok(tensor) } else { self.crop(&tensor, window, limit) }
    }

    /// Crops the tensor in the first buffer, and leaves the result there.
    fn crop(
        &mut self,
        tensor: &TensorType,
        window: Window,
        limit: usize,
    ) -> Result<TensorType, OperatorError> {
        let channels = tensor.shape.get(2).copied().flatten().unwrap_or(0);
        let cropped = TensorType::fixed(tensor.dtype, &[window.height, window.width, channels]);
        let [current, other] = &mut self.scratch;
        let place = other.sized(&cropped, limit)?;
        complete(place, |output| {
            copy_window(current.bytes(tensor), tensor, window, output);
            Ok(())
        })?;
        self.scratch.swap(0, 1);
        Ok(cropped)
    }

    /// Composes the windows of the leading transforms.
    fn windows(&mut self, id: SampleId, header: &Header, channels: u32) -> Result<Wanted, Failed> {
        let plan = Arc::clone(&self.operators.generation.plan);
        let mut window = Window::full(header.width, header.height);
        for (position, transform) in self.operators.transforms.iter_mut().enumerate() {
            let failed = |error| (plan.decoders.len() + position, error);
            let planned = &plan.transforms[position];
            let input = TensorType::fixed(planned.input.dtype, &[window.height, window.width, channels]);
            let effect = transform.effect(&input).map_err(failed)?.clone();
            if effect.windowed {
                let seed = id.seed(&planned.step);
                let inner = checked_window(&mut *transform.operator, window.width, window.height, seed)
                    .map_err(failed)?;
                window = window.then(inner);
            }
            if !effect.crop_only {
                return Ok(Wanted { window, first: position, effect: Some(effect) });
            }
        }
        Ok(Wanted { window, first: self.operators.transforms.len(), effect: None })
    }
}

/// What the leading transforms leave of the full image.
struct Wanted {
    window: Window,
    /// The first transform to be applied; the ones before it were crops.
    first: usize,
    /// What that transform makes of its whole input, of which it reads the window.
    effect: Option<Effect>,
}

/// The largest reduction that still leaves a resampling transform as many pixels as it puts out.
fn reduction(header: &Header, window: Window, effect: Option<&Effect>) -> u32 {
    let Some(Effect { reducible: true, output, .. }) = effect else { return 1 };
    let [Some(height), Some(width), ..] = output.shape[..] else { return 1 };
    let enough = |reduction: &u32| {
        *reduction > 1 && window.width / reduction >= width && window.height / reduction >= height
    };
    header.reductions.iter().copied().filter(enough).max().unwrap_or(1)
}

pub(super) fn checked_window(
    transform: &mut dyn Transform,
    width: u32,
    height: u32,
    seed: u64,
) -> Result<Window, OperatorError> {
    let window = transform.window(width, height, seed)?;
    if window.lies_in(width, height) {
        Ok(window)
    } else {
        Err(OperatorError::Answer(format!("its window {window} does not lie in the {width}×{height} image")))
    }
}

/// Which decoder reads a sample: the only one, or the one whose magic bytes it begins with.
pub(super) fn choose(plan: &Plan, data: &[u8]) -> Result<usize, OperatorError> {
    if !plan.decoder_by_content {
        return Ok(0);
    }
    let reads = |decoder: &crate::plan::DecoderStep| {
        decoder.formats.iter().any(|format| data.starts_with(&format.magic))
    };
    plan.decoders.iter().position(reads).ok_or_else(|| {
        let head: Vec<_> = data.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let known: Vec<_> = plan
            .decoders
            .iter()
            .flat_map(|decoder| decoder.formats.iter().map(|format| format.media_type.as_str()))
            .collect();
        let begins = if head.is_empty() {
            "it is empty".to_owned()
        } else {
            format!("it begins with {}", head.join(" "))
        };
        OperatorError::UnsupportedData(format!(
            "no decoder knows its content ({begins}; the decoders at hand read {})",
            known.join(", ")
        ))
    })
}
