//! One of the two versions at work: its operator, what it makes of each input, and what that costs.

use std::time::{Duration, Instant};

use serde::Serialize;
use zenith_core::{
    BatchTransform, Decode, DecodeRequest, Effect, Engine, Extents, Identity, Kind, OperatorError, Output,
    Sampler, TensorType, TensorView, Transform, Window,
};

use super::{
    super::{
        chain::checked_window,
        place::{admitted, copy_window},
    },
    compare::Made,
};
use crate::plan::{OperatorStep, validated};

/// What one version did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SideReport {
    /// The plugin, such as `acme:sepia@1.3.0`.
    pub plugin: String,
    /// The digest of its component.
    pub digest: String,
    /// `wasm` or `native`.
    pub engine: String,
    /// Microseconds for one sample, in the middle; `None` where it made nothing.
    pub median: Option<f64>,
    /// Microseconds that 95 of 100 samples stay below.
    pub percentile_95: Option<f64>,
    /// Bytes of linear memory that its instance holds at the end; `None` for native code.
    pub memory: Option<u64>,
    /// Samples on which it failed.
    pub errors: u64,
    /// Instances that had to be replaced.
    pub replaced: u64,
}

/// One version at work.
pub(super) struct Side {
    step: OperatorStep,
    operator: Operator,
    /// Microseconds of each sample that it did.
    times: Vec<f64>,
    errors: u64,
    replaced_before: u64,
}

enum Operator {
    Decoder(Box<dyn Decode>),
    Transform(Box<dyn Transform>, Option<(TensorType, Effect)>),
    BatchTransform(Box<dyn BatchTransform>),
    Sampler(Box<dyn Sampler>),
}

impl Side {
    pub(super) fn new(step: &OperatorStep) -> Result<Self, OperatorError> {
        let replaced_before = step.plugin().stats().replaced;
        let operator = match step.plugin().kind() {
            Kind::Decoder => Operator::Decoder(step.decoder()?),
            Kind::Transform => Operator::Transform(step.transform()?, None),
            Kind::BatchTransform => Operator::BatchTransform(step.batch_transform()?),
            Kind::Sampler => Operator::Sampler(step.sampler()?),
            kind @ Kind::Policy => {
                return Err(OperatorError::Start(format!("a {kind} has no place in a pipeline")));
            }
        };
        Ok(Self { step: step.clone(), operator, times: Vec::new(), errors: 0, replaced_before })
    }

    pub(super) fn identity(&self) -> &Identity {
        self.step.plugin().identity()
    }

    pub(super) fn report(mut self) -> SideReport {
        self.times.sort_by(f64::total_cmp);
        let stats = self.step.plugin().stats();
        let engine = self.step.plugin().engine();
        SideReport {
            plugin: self.identity().to_string(),
            digest: self.identity().digest.to_string(),
            engine: engine.to_string(),
            median: percentile(&self.times, 50),
            percentile_95: percentile(&self.times, 95),
            memory: (engine == Engine::Wasm).then(|| stats.memory / stats.alive.max(1)),
            errors: self.errors,
            replaced: stats.replaced - self.replaced_before,
        }
    }

    /// Lets it work on one sample, or on several that are made together.
    fn timed<T>(
        &mut self,
        samples: usize,
        work: impl FnOnce(&mut Operator, usize) -> Result<T, OperatorError>,
    ) -> Result<T, OperatorError> {
        let limit = self.step.output_limit();
        let started = Instant::now();
        let result = work(&mut self.operator, limit);
        let time = started.elapsed();
        match result {
            Ok(_) => self.times.push(per_sample(time, samples)),
            Err(_) => self.errors += samples as u64,
        }
        result
    }

    /// Decodes a whole image.
    pub(super) fn decode(&mut self, data: &[u8]) -> Result<Vec<Made>, OperatorError> {
        self.timed(1, |operator, limit| {
            let Operator::Decoder(decoder) = operator else { return Err(wrong()) };
            let planned = decoder.plan()?;
            let header = decoder.open(data)?;
            let window = Window::full(header.width, header.height);
            let channels = planned.shape.get(2).copied().flatten().unwrap_or(0);
            let of = TensorType::fixed(planned.dtype, &[window.height, window.width, channels]);
            let request = DecodeRequest { window, reduction: 1 };
            Ok(vec![made(&of, limit, |output| decoder.decode(data, request, output))?])
        })
    }

