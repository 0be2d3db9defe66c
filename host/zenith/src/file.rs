//! Pipelines in TOML files.

use std::{fs, path::Path};

use zenith_pipeline::{SourceSpec, Spec};

use crate::error::{Error, ErrorKind};

/// Reads a pipeline from a TOML file. Paths in it are taken from the file's own folder.
///
/// ```toml
/// [source]
/// kind = "images"
/// path = "photos/train"
///
/// [[operator]]
/// sample = "zenith:shuffle"
/// seed = 42
///
/// [[operator]]
/// decode = "zenith:jpeg"
///
/// [[operator]]
/// map = "zenith:random-resized-crop"
/// size = 224
///
/// [[operator]]
/// map = "zenith:to-float"
///
/// [batch]
/// size = 64
/// ```
pub fn read_pipeline(path: &Path) -> Result<Spec, Error> {
    let text = fs::read_to_string(path).map_err(|error| {
        Error::new(
            ErrorKind::Source,
            format!("cannot read the pipeline file `{}`: {error}", path.display()),
            None,
        )
    })?;
    let mut spec: Spec = toml::from_str(&text).map_err(|error| {
        let message = format!("the pipeline file `{}` is wrong: {error}", path.display());
        Error::new(ErrorKind::Pipeline, message.trim_end().to_owned(), None)
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let (SourceSpec::Images { path, .. } | SourceSpec::Webdataset { path, .. }) = &mut spec.source;
    *path = folder.join(&*path).to_string_lossy().into_owned();
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use zenith_pipeline::Role;

    use super::*;

    fn read(text: &str) -> Result<Spec, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipeline.toml");
        fs::write(&path, text).unwrap();
        read_pipeline(&path)
    }

    #[test]
    fn paths_are_taken_from_the_folder_of_the_file() {
        let spec = read("[source]\nkind = \"images\"\npath = \"photos\"\n[[operator]]\ndecode = \"auto\"\n")
            .unwrap();
        let SourceSpec::Images { path, .. } = spec.source else { panic!("not a folder of images") };
        assert!(Path::new(&path).is_absolute() && path.ends_with("photos"));
        assert_eq!(spec.operators[0].role, Role::Decode);
        assert_eq!(spec.batch.size, 1);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let error = read("[source]\nkind = \"images\"\npath = \"photos\"\nshape = 3\n").unwrap_err();
        assert!(error.message().contains("unknown field `shape`"), "{error}");
        let error = read("[source\n").unwrap_err();
        assert!(error.message().contains("line 1"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_pipeline(Path::new("nowhere.toml")).unwrap_err();
        assert!(error.message().contains("`nowhere.toml`"), "{error}");
    }
}
