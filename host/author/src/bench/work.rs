//! What one call of a plugin is, when it is measured: a sample, a batch, a run of indices, or a round.

use zenith_core::{
    DType, DecodeRequest, Kind, Limits, OperatorError, Output, Plugin, Population, TensorType, Window,
};

use super::{BenchError, BenchOptions};
use crate::conformance::{
    inputs::{Noise, Tensor},
    worlds,
};

/// Indices that a sampler is asked for at once, and samples in its dataset.
const RUN: (u32, u64) = (4096, 1 << 20);

/// Nodes and jobs of the round that a policy decides.
const ROUND: (u32, u32) = (100, 1000);

/// Windows that a transform is measured on, in turn.
const WINDOWS: u64 = 16;

type Call = Box<dyn FnMut(u64) -> Result<(), OperatorError>>;

/// A plugin's operator, and what it is given with each call.
pub(super) struct Work {
    /// What a call is given and gives.
    pub(super) told: String,
    /// Bytes to the plugin, and back.
    pub(super) bytes: (u64, u64),
    /// One call; the number says which.
    pub(super) call: Call,
}

/// Starts an operator and prepares what it is given. An operator's own refusal is the inner error.
pub(super) fn start(
    plugin: &dyn Plugin,
    options: &BenchOptions,
) -> Result<Result<Work, OperatorError>, BenchError> {
    Ok(match plugin.kind() {
        Kind::Transform => transform(plugin, options, &input(options)?),
        Kind::Decoder => decoder(plugin, options, options.sample.clone().ok_or(BenchError::NoSample)?),
        Kind::BatchTransform => batch_transform(plugin, options, input(options)?),
        Kind::Sampler => sampler(plugin, options),
        Kind::Policy => policy(plugin, options),
    })
}

fn input(options: &BenchOptions) -> Result<Tensor, BenchError> {
    Tensor::plausible(options.dtype, &options.shape, &mut Noise::new(0))
        .ok_or_else(|| BenchError::Shape(format!("{}{:?}", options.dtype, options.shape)))
}

fn broken() -> OperatorError {
    OperatorError::Start("the input of the measurement is wrong".to_owned())
}

fn length(planned: &TensorType, limits: &Limits) -> Result<usize, OperatorError> {
    let length = planned.byte_len().filter(|length| *length <= limits.output);
    length.ok_or_else(|| OperatorError::TooLarge(planned.to_string()))
}

fn transform(plugin: &dyn Plugin, options: &BenchOptions, input: &Tensor) -> Result<Work, OperatorError> {
    let limits = options.limits;
    let mut operator = plugin.transform(&options.config, &limits)?;
    let effect = operator.plan(&input.tensor_type())?;
    let (height, width) = input.rows_and_columns();
    if effect.crop_only {
        let told = format!("the window of {input}, which is its result");
        let call = Box::new(move |turn| operator.window(width, height, turn).map(drop));
        return Ok(Work { told, bytes: (0, 0), call });
    }
    // What lies outside a window the plugin is not given, so that cutting is not its time.
    let mut pieces = Vec::new();
    if effect.windowed {
        for seed in 0..WINDOWS {
            pieces.push(input.cut(operator.window(width, height, seed)?));
        }
    } else {
        pieces.push(input.clone());
    }
    let count = pieces.len() as u64;
    let bytes_in = pieces.iter().map(|piece| piece.data.len() as u64).sum::<u64>() / count;
    let mut told = format!("{input} to {}", effect.output);
    if effect.windowed {
        told.push_str(", of which it reads windows");
    }
    let (dtype, is_open) = (effect.output.dtype, effect.output.extents().is_none());
    let mut place = if is_open { Vec::new() } else { vec![0; length(&effect.output, &limits)?] };
    let mut once = move |turn: u64, place: &mut Vec<u8>| {
        let seed = turn % count;
        if effect.windowed {
            operator.window(width, height, seed)?;
        }
        let piece = pieces.get(usize::try_from(seed).unwrap_or_default()).ok_or_else(broken)?;
        let view = piece.view().ok_or_else(broken)?;
        let mut output =
            if is_open { Output::open(dtype, limits.output, place) } else { Output::place(place) };
        operator.apply(view, seed, &mut output)
    };
    once(0, &mut place)?;
    let bytes = (bytes_in, place.len() as u64);
    Ok(Work { told, bytes, call: Box::new(move |turn| once(turn, &mut place)) })
}

