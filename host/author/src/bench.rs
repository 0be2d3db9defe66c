//! What a plugin costs: time for each call, memory, starting and loading, and the share of the time that
//! goes to the boundary between host and plugin, measured beside a plugin that does nothing.
//!
//! Figures are of this machine, at this moment: compare them with others of the same run.

mod noop;
mod work;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use thiserror::Error;
use zenith_core::{DType, Identity, Kind, Limits, OperatorError, Output, Permissions, Plugin, TensorView};
use zenith_plugin::{Host, HostError, HostOptions, LoadError};

use work::Work;

/// Calls before the first that counts.
const WARM_UP: usize = 5;

/// How often an instance is started, and a component loaded.
const STARTS: usize = 9;

/// Calls that are kept, each a few bytes.
const MOST_CALLS: usize = 2_000_000;

/// What is measured.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// The configuration, a JSON object.
    pub config: String,
    /// The element type of a transform's input.
    pub dtype: DType,
    /// The extents of a transform's input; of a batch transform's, the batch's in front.
    pub shape: Vec<u32>,
    /// The bytes of an encoded sample, for a decoder.
    pub sample: Option<Vec<u8>>,
    /// How long to measure.
    pub time: Duration,
    /// What the plugin may use.
    pub limits: Limits,
    /// What it is given.
    pub permissions: Permissions,
}

/// What was measured. Times are in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Which plugin.
    pub plugin: String,
    /// What it is for.
    pub kind: Kind,
    /// What one call was given and gave.
    pub work: String,
    /// Calls that count.
    pub calls: usize,
    /// The median of a call's time.
    pub median_ns: u64,
    /// The time that 95 of 100 calls stay within.
    pub p95_ns: u64,
    /// The median of the same bytes in and out of a plugin that does nothing.
    pub boundary_ns: u64,
    /// The boundary's part of the median, from 0 to 1.
    pub boundary_share: f64,
    /// Calls in a second.
    pub calls_per_second: f64,
    /// What a call hands to the plugin.
    pub bytes_in: u64,
    /// What the plugin hands back.
    pub bytes_out: u64,
    /// The most linear memory that the instance held.
    pub memory: u64,
    /// The median time to start an instance and configure it.
    pub start_ns: u64,
    /// The median time to load the component, its compiled form found in the cache. `None` where there is
    /// no cache.
    pub load_cached_ns: Option<u64>,
    /// The time to compile it, where it was not in the cache before.
    pub compile_ns: Option<u64>,
}

/// Why nothing could be measured.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The host does not run here.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The component cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The plugin declined the work, or failed at it.
    #[error("the plugin `{plugin}` cannot be measured on {work}: {cause}")]
    Operator {
        /// The plugin.
        plugin: String,
        /// What it was given.
        work: String,
        /// What it answered.
        cause: OperatorError,
    },
    /// A decoder needs something to decode.
    #[error("a decoder is measured on a sample, and there is none")]
    NoSample,
    /// The input is not one that can be made.
    #[error("`{0}` is no shape of a tensor that fits into memory")]
    Shape(String),
    /// The plugin that does nothing could not be made.
    #[error("the plugin that does nothing is broken: {0}")]
    Noop(String),
}

impl BenchError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Host(_) | Self::Noop(_) => None,
            Self::Load(error) => error.hint().map(str::to_owned),
            Self::Operator { cause: OperatorError::Config { .. }, .. } => {
                Some("pass the configuration with --config, as JSON".to_owned())
            }
            Self::Operator { cause: OperatorError::UnsupportedType(_), .. } => {
                Some("pass the input that it takes with --shape and --dtype".to_owned())
            }
            Self::Operator { cause, .. } => cause.hint().map(str::to_owned),
            Self::NoSample => Some("pass one with --sample, or add a golden sample".to_owned()),
            Self::Shape(_) => Some("write extents, as in --shape 224,224,3".to_owned()),
        }
    }
}

/// Measures a plugin.
pub fn measure(
    identity: &Identity,
    bytes: &[u8],
    host: &HostOptions,
    options: &BenchOptions,
) -> Result<Measurement, BenchError> {
    let load = |host: &Host| host.load_with(identity.clone(), bytes, options.permissions.clone());
    let first_host = Host::new(host.clone())?;
    let (plugin, first_load) = timed(|| load(&first_host));
    let plugin = plugin?;
    let compile_ns = (first_host.cache_stats().compiled > 0).then(|| nanoseconds(first_load));
    let load_cached_ns = match first_host.cache_directory() {
        None => None,
        Some(_) => Some(median(&mut loads(host, &load)?)),
    };

    let failed = |work: &str, cause| BenchError::Operator {
        plugin: identity.to_string(),
        work: work.to_owned(),
        cause,
    };
    let start = || work::start(&*plugin, options)?.map_err(|cause| failed("its input", cause));
    let mut starts = starts(&*plugin, options).map_err(|cause| failed("its configuration", cause))?;
    let Work { told, bytes: (bytes_in, bytes_out), mut call } = start()?;
    let mut memory = 0;
    let mut times = repeat(options.time, |turn| {
        let done = call(turn);
        memory = memory.max(plugin.stats().memory);
        done
    })
    .map_err(|cause| failed(&told, cause))?;
    drop(call);
    let calls = times.len();
    let median_ns = median(&mut times);
    // In order now.
    let p95_ns = times[(calls * 95 / 100).min(calls - 1)];
    let boundary_ns = boundary(&first_host, bytes_in, bytes_out, options.time.div_f64(4.0))?;
    Ok(Measurement {
        plugin: identity.to_string(),
        kind: plugin.kind(),
        work: told,
        calls,
        median_ns,
        p95_ns,
        boundary_ns,
        boundary_share: (ratio(boundary_ns, median_ns)).min(1.0),
        calls_per_second: ratio(1_000_000_000, median_ns),
        bytes_in,
        bytes_out,
        memory,
        start_ns: median(&mut starts),
        load_cached_ns,
        compile_ns,
    })
}

