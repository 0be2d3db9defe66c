//! The file `<version>.wasm.minisig` beside a package, which holds its signature and travels with it.
//! Whether a signature is good, and whether one is needed, is decided elsewhere.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use zenith_registry::FileError;

/// Longer texts are no signatures.
pub const LONGEST: usize = 8192;

/// The signature's file, by the package's.
pub fn beside(package: &Path) -> PathBuf {
    let mut name = OsString::from(package);
    name.push(".minisig");
    name.into()
}

/// The signature beside a package, where there is one.
pub fn read(package: &Path) -> Result<Option<String>, FileError> {
    let path = beside(package);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(FileError { action: "read", path, cause }),
    }
}

/// Puts a signature beside a package. One that is there already stays. It appears whole or not at all.
/// Answers whether it is the given one that is there now.
pub fn store(package: &Path, text: &str) -> Result<bool, FileError> {
    let path = beside(package);
    let failed = |cause| FileError { action: "write", path: path.clone(), cause };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".draft-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut draft = builder.tempfile_in(folder).map_err(failed)?;
    draft.write_all(text.as_bytes()).map_err(failed)?;
    draft.as_file().sync_all().map_err(failed)?;
    match draft.persist_noclobber(&path) {
        Ok(_) => Ok(true),
        Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(read(package)?.is_some_and(|there| there == text))
        }
        Err(failure) => Err(failed(failure.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_lies_beside_its_package_and_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("acme/sepia/1.2.0.wasm");
        assert_eq!(beside(&package), folder.path().join("acme/sepia/1.2.0.wasm.minisig"));
        assert_eq!(read(&package).unwrap(), None);
        assert!(store(&package, "one").unwrap());
        assert!(store(&package, "one").unwrap());
        assert!(!store(&package, "two").unwrap());
        assert_eq!(read(&package).unwrap().unwrap(), "one");
        assert_eq!(fs::read_dir(package.parent().unwrap()).unwrap().count(), 1);
    }
}
