//! The `zenith` command: arguments in, text and an exit code out. What it does lives in the facade.

mod arguments;
mod keys;
mod pipelines;
mod plugins;
mod registries;
mod remotes;
mod trust;
mod upkeep;

use std::{ffi::OsString, io::Write, path::Path};

use clap::Parser;

use crate::{
    context::{Context, ContextOptions},
    error::{Error, ErrorKind},
    log,
};
use arguments::{Arguments, Command, LogArgument};

/// Exit codes, as documented in `zenith --help`.
mod exit {
    pub(super) const OK: i32 = 0;
    pub(super) const FAILED: i32 = 1;
    pub(super) const USAGE: i32 = 2;
    pub(super) const DIFFERENT: i32 = 3;
}

/// Runs the command. `arguments` begins with the program's name; `built_in` is the registry folder
/// that is shipped with Zenith. Answers the exit code.
pub fn main<I, T>(arguments: I, built_in: Option<&Path>) -> i32
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { exit::OK };
            // A closed pipe is no reason to fail twice.
            let _ = error.print();
            return code;
        }
    };
    // Where somebody listens already, as in a Python process with a loader, they go on.
    log::listen(log::StandardError { level: arguments.log.into() });
    match run(arguments, built_in) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            exit::FAILED
        }
    }
}

fn run(arguments: Arguments, built_in: Option<&Path>) -> Result<i32, Error> {
    let context = || {
        Context::new(ContextOptions {
            built_in: arguments.built_in.clone().or_else(|| built_in.map(Path::to_owned)),
            ..ContextOptions::default()
        })
    };
    match arguments.command {
        Command::Run(options) => pipelines::run(&context()?, &options),
        Command::Explain(options) => pipelines::explain(&context()?, &options),
        Command::Lock(options) => pipelines::lock(&context()?, &options),
        Command::Registry { command } => registries::run(&context()?, command),
        // Some of these have an exit code of their own.
        Command::Plugin { command } => return plugins::run(command, context),
        Command::Key { command } => keys::run(&command),
        Command::Trust { command } => trust::run(&command),
    }
    .map(|()| exit::OK)
}

impl From<LogArgument> for log::Level {
    fn from(argument: LogArgument) -> Self {
        match argument {
            LogArgument::Error => Self::Error,
            LogArgument::Warning => Self::Warn,
            LogArgument::Info => Self::Info,
            LogArgument::Debug => Self::Debug,
        }
    }
}

/// Writes to standard output; a reader that went away ends the command quietly, as it does others.
fn say(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout();
    let result =
        out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::System, format!("cannot write to standard output: {error}"), None))
        }
        _ => Ok(()),
    }
}
