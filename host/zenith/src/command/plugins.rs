//! `zenith plugin`.

use zenith_registry::build::{self, BuildOptions};

use std::path::{Path, PathBuf};

use super::{arguments::PluginCommand, plugin_bench, plugin_inspect, plugin_test, say};
use crate::{
    context::Context,
    error::{Error, ErrorKind},
};

/// `context` is only made where a command needs one.
pub(super) fn run(
    command: PluginCommand,
    context: impl FnOnce() -> Result<Context, Error>,
) -> Result<(), Error> {
    match command {
        PluginCommand::Build { folder, output } => build(&folder, output),
        PluginCommand::Test(arguments) => plugin_test::run(&context()?, &arguments),
        PluginCommand::Bench(arguments) => plugin_bench::run(&context()?, &arguments),
        PluginCommand::Inspect(arguments) => plugin_inspect::run(&context()?, &arguments),
    }
}

fn build(folder: &Path, output: Option<PathBuf>) -> Result<(), Error> {
    let failed = |message: String, hint| Error::new(ErrorKind::Registry, message, hint);
    let built = build::build_crate(folder, &BuildOptions::default())
        .map_err(|error| failed(error.to_string(), error.hint()))?;
    let output = output.unwrap_or_else(|| folder.join(format!("{}.wasm", built.manifest.name.name())));
    std::fs::write(&output, &built.bytes)
        .map_err(|error| failed(format!("cannot write `{}`: {error}", output.display()), None))?;
    say(&format!(
        "built `{}@{}`, a {}: {} ({} bytes)",
        built.manifest.name,
        built.manifest.version,
        built.manifest.kind,
        output.display(),
        built.bytes.len()
    ))?;
    say(&format!("add it with: zenith registry add {}", output.display()))
}