/// How long it takes to start an instance and to configure it.
fn starts(plugin: &dyn Plugin, options: &BenchOptions) -> Result<Vec<u64>, OperatorError> {
    let (config, limits) = (&options.config, &options.limits);
    (0..STARTS)
        .map(|_| {
            let (made, time) = timed(|| match plugin.kind() {
                Kind::Transform => plugin.transform(config, limits).map(drop),
                Kind::Decoder => plugin.decoder(config, limits).map(drop),
                Kind::BatchTransform => plugin.batch_transform(config, limits).map(drop),
                Kind::Sampler => plugin.sampler(config, limits).map(drop),
                Kind::Policy => plugin.policy(config, limits).map(drop),
            });
            made.map(|()| nanoseconds(time))
        })
        .collect()
}

/// How long it takes to load the component by hosts that find it compiled.
fn loads(
    options: &HostOptions,
    load: &impl Fn(&Host) -> Result<Arc<dyn Plugin>, LoadError>,
) -> Result<Vec<u64>, BenchError> {
    (0..STARTS)
        .map(|_| {
            let host = Host::new(options.clone())?;
            let (loaded, time) = timed(|| load(&host));
            loaded?;
            Ok(nanoseconds(time))
        })
        .collect()
}

/// The median time of a call of the plugin that does nothing, with as many bytes in and out.
fn boundary(host: &Host, bytes_in: u64, bytes_out: u64, time: Duration) -> Result<u64, BenchError> {
    let (identity, component) = noop::component().map_err(BenchError::Noop)?;
    let plugin = host.load(identity, &component)?;
    let too_large = || BenchError::Shape(format!("{bytes_in} bytes and {bytes_out} bytes"));
    let (length_in, length_out) = (
        u32::try_from(bytes_in).map_err(|_| too_large())?,
        usize::try_from(bytes_out).map_err(|_| too_large())?,
    );
    let failed = |cause| BenchError::Operator {
        plugin: plugin.identity().to_string(),
        work: format!("{bytes_in} bytes in and {bytes_out} bytes out"),
        cause,
    };
    let limits = Limits { memory: usize::MAX, ..Limits::default() };
    let mut transform = plugin.transform(&bytes_out.to_string(), &limits).map_err(failed)?;
    let (data, extents) = (vec![1_u8; length_in as usize], [length_in]);
    let input = TensorView::new(DType::Uint8, &extents, &data).ok_or_else(too_large)?;
    let mut place = vec![0_u8; length_out];
    let mut times =
        repeat(time, |_| transform.apply(input, 1, &mut Output::place(&mut place))).map_err(failed)?;
    Ok(median(&mut times))
}

/// Calls until the time is over, at least ten times; answers the nanoseconds of each call.
fn repeat(
    time: Duration,
    mut call: impl FnMut(u64) -> Result<(), OperatorError>,
) -> Result<Vec<u64>, OperatorError> {
    for turn in 0..WARM_UP {
        call(turn as u64)?;
    }
    let started = Instant::now();
    let mut times = Vec::new();
    while times.len() < 10 || (started.elapsed() < time && times.len() < MOST_CALLS) {
        let turn = times.len() as u64;
        let (done, time) = timed(|| call(turn));
        done?;
        times.push(nanoseconds(time));
    }
    Ok(times)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let made = work();
    (made, started.elapsed())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The middle of some numbers, of which there is one; they are in order afterwards.
fn median(numbers: &mut [u64]) -> u64 {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is told to a few digits")]
fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / (other as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use zenith_plugin::CacheOption;

    use super::*;

    #[test]
    fn the_plugin_that_does_nothing_takes_and_gives_any_number_of_bytes() {
        let host = Host::new(HostOptions { cache: CacheOption::Off }).unwrap();
        for (bytes_in, bytes_out) in [(0, 0), (1, 3), (150_528, 602_112), (3 << 20, 1)] {
            assert!(boundary(&host, bytes_in, bytes_out, Duration::ZERO).unwrap() > 0);
        }
    }

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median(&mut [9, 1, 5]), 5);
        assert_eq!(median(&mut []), 0);
    }
}
