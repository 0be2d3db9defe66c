//! Running cargo: which crates a workspace has, and the modules that it makes of them.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use super::{BuildOptions, error::BuildError};
use crate::files::{self, FileError};

/// What plugins are compiled for: it imports nothing of a system.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// Cargo in one workspace.
pub(super) struct Cargo<'a> {
    folder: &'a Path,
    options: &'a BuildOptions,
    metadata: Metadata,
}

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Crate>,
    workspace_members: Vec<String>,
    workspace_root: PathBuf,
}

/// One crate.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Crate {
    id: String,
    name: String,
    version: String,
    /// Where it was fetched from; nothing for one on this machine.
    source: Option<String>,
    pub(super) manifest_path: PathBuf,
}

impl Crate {
    pub(super) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

/// A WebAssembly module that cargo made.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) manifest_path: PathBuf,
    file: PathBuf,
}

impl Module {
    pub(super) fn read(&self) -> Result<Vec<u8>, FileError> {
        files::read(&self.file)
    }
}

/// One line of `--message-format=json`, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        manifest_path: PathBuf,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

impl<'a> Cargo<'a> {
    /// Asks cargo about the workspace that a folder is in.
    pub(super) fn new(folder: &'a Path, options: &'a BuildOptions) -> Result<Self, BuildError> {
        let mut command = command(folder, "metadata", options);
        command.args(["--format-version=1", "--filter-platform", TARGET]);
        let output = command.output().map_err(not_run(&command))?;
        let unreadable = |output: String| BuildError::Metadata {
            folder: folder.to_owned(),
            output: output.trim().to_owned(),
        };
        if !output.status.success() {
            return Err(unreadable(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let metadata =
            serde_json::from_slice(&output.stdout).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self { folder, options, metadata })
    }

    /// The workspace's own crates.
    pub(super) fn members(&self) -> impl Iterator<Item = Crate> {
        let members = &self.metadata.workspace_members;
        self.metadata.packages.iter().filter(|package| members.contains(&package.id)).cloned()
    }

    /// The member with this `Cargo.toml`.
    pub(super) fn member(&self, manifest: &Path) -> Option<Crate> {
        let manifest = manifest.canonicalize().ok()?;
        self.members().find(|member| member.manifest_path.canonicalize().is_ok_and(|path| path == manifest))
    }

    /// Compiles crates, with one run of cargo, and says which modules they made.
    pub(super) fn build(&self, crates: &[&Crate]) -> Result<Vec<Module>, BuildError> {
        let mut command = command(self.folder, "build", self.options);
        command.args(["--release", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"]);
        for package in crates {
            command.arg("--package").arg(&package.id);
        }
        if let Some(target_dir) = &self.options.target_dir {
            command.arg("--target-dir").arg(target_dir);
        }
        command.arg("--config").arg(self.path_remapping());
        if !self.options.quiet {
            command.stderr(Stdio::inherit());
        }
        let output = command.output().map_err(not_run(&command))?;
        if !output.status.success() {
            if self.target_is_missing() {
                return Err(BuildError::TargetMissing);
            }
            let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(BuildError::Compile { output });
        }
        let messages = output.stdout.split(|byte| *byte == b'\n');
        Ok(messages.filter_map(|line| serde_json::from_slice(line).ok()).flat_map(modules).collect())
    }

    /// Takes this machine's folders out of the paths that a component carries for its panic messages, so
    /// that a published plugin tells nobody where its author lives. It is added to the flags of the
    /// crate's own `.cargo/config.toml`, not put in their place. Crates inside the workspace need none:
    /// cargo names their files relative to it.
    fn path_remapping(&self) -> OsString {
        let Metadata { packages, workspace_root, .. } = &self.metadata;
        let local = packages
            .iter()
            .filter(|package| package.source.is_none() && !package.folder().starts_with(workspace_root));
        let mut remapped: Vec<_> = local
            .map(|package| (package.folder().to_owned(), format!("{}-{}", package.name, package.version)))
            .collect();
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        remapped.extend(
            home.or_else(|| env::home_dir().map(|home| home.join(".cargo")))
                .map(|home| (home, "cargo".to_owned())),
        );
        let flags: Vec<_> = remapped
            .into_iter()
            .filter_map(|(from, to)| Some(format!("--remap-path-prefix={}=/{to}", from.to_str()?)))
            .map(toml::Value::String)
            .collect();
        format!("target.{TARGET}.rustflags={}", toml::Value::Array(flags)).into()
    }

    /// Asked only after a failure: whether the reason is a toolchain without the target.
    fn target_is_missing(&self) -> bool {
        let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let answer = Command::new(compiler)
            .args(["--print", "target-libdir", "--target", TARGET])
            .current_dir(self.folder)
            .output();
        answer.is_ok_and(|answer| {
            answer.status.success() && !Path::new(String::from_utf8_lossy(&answer.stdout).trim()).exists()
        })
    }
}

/// A cargo subcommand in a folder.
fn command(folder: &Path, subcommand: &str, options: &BuildOptions) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand).current_dir(folder).stdin(Stdio::null());
    // What is set for the machine's own code, such as a coverage run's flags, is not meant for a
    // plugin's, and would put aside the flags that the plugin's configuration sets.
    for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"] {
        command.env_remove(flags);
    }
    if options.offline {
        command.arg("--offline");
    }
    command
}

fn not_run(command: &Command) -> impl FnOnce(std::io::Error) -> BuildError + use<> {
    let program = command.get_program().to_string_lossy().into_owned();
    move |cause| BuildError::Cargo { program, cause }
}

fn modules(message: Message) -> Vec<Module> {
    match message {
        Message::CompilerArtifact { manifest_path, filenames } => filenames
            .into_iter()
            .filter(|file| file.extension().is_some_and(|extension| extension == "wasm"))
            .map(|file| Module { manifest_path: manifest_path.clone(), file })
            .collect(),
        Message::Other => Vec::new(),
    }
}
