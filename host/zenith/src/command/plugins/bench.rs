//! `zenith plugin bench`.

use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

use clap::Args;
use zenith_author::{
    bench::{self, BenchOptions, Measurement},
    conformance::Golden,
    inspect,
};
use zenith_core::{DType, Grant, PackageName};

use super::{
    target::{self, Target, failed},
    test::config,
};
use crate::{
    command::{arguments::grant, pipelines::allowed, say},
    context::Context,
    error::{Error, ErrorKind},
};

#[derive(Debug, Args)]
pub(in crate::command) struct BenchArguments {
    /// A folder with a built plugin, a `.wasm` file, or a package such as `acme:sepia@1`.
    #[arg(default_value = ".")]
    plugin: String,
    /// The configuration, as JSON; that of the first golden sample unless set.
    #[arg(long, value_name = "JSON", value_parser = config)]
    config: Option<String>,
    /// The extents of a transform's input; of a batch transform's, the batch's in front.
    #[arg(long, value_name = "EXTENTS", value_delimiter = ',', default_value = "224,224,3")]
    shape: Vec<u32>,
    /// The element type of a transform's input.
    #[arg(long, value_name = "DTYPE", default_value = "uint8", value_parser = dtype)]
    dtype: DType,
    /// What a decoder decodes; its first golden sample unless set.
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    /// How long to measure.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,
    /// Allow it `clock`, `entropy` or `files:FOLDER`, where it asks for it.
    #[arg(long = "grant", value_name = "PLUGIN=GRANT", value_parser = grant)]
    grants: Vec<(PackageName, Grant)>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &BenchArguments) -> Result<(), Error> {
    let Target { identity, bytes, folder, .. } = target::find(context, &arguments.plugin)?;
    let permissions = context.permit(&identity, &bytes, &allowed(&arguments.grants))?;
    let kind = inspect::inspect(&bytes).map_err(|error| failed(error.to_string(), error.hint()))?.kind;
    let golden = match folder {
        Some(folder) => Golden::read(&folder.join("golden"), kind)
            .map_err(|error| failed(error.to_string(), error.hint()))?,
        None => Golden::default(),
    };
    let sample = match &arguments.sample {
        Some(path) => Some(fs::read(path).map_err(|error| {
            Error::new(ErrorKind::Source, format!("cannot read `{}`: {error}", path.display()), None)
        })?),
        None => golden.first_encoded().map(<[u8]>::to_vec),
    };
    let time = Duration::try_from_secs_f64(arguments.seconds)
        .map_err(|error| Error::new(ErrorKind::Option, format!("--seconds is wrong: {error}"), None))?;
    let options = BenchOptions {
        config: arguments
            .config
            .clone()
            .or_else(|| golden.first_config().map(str::to_owned))
            .unwrap_or_else(|| "{}".to_owned()),
        dtype: arguments.dtype,
        shape: arguments.shape.clone(),
        sample,
        time,
        limits: context.limits_of(&identity),
        permissions,
    };
    let measured = bench::measure(&identity, &bytes, context.host_options(), &options)
        .map_err(|error| failed(error.to_string(), error.hint()))?;
    if arguments.json {
        let text = serde_json::to_string(&measured)
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string(), None))?;
        return say(&text);
    }
    say(&as_text(&measured))
}

fn as_text(measured: &Measurement) -> String {
    let Measurement {
        plugin,
        kind,
        work,
        calls,
        median_ns,
        p95_ns,
        boundary_ns,
        boundary_share,
        calls_per_second,
        bytes_in,
        bytes_out,
        memory,
        start_ns,
        load_cached_ns,
        compile_ns,
    } = measured;
    let loading = match (load_cached_ns, compile_ns) {
        (Some(load), Some(compile)) => {
            format!("{} compiled, and {} to compile, once", time_text(*load), time_text(*compile))
        }
        (Some(load), None) => format!("{} compiled", time_text(*load)),
        (None, Some(compile)) => format!("{}, each time: there is no compile cache", time_text(*compile)),
        (None, None) => "not measured".to_owned(),
    };
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown to a few digits")]
    let rate = |bytes: u64| bytes as f64 * calls_per_second / 1e6;
    let mut text = format!("{plugin}, a {kind}: {work}\n");
    for (what, value) in [
        (
            "a call",
            format!(
                "{} in the median, {} at most for 95 %, of {calls}",
                time_text(*median_ns),
                time_text(*p95_ns)
            ),
        ),
        (
            "throughput",
            format!(
                "{calls_per_second:.0} calls/s: {:.1} MB/s in, {:.1} MB/s out",
                rate(*bytes_in),
                rate(*bytes_out)
            ),
        ),
        ("bytes", format!("{bytes_in} in, {bytes_out} out")),
        (
            "boundary",
            format!(
                "{}, {:.1} % of a call: a plugin that does nothing, with as many bytes",
                time_text(*boundary_ns),
                100.0 * boundary_share
            ),
        ),
        (
            "memory",
            format!("{:.1} MB", {
                #[expect(clippy::cast_precision_loss, reason = "a size is shown to a few digits")]
                let memory = *memory as f64;
                memory / 1e6
            }),
        ),
        ("starting", format!("{} for an instance", time_text(*start_ns))),
        ("loading", loading),
    ] {
        let _ = writeln!(text, "  {what:<12}{value}");
    }
    text.trim_end().to_owned()
}

fn time_text(nanoseconds: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a time is shown to a few digits")]
    let time = nanoseconds as f64;
    match time {
        time if time >= 1e9 => format!("{:.2} s", time / 1e9),
        time if time >= 1e6 => format!("{:.2} ms", time / 1e6),
        time => format!("{:.1} µs", time / 1e3),
    }
}

/// An element type by torch's name.
fn dtype(text: &str) -> Result<DType, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}
