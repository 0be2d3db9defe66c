//! Zig.

use super::{BuildError, BuildOptions};
use crate::{language::Language, project::Project};

pub(super) fn build(_project: &Project, _options: &BuildOptions) -> Result<Vec<u8>, BuildError> {
    Err(BuildError::NotYet(Language::Zig))
}
