//! Reading and writing files so that every error names its file, and no reader ever sees half of one.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use thiserror::Error;

/// The system refused something about a file or folder.
#[derive(Debug, Error)]
#[error("cannot {action} `{}`: {cause}", path.display())]
pub struct FileError {
    /// What was tried, such as `read`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the system answered.
    #[source]
    pub cause: io::Error,
}

impl FileError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self.cause.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some(format!("check who may {} `{}`", self.action, self.path.display()))
            }
            io::ErrorKind::StorageFull => Some("free some space on that disk".to_owned()),
            _ => None,
        }
    }

    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self { action, path, cause }
    }
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(FileError::at("read", path))
}

/// Reads a whole file as text, or `None` where there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(FileError::at("read", path)(cause)),
    }
}

/// What became of a file that was to be made.
pub(crate) enum Placed {
    /// It is there now, and was not before.
    New,
    /// One was there already and was left alone.
    Existed,
}

/// Makes a file that must not exist yet. It appears whole or not at all, and of several processes
/// that make the same one exactly one wins.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<Placed, FileError> {
    let (folder, draft) = draft(path, bytes)?;
    match draft.persist_noclobber(path) {
        Ok(_) => sync_folder(folder).map(|()| Placed::New),
        Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => Ok(Placed::Existed),
        Err(failure) => Err(FileError::at("write", path)(failure.error)),
    }
}

/// Makes a file or replaces the one that is there, in one step.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let (folder, draft) = draft(path, bytes)?;
    draft.persist(path).map_err(|failure| FileError::at("write", path)(failure.error))?;
    sync_folder(folder)
}

/// A complete, synced file under a name that no reader looks for, in the folder that `path` is in.
/// A process that dies before it is renamed leaves nothing but that name.
fn draft<'a>(path: &'a Path, bytes: &[u8]) -> Result<(&'a Path, NamedTempFile), FileError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(FileError::at("make the folder", folder))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".draft-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut draft = builder.tempfile_in(folder).map_err(FileError::at("write to", folder))?;
    draft.write_all(bytes).map_err(FileError::at("write", path))?;
    draft.as_file().sync_all().map_err(FileError::at("write", path))?;
    Ok((folder, draft))
}

/// Makes a rename last through a crash of the machine.
fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::at("sync", folder))
}

/// The line, from 1, at which a span of a text begins.
pub(crate) fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    1 + before.matches('\n').count()
}
