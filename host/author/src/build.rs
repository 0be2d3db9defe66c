//! From a plugin's folder to a package, whatever language it is written in.
//!
//! Each language has a module that runs its compiler and answers a core module or a component. What all
//! of them share is here: the component is encoded, checked, given its manifest, and written whole.

mod bindings;
mod c;
mod embed;
mod error;
mod go;
mod javascript;
mod python;
mod rust;
mod zig;

use std::path::{Path, PathBuf};

use zenith_core::Digest;
use zenith_registry::{
    FileError,
    package::{Manifest, Packed},
};

pub use error::BuildError;

use crate::{component, disk, language::Language, project::Project};

/// How to build.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Where compilers keep what they can use again; `target` in the plugin's folder unless set.
    pub target_dir: Option<PathBuf>,
    /// Whether to build from what is on this machine alone.
    pub offline: bool,
    /// Whether to keep the compiler's output for the error, instead of passing it on as it comes.
    pub quiet: bool,
}

impl BuildOptions {
    /// Where compilers keep what they can use again.
    fn target_dir(&self, project: &Project) -> PathBuf {
        self.target_dir.clone().unwrap_or_else(|| project.folder().join("target"))
    }
}

/// A package fresh from the compiler.
#[derive(Clone, Debug)]
pub struct Built {
    /// What its author says about it.
    pub manifest: Manifest,
    /// The language that it is written in.
    pub language: Language,
    /// The component, with the manifest in it.
    pub bytes: Vec<u8>,
    /// The digest of the bytes.
    pub digest: Digest,
    /// What it imports, by name.
    pub imports: Vec<String>,
}

impl Built {
    /// Writes the package, in one step: nobody sees half of it.
    pub fn write(&self, file: &Path) -> Result<(), FileError> {
        disk::replace(file, &self.bytes)
    }
}

/// Builds a plugin.
pub fn build(project: &Project, options: &BuildOptions) -> Result<Built, BuildError> {
    let wasm = match project.language() {
        Language::Rust => rust::build(project, options),
        Language::Python => python::build(project, options),
        Language::JavaScript => javascript::build(project, options),
        Language::C | Language::Cpp => c::build(project, options),
        Language::Go => go::build(project, options),
        Language::Zig => zig::build(project, options),
    }?;
    let manifest = project.manifest();
    let Packed { bytes, info } = component::pack(&wasm, manifest)
        .map_err(|cause| BuildError::Pack { name: manifest.name.clone(), cause })?;
    Ok(Built {
        manifest: manifest.clone(),
        language: project.language(),
        digest: info.digest,
        imports: info.imports,
        bytes,
    })
}
