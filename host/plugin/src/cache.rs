//! Compiled components on disk, by the component's digest and the engine's configuration.
//!
//! What is loaded from here runs as native code. So the directory must belong to the user and be
//! writable by nobody else; it is opened once and everything in it is reached through that handle, so
//! that it cannot be swapped for another. Where it cannot be trusted there is no cache, with a warning.
//! Entries are written aside and renamed, and carry a checksum: a torn one is made again.

use std::{
    env,
    fs::{DirBuilder, File},
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::fs::{AtFlags, Mode, OFlags, fstat, open, openat, renameat, unlinkat};
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use zenith_core::Digest;

/// Where compiled components are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheOption {
    /// `$XDG_CACHE_HOME/zenith/compiled`, or `~/.cache/zenith/compiled`.
    #[default]
    Default,
    /// A directory of the caller's choice. It is made where it does not exist.
    Dir(PathBuf),
    /// Nowhere: every load compiles.
    Off,
}

/// What the compile cache did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Components that were compiled.
    pub compiled: u64,
    /// Components whose compiled form was found.
    pub found: u64,
    /// Entries that were damaged or made by another engine, and were made again.
    pub damaged: u64,
}

/// The first bytes of an entry; the number is the format's.
const MAGIC: &[u8; 8] = b"zenithc1";

/// Bytes before the compiled code: the magic and the sha256 of the code.
const HEADER: usize = MAGIC.len() + 32;

/// A directory that only this user can write.
pub(crate) struct Cache {
    directory: OwnedFd,
    path: PathBuf,
    engine: [u8; 32],
}

/// A compiled component as it was found on disk, its checksum intact. Only [`Cache::load`] makes one.
pub(crate) struct Artefact {
    entry: Vec<u8>,
}

impl Artefact {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.entry[HEADER..]
    }
}

/// What a look into the cache gave.
pub(crate) enum Lookup {
    Found(Artefact),
    Damaged,
    Absent,
}

impl Cache {
    /// Opens the cache, or warns why there is none.
    pub(crate) fn open(option: &CacheOption, engine: &Engine) -> Option<Self> {
        let path = match option {
            CacheOption::Off => return None,
            CacheOption::Dir(path) => Some(path.clone()),
            CacheOption::Default => default_directory(
                env::var_os("XDG_CACHE_HOME").map(PathBuf::from),
                env::var_os("HOME").map(PathBuf::from),
            ),
        };
        let Some(path) = path else {
            tracing::warn!("plugins are compiled at every start: neither XDG_CACHE_HOME nor HOME is set");
            return None;
        };
        match open_directory(&path) {
            Ok(directory) => Some(Self { directory, path, engine: engine_key(engine) }),
            Err(cause) => {
                tracing::warn!(
                    "plugins are compiled at every start: the compile cache `{}` {cause}",
                    path.display()
                );
                None
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks for the compiled form of the component with this digest.
    pub(crate) fn load(&self, digest: &Digest) -> Lookup {
        match self.read(&self.entry_name(digest)) {
            Ok(entry) if is_intact(&entry) => Lookup::Found(Artefact { entry }),
            Ok(_) => Lookup::Damaged,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Lookup::Absent,
            Err(cause) => {
                tracing::warn!("cannot read the compile cache `{}`: {cause}", self.path.display());
                Lookup::Damaged
            }
        }
    }

    /// Keeps a compiled component. A failure costs time at the next start, nothing more.
    pub(crate) fn store(&self, digest: &Digest, code: &[u8]) {
        if let Err(cause) = self.write(&self.entry_name(digest), code) {
            tracing::warn!("cannot write the compile cache `{}`: {cause}", self.path.display());
        }
    }

    fn entry_name(&self, digest: &Digest) -> String {
        let mut key = Sha256::new();
        key.update(digest.as_bytes());
        key.update(self.engine);
        format!("{}.cwasm", Digest::from_bytes(key.finalize().into()).hex())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut entry = Vec::new();
        File::from(openat(&self.directory, name, flags, Mode::empty())?).read_to_end(&mut entry)?;
        Ok(entry)
    }

    fn write(&self, name: &str, code: &[u8]) -> io::Result<()> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let aside = format!(".{name}.{}.{serial}", process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.directory, &aside, flags, Mode::RUSR | Mode::WUSR)?);
        let written = file
            .write_all(MAGIC)
            .and_then(|()| file.write_all(&Sha256::digest(code)))
            .and_then(|()| file.write_all(code))
            .and_then(|()| Ok(renameat(&self.directory, &aside, &self.directory, name)?));
        if written.is_err() {
            // Best effort: a file left aside is only litter.
            let _ = unlinkat(&self.directory, &aside, AtFlags::empty());
        }
        written
    }
}

fn is_intact(entry: &[u8]) -> bool {
    entry
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.split_first_chunk::<32>())
        .is_some_and(|(checksum, code)| Sha256::digest(code)[..] == checksum[..])
}

