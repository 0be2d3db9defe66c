//! The Rust SDK's source, which this version carries into every new Rust plugin.
//!
//! The SDK is not on crates.io, and a checkout of this repository is not something that a plugin's author
//! has. So a new plugin gets the source to keep, in `vendor/zenith`: it then builds with plain cargo, on
//! any machine, from what the author committed, and a newer `zenith` does not change what it is built
//! against. The files are those of the repository, byte for byte; only the workspace around them is
//! smaller.

use include_dir::{Dir, include_dir};

use crate::interface::WIT;

static SDK: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../plugin-sdk-rs/src");
static SDK_MANIFEST: &str = include_str!("../../../plugin-sdk-rs/Cargo.toml");
static CORE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../core/src");
static CORE_MANIFEST: &str = include_str!("../../core/Cargo.toml");
static WORKSPACE: &str = include_str!("../../../Cargo.toml");
static LOCK: &str = include_str!("../../../examples/sepia/Cargo.lock");
static LICENSE: &str = include_str!("../../../LICENSE");

/// The files of `vendor/zenith`, by their paths in it.
pub(crate) fn files() -> Result<Vec<(String, Vec<u8>)>, toml::de::Error> {
    let mut files = vec![
        ("Cargo.toml".to_owned(), workspace()?.into_bytes()),
        ("LICENSE".to_owned(), LICENSE.into()),
        ("plugin-sdk-rs/Cargo.toml".to_owned(), SDK_MANIFEST.into()),
        ("host/core/Cargo.toml".to_owned(), CORE_MANIFEST.into()),
    ];
    collect(&SDK, "plugin-sdk-rs/src", &mut files);
    collect(&CORE, "host/core/src", &mut files);
    collect(&WIT, "wit", &mut files);
    Ok(files)
}

/// The `Cargo.lock` of a crate that depends on the SDK alone: the versions that the SDK is tested with here.
pub(crate) fn lock(package: &str) -> String {
    LOCK.replace("\"acme-sepia\"", &format!("{package:?}"))
}

fn collect(dir: &Dir<'static>, place: &str, files: &mut Vec<(String, Vec<u8>)>) {
    for file in dir.files() {
        files.push((format!("{place}/{}", file.path().display()), file.contents().to_vec()));
    }
    for inner in dir.dirs() {
        collect(inner, place, files);
    }
}

/// The workspace of the vendored crates: what they inherit of the repository's own.
fn workspace() -> Result<String, toml::de::Error> {
    let root: toml::Table = WORKSPACE.parse()?;
    let inherited = |key: &str| {
        root.get("workspace").and_then(|workspace| workspace.get(key)).and_then(toml::Value::as_table)
    };
    let mut names = Vec::new();
    for manifest in [SDK_MANIFEST, CORE_MANIFEST] {
        let manifest: toml::Table = manifest.parse()?;
        names.extend(
            manifest
                .get("dependencies")
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
                .filter_map(|(name, dependency)| dependency.get("workspace").map(|_| name.clone())),
        );
    }
    let dependencies: toml::Table = inherited("dependencies")
        .into_iter()
        .flatten()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, dependency)| (name.clone(), dependency.clone()))
        .collect();
    let table = |entries: Vec<(&str, toml::Value)>| -> toml::Table {
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    };
    let workspace = table(vec![
        ("resolver", "3".into()),
        ("members", toml::Value::Array(vec!["plugin-sdk-rs".into(), "host/core".into()])),
        ("package", inherited("package").cloned().unwrap_or_default().into()),
        ("dependencies", dependencies.into()),
        // The code was checked where it comes from; a newer compiler's opinion is of no use to an author.
        ("lints", table(vec![("rust", table(vec![("warnings", "allow".into())]).into())]).into()),
    ]);
    let text = toml::Table::from_iter([("workspace".to_owned(), workspace.into())]).to_string();
    Ok(format!(
        "# The SDK that this plugin is built against, as `zenith plugin new` wrote it: the sources of\n\
         # zenith-plugin-sdk and zenith-core, in a workspace of their own.\n{text}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendored_workspace_has_what_its_crates_inherit() {
        let text = workspace().unwrap();
        let root: toml::Table = text.parse().unwrap();
        let dependencies = root["workspace"]["dependencies"].as_table().unwrap();
        for name in ["serde", "serde_json", "smallvec", "thiserror", "zenith-core"] {
            assert!(dependencies.contains_key(name), "{name} is missing:\n{text}");
        }
        assert!(!dependencies.contains_key("wasmtime"), "{text}");
        assert_eq!(root["workspace"]["dependencies"]["zenith-core"]["path"].as_str(), Some("host/core"));
    }

    #[test]
    fn the_vendored_files_are_sources_and_nothing_else() {
        let files = files().unwrap();
        assert!(files.iter().any(|(path, _)| path == "plugin-sdk-rs/src/guest/transform.rs"));
        assert!(files.iter().any(|(path, _)| path == "wit/transform.wit"));
        let size: usize = files.iter().map(|(_, contents)| contents.len()).sum();
        assert!(size < 400_000, "{size} bytes");
    }
}
