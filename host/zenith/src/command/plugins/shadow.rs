//! `zenith plugin shadow`: two versions of a plugin on the same samples, as a table or as JSON. What
//! is compared, and how, lives in the pipeline.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};
use zenith_core::Kind;
use zenith_pipeline::{
    Catalog as _, Distance, Fidelity, ShadowError, ShadowInput, ShadowReport, SideReport, Spec, shadow,
};
use zenith_registry::{Reference, ReferenceError};

use crate::{
    allowance::Allowed,
    command::{
        arguments::{Engine, FidelityArgument},
        exit, say,
    },
    context::{Context, EngineChoice},
    error::{Error, ErrorKind},
    file::read_pipeline,
    loader::{self, LoadOptions},
};

#[derive(Debug, Args)]
pub(in crate::command) struct ShadowOptions {
    /// The version that is used now, as in `acme:sepia@1.2.0`.
    present: String,
    /// The version to compare with it: `1.3.0`, a requirement such as `^1.3`, or another package.
    candidate: String,
    /// The pipeline that uses it, a TOML file: compared is what reaches the operator there, under the
    /// configuration that it has there.
    #[arg(long, value_name = "FILE", required_unless_present = "input", conflicts_with = "input")]
    pipeline: Option<PathBuf>,
    /// A folder of class folders with images: compared is what they decode to, without a pipeline.
    #[arg(long, value_name = "FOLDER")]
    input: Option<PathBuf>,
    /// With `--input`: the plugin's configuration, a JSON object.
    #[arg(long, value_name = "JSON", requires = "input", value_parser = object)]
    config: Option<Map<String, Value>>,
    /// With `--pipeline`: which operator, counted from 1, where several are the plugin.
    #[arg(long, value_name = "N", requires = "pipeline")]
    operator: Option<u32>,
    /// Samples to compare; where there are fewer, they come again, as in a second epoch.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    samples: u64,
    /// The run's seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// As what plugins run.
    #[arg(long, value_enum, default_value = "auto")]
    engine: Engine,
    /// Which pixels the pipeline's decoders must give.
    #[arg(long, value_enum, default_value = "exact")]
    fidelity: FidelityArgument,
    /// Differences, and failures of each version, that are listed one by one.
    #[arg(long, value_name = "N", default_value_t = 5)]
    examples: usize,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// End with exit code 3 where the versions differ, or where one of them fails on a sample.
    #[arg(long)]
    fail_on_difference: bool,
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))
}

/// Compares, prints, and answers the exit code.
pub(super) fn run(context: &Context, options: &ShadowOptions) -> Result<i32, Error> {
    let engine = match options.engine {
        Engine::Auto => EngineChoice::Auto,
        Engine::Wasm => EngineChoice::Wasm,
        Engine::Native => EngineChoice::Native,
    };
    let allowed = Allowed::new();
    let catalog = context.catalog(engine, &allowed, false);
    let failed =
        |error: zenith_pipeline::CatalogError| Error::new(ErrorKind::Registry, error.message, error.hint);
    let present = reference(&options.present)?;
    let candidate = if options.candidate.contains(':') {
        reference(&options.candidate)?
    } else {
        reference(&format!("{}@{}", present.name, options.candidate))?
    };
    let kind = catalog.resolve(&present.to_string()).map_err(failed)?.kind();
    let candidate = catalog.resolve(&candidate.to_string()).map_err(failed)?;
    let spec = spec(options, &present, kind)?;
    let load = LoadOptions {
        engine,
        fidelity: match options.fidelity {
            FidelityArgument::Exact => Fidelity::Exact,
            FidelityArgument::Fast => Fidelity::Fast,
        },
        ..LoadOptions::default()
    };
    let plan = loader::plan(context, &spec, &load)?;
    let input = ShadowInput {
        plan: &plan,
        name: &present.name,
        position: options.operator,
        candidate,
        samples: options.samples,
        seed: options.seed,
        examples: options.examples,
    };
    let bar = ProgressBar::new(options.samples);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} samples  {elapsed}") {
        bar.set_style(style);
    }
    let report = shadow(&input, &mut |samples| bar.set_position(samples));
    bar.finish_and_clear();
    let report = report?;
    if options.json {
        let text = serde_json::to_string_pretty(&report)
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string(), None))?;
        say(&text)?;
    } else {
        say(table(&report).trim_end())?;
    }
    let failures = report.present.errors + report.candidate.errors;
    let differs = report.differing + failures > 0;
    Ok(if options.fail_on_difference && differs { exit::DIFFERENT } else { exit::OK })
}

fn reference(text: &str) -> Result<Reference, Error> {
    text.parse()
        .map_err(|error: ReferenceError| Error::new(ErrorKind::Registry, error.to_string(), error.hint()))
}

/// The pipeline, with the present version in the operators that are the plugin.
fn spec(options: &ShadowOptions, present: &Reference, kind: Kind) -> Result<Spec, Error> {
    let Some(pipeline) = &options.pipeline else { return input(options, present, kind) };
    let mut spec = read_pipeline(pipeline)?;
    for operator in &mut spec.operators {
        let named = operator.plugin.as_deref().and_then(|text| text.parse::<Reference>().ok());
        if named.is_some_and(|named| named.name == present.name) {
            operator.plugin = Some(present.to_string());
        }
    }
    Ok(spec)
}

