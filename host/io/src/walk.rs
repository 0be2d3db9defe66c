//! Lists an image folder as torchvision does: `sorted(os.walk(folder, followlinks=True))`, with errors
//! where `os.walk` is silent. Only names are read here, and file sizes are not.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::{ffi::OsStringExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use zenith_core::SourceError;

use crate::names::{as_path, python_order};

/// A folder below a class folder, with the files in it that are wanted.
pub(crate) struct Folder {
    /// Its path from the root.
    pub(crate) path: Vec<u8>,
    /// The names of its files, in order.
    pub(crate) files: Vec<Vec<u8>>,
}

/// The class folders of `root`: what is a folder or a link to one, in order.
pub(crate) fn class_folders(root: &Path) -> Result<Vec<Vec<u8>>, SourceError> {
    let mut classes = Vec::new();
    for entry in list(root)? {
        let entry = entry.map_err(|cause| refused("list", root, cause))?;
        if is_folder(&entry) {
            classes.push(entry.file_name().into_vec());
        }
    }
    classes.sort_by(|a, b| python_order(a, b));
    Ok(classes)
}

/// The folders below class `class` of `root`, itself included, in order, with their wanted files.
pub(crate) fn class_files(
    root: &Path,
    class: &[u8],
    wanted: &dyn Fn(&[u8]) -> bool,
) -> Result<Vec<Folder>, SourceError> {
    let mut folders = Vec::new();
    let mut walk = Walk { root, wanted, folders: &mut folders, above: Vec::new() };
    walk.enter(class.to_vec())?;
    folders.sort_by(|a, b| python_order(&a.path, &b.path));
    Ok(folders)
}

struct Walk<'a> {
    root: &'a Path,
    wanted: &'a dyn Fn(&[u8]) -> bool,
    folders: &'a mut Vec<Folder>,
    /// Device and inode of the folders that the walk is in.
    above: Vec<(u64, u64)>,
}

impl Walk<'_> {
    fn enter(&mut self, path: Vec<u8>) -> Result<(), SourceError> {
        let full = self.root.join(as_path(&path));
        let identity = fs::metadata(&full)
            .map(|metadata| (metadata.dev(), metadata.ino()))
            .map_err(|cause| refused("list", &full, cause))?;
        if self.above.contains(&identity) {
            return Err(SourceError::Content {
                path: full,
                reason: "is a link to a folder that it lies in, so it has no end\nhint: remove the link"
                    .to_owned(),
            });
        }
        self.above.push(identity);
        let mut files = Vec::new();
        let mut inner = Vec::new();
        for entry in list(&full)? {
            let entry = entry.map_err(|cause| refused("list", &full, cause))?;
            let name = OsString::into_vec(entry.file_name());
            if is_folder(&entry) {
                inner.push([&path[..], b"/", &name[..]].concat());
            } else if (self.wanted)(&name) {
                files.push(name);
            }
        }
        files.sort_by(|a, b| python_order(a, b));
        self.folders.push(Folder { path, files });
        for path in inner {
            self.enter(path)?;
        }
        self.above.pop();
        Ok(())
    }
}

/// Whether it is a folder or a link to one. A link that leads nowhere is none.
fn is_folder(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir()),
        Ok(kind) => kind.is_dir(),
        Err(_) => false,
    }
}

fn list(path: &Path) -> Result<fs::ReadDir, SourceError> {
    fs::read_dir(path).map_err(|cause| refused("list", path, cause))
}

fn refused(action: &'static str, path: &Path, cause: io::Error) -> SourceError {
    SourceError::Io { action, path: PathBuf::from(path), cause: Arc::new(cause) }
}
