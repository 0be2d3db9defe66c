//! `zenith plugin`: one file for each of its commands, with the arguments that it takes.

mod build;
mod new;

pub(super) use build::BuildArguments;
pub(super) use new::NewArguments;

use super::arguments::PluginCommand;
use crate::error::{Error, ErrorKind};

pub(super) fn run(command: PluginCommand) -> Result<(), Error> {
    match command {
        PluginCommand::New(arguments) => new::run(&arguments),
        PluginCommand::Build(arguments) => build::run(&arguments),
    }
}

/// A plugin that could not be made or built.
fn failed(message: &impl ToString, hint: Option<String>) -> Error {
    Error::new(ErrorKind::Registry, message.to_string(), hint)
}
