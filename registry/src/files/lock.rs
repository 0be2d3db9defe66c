//! One writer at a time in a registry folder. Readers wait for nobody.
//!
//! The system lets go of the lock of a process that dies, however it dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{FileError, Refusal, make_folder};

/// The file that writers lock. It stays when they are done: taking it away would let two of them in.
pub(crate) const LOCK: &str = ".lock";

/// How long a writer waits for another. Adding a package takes milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The right to write to a registry folder, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    _file: File,
}

/// Makes the folder where there is none, and waits for its other writers.
pub(crate) fn hold(folder: &Path) -> Result<Held, FileError> {
    let path = folder.join(LOCK);
    // Reading is enough to lock it, so that a folder which several users write to needs no more.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(FileError::refused("lock", &path, Refusal::NoFile));
    }
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            make_folder(folder)?;
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options.open(&path).map_err(FileError::at("write to", folder))?
        }
        Err(cause) => return Err(FileError::at("write to", folder)(cause)),
    };
    let started = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Held { _file: file }),
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => thread::sleep(pause),
            Err(TryLockError::WouldBlock) => {
                return Err(FileError::refused("write to", folder, Refusal::Busy));
            }
            Err(TryLockError::Error(cause)) => return Err(FileError::at("lock", &path)(cause)),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
