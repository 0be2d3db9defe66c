//! `zenith key`: the keys that a user signs plugins with.

use std::{env, fmt::Write as _, path::Path};

use clap::{Args, Subcommand};
use zenith_registry::{KeyError, KeyFile, KeyFolder, Password, SecretKey};

use super::say;
use crate::error::{Error, ErrorKind};

/// The name of a key where none is given.
const DEFAULT: &str = "default";

/// The variable with the password of a protected key, for where nobody can be asked.
const PASSWORD_VARIABLE: &str = "ZENITH_KEY_PASSWORD";

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a new key.
    New(NewOptions),
    /// List your keys.
    List,
    /// Show one of your keys: its public half, for others to trust.
    Show {
        /// Its name.
        #[arg(default_value = DEFAULT)]
        name: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct NewOptions {
    /// What you call it.
    #[arg(default_value = DEFAULT)]
    name: String,
    /// Protect it with a password, which is asked for at each use, or taken from the variable
    /// `ZENITH_KEY_PASSWORD`. Without it, only the file's mode keeps others from signing as you.
    #[arg(long)]
    password: bool,
}

pub(super) fn run(command: &KeyCommand) -> Result<(), Error> {
    let folder = folder()?;
    match command {
        KeyCommand::New(options) => new(&folder, options),
        KeyCommand::List => list(&folder),
        KeyCommand::Show { name } => {
            let KeyFile { name, public, protected, path } = folder.get(name).map_err(failed)?;
            say(&format!(
                "name      {name}\nnumber    {}\npublic    {public}\nsecret    {}\nfile      {}",
                public.id(),
                protection(protected),
                path.display()
            ))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives it away")]
fn failed(error: KeyError) -> Error {
    let hint = error.hint();
    Error::new(ErrorKind::Registry, error.to_string(), hint)
}

pub(super) fn folder() -> Result<KeyFolder, Error> {
    KeyFolder::of_user().ok_or_else(|| {
        let hint = "set XDG_CONFIG_HOME to a folder".to_owned();
        Error::new(ErrorKind::Registry, "no folder for keys is known, because no home folder is", Some(hint))
    })
}

/// The password as the environment gives it, or to be asked for.
fn password() -> Password {
    env::var(PASSWORD_VARIABLE).map_or(Password::Ask, Password::Given)
}

fn new(folder: &KeyFolder, options: &NewOptions) -> Result<(), Error> {
    let password = if options.password { password() } else { Password::None };
    let key = folder.make(&options.name, &password).map_err(failed)?;
    let secret = key.path.with_extension("key");
    let guard = if options.password {
        "your password protects it, and is asked for whenever you sign"
    } else {
        "no password protects it: whoever reads that file can sign as you (see --password)"
    };
    say(&format!(
        "made the key `{}`, number {}\n  secret: {}\n    {guard}\n  public: {}\n    {}",
        key.name,
        key.public.id(),
        secret.display(),
        key.path.display(),
        key.public,
    ))
}

fn protection(protected: Option<bool>) -> &'static str {
    match protected {
        Some(true) => "protected by a password",
        Some(false) => "not protected by a password",
        None => "not here",
    }
}

fn list(folder: &KeyFolder) -> Result<(), Error> {
    let keys = folder.list().map_err(failed)?;
    if keys.is_empty() {
        return say("no keys; make one with: zenith key new");
    }
    let width = keys.iter().map(|key| key.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for key in keys {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<width$}  {}  {}  {}",
            key.name,
            key.public.id(),
            key.public,
            protection(key.protected)
        );
    }
    say(text.trim_end())
}

/// The key to sign with: the one that was named, by name or file; else the only one there is, or the
/// one called `default`.
pub(super) fn to_sign_with(named: Option<&str>) -> Result<SecretKey, Error> {
    let password = password();
    if let Some(file) = named.map(Path::new).filter(|file| file.is_file()) {
        return SecretKey::read(file, &password).map_err(failed);
    }
    let folder = folder()?;
    let name = match named {
        Some(name) => name.to_owned(),
        None => only_one(&folder)?,
    };
    folder.secret(&name, &password).map_err(failed)
}

fn only_one(folder: &KeyFolder) -> Result<String, Error> {
    let keys = folder.list().map_err(failed)?;
    let names: Vec<_> =
        keys.iter().filter(|key| key.protected.is_some()).map(|key| key.name.as_str()).collect();
    match names.as_slice() {
        [] => Err(Error::new(
            ErrorKind::Registry,
            "there is no key to sign with",
            Some("make one with `zenith key new`, or pass --unsigned".to_owned()),
        )),
        [only] => Ok((*only).to_owned()),
        several if several.contains(&DEFAULT) => Ok(DEFAULT.to_owned()),
        several => Err(Error::new(
            ErrorKind::Registry,
            format!("there are several keys to sign with: {}", several.join(", ")),
            Some("choose one with --key NAME".to_owned()),
        )),
    }
}
