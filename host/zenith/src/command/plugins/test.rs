//! `zenith plugin test`.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use zenith_author::conformance::{self, Golden, Outcome, Report, Subject};
use zenith_core::{Grant, PackageName};

use super::target::{self, Target, failed};
use crate::{
    command::{arguments::grant, pipelines::allowed, say},
    context::Context,
    error::{Error, ErrorKind},
};

/// A golden sample is a folder `golden/CASE` with a file `case.json`, and files of raw bytes beside it:
///
///   {"config": {}, "seed": 0,
///    "input": {"dtype": "uint8", "shape": [2, 2, 3], "file": "input.bin"},
///    "output": {"dtype": "uint8", "shape": [2, 2, 3], "file": "output.bin", "tolerance": 1}}
///
/// A decoder's input is {"file": "photo.jpg"}. A batch transform has lists, `inputs` and `outputs`. A
/// sampler has a `population` and `indices`, a policy a `round` and a `decision`.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::command) struct TestArguments {
    /// A folder with a built plugin, a `.wasm` file, or a package.
    #[arg(default_value = ".")]
    plugin: String,
    /// A configuration to test with, as JSON, besides those of the golden samples; may be given more than
    /// once.
    #[arg(long = "config", value_name = "JSON", value_parser = config)]
    configs: Vec<String>,
    /// The folder of the golden samples; `golden` beside the plugin unless set.
    #[arg(long, value_name = "FOLDER")]
    golden: Option<PathBuf>,
    /// Write the outputs of golden samples that have none, as the plugin makes them now.
    #[arg(long)]
    bless: bool,
    /// Allow it `clock`, `entropy` or `files:FOLDER`, where it asks for it.
    #[arg(long = "grant", value_name = "PLUGIN=GRANT", value_parser = grant)]
    grants: Vec<(PackageName, Grant)>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &TestArguments) -> Result<(), Error> {
    let Target { identity, bytes, folder, .. } = target::find(context, &arguments.plugin)?;
    let plugin = context.load(&identity, &bytes, &allowed(&arguments.grants))?;
    let limits = context.limits(&*plugin);
    let golden = arguments.golden.clone().or_else(|| folder.map(|folder| folder.join("golden")));
    let read = || match &golden {
        Some(folder) => {
            Golden::read(folder, plugin.kind()).map_err(|error| failed(error.to_string(), error.hint()))
        }
        None => Ok(Golden::default()),
    };
    let mut subject =
        Subject { plugin: &*plugin, limits, configs: arguments.configs.clone(), golden: read()? };
    if arguments.bless {
        let blessed =
            conformance::bless(&subject).map_err(|error| failed(error.to_string(), error.hint()))?;
        if !arguments.json {
            for case in &blessed {
                say(&format!("wrote the output of golden sample `{case}`"))?;
            }
        }
        subject.golden = read()?;
    }
    let report = conformance::run(&subject);
    let (_, wrong, _) = report.counts();
    if arguments.json {
        let text = serde_json::to_string(&report)
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string(), None))?;
        say(&text)?;
    } else {
        say(&as_text(&report))?;
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(Error::new(
            ErrorKind::Plugin,
            format!("`{}` fails {wrong} of {} checks", report.plugin, report.checks.len()),
            None,
        )),
    }
}

fn as_text(report: &Report) -> String {
    let mut text = format!("{}, a {}\n", report.plugin, report.kind);
    for check in &report.checks {
        match &check.outcome {
            Outcome::Passed { note: None } => {
                let _ = writeln!(text, "  ✓ {}", check.name);
            }
            Outcome::Passed { note: Some(note) } => {
                let _ = writeln!(text, "  ✓ {}: {note}", check.name);
            }
            Outcome::Skipped { reason } => {
                let _ = writeln!(text, "  - {}: {reason}", check.name);
            }
            Outcome::Failed(failure) => {
                let _ = writeln!(text, "  ✗ {}", check.name);
                for (what, value) in
                    [("config", &failure.config), ("given", &failure.given), ("came", &failure.came)]
                {
                    // Further lines, as of a stack, stand below the first.
                    let value = value.replace('\n', "\n              ");
                    let _ = writeln!(text, "      {what:<8}{value}");
                }
            }
        }
    }
    let (passed, wrong, skipped) = report.counts();
    let _ = write!(text, "{passed} passed, {wrong} failed, {skipped} had nothing to check");
    text
}

/// A configuration: a JSON object.
pub(super) fn config(text: &str) -> Result<String, String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|error| format!("a configuration is a JSON object such as {{\"size\": 224}}: {error}"))?;
    Ok(serde_json::Value::Object(object).to_string())
}
