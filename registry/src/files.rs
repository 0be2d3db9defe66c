//! Reading and writing files so that every error names its file, and no reader ever sees half of one.
//! How a folder's writers wait for each other is in [`lock`]; where links may lead, in [`links`].

pub(crate) mod links;
pub(crate) mod lock;

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
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

/// What Zenith itself refuses about a file, where the system would not.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A link in its path leads out of the registry folder.
    LeadsOut(PathBuf),
    /// It is a pipe, a device, a folder.
    NoFile,
    /// It has more bytes than are read at once.
    TooLarge(u64),
    /// Another process did not let go of it.
    Busy,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeadsOut(target) => {
                write!(f, "a link in it leads out of the registry folder, to `{}`", target.display())
            }
            Self::NoFile => f.write_str("it is not a regular file"),
            Self::TooLarge(most) => write!(f, "it has more than {most} bytes"),
            Self::Busy => write!(
                f,
                "another process has been writing to this registry folder for {} seconds",
                lock::PATIENCE.as_secs()
            ),
        }
    }
}

impl std::error::Error for Refusal {}

impl FileError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        if let Some(refusal) = self.cause.get_ref().and_then(|cause| cause.downcast_ref()) {
            return match refusal {
                Refusal::LeadsOut(_) => {
                    Some("if you trust what is there, put it in place of the link".to_owned())
                }
                Refusal::Busy => Some("wait for that process, or end it, and try again".to_owned()),
                Refusal::NoFile | Refusal::TooLarge(_) => None,
            };
        }
        match self.cause.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some(format!("check who may {} `{}`", self.action, self.path.display()))
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("free some space on that disk".to_owned())
            }
            _ => None,
        }
    }

    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self { action, path, cause }
    }

    pub(crate) fn refused(action: &'static str, path: &Path, refusal: Refusal) -> Self {
        Self { action, path: path.to_owned(), cause: io::Error::other(refusal) }
    }
}

/// Reads a whole file. What is no regular file is refused before it is opened: a pipe would keep the
/// reader waiting.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let metadata = fs::metadata(path).map_err(FileError::at("read", path))?;
    if !metadata.is_file() {
        return Err(FileError::refused("read", path, Refusal::NoFile));
    }
    fs::read(path).map_err(FileError::at("read", path))
}

/// Reads a short text file, or `None` where there is none. What is not UTF-8 in it is replaced.
pub(crate) fn read_short(path: &Path, most: u64) -> Result<Option<String>, FileError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(FileError::refused("read", path, Refusal::NoFile)),
        Err(cause) if absent(&cause) => return Ok(None),
        Err(cause) => return Err(FileError::at("read", path)(cause)),
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    match read {
        Ok(read) if read as u64 > most => Err(FileError::refused("read", path, Refusal::TooLarge(most))),
        Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(cause) if absent(&cause) => Ok(None),
        Err(cause) => Err(FileError::at("read", path)(cause)),
    }
}

/// Whether an error says that there is nothing at a path.
pub(crate) fn absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
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

/// Who may read a file.
#[derive(Clone, Copy)]
pub(crate) enum Readers {
    /// Everyone, as far as the process's mask allows.
    Everyone,
    /// Its owner alone.
    Owner,
}

/// Makes a file that must not exist yet. It appears whole or not at all, and of several processes
/// that make the same one exactly one wins.
pub(crate) fn create(path: &Path, bytes: &[u8], readers: Readers) -> Result<Placed, FileError> {
    let (folder, draft) = draft(path, bytes, readers)?;
    match draft.persist_noclobber(path) {
        Ok(_) => sync_folder(folder).map(|()| Placed::New),
        Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => Ok(Placed::Existed),
        Err(failure) => Err(FileError::at("write", path)(failure.error)),
    }
}

/// Makes a file or replaces the one that is there, in one step.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let (folder, draft) = draft(path, bytes, Readers::Everyone)?;
    draft.persist(path).map_err(|failure| FileError::at("write", path)(failure.error))?;
    sync_folder(folder)
}

/// Takes a file out; false where there was none.
pub(crate) fn remove(path: &Path) -> Result<bool, FileError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        // A read-only disk says that before it looks.
        Err(_) if fs::symlink_metadata(path).is_err_and(|cause| absent(&cause)) => Ok(false),
        Err(cause) => Err(FileError::at("remove", path)(cause)),
    }
}

/// What the name of a file that is being written begins with. No reader looks for such a name.
pub(crate) const DRAFT: &str = ".draft-";

/// A complete, synced file under a name that no reader looks for, in the folder that `path` is in.
/// A process that dies before it is renamed leaves nothing but that name.
fn draft<'a>(path: &'a Path, bytes: &[u8], readers: Readers) -> Result<(&'a Path, NamedTempFile), FileError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    make_folder(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(DRAFT);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(match readers {
        Readers::Everyone => 0o644,
        Readers::Owner => 0o600,
    }));
    let mut draft = builder.tempfile_in(folder).map_err(FileError::at("write to", folder))?;
    draft.write_all(bytes).map_err(FileError::at("write", path))?;
    draft.as_file().sync_all().map_err(FileError::at("write", path))?;
    Ok((folder, draft))
}

/// Makes a folder and those that it is in, so that they last through a crash of the machine.
pub(crate) fn make_folder(folder: &Path) -> Result<(), FileError> {
    // Everything above is there: the usual case, in one call of the system.
    match fs::create_dir(folder) {
        Ok(()) => return sync_folder(&above(folder)),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(FileError::at("make the folder", folder)(cause)),
    }
    let upper = above(folder);
    if upper == folder {
        return Err(FileError::at("make the folder", folder)(io::ErrorKind::NotFound.into()));
    }
    make_folder(&upper)?;
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(&upper),
        // Another process was faster.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(cause) => Err(FileError::at("make the folder", folder)(cause)),
    }
}

/// The folder that a path is in.
fn above(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) => PathBuf::from("."),
        None => path.to_owned(),
    }
}

/// Makes a rename last through a crash of the machine.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::at("sync", folder))
}

/// The line, from 1, at which a span of a text begins.
pub(crate) fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    1 + before.matches('\n').count()
}
