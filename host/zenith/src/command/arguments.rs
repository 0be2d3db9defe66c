//! What the command line may say.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use zenith_core::{AmountError, Grant, PackageName, parse_bytes};

use super::plugins::{
    BenchArguments, BuildArguments, InspectArguments, NewArguments, PublishOptions, ShadowOptions,
    TestArguments,
};

use super::{
    keys::KeyCommand,
    remotes::{PullOptions, PushOptions},
    trust::TrustCommand,
    upkeep,
};

/// Data loading for ML training, through sandboxed plugins.
#[derive(Debug, Parser)]
#[command(
    name = "zenith",
    version,
    after_help = "Exit codes: 0 done, 1 failed (the error says why), 2 the command line is wrong, 3 the versions \
                  differ (`plugin shadow --fail-on-difference`)."
)]
pub(super) struct Arguments {
    /// The registry folder with the shipped plugins, in place of the installed one.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) built_in: Option<PathBuf>,
    /// Show what plugins and Zenith log, down to this level.
    #[arg(long, global = true, value_enum, default_value = "warning", value_name = "LEVEL")]
    pub(super) log: LogArgument,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a pipeline and report its throughput.
    Run(RunOptions),
    /// Print what a pipeline will do: operators, types, engines, optimisations.
    Explain(ExplainOptions),
    /// Pin the plugins of a pipeline in `zenith.lock`.
    Lock(LockOptions),
    /// Look into and add to the plugin registry.
    Registry {
        #[command(subcommand)]
        command: RegistryCommand,
    },
    /// Make plugins, build, check, measure, publish and compare them, look into them.
    Plugin {
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Make and show the keys that you sign plugins with.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Say whose signatures plugins must have.
    Trust {
        #[command(subcommand)]
        command: TrustCommand,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LogArgument {
    /// What failed.
    Error,
    /// And what is off.
    Warning,
    /// And what is worth telling a user.
    Info,
    /// And what is worth telling a plugin's author.
    Debug,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Engine {
    /// Shipped plugins natively, others as WebAssembly.
    Auto,
    /// All plugins as WebAssembly.
    Wasm,
    /// All plugins natively; those without a native twin are refused.
    Native,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FidelityArgument {
    /// The pixels of a full decode.
    Exact,
    /// Decode at a reduced scale where the image is scaled down further.
    Fast,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OnErrorArgument {
    /// Stop at the first bad sample.
    Raise,
    /// Leave bad samples out and list them at the end.
    Skip,
}

#[derive(Debug, Args)]
pub(super) struct LoadArguments {
    /// The pipeline, a TOML file.
    pub(super) pipeline: PathBuf,
    /// As what plugins run.
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) engine: Engine,
    /// Which pixels decoders must give.
    #[arg(long, value_enum, default_value = "exact")]
    pub(super) fidelity: FidelityArgument,
    /// Worker threads; the machine's cores unless set, 0 for none.
    #[arg(long, value_name = "N")]
    pub(super) workers: Option<usize>,
    /// The most memory for batches, samples and plugins, as in 2GB or 512MiB.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(super) memory_limit: Option<u64>,
    /// What happens to a sample that fails.
    #[arg(long, value_enum, default_value = "raise")]
    pub(super) on_error: OnErrorArgument,
    /// The run's seed.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Allow a plugin `clock`, `entropy` or `files:FOLDER`, where it asks for it. May be given more than
    /// once, and replaces what `zenith.toml` allows that plugin.
    #[arg(long = "grant", value_name = "PLUGIN=GRANT", value_parser = grant)]
    pub(super) grants: Vec<(PackageName, Grant)>,
    /// Refuse a plugin that `zenith.lock` does not pin; `ZENITH_LOCKED=1` does the same.
    #[arg(long)]
    pub(super) locked: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    pub(super) load: LoadArguments,
    /// Stop after this many batches; one epoch unless set, several where it is more than one.
    #[arg(long, value_name = "N")]
    pub(super) batches: Option<u64>,
    /// Print what each operator cost.
    #[arg(long)]
    pub(super) analyze: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainOptions {
    #[command(flatten)]
    pub(super) load: LoadArguments,
}

#[derive(Debug, Args)]
pub(super) struct LockOptions {
    /// The pipeline, a TOML file.
    pub(super) pipeline: PathBuf,
    /// The lockfile to write.
    #[arg(long, default_value = "zenith.lock", value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Write nothing, and fail if the lockfile would change; `ZENITH_LOCKED=1` does the same.
    #[arg(long)]
    pub(super) locked: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum RegistryCommand {
    /// Add a component to a registry folder.
    Add {
        /// The component, a `.wasm` file.
        file: PathBuf,
        /// Add it to the project's `.zenith/registry` rather than to the user's folder.
        #[arg(long)]
        project: bool,
        /// Its name and version, `namespace:name@version`, where it does not say them itself.
        #[arg(long, value_name = "NAME@VERSION")]
        r#as: Option<String>,
    },
    /// List the packages of all registry folders.
    List {
        /// As JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Show what a reference such as `zenith:jpeg@^0.1` means.
    Show {
        /// The reference.
        reference: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Push a package to an OCI registry, as `wkg` would.
    Push(PushOptions),
    /// Pull a package from an OCI registry into a registry folder.
    Pull(PullOptions),
    /// Mark a version so that nobody takes it up any more; what pins it goes on.
    Yank(upkeep::YankOptions),
    /// Check all folders: names, bytes, manifests, signatures, pins.
    Verify(upkeep::VerifyOptions),
    /// Take away the versions that no lockfile names.
    Gc(upkeep::GcOptions),
}

#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// Make a new plugin from a template.
    New(NewArguments),
    /// Build a plugin, in whatever language it is written in.
    Build(BuildArguments),
    /// Check a plugin: the promises of its kind, its golden samples, hostile inputs.
    Test(TestArguments),
    /// Measure a plugin: time, memory, starting, loading, and what the boundary costs.
    Bench(BenchArguments),
    /// Show what a plugin is, without running it.
    Inspect(InspectArguments),
    /// Run two versions of a plugin on the same samples, and compare what they make and cost.
    Shadow(ShadowOptions),
    /// Sign a plugin and put it into a registry folder.
    Publish(PublishOptions),
}

/// A number of bytes, as in `2GB` or `512MiB`.
fn bytes(text: &str) -> Result<u64, AmountError> {
    parse_bytes(text)
}

/// A plugin and what it is allowed, as in `acme:lut=files:luts`.
pub(super) fn grant(text: &str) -> Result<(PackageName, Grant), String> {
    let (name, grant) = text
        .split_once('=')
        .ok_or_else(|| "write a plugin, `=`, and what it is allowed, as in acme:lut=files:luts".to_owned())?;
    let name = name.parse().map_err(|error: zenith_core::IdentityError| error.to_string())?;
    let grant = grant.parse().map_err(|error: zenith_core::GrantError| error.to_string())?;
    Ok((name, grant))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_grant_is_a_plugin_and_what_it_is_allowed() {
        let (name, allowed) = grant("acme:lut=files:/data/a=b").unwrap();
        assert_eq!((name.as_str(), allowed.to_string().as_str()), ("acme:lut", "files:/data/a=b"));
        assert!(grant("acme:lut").unwrap_err().contains("as in acme:lut=files:luts"));
        assert!(grant("lut=clock").unwrap_err().contains("is not a package name"));
        assert!(grant("acme:lut=gpu").unwrap_err().contains("`gpu` is no permission"));
        assert!(grant("acme:lut=network").unwrap_err().contains("cannot be allowed"));
    }
}
