//! Where symbolic links below a registry folder may lead: anywhere inside it, and nowhere else.
//!
//! A project's registry folder comes with the project, from whoever wrote it. A link in it must make
//! nobody read or write a file elsewhere.

use std::{fs, path::Path};

use super::{FileError, Refusal, absent};

/// Makes sure that a path below a folder stays in it, links followed. What does not exist yet is
/// judged by the part that does.
pub(crate) fn stay_inside(action: &'static str, folder: &Path, path: &Path) -> Result<(), FileError> {
    let mut existing = path;
    let target = loop {
        match fs::canonicalize(existing) {
            Ok(target) => break target,
            // A link that leads to nothing exists, and making what it leads to would follow it.
            Err(cause) if absent(&cause) && fs::symlink_metadata(existing).is_err() => {
                match existing.parent() {
                    Some(parent) if parent != folder && parent.starts_with(folder) => existing = parent,
                    // Nothing below the folder exists.
                    _ => return Ok(()),
                }
            }
            Err(cause) => return Err(FileError::at(action, path)(cause)),
        }
    };
    let root = fs::canonicalize(folder).map_err(FileError::at(action, folder))?;
    if target.starts_with(&root) {
        return Ok(());
    }
    Err(FileError::refused(action, path, Refusal::LeadsOut(target)))
}
