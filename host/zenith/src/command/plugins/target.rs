//! The plugin that a command of `zenith plugin` is about: a file, a folder with a built one, or a package
//! of the registry.

use std::{
    fs,
    path::{Path, PathBuf},
};

use zenith_core::Identity;
use zenith_registry::{
    Reference, SignatureFile,
    package::{self, Manifest},
};

use crate::{
    context::Context,
    error::{Error, ErrorKind},
};

/// A plugin at hand.
pub(super) struct Target {
    /// By its manifest; `local:plugin@0.0.0` where it carries none.
    pub(super) identity: Identity,
    pub(super) bytes: Vec<u8>,
    /// What lies beside it, not yet checked.
    pub(super) signature: Option<SignatureFile>,
    /// Where it was found, for people.
    pub(super) from: String,
    /// The folder that its author's golden samples would be in.
    pub(super) folder: Option<PathBuf>,
}

/// Finds the plugin that a text means.
pub(super) fn find(context: &Context, text: &str) -> Result<Target, Error> {
    let path = Path::new(text);
    if path.is_dir() {
        let manifest = Manifest::in_folder(path).map_err(|error| failed(error.to_string(), error.hint()))?;
        let file = path.join(format!("{}.wasm", manifest.name.name()));
        if !file.is_file() {
            let hint = format!("build it with: zenith plugin build {text}");
            return Err(failed(format!("there is no built plugin `{}`", file.display()), Some(hint)));
        }
        return at(&file, path);
    }
    if path.is_file() {
        return at(path, path.parent().unwrap_or(Path::new("")));
    }
    if text.parse::<Reference>().is_err() {
        return Err(failed(
            format!("`{text}` is neither a file, nor a folder, nor a package such as acme:sepia@1"),
            None,
        ));
    }
    let resolved = context.resolve(text)?;
    let from = format!("{}: {}", resolved.root, resolved.path.display());
    let (identity, bytes, signature) = (resolved.identity, resolved.bytes, resolved.signature);
    Ok(Target { identity, bytes, signature, from, folder: None })
}

fn at(file: &Path, folder: &Path) -> Result<Target, Error> {
    let bytes =
        fs::read(file).map_err(|error| failed(format!("cannot read `{}`: {error}", file.display()), None))?;
    let info = package::read(&bytes)
        .map_err(|error| failed(format!("`{}` is no plugin: {error}", file.display()), error.hint()))?;
    let (name, version) = match info.manifest {
        Some(manifest) => (manifest.name, manifest.version.to_string()),
        None => {
            ("local:plugin".parse().map_err(|error| failed(format!("{error}"), None))?, "0.0.0".to_owned())
        }
    };
    let identity = Identity { name, version, digest: info.digest };
    let mut path = file.as_os_str().to_owned();
    path.push(".minisig");
    let path = PathBuf::from(path);
    // One that cannot be read is told as one that is not there: what is looked into need not be published.
    let signature = fs::read_to_string(&path).ok().map(|text| SignatureFile { path, text });
    let from = file.display().to_string();
    Ok(Target { identity, bytes, signature, from, folder: Some(folder.to_owned()) })
}

/// What a command of `zenith plugin` could not do.
pub(in crate::command) fn failed(message: impl Into<String>, hint: Option<String>) -> Error {
    Error::new(ErrorKind::Registry, message, hint)
}
