//! `zenith registry`.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::json;
use zenith_core::{Identity, PackageName};
use zenith_registry::{Reference, Requirement, Resolved, Root, RootKind, SignatureFile, Verdict, package};

use super::{arguments::RegistryCommand, remotes, say, upkeep};
use crate::{
    context::Context,
    error::{Error, ErrorKind},
};

pub(super) fn run(context: &Context, command: RegistryCommand) -> Result<(), Error> {
    match command {
        RegistryCommand::Add { file, project, r#as } => add(context, &file, project, r#as.as_deref()),
        RegistryCommand::List { json } => list(context, json),
        RegistryCommand::Show { reference, json } => show(context, &reference, json),
        RegistryCommand::Push(options) => remotes::push(context, &options),
        RegistryCommand::Pull(options) => remotes::pull(context, &options),
        RegistryCommand::Yank(options) => upkeep::yank(context, &options),
        RegistryCommand::Verify(options) => upkeep::verify(context, &options),
        RegistryCommand::Gc(options) => upkeep::gc(context, &options),
    }
}

pub(super) fn failed(message: impl Into<String>, hint: Option<String>) -> Error {
    Error::new(ErrorKind::Registry, message, hint)
}

fn add(context: &Context, file: &PathBuf, project: bool, name: Option<&str>) -> Result<(), Error> {
    let bytes =
        fs::read(file).map_err(|error| failed(format!("cannot read `{}`: {error}", file.display()), None))?;
    let given = name.map(named).transpose()?;
    let added = folder_of(context, project)?
        .add(&bytes, given)
        .map_err(|error| failed(format!("cannot add `{}`: {error}", file.display()), error.hint()))?;
    let what = if added.new { "added" } else { "was there already, with the same bytes:" };
    say(&format!("{what} `{}@{}` {}\n  {}", added.name, added.version, added.digest, added.path.display()))
}

/// The project's registry folder, or the user's.
pub(super) fn folder_of(context: &Context, project: bool) -> Result<&Root, Error> {
    let kind = if project { RootKind::Project } else { RootKind::User };
    context.registry().root(kind).ok_or_else(|| {
        failed(
            "there is no user's registry folder, because no home folder is known",
            Some("pass --project".to_owned()),
        )
    })
}

/// `namespace:name@1.2.3`, whole.
pub(super) fn named(text: &str) -> Result<(PackageName, semver::Version), Error> {
    let reference: Reference = text
        .parse()
        .map_err(|error: zenith_registry::ReferenceError| failed(error.to_string(), error.hint()))?;
    match reference.requirement {
        Requirement::Exact(version) => Ok((reference.name, version)),
        _ => Err(failed(
            format!("`{text}` does not say a whole version"),
            Some("write acme:sepia@1.2.0".to_owned()),
        )),
    }
}

fn list(context: &Context, json: bool) -> Result<(), Error> {
    let mut rows = Vec::new();
    for root in context.registry().roots() {
        for entry in root.list().map_err(|error| failed(error.to_string(), error.hint()))? {
            let (bytes, digest) = root
                .get(&entry.name, &entry.version)
                .map_err(|error| failed(error.to_string(), error.hint()))?;
            // A damaged package is listed as such: the list is where one looks for it.
            let (kind, description) = match package::read(&bytes) {
                Ok(info) => (
                    info.kind.to_string(),
                    info.manifest.map(|manifest| manifest.description).unwrap_or_default(),
                ),
                Err(error) => ("damaged".to_owned(), error.to_string()),
            };
            let yanked = root
                .yanked(&entry.name, &entry.version)
                .map_err(|error| failed(error.to_string(), error.hint()))?;
            let description = match yanked {
                Some(yanked) => format!("({yanked}) {description}"),
                None => description,
            };
            let package = format!("{}@{}", entry.name, entry.version);
            rows.push((package, kind, root.kind().to_string(), digest, description));
        }
    }
    if json {
        for (package, kind, root, digest, description) in rows {
            let row = json!({
                "package": package, "kind": kind, "root": root, "digest": digest, "description": description,
            });
            say(&row.to_string())?;
        }
        return Ok(());
    }
    if rows.is_empty() {
        return say("no packages; add one with: zenith registry add FILE.wasm");
    }
    let width = |cell: fn(&(String, String, String, zenith_core::Digest, String)) -> &String| {
        rows.iter().map(|row| cell(row).len()).max().unwrap_or(0)
    };
    let (package, kind, root) = (width(|row| &row.0), width(|row| &row.1), width(|row| &row.2));
    let mut text = String::new();
    for row in &rows {
        let short: String = row.3.hex().chars().take(12).collect();
        let _ = writeln!(text, "{:<package$}  {:<kind$}  {:<root$}  {short}  {}", row.0, row.1, row.2, row.4);
    }
    say(text.trim_end())
}

fn show(context: &Context, text: &str, json: bool) -> Result<(), Error> {
    let reference: Reference = text
        .parse()
        .map_err(|error: zenith_registry::ReferenceError| failed(error.to_string(), error.hint()))?;
    let resolved = context
        .registry()
        .resolve(&reference, context.lock())
        .map_err(|error| failed(error.to_string(), error.hint()))?;
    let signed = signed(context, &resolved.identity, resolved.signature.as_ref());
    let Resolved { identity, path, root, bytes, yanked, .. } = resolved;
    let info = package::read(&bytes)
        .map_err(|error| failed(format!("`{identity}` is damaged: {error}"), error.hint()))?;
    let manifest = info.manifest.as_ref();
    if json {
        return say(&json!({
            "package": identity.to_string(),
            "kind": info.kind,
            "digest": identity.digest,
            "size": info.size,
            "api": info.api.to_string(),
            "imports": info.imports,
            "root": root.to_string(),
            "path": path,
            "description": manifest.map(|manifest| &manifest.description),
            "license": manifest.map(|manifest| &manifest.license),
            "authors": manifest.map(|manifest| &manifest.authors),
            "signed": signed,
            "yanked": yanked.map(|yanked| yanked.reason.unwrap_or_default()),
        })
        .to_string());
    }
    let mut lines = vec![
        ("package", identity.to_string()),
        ("kind", info.kind.to_string()),
        ("interface", format!("zenith:plugin@{}", info.api)),
        ("imports", if info.imports.is_empty() { "nothing".to_owned() } else { info.imports.join(", ") }),
        ("size", format!("{} bytes", info.size)),
        ("digest", identity.digest.to_string()),
        ("from", format!("{root}: {}", path.display())),
        ("signed", signed),
    ];
    lines.extend(yanked.map(|yanked| ("yanked", yanked.reason.unwrap_or_else(|| "yes".to_owned()))));
    if let Some(manifest) = manifest {
        lines.push(("about", manifest.description.clone()));
        lines.extend(manifest.license.clone().map(|license| ("license", license)));
        lines.push(("authors", manifest.authors.join(", ")));
    }
    let mut shown = String::new();
    for (what, value) in lines {
        let _ = writeln!(shown, "{what:<10}{value}");
    }
    say(shown.trim_end())
}

/// What the trust files make of a package, in words.
pub(super) fn signed(context: &Context, identity: &Identity, signature: Option<&SignatureFile>) -> String {
    if context.is_shipped(identity) {
        return "shipped with Zenith, which knows its digest".to_owned();
    }
    match context.trust().judge(identity, signature) {
        Ok(Verdict::Signed(key)) => format!("by the key {key}, which is trusted for it"),
        Ok(Verdict::Accepted) => "not by a trusted key, which is accepted".to_owned(),
        Ok(Verdict::Warning(doubt)) => format!("no: {doubt}"),
        Err(error) => format!("refused: {error}"),
    }
}
