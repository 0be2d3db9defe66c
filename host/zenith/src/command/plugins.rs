//! `zenith plugin`.

use zenith_registry::build::{self, BuildOptions};

use super::{arguments::PluginCommand, say};
use crate::error::{Error, ErrorKind};

pub(super) fn run(command: PluginCommand) -> Result<(), Error> {
    let PluginCommand::Build { folder, output } = command else {
        // Run by the caller, because it has an exit code of its own.
        return Ok(());
    };
    let failed = |message: String, hint| Error::new(ErrorKind::Registry, message, hint);
    let built = build::build_crate(&folder, &BuildOptions::default())
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
