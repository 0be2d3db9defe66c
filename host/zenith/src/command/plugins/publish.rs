//! `zenith plugin publish`: signs a plugin and puts it into a registry folder. How a component comes
//! about is `zenith plugin build`'s matter.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Args;
use zenith_author::{
    Project,
    build::{self, BuildOptions},
};
use zenith_registry::{Signature, Statement, package};

use crate::{
    command::{
        keys,
        registries::{failed, folder_of, named},
        say,
    },
    context::Context,
    error::Error,
};

#[derive(Debug, Args)]
pub(in crate::command) struct PublishOptions {
    /// The plugin's folder, or a component.
    #[arg(default_value = ".", value_name = "FOLDER|FILE.wasm")]
    what: PathBuf,
    /// The key to sign with: its name, or its file. Your only one unless set, or the one called
    /// `default`.
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "unsigned")]
    key: Option<String>,
    /// Do not sign it.
    #[arg(long)]
    unsigned: bool,
    /// Put it into the project's `.zenith/registry` rather than into your own folder.
    #[arg(long)]
    project: bool,
    /// Its name and version, `namespace:name@version`, where it does not say them itself.
    #[arg(long, value_name = "NAME@VERSION")]
    r#as: Option<String>,
}

pub(super) fn run(context: &Context, options: &PublishOptions) -> Result<(), Error> {
    let root = folder_of(context, options.project)?;
    let what = &options.what;
    let given = options.r#as.as_deref().map(named).transpose()?;
    let bytes = if what.is_dir() { component_of(what)? } else { read(what)? };
    let refused =
        |error: &dyn std::fmt::Display| format!("`{}` cannot be published: {error}", what.display());
    let info = package::read(&bytes).map_err(|error| failed(refused(&error), error.hint()))?;
    let (name, version) =
        info.naming(given.clone()).map_err(|error| failed(refused(&error), error.hint()))?;
    let signature = if options.unsigned {
        None
    } else {
        let key = keys::to_sign_with(options.key.as_deref())?;
        let statement = Statement { name, version, digest: info.digest };
        let signature = Signature::make(&statement, &bytes, &key)
            .map_err(|error| failed(format!("`{}` cannot be signed: {error}", what.display()), None))?;
        Some(signature)
    };
    let added = root
        .publish(&bytes, given, signature.as_ref())
        .map_err(|error| failed(refused(&error), error.hint()))?;
    let package = format!("{}@{}", added.name, added.version);
    let did = if added.new { "published" } else { "was published already, with the same bytes:" };
    let mut text = format!("{did} `{package}` {}\n  {}", added.digest, added.path.display());
    match (added.signed_by, &signature) {
        (None, _) => text.push_str("\n  not signed: those who use it are warned, or refuse it"),
        (Some(key), Some(signature)) if key == signature.key() => {
            let public = signature.named_key().map_or_else(String::new, ToString::to_string);
            text = format!(
                "{text}\n  signed with the key {key}; others trust it with:\n  zenith trust add {public} \
                 --namespace {}",
                added.name.namespace()
            );
        }
        (Some(key), _) => text = format!("{text}\n  it is signed with the key {key}, and stays so"),
    }
    say(&text)
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    fs::read(file).map_err(|error| failed(format!("cannot read `{}`: {error}", file.display()), None))
}

/// The component of a plugin's folder: the one that `zenith plugin build` left there, where it is newer
/// than everything else in the folder; else it is built now.
fn component_of(folder: &Path) -> Result<Vec<u8>, Error> {
    let project = Project::open(folder).map_err(|error| failed(error.to_string(), error.hint()))?;
    let built = project.default_output();
    let written = fs::metadata(&built).and_then(|metadata| metadata.modified()).ok();
    if written.is_some_and(|written| newest(folder, &built, written) <= written) {
        let bytes = read(&built)?;
        let carried = package::read(&bytes).ok().and_then(|info| info.manifest);
        if carried.as_ref() == Some(project.manifest()) {
            return Ok(bytes);
        }
    }
    let built = build::build(&project, &BuildOptions::default())
        .map_err(|error| failed(error.to_string(), error.hint()))?;
    Ok(built.bytes)
}

/// When something in a folder was last changed, a file apart; no further than a time that is already
/// later than the given one. Hidden folders and those that tools keep to themselves are left out.
fn newest(folder: &Path, apart: &Path, enough: SystemTime) -> SystemTime {
    const OF_TOOLS: [&str; 3] = ["target", "node_modules", "__pycache__"];
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if newest > enough || path == apart || name.starts_with('.') || OF_TOOLS.contains(&name.as_ref()) {
            continue;
        }
        let Ok(metadata) = entry.metadata() else { continue };
        let changed = if metadata.is_dir() {
            self::newest(&path, apart, enough)
        } else {
            metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
        };
        newest = newest.max(changed);
    }
    newest
}