    /// Transforms a whole tensor.
    pub(super) fn transform(&mut self, input: TensorView<'_>, seed: u64) -> Result<Vec<Made>, OperatorError> {
        let of = input.tensor_type();
        // Planned once for each type, outside the time of a sample, as a worker does it.
        let planned = match &mut self.operator {
            Operator::Transform(_, Some((known, _))) if *known == of => Ok(()),
            Operator::Transform(transform, known) => {
                let effect = transform.plan(&of).and_then(|effect| validated(&of, effect));
                effect.map(|effect| *known = Some((of, effect)))
            }
            _ => Err(wrong()),
        };
        if let Err(error) = planned {
            self.errors += 1;
            return Err(error);
        }
        self.timed(1, |operator, limit| {
            let Operator::Transform(transform, Some((of, effect))) = operator else { return Err(wrong()) };
            if !effect.windowed {
                return Ok(vec![made(&effect.output, limit, |output| transform.apply(input, seed, output))?]);
            }
            let [height, width, channels] = *input.extents() else {
                return Err(OperatorError::Answer(format!("it wants a window of {of}, which is no image")));
            };
            let window = checked_window(&mut **transform, width, height, seed)?;
            let cropped = TensorType::fixed(of.dtype, &[window.height, window.width, channels]);
            let crop = made(&cropped, usize::MAX, |output| {
                copy_window(input.data(), of, window, output);
                Ok(())
            })?;
            if effect.crop_only {
                return Ok(vec![crop]);
            }
            let extents = [window.height, window.width, channels];
            let input = TensorView::new(of.dtype, &extents, &crop.bytes).ok_or_else(wrong)?;
            Ok(vec![made(&effect.output, limit, |output| transform.apply(input, seed, output))?])
        })
    }

    /// Transforms a whole batch.
    pub(super) fn batch(
        &mut self,
        inputs: &[TensorView<'_>],
        rows: usize,
        seed: u64,
    ) -> Result<Vec<Made>, OperatorError> {
        self.timed(rows, |operator, limit| {
            let Operator::BatchTransform(transform) = operator else { return Err(wrong()) };
            let types: Vec<_> = inputs.iter().map(TensorView::tensor_type).collect();
            let planned = transform.plan(&types)?.outputs;
            let mut results: Vec<Made> = planned
                .into_iter()
                .map(|of| match of.byte_len().filter(|bytes| *bytes <= limit) {
                    Some(bytes) => Ok(Made { of, bytes: vec![0; bytes] }),
                    None => Err(OperatorError::Answer(format!(
                        "it plans {of}, which has no size, or too large a one"
                    ))),
                })
                .collect::<Result<_, _>>()?;
            let mut outputs: Vec<_> = results.iter_mut().map(|made| Output::place(&mut made.bytes)).collect();
            transform.apply(inputs, seed, &mut outputs)?;
            for output in &mut outputs {
                output.finish()?;
            }
            drop(outputs);
            Ok(results)
        })
    }

    /// The sampler.
    pub(super) fn sampler<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Sampler) -> Result<T, OperatorError>,
    ) -> Result<T, OperatorError> {
        let Operator::Sampler(sampler) = &mut self.operator else { return Err(wrong()) };
        let result = work(&mut **sampler);
        self.errors += u64::from(result.is_err());
        result
    }

    /// Draws indices, at most `limit`.
    pub(super) fn draw(&mut self, limit: u32) -> Result<Vec<u64>, OperatorError> {
        let started = Instant::now();
        let run = self.sampler(|sampler| {
            let mut run = Vec::new();
            sampler.next(limit, &mut run).map(|()| run)
        })?;
        if !run.is_empty() {
            self.times.push(per_sample(started.elapsed(), run.len()));
        }
        Ok(run)
    }
}

/// Not met: an operator is asked for what its kind does.
fn wrong() -> OperatorError {
    OperatorError::Start("it is of another kind".to_owned())
}

fn made(
    planned: &TensorType,
    limit: usize,
    write: impl FnOnce(&mut Output<'_>) -> Result<(), OperatorError>,
) -> Result<Made, OperatorError> {
    let mut bytes = Vec::new();
    let mut output = Output::open(planned.dtype, limit, &mut bytes);
    if let Some(known) = planned.extents() {
        output.set_shape(&known);
    }
    write(&mut output)?;
    output.finish()?;
    let declared: Extents = output.declared().unwrap_or_default().iter().copied().collect();
    admitted(planned, &declared)?;
    Ok(Made { of: TensorType::fixed(planned.dtype, &declared), bytes })
}

fn per_sample(time: Duration, samples: usize) -> f64 {
    let samples = u32::try_from(samples).unwrap_or(u32::MAX).max(1);
    time.as_secs_f64() * 1e6 / f64::from(samples)
}

/// Of sorted values: the smallest that this many of 100 do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7.0], 95), Some(7.0));
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 95)), (Some(50.0), Some(95.0)));
    }
}
