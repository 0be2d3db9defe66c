//! What the benches share: real photographs, and the shipped plugins as components.
//!
//! Both are made by `make compare` (or `make setup` and `make demo`). Rivals do not live here: they are
//! in `benches/compare`.

#![forbid(unsafe_code)]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use zenith::registry::{Registry, Root, RootKind};
use zenith_core::Plugin;
use zenith_plugin::{Host, HostOptions};

/// What a bench may fail with.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The registry folder with the shipped plugins.
pub fn registry() -> Result<PathBuf> {
    existing(&checkout().join("sdk-python/python/zenith/registry"), "make setup")
}

/// The folder of class folders.
pub fn photographs() -> Result<PathBuf> {
    existing(&checkout().join(".cache/photos/train"), "make demo")
}

fn existing(path: &Path, made_by: &str) -> Result<PathBuf> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(_) => Err(format!("`{}` is missing; it is made by `{made_by}`", path.display()).into()),
    }
}

/// The first photograph of each class, encoded.
pub fn one_of_each() -> Result<Vec<Vec<u8>>> {
    let mut classes: Vec<_> = fs::read_dir(photographs()?)?.collect::<std::io::Result<_>>()?;
    classes.sort_by_key(fs::DirEntry::file_name);
    let mut encoded = Vec::new();
    for class in classes.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()) {
        let mut files: Vec<_> = fs::read_dir(class)?.collect::<std::io::Result<_>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        let first = files.first().ok_or("a class without a photograph")?;
        encoded.push(fs::read(first.path())?);
    }
    Ok(encoded)
}

/// A shipped plugin, as its component.
pub fn shipped(name: &str) -> Result<Arc<dyn Plugin>> {
    let registry = Registry::new(vec![Root::new(RootKind::BuiltIn, registry()?)]);
    let resolved = registry.resolve(&name.parse()?, None)?;
    Ok(Host::new(HostOptions::default())?.load(resolved.identity, &resolved.bytes)?)
}