fn decoder(plugin: &dyn Plugin, options: &BenchOptions, sample: Vec<u8>) -> Result<Work, OperatorError> {
    let mut operator = plugin.decoder(&options.config, &options.limits)?;
    let planned = operator.plan()?;
    let header = operator.open(&sample)?;
    let channels = planned.shape.get(2).copied().flatten().unwrap_or(1);
    let whole = TensorType::fixed(planned.dtype, &[header.height, header.width, channels]);
    let mut place = vec![0; length(&whole, &options.limits)?];
    let request = DecodeRequest { window: Window::full(header.width, header.height), reduction: 1 };
    let bytes = (sample.len() as u64, place.len() as u64);
    let call = Box::new(move |_| {
        operator.open(&sample)?;
        operator.decode(&sample, request, &mut Output::place(&mut place))
    });
    Ok(Work { told: format!("{} bytes to {whole}", bytes.0), bytes, call })
}

fn batch_transform(
    plugin: &dyn Plugin,
    options: &BenchOptions,
    images: Tensor,
) -> Result<Work, OperatorError> {
    let mut operator = plugin.batch_transform(&options.config, &options.limits)?;
    let samples = images.extents.first().copied().unwrap_or(1);
    let labels = Tensor {
        dtype: DType::Int64,
        extents: vec![samples],
        data: (0..i64::from(samples)).flat_map(i64::to_le_bytes).collect(),
    };
    let inputs = [images, labels];
    let types: Vec<_> = inputs.iter().map(Tensor::tensor_type).collect();
    let planned = operator.plan(&types)?.outputs;
    let mut places = Vec::new();
    for output in &planned {
        places.push(vec![0; length(output, &options.limits)?]);
    }
    let count = |sizes: &mut dyn Iterator<Item = usize>| sizes.sum::<usize>() as u64;
    let bytes =
        (count(&mut inputs.iter().map(|input| input.data.len())), count(&mut places.iter().map(Vec::len)));
    let told = |types: &[TensorType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let told = format!("{} to {}", told(&types), told(&planned));
    let call = Box::new(move |turn| {
        let views: Option<Vec<_>> = inputs.iter().map(Tensor::view).collect();
        let mut outputs: Vec<_> = places.iter_mut().map(|place| Output::place(place)).collect();
        operator.apply(&views.ok_or_else(broken)?, turn % WINDOWS, &mut outputs)
    });
    Ok(Work { told, bytes, call })
}

fn sampler(plugin: &dyn Plugin, options: &BenchOptions) -> Result<Work, OperatorError> {
    let mut operator = plugin.sampler(&options.config, &options.limits)?;
    let (limit, length) = RUN;
    let population = move |epoch| Population { length, epoch, seed: 0, rank: 0, world_size: 1 };
    operator.start(population(0))?;
    let (mut run, mut epoch) = (Vec::new(), 0);
    let call = Box::new(move |_| {
        run.clear();
        operator.next(limit, &mut run)?;
        if run.is_empty() {
            epoch += 1;
            operator.start(population(epoch))?;
        }
        Ok(())
    });
    let told = format!("{limit} indices of {length}");
    Ok(Work { told, bytes: (0, u64::from(limit) * 8), call })
}

fn policy(plugin: &dyn Plugin, options: &BenchOptions) -> Result<Work, OperatorError> {
    let mut operator = plugin.policy(&options.config, &options.limits)?;
    let (nodes, jobs) = ROUND;
    let round = worlds::round(&mut Noise::new(0), nodes, jobs);
    // By the widths of the columns in `wit/policy.wit`.
    let bytes_in = 52 * round.waiting.id.len() + 60 * round.nodes.id.len() + 56 * round.running.job.len();
    let decision = operator.decide(&round)?;
    let bytes_out = 16 * decision.placements.len()
        + 8 * decision.preemptions.len()
        + decision.reasons.iter().map(|reason| 16 + reason.text.len()).sum::<usize>();
    let call = Box::new(move |_| operator.decide(&round).map(drop));
    let told = format!("a round of {jobs} jobs and {nodes} nodes");
    Ok(Work { told, bytes: (bytes_in as u64, bytes_out as u64), call })
}
