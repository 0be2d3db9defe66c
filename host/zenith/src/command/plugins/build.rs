//! `zenith plugin build`.

use std::path::PathBuf;

use clap::Args;
use zenith_author::{
    Project,
    build::{self, BuildOptions},
};

use super::failed;
use crate::{command::say, error::Error};

#[derive(Debug, Args)]
pub(in crate::command) struct BuildArguments {
    /// The plugin's folder, with its `plugin.toml`.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where the component is written; `<name>.wasm` in the plugin's folder unless set.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where the compiler keeps what it can use again; `target` in the plugin's folder unless set.
    #[arg(long, value_name = "FOLDER")]
    target_dir: Option<PathBuf>,
    /// Build from what is on this machine alone.
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(arguments: &BuildArguments) -> Result<(), Error> {
    let project = Project::open(&arguments.folder).map_err(|error| failed(&error, error.hint()))?;
    let options =
        BuildOptions { target_dir: arguments.target_dir.clone(), offline: arguments.offline, quiet: false };
    let built = build::build(&project, &options).map_err(|error| failed(&error, error.hint()))?;
    let output = arguments.output.clone().unwrap_or_else(|| project.default_output());
    built.write(&output).map_err(|error| failed(&error, error.hint()))?;
    say(&format!(
        "built `{}@{}`, a {} in {}: {} ({} bytes)",
        built.manifest.name,
        built.manifest.version,
        built.manifest.kind,
        built.language,
        output.display(),
        built.bytes.len()
    ))?;
    say(&format!("digest {}", built.digest))?;
    say(&format!("add it with: zenith registry add {}", output.display()))
}
