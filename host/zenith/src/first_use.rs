//! Which plugins a user has been told about: one small file for each digest, in the user's state folder
//! (`$XDG_STATE_HOME`, or `~/.local/state`). What is told does not live here.

use std::{
    env,
    fs::{DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use zenith_core::Digest;

/// Whether this is the first time that a plugin is told of. Of several processes that ask at once one
/// is answered yes. Where nothing can be remembered it is always the first time: better told twice
/// than never.
pub(crate) fn is_first(digest: &Digest, told: &str) -> bool {
    match folder(env::var_os("XDG_STATE_HOME").map(PathBuf::from), env::var_os("HOME").map(PathBuf::from)) {
        Some(folder) => is_first_in(&folder, digest, told),
        None => true,
    }
}

fn folder(xdg: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    // The XDG specification says to ignore a relative path.
    let state = xdg.filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(home.filter(|path| path.is_absolute())?.join(".local/state")))?;
    Some(state.join("zenith/first-use"))
}

fn is_first_in(folder: &Path, digest: &Digest, told: &str) -> bool {
    let path = folder.join(digest.hex());
    match remember(folder, &path, told) {
        Ok(()) => true,
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && path.is_file() => false,
        Err(cause) => {
            tracing::debug!("cannot remember in `{}` what was told: {cause}", folder.display());
            true
        }
    }
}

fn remember(folder: &Path, path: &Path, told: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // The file's being there is what counts; its content is for people who look.
    writeln!(file, "{told}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_use_of_a_digest_is_the_first_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new/first-use");
        let (one, other) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
        assert!(is_first_in(&folder, &one, "it asks for clock"));
        assert!(!is_first_in(&folder, &one, "it asks for clock"));
        assert!(is_first_in(&folder, &other, "another"));
        assert_eq!(std::fs::read_to_string(folder.join(one.hex())).unwrap(), "it asks for clock\n");
    }

    #[test]
    fn where_nothing_can_be_remembered_it_is_told_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let digest = Digest::from_bytes([1; 32]);
        // Also where what stands in the way is a file of the folder's own name, which the system tells
        // as "it exists already".
        for place in [file.join("below"), file] {
            assert!(is_first_in(&place, &digest, "") && is_first_in(&place, &digest, ""));
        }
    }

    #[test]
    fn the_folder_follows_the_xdg_specification() {
        let place = |xdg: Option<&str>, home: Option<&str>| folder(xdg.map(Into::into), home.map(Into::into));
        let expected = |text: &str| Some(PathBuf::from(text));
        assert_eq!(place(Some("/x"), Some("/h")), expected("/x/zenith/first-use"));
        assert_eq!(place(Some("relative"), Some("/h")), expected("/h/.local/state/zenith/first-use"));
        assert_eq!(place(None, None), None);
    }
}
