//! Packages for tests: the smallest components that a registry takes.

use zenith_registry::package::{self, Manifest};

/// A component that exports the interface of a kind. Components of different `mark`s differ.
pub(crate) fn component(interface: &str, mark: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module (@custom "zenith:api" "0.1.0") (@custom "mark" "{mark}"))
            (instance $plugin)
            (export "{interface}" (instance $plugin)))"#
    );
    wat::parse_str(text).unwrap()
}

/// A transform's package with a manifest.
pub(crate) fn transform(name: &str, version: &str, mark: &str) -> Vec<u8> {
    let text = format!("name = \"{name}\"\nversion = \"{version}\"\nkind = \"transform\"\n");
    let manifest = Manifest::from_toml(&text).unwrap();
    package::embed(&component("zenith:plugin/transform@0.1.0", mark), &manifest).unwrap()
}
