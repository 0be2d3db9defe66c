//! The bindings of a language, from its wit-bindgen generator, written beside the author's source.

use std::path::Path;

use wit_bindgen_core::{Files, WorldGenerator};

use super::BuildError;
use crate::{disk, interface, project::Project};

/// Makes the bindings for the plugin's kind.
pub(super) fn generate(
    project: &Project,
    mut generator: Box<dyn WorldGenerator>,
) -> Result<Files, BuildError> {
    let failed = |reason| BuildError::Bindings { language: project.language(), reason };
    let (mut resolve, world) = interface::resolve(project.manifest().kind).map_err(failed)?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files).map_err(|error| failed(format!("{error:#}")))?;
    Ok(files)
}

/// Writes them into a folder. Those that are there already keep their time, so that nothing is compiled
/// anew for their sake.
pub(super) fn write(files: &Files, folder: &Path) -> Result<(), BuildError> {
    for (name, contents) in files.iter() {
        disk::write_if_changed(&folder.join(name), contents)?;
    }
    Ok(())
}
