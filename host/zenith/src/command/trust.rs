//! `zenith trust`: whose signatures plugins must have.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use zenith_registry::{KeyFolder, Policy, PolicyError, PublicKey};

use super::{keys, say};
use crate::{
    context::{TRUST_FILE, user_trust_file},
    error::{Error, ErrorKind},
};

#[derive(Debug, Subcommand)]
pub(super) enum TrustCommand {
    /// Require, from now on, that a namespace's plugins are signed by this key or another added so.
    Add(AddOptions),
    /// List whose signatures are required.
    List,
    /// Take a key out again.
    Remove(RemoveOptions),
}

#[derive(Debug, Args)]
pub(super) struct AddOptions {
    /// A public key, the file that it is in, or the name of one of your own.
    key: String,
    /// The namespace whose plugins it may sign, `acme` of `acme:sepia`.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: String,
    /// Write it into the project's `zenith-trust.toml` rather than into your own file.
    #[arg(long)]
    project: bool,
    /// Whose key it is, for readers of the file.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RemoveOptions {
    /// The key: whole, its number, the file that it is in, or the name of one of your own.
    key: String,
    /// Only for this namespace.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// From the project's `zenith-trust.toml` rather than from your own file.
    #[arg(long)]
    project: bool,
}

pub(super) fn run(command: &TrustCommand) -> Result<(), Error> {
    match command {
        TrustCommand::Add(options) => add(options),
        TrustCommand::List => list(),
        TrustCommand::Remove(options) => remove(options),
    }
}

fn failed(message: impl Into<String>, hint: Option<String>) -> Error {
    Error::new(ErrorKind::Registry, message, hint)
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives it away")]
fn refused(error: PolicyError) -> Error {
    let hint = error.hint();
    failed(error.to_string(), hint)
}

fn file(project: bool) -> Result<PathBuf, Error> {
    if project {
        return Ok(PathBuf::from(TRUST_FILE));
    }
    user_trust_file().ok_or_else(|| {
        failed(
            "no folder for your trust file is known, because no home folder is",
            Some("pass --project".to_owned()),
        )
    })
}

/// A key as it may be given: whole, by its file, or by the name of one's own.
fn key(text: &str) -> Result<PublicKey, Error> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let path = Path::new(text);
    let key_error = |error: zenith_registry::KeyError| {
        let hint = error.hint();
        failed(error.to_string(), hint)
    };
    if path.exists() {
        return PublicKey::read(path).map_err(key_error);
    }
    if let Some(own) = KeyFolder::of_user().and_then(|folder| folder.get(text).ok()) {
        return Ok(own.public);
    }
    Err(failed(
        format!("`{text}` is neither a public key, nor a file, nor the name of one of your keys"),
        Some("a public key is 56 characters that begin with `RW`; `zenith key show` prints yours".to_owned()),
    ))
}

fn add(options: &AddOptions) -> Result<(), Error> {
    let (file, key) = (file(options.project)?, key(&options.key)?);
    let AddOptions { namespace, comment, .. } = options;
    let new = Policy::add(&file, namespace, &key, comment.as_deref()).map_err(refused)?;
    let what = if new { "plugins of" } else { "it stood there already: plugins of" };
    say(&format!(
        "{what} `{namespace}` must be signed by the key {}, or another that is listed for it\n  {}",
        key.id(),
        file.display()
    ))
}

fn remove(options: &RemoveOptions) -> Result<(), Error> {
    let file = file(options.project)?;
    let policy = Policy::read(&file).map_err(refused)?.unwrap_or_default();
    let by_number = policy
        .keys()
        .iter()
        .find(|trusted| trusted.key.id().to_string().eq_ignore_ascii_case(&options.key))
        .map(|trusted| trusted.key.clone());
    let key = by_number.map_or_else(|| key(&options.key), Ok)?;
    let gone = Policy::remove(&file, options.namespace.as_deref(), &key).map_err(refused)?;
    if gone.is_empty() {
        return Err(failed(
            format!("`{}` does not list the key {}", file.display(), key.id()),
            Some("`zenith trust list` shows what it lists".to_owned()),
        ));
    }
    let mut text = format!("took the key {} out for {}\n  {}", key.id(), quoted(&gone), file.display());
    let left = Policy::read(&file).map_err(refused)?.unwrap_or_default();
    for namespace in gone.iter().filter(|namespace| left.keys_for(namespace).next().is_none()) {
        // Writing to a string does not fail.
        let _ = write!(text, "\n  no key is listed for `{namespace}` any more: nothing must be signed there");
    }
    say(&text)
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn list() -> Result<(), Error> {
    let own = keys::folder()
        .and_then(|folder| folder.list().map_err(|error| failed(error.to_string(), error.hint())));
    let own = own.unwrap_or_default();
    let mut text = String::new();
    for (whose, path) in [("you", user_trust_file()), ("the project", Some(PathBuf::from(TRUST_FILE)))] {
        let Some(path) = path else { continue };
        let Some(policy) = Policy::read(&path).map_err(refused)? else {
            if whose == "you" {
                text.push_str("you have no trust file: what nobody vouches for is used, with a warning\n");
            }
            continue;
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{whose}: {}", path.display());
        let _ = writeln!(text, "  what nobody vouches for, where no key is listed: {}", policy.unsigned());
        for trusted in policy.keys() {
            let mine = own.iter().find(|own| own.public == trusted.key);
            let mine = mine.map_or_else(String::new, |own| format!("  your key `{}`", own.name));
            let comment = trusted.comment.as_ref().map_or_else(String::new, |comment| format!("  {comment}"));
            let _ = writeln!(
                text,
                "  {:<12}  {}  {}{comment}{mine}",
                trusted.namespace,
                trusted.key.id(),
                trusted.key
            );
        }
    }
    say(text.trim_end())
}
