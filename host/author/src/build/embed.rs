//! For languages whose interpreter travels in the component: the sources that go in, and the component of
//! the build before.
//!
//! The tools that embed an interpreter take seconds, and what they make differs from run to run: it holds
//! a snapshot of memory, with a hash seed and a clock in it. Its digest would be new each time, and the
//! host would compile the same plugin again. So where nothing has changed of what goes into a build, its
//! component is the one that was made before.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use zenith_core::Digest;
use zenith_registry::FileError;

use super::BuildError;
use crate::{
    disk::{self, failed},
    interface::{self, WIT},
    project::Project,
    tool::ToolError,
};

/// The folder of the author's sources, in the plugin's.
pub(super) const SOURCE: &str = "src";

/// Folders in folders that are looked into.
const DEPTH: usize = 16;

/// The author's sources, by their paths in [`SOURCE`].
pub(super) struct Sources(BTreeMap<PathBuf, Vec<u8>>);

impl Sources {
    /// Reads them. One of them, `entry`, is what the plugin begins with.
    pub(super) fn read(folder: &Path, entry: &str) -> Result<Self, BuildError> {
        let source = folder.join(SOURCE);
        if !source.join(entry).is_file() {
            return Err(BuildError::NoSource {
                folder: folder.to_owned(),
                what: format!("source `{SOURCE}/{entry}`"),
            });
        }
        let mut files = BTreeMap::new();
        collect(&source, Path::new(""), DEPTH, &mut files)?;
        Ok(Self(files))
    }

    /// Copies them into a folder, which then holds nothing else: tools leave files of their own beside the
    /// sources that they read.
    pub(super) fn stage(&self, folder: &Path) -> Result<(), FileError> {
        clear(folder)?;
        for (path, contents) in &self.0 {
            disk::write_if_changed(&folder.join(path), contents)?;
        }
        Ok(())
    }

    /// The digest of all that decides what a build makes: the sources, the interface, and what else is
    /// named here, such as the tool and its version.
    pub(super) fn digest(&self, project: &Project, others: &[&str]) -> Digest {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(interface::kind_word(project.manifest().kind).as_bytes());
        for other in others {
            add(other.as_bytes());
        }
        for file in WIT.files() {
            add(file.contents());
        }
        for (path, contents) in &self.0 {
            add(path.as_os_str().as_encoded_bytes());
            add(contents);
        }
        Digest::from_bytes(hash.finalize().into())
    }
}

fn collect(
    source: &Path,
    relative: &Path,
    depth: usize,
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
) -> Result<(), FileError> {
    let folder = source.join(relative);
    for entry in fs::read_dir(&folder).map_err(failed("read", &folder))? {
        let name = entry.map_err(failed("read", &folder))?.file_name();
        let name_text = name.to_string_lossy();
        if name_text.starts_with('.') || name_text == "__pycache__" {
            continue;
        }
        let (path, relative) = (folder.join(&name), relative.join(&name));
        if path.is_file() {
            files.insert(relative, disk::read(&path)?);
        } else if path.is_dir() && depth > 0 {
            collect(source, &relative, depth - 1, files)?;
        }
    }
    Ok(())
}

/// Removes a folder with all that is in it, if it is there.
pub(super) fn clear(folder: &Path) -> Result<(), FileError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed("remove", folder))?;
    }
    Ok(())
}

/// The component of the last build, by the digest of what went into it.
pub(super) struct Kept {
    folder: PathBuf,
    file: PathBuf,
}

impl Kept {
    /// Where the component for these inputs is, or will be.
    pub(super) fn new(folder: &Path, inputs: &Digest) -> Self {
        Self { folder: folder.to_owned(), file: folder.join(format!("{}.component", inputs.hex())) }
    }

    /// The component, where it was made before.
    pub(super) fn find(&self) -> Option<Vec<u8>> {
        fs::read(&self.file).ok()
    }

    /// Keeps the component, and forgets the one of the build before.
    pub(super) fn keep(&self, component: &[u8]) -> Result<(), FileError> {
        let kept = |path: &Path| path.extension().is_some_and(|extension| extension == "component");
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if kept(&entry.path()) {
                // What cannot be removed costs room, nothing more.
                let _ = fs::remove_file(entry.path());
            }
        }
        disk::replace(&self.file, component)
    }
}

/// What a tool said, as an error.
pub(super) fn does_not_build(said: String) -> BuildError {
    BuildError::Tool(ToolError::Failed { output: said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let manifest =
            "name = \"acme:a\"\nversion = \"0.1.0\"\nkind = \"transform\"\n[build]\nlanguage = \"python\"";
        fs::write(folder.path().join("plugin.toml"), manifest).unwrap();
        fs::create_dir_all(folder.path().join("src/parts/__pycache__")).unwrap();
        fs::write(folder.path().join("src/transform.py"), "import parts.one").unwrap();
        fs::write(folder.path().join("src/parts/one.py"), "").unwrap();
        fs::write(folder.path().join("src/parts/__pycache__/one.pyc"), "").unwrap();
        fs::write(folder.path().join("src/.hidden"), "").unwrap();
        folder
    }

    #[test]
    fn what_is_staged_is_the_sources_and_nothing_else() {
        let folder = project();
        let sources = Sources::read(folder.path(), "transform.py").unwrap();
        let staged = folder.path().join("target/src");
        disk::write_if_changed(&staged.join("old.py"), b"").unwrap();
        sources.stage(&staged).unwrap();
        assert_eq!(fs::read(staged.join("transform.py")).unwrap(), b"import parts.one");
        assert!(staged.join("parts/one.py").is_file());
        for absent in ["old.py", ".hidden", "parts/__pycache__"] {
            assert!(!staged.join(absent).exists(), "{absent}");
        }
        let error = Sources::read(folder.path(), "decoder.py").err().unwrap().to_string();
        assert!(error.ends_with("has no source `src/decoder.py`"), "{error}");
    }

    #[test]
    fn a_component_is_used_again_only_where_nothing_has_changed() {
        let folder = project();
        let open = Project::open(folder.path()).unwrap();
        let kept = |others: &[&str]| {
            let sources = Sources::read(folder.path(), "transform.py").unwrap();
            Kept::new(&folder.path().join("target"), &sources.digest(&open, others))
        };
        assert_eq!(kept(&["tool 1"]).find(), None);
        kept(&["tool 1"]).keep(b"component").unwrap();
        assert_eq!(kept(&["tool 1"]).find().unwrap(), b"component");
        assert_eq!(kept(&["tool 2"]).find(), None, "another version of the tool");
        fs::write(folder.path().join("src/parts/one.py"), "x = 1").unwrap();
        assert_eq!(kept(&["tool 1"]).find(), None, "another source");
        kept(&["tool 1"]).keep(b"another").unwrap();
        assert_eq!(fs::read_dir(folder.path().join("target")).unwrap().count(), 1, "the older one is gone");
    }
}
