//! `zenith plugin`: one file for each of its commands, with the arguments that it takes.

mod bench;
mod build;
mod inspect;
mod new;
mod publish;
mod shadow;
mod target;
mod test;

pub(super) use bench::BenchArguments;
pub(super) use build::BuildArguments;
pub(super) use inspect::InspectArguments;
pub(super) use new::NewArguments;
pub(super) use publish::PublishOptions;
pub(super) use shadow::ShadowOptions;
pub(super) use test::TestArguments;

use super::{arguments::PluginCommand, exit};
use crate::{
    context::Context,
    error::{Error, ErrorKind},
};

/// Answers the exit code. `context` is only made where a command needs one.
pub(super) fn run(
    command: PluginCommand,
    context: impl FnOnce() -> Result<Context, Error>,
) -> Result<i32, Error> {
    match command {
        PluginCommand::New(arguments) => new::run(&arguments),
        PluginCommand::Build(arguments) => build::run(&arguments),
        PluginCommand::Test(arguments) => test::run(&context()?, &arguments),
        PluginCommand::Bench(arguments) => bench::run(&context()?, &arguments),
        PluginCommand::Inspect(arguments) => inspect::run(&context()?, &arguments),
        PluginCommand::Publish(options) => publish::run(&context()?, &options),
        // It has an exit code of its own.
        PluginCommand::Shadow(options) => return shadow::run(&context()?, &options),
    }
    .map(|()| exit::OK)
}

/// A plugin that could not be made or built.
fn failed(message: &impl ToString, hint: Option<String>) -> Error {
    Error::new(ErrorKind::Registry, message.to_string(), hint)
}
