//! `zenith plugin`.

use std::path::{Path, PathBuf};

use zenith_registry::build::{self, BuildOptions};

use super::{arguments::PluginCommand, publish, say};
use crate::{
    context::Context,
    error::{Error, ErrorKind},
};

pub(super) fn run(
    context: impl FnOnce() -> Result<Context, Error>,
    command: PluginCommand,
) -> Result<(), Error> {
    match command {
        PluginCommand::Build { folder, output } => build(&folder, output),
        PluginCommand::Publish(options) => publish::run(&context()?, &options),
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
