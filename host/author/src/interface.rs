//! The interface that plugins are built against: the WIT package that this version carries, and the world
//! of each kind.

use std::path::Path;

use include_dir::{Dir, include_dir};
use wit_parser::{Resolve, SourceMap, WorldId};
use zenith_core::Kind;
use zenith_registry::FileError;

use crate::disk;

/// `wit/`, as it was when this version was built.
pub(crate) static WIT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../wit");

/// The version of the interface, as `wit/` says it.
pub const API_VERSION: &str = "0.1.0";

/// The kinds, in the order in which they are listed to a user.
pub(crate) const KINDS: [Kind; 5] =
    [Kind::Transform, Kind::Decoder, Kind::BatchTransform, Kind::Sampler, Kind::Policy];

/// The word for a kind on the command line, in `plugin.toml`, and among the templates.
pub fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Transform => "transform",
        Kind::Decoder => "decoder",
        Kind::BatchTransform => "batch-transform",
        Kind::Sampler => "sampler",
        Kind::Policy => "policy",
    }
}

/// The kind that a word names.
pub fn kind_from_word(word: &str) -> Option<Kind> {
    KINDS.into_iter().find(|kind| kind_word(*kind) == word)
}

/// The name of a kind's world.
pub(crate) fn world_name(kind: Kind) -> String {
    format!("{}-plugin", kind_word(kind))
}

/// Reads the interface, for a generator of bindings. It fails only where this version itself is broken.
pub(crate) fn resolve(kind: Kind) -> Result<(Resolve, WorldId), String> {
    let mut sources = SourceMap::new();
    for file in WIT.files() {
        let text = file.contents_utf8().ok_or("a WIT file is not text")?;
        sources.push_str(&file.path().display().to_string(), text);
    }
    let group = sources.parse().map_err(|(_, error)| error.to_string())?;
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).map_err(|error| error.to_string())?;
    let world =
        resolve.select_world(&[package], Some(&world_name(kind))).map_err(|error| format!("{error:#}"))?;
    Ok((resolve, world))
}

/// Writes the WIT package into a folder, for generators that read it from there.
pub(crate) fn write_wit(folder: &Path) -> Result<(), FileError> {
    for file in WIT.files() {
        disk::write_if_changed(&folder.join(file.path()), file.contents())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_world_of_the_version_that_is_said() {
        for kind in KINDS {
            let (resolve, world) = resolve(kind).unwrap();
            let package = resolve.worlds[world].package.unwrap();
            assert_eq!(resolve.packages[package].name.to_string(), format!("zenith:plugin@{API_VERSION}"));
            assert_eq!(kind_from_word(kind_word(kind)), Some(kind));
        }
    }
}
