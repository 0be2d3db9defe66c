//! Packages for tests: the smallest components that a registry takes.

#![allow(dead_code, reason = "each test takes what it needs")]

use semver::Version;
use zenith_core::PackageName;
use zenith_registry::{
    SecretKey, Signature, Statement,
    package::{self, Manifest},
};

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

pub(crate) fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// A signature of bytes as a version of a package, whatever their manifest says.
pub(crate) fn signature(bytes: &[u8], of: &str, at: &str, key: &SecretKey) -> Signature {
    let statement = Statement { name: name(of), version: version(at), digest: package::digest(bytes) };
    Signature::make(&statement, bytes, key).unwrap()
}
