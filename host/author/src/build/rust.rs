//! Rust: plain cargo, as the registry's own build has it.

use zenith_registry::build;

use super::{BuildError, BuildOptions};
use crate::project::Project;

pub(super) fn build(project: &Project, options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    let options = build::BuildOptions {
        target_dir: options.target_dir.clone(),
        offline: options.offline,
        quiet: options.quiet,
    };
    Ok(build::build_crate(project.folder(), &options)?.bytes)
}
