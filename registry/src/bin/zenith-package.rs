//! `zenith-package`: builds plugins into a registry folder. It is what `make setup` runs before the host
//! is there, so it knows no engine; everything that runs plugins is in the `zenith` command.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use zenith_registry::{
    Added, Root, RootKind,
    build::{self, BuildOptions, BuiltPackage},
};

/// Builds Rust plugin crates into a registry folder.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the plugin crate in a folder.
    Build(Build),
    /// Builds every plugin crate of a workspace, with one run of cargo.
    BuildWorkspace(Build),
}

#[derive(clap::Args)]
struct Build {
    /// The folder of the crate or the workspace.
    folder: PathBuf,
    /// The registry folder to add the packages to.
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
    /// Treat the registry folder as this build's output: write `zenith.lock` in it, and replace what
    /// an earlier build left there.
    #[arg(long)]
    lock: bool,
    /// Where cargo keeps what it builds.
    #[arg(long, value_name = "FOLDER")]
    target_dir: Option<PathBuf>,
    /// Build from what is on this machine alone.
    #[arg(long)]
    offline: bool,
    /// Print nothing but errors.
    #[arg(long, short)]
    quiet: bool,
}

/// An error and what to do about it.
struct Failure {
    text: String,
    hint: Option<String>,
}

macro_rules! failure_from {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self { hint: error.hint(), text: error.to_string() }
            }
        }
    )*};
}
failure_from!(zenith_registry::AddError, build::BuildError, build::PublishError);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { text: format!("cannot write to standard output: {error}"), hint: None }
    }
}

fn main() -> ExitCode {
    let Err(Failure { text, hint }) = run(Arguments::parse().command) else { return ExitCode::SUCCESS };
    let mut console = io::stderr().lock();
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(console, "error: {text}");
    if let Some(hint) = hint {
        let _ = writeln!(console, "hint: {hint}");
    }
    ExitCode::FAILURE
}

fn run(command: Command) -> Result<(), Failure> {
    let (arguments, packages) = match command {
        Command::Build(arguments) => {
            let package = build::build_crate(&arguments.folder, &options(&arguments))?;
            (arguments, vec![package])
        }
        Command::BuildWorkspace(arguments) => {
            let packages = build::build_workspace(&arguments.folder, &options(&arguments))?;
            (arguments, packages)
        }
    };
    let added = store(&arguments, &packages)?;
    if !arguments.quiet {
        let mut console = io::stdout().lock();
        for (package, added) in packages.iter().zip(added) {
            let size = package.bytes.len();
            writeln!(console, "{}@{}  {size} bytes  {}", added.name, added.version, added.digest)?;
        }
    }
    Ok(())
}

fn options(arguments: &Build) -> BuildOptions {
    BuildOptions {
        target_dir: arguments.target_dir.clone(),
        offline: arguments.offline,
        quiet: arguments.quiet,
    }
}

fn store(arguments: &Build, packages: &[BuiltPackage]) -> Result<Vec<Added>, Failure> {
    let root = Root::new(RootKind::Other, &arguments.into);
    if arguments.lock {
        return Ok(build::publish(packages, &root)?.added);
    }
    packages.iter().map(|package| Ok(root.add(&package.bytes, None)?)).collect()
}