fn default_directory(xdg: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    // The XDG specification says to ignore a relative path.
    let cache = xdg.filter(|path| path.is_absolute());
    let cache = cache.or_else(|| Some(home.filter(|path| path.is_absolute())?.join(".cache")))?;
    Some(cache.join("zenith").join("compiled"))
}

/// Opens the directory, or answers a clause that goes on after its name.
fn open_directory(path: &Path) -> Result<OwnedFd, String> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| format!("cannot be made: {cause}"))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = open(path, flags, Mode::empty()).map_err(|cause| format!("cannot be opened: {cause}"))?;
    let status = fstat(&directory).map_err(|cause| format!("cannot be examined: {cause}"))?;
    check_owner(status.st_uid, rustix::process::geteuid().as_raw(), status.st_mode)?;
    Ok(directory)
}

fn check_owner(owner: u32, user: u32, mode: u32) -> Result<(), String> {
    if owner != user {
        return Err(format!("belongs to user {owner}, not to user {user}, and is not trusted"));
    }
    if mode & 0o022 != 0 {
        return Err(format!(
            "can be written by others (mode {:o}) and is not trusted; `chmod go-w` it",
            mode & 0o7777
        ));
    }
    Ok(())
}

/// What the engine's compiled code depends on: its version, its configuration, the CPU's features.
fn engine_key(engine: &Engine) -> [u8; 32] {
    struct Sink(Sha256);
    impl Hasher for Sink {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    let mut sink = Sink(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sink);
    sink.0.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_another_user_or_writable_by_others_is_refused() {
        assert!(check_owner(1000, 1000, 0o40700).is_ok());
        assert!(check_owner(1000, 1000, 0o40755).is_ok());
        assert!(check_owner(1001, 1000, 0o40700).is_err());
        assert!(check_owner(1000, 1000, 0o40770).is_err());
        assert!(check_owner(1000, 1000, 0o40702).is_err());
    }

    #[test]
    fn the_default_directory_follows_the_xdg_specification() {
        let place = |xdg: Option<&str>, home: Option<&str>| {
            default_directory(xdg.map(PathBuf::from), home.map(PathBuf::from))
        };
        let expected = |text: &str| Some(PathBuf::from(text));
        assert_eq!(place(Some("/x"), Some("/h")), expected("/x/zenith/compiled"));
        assert_eq!(place(Some("relative"), Some("/h")), expected("/h/.cache/zenith/compiled"));
        assert_eq!(place(None, Some("/h")), expected("/h/.cache/zenith/compiled"));
        assert_eq!(place(None, None), None);
    }

    #[test]
    fn an_entry_is_intact_only_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let engine = crate::engine::engine().unwrap();
        let cache = Cache::open(&CacheOption::Dir(directory.path().join("new")), &engine).unwrap();
        let digest = Digest::from_bytes([7; 32]);
        assert!(matches!(cache.load(&digest), Lookup::Absent));
        cache.store(&digest, b"code");
        let Lookup::Found(artefact) = cache.load(&digest) else { panic!("not found") };
        assert_eq!(artefact.bytes(), b"code");
        for damaged in [&b""[..], b"zenithc1", &artefact.entry[..artefact.entry.len() - 1]] {
            assert!(!is_intact(damaged));
        }
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 1, "nothing is left aside");
    }
}
