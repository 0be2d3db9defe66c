//! From Rust plugin crates to packages, with plain cargo and no tool besides.
//!
//! A plugin crate has a `plugin.toml` beside its `Cargo.toml` and a library of the crate type `cdylib`.
//! Cargo compiles it for `wasm32-unknown-unknown`; the module is then made into a component in this
//! process, checked against its manifest, and given it to carry.

mod cargo;
mod error;
mod publish;

use std::path::{Path, PathBuf};

use zenith_core::Digest;

pub use error::BuildError;
pub use publish::{PublishError, Published, publish};

use self::cargo::{Cargo, Crate};
use crate::package::{self, Manifest, Packed};

/// How to build.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Where cargo keeps what it builds; cargo's own choice unless set.
    pub target_dir: Option<PathBuf>,
    /// Whether to build from what is on this machine alone.
    pub offline: bool,
    /// Whether to keep cargo's output for the error, instead of passing it on as it comes.
    pub quiet: bool,
}

/// A package fresh from the compiler.
#[derive(Clone, Debug)]
pub struct BuiltPackage {
    /// What its author says about it.
    pub manifest: Manifest,
    /// The component, with the manifest in it.
    pub bytes: Vec<u8>,
    /// The digest of the bytes.
    pub digest: Digest,
    /// The folder of its crate.
    pub source: PathBuf,
}

/// Builds the plugin crate in a folder.
pub fn build_crate(folder: &Path, options: &BuildOptions) -> Result<BuiltPackage, BuildError> {
    // Before cargo is asked, so that a folder without a manifest is told at once.
    let manifest = manifest(folder)?;
    let cargo = Cargo::new(folder, options)?;
    let file = folder.join("Cargo.toml");
    let plugin = cargo.member(&file).ok_or_else(|| BuildError::NoPackage(folder.to_owned()))?;
    let modules = cargo.build(&[&plugin])?;
    packaged(&plugin, manifest, &modules)
}

/// Builds every crate of a workspace that has a `plugin.toml`, with one run of cargo. They come back
/// by name.
pub fn build_workspace(folder: &Path, options: &BuildOptions) -> Result<Vec<BuiltPackage>, BuildError> {
    let cargo = Cargo::new(folder, options)?;
    let plugins: Vec<_> =
        cargo.members().filter(|member| member.folder().join("plugin.toml").exists()).collect();
    if plugins.is_empty() {
        return Err(BuildError::NoPlugins(folder.to_owned()));
    }
    let manifests = plugins.iter().map(|plugin| manifest(plugin.folder())).collect::<Result<Vec<_>, _>>()?;
    let modules = cargo.build(&plugins.iter().collect::<Vec<_>>())?;
    let mut packages = plugins
        .iter()
        .zip(manifests)
        .map(|(plugin, manifest)| packaged(plugin, manifest, &modules))
        .collect::<Result<Vec<_>, _>>()?;
    packages.sort_by(|one, other| one.manifest.name.cmp(&other.manifest.name));
    if let Some(twice) = packages.windows(2).find(|pair| pair[0].manifest.name == pair[1].manifest.name) {
        return Err(BuildError::SameName {
            name: twice[0].manifest.name.clone(),
            folders: [twice[0].source.clone(), twice[1].source.clone()],
        });
    }
    Ok(packages)
}

fn manifest(folder: &Path) -> Result<Manifest, BuildError> {
    Manifest::in_folder(folder).map_err(|cause| BuildError::Manifest { folder: folder.to_owned(), cause })
}

/// Makes a package of the module that cargo left for a crate.
fn packaged(
    plugin: &Crate,
    manifest: Manifest,
    modules: &[cargo::Module],
) -> Result<BuiltPackage, BuildError> {
    let source = plugin.folder().to_owned();
    let module = modules
        .iter()
        .find(|module| module.manifest_path == plugin.manifest_path)
        .ok_or_else(|| BuildError::NotCdylib(source.clone()))?;
    let Packed { bytes, info } = package::pack(&module.read()?, &[], &manifest)
        .map_err(|cause| BuildError::Pack { name: manifest.name.clone(), cause })?;
    Ok(BuiltPackage { manifest, bytes, digest: info.digest, source })
}