/// A pipeline that is the plugin and no more than it needs before it.
fn input(options: &ShadowOptions, present: &Reference, kind: Kind) -> Result<Spec, Error> {
    let mut operator = Map::new();
    let role = match kind {
        Kind::Sampler => "sample",
        Kind::Decoder => "decode",
        Kind::BatchTransform => "map-batch",
        _ => "map",
    };
    operator.insert(role.to_owned(), present.to_string().into());
    operator.extend(options.config.clone().unwrap_or_default());
    let decode = json!({"decode": null});
    let operators = match kind {
        Kind::Sampler => vec![Value::Object(operator), decode],
        Kind::Decoder => vec![Value::Object(operator)],
        _ => vec![decode, Value::Object(operator)],
    };
    let path = options.input.as_ref().map(|path| path.to_string_lossy()).unwrap_or_default();
    let source = json!({"kind": "images", "path": path});
    serde_json::from_value(json!({"source": source, "operator": operators})).map_err(|error| {
        Error::new(ErrorKind::Option, format!("`--config` configures no operator: {error}"), None)
    })
}

impl From<ShadowError> for Error {
    fn from(error: ShadowError) -> Self {
        let hint = match &error {
            ShadowError::Several { .. } => Some("choose one of them with `--operator N`".to_owned()),
            error => error.hint(),
        };
        match error {
            ShadowError::Load(error) => error.into(),
            error => Self::new(ErrorKind::Pipeline, format!("nothing is compared: {error}"), hint),
        }
    }
}

/// The report for people.
fn table(report: &ShadowReport) -> String {
    let unit = if report.kind == Kind::Sampler { "places in the order" } else { "samples" };
    let mut text = format!("{} as operator {}, on {} {unit}", report.kind, report.position, report.samples);
    if report.left_out > 0 {
        let _ = write!(text, " ({} left out before it)", report.left_out);
    }
    text.push('\n');
    let (present, candidate) = (&report.present, &report.candidate);
    let time = |time: fn(&SideReport) -> Option<f64>| {
        let (one, other) = (time(present), time(candidate));
        (one.map_or_else(none, microseconds), other.map_or_else(none, microseconds), ratio(one, other))
    };
    let memory = |side: &SideReport| side.memory.map_or_else(none, megabytes);
    #[expect(clippy::cast_precision_loss, reason = "a ratio is shown to two digits")]
    let bytes = |side: &SideReport| side.memory.map(|memory| memory as f64);
    let counted = |one: u64, other: u64| (one.to_string(), other.to_string(), String::new());
    let rows = [
        ("", (present.plugin.clone(), candidate.plugin.clone(), "ratio".to_owned())),
        ("engine", (present.engine.clone(), candidate.engine.clone(), String::new())),
        ("time, median", time(|side| side.median)),
        ("time, 95 of 100", time(|side| side.percentile_95)),
        ("memory", (memory(present), memory(candidate), ratio(bytes(present), bytes(candidate)))),
        ("errors", counted(present.errors, candidate.errors)),
        ("instances replaced", counted(present.replaced, candidate.replaced)),
    ];
    let width = rows.iter().flat_map(|(_, (one, other, _))| [one, other]).map(|cell| cell.chars().count());
    let width = width.max().unwrap_or(0);
    for (what, (one, other, ratio)) in rows {
        let line = format!("  {what:<20}{one:>width$}  {other:>width$}  {ratio:>7}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    differences(&mut text, report, unit);
    for failure in &report.failures {
        let (plugin, key, index) = (&failure.plugin, &failure.key, failure.index);
        let _ = writeln!(
            text,
            "  `{plugin}` fails on {key} (sample {index}, epoch {}): {}",
            failure.epoch, failure.error
        );
    }
    text
}

fn differences(text: &mut String, report: &ShadowReport, unit: &str) {
    if report.differing == 0 {
        let _ = writeln!(text, "no difference");
    } else {
        let share = 100.0 * wide(report.differing) / wide(report.samples.max(1));
        let _ = writeln!(text, "{} of {} {unit} differ ({share:.1} %)", report.differing, report.samples);
    }
    if report.other_types > 0 {
        let _ = writeln!(text, "  {} of them are of another type", report.other_types);
    }
    if let Some(distance) = report.distance.filter(|distance| distance.differing > 0) {
        let _ = writeln!(text, "  {}", apart(&distance));
    }
    for example in &report.examples {
        let how = match (&example.distance, &example.note) {
            (Some(distance), _) => apart(distance),
            (None, note) => note.clone().unwrap_or_default(),
        };
        let _ =
            writeln!(text, "  {} (sample {}, epoch {}): {how}", example.key, example.index, example.epoch);
    }
}

fn apart(distance: &Distance) -> String {
    let mut text = format!(
        "largest {}, mean {} over {} elements",
        number(distance.largest),
        number(distance.mean),
        distance.elements
    );
    if distance.not_finite > 0 {
        let _ = write!(text, "; {} more are no finite number in one of the two", distance.not_finite);
    }
    text
}

/// To four digits that mean something.
fn number(value: f64) -> String {
    let digits = if value > 0.0 { (3.0 - value.log10().floor()).clamp(0.0, 12.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 12")]
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn ratio(one: Option<f64>, other: Option<f64>) -> String {
    match (one, other) {
        (Some(one), Some(other)) if one > 0.0 => format!("{:.2}", other / one),
        _ => String::new(),
    }
}

fn microseconds(time: f64) -> String {
    format!("{} µs", number(time))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", wide(bytes) / 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "shown to a few digits")]
fn wide(count: u64) -> f64 {
    count as f64
}

fn none() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_shown_to_four_digits() {
        let cases =
            [(0.0, "0"), (14.0, "14"), (0.012_344, "0.01234"), (1234.56, "1235"), (2.5, "2.5"), (1e-15, "0")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
