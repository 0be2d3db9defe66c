//! Packages between us and `wkg`, through a real registry. `wkg` takes minutes to build, so that these
//! tests run where somebody has installed it (`cargo install wkg --version 0.16.1`); what it writes is in
//! `tests/data`, which `artefact.rs` compares with what we write.
//!
//! It pushes by `wkg oci push`: in 0.16.1, `wkg publish` refuses every component ("component package
//! version not found"), with `--package` too, because it looks for a version in the component's own WIT
//! first, and the world that it makes of a component has none.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use std::{fs, path::Path, process::Command};

use common::{Registry, program, transform};
use zenith_core::PackageName;
use zenith_registry_oci::{Outcome, Package, Remote, RemoteError, RemoteOptions};

const PREFIX: &str = "team/";

/// Runs `wkg` with a configuration that leads the namespace `acme` to the registry.
fn wkg(registry: &Registry, folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let host = &registry.host;
    let config = format!(
        "[namespace_registries]\nacme = {{ registry = \"{host}\", metadata = {{ preferredProtocol = \"oci\", \
         oci = {{ registry = \"{host}\", namespacePrefix = \"{PREFIX}\" }} }} }}\n\n[registry.\"{host}\"]\ntype = \
         \"oci\"\n[registry.\"{host}\".oci]\nprotocol = \"http\"\n"
    );
    fs::write(folder.join("config.toml"), config).unwrap();
    let output = Command::new("wkg")
        .args(arguments)
        .env("WKG_CONFIG_FILE", "config.toml")
        .env("WKG_CACHE_DIR", "cache")
        .env("DOCKER_CONFIG", folder)
        .current_dir(folder)
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(said) }
}

fn remote(registry: &Registry) -> Remote {
    let place = format!("{}/{PREFIX}", registry.host).parse().unwrap();
    Remote::new(place, RemoteOptions { plain_http: true, ..RemoteOptions::default() })
}

#[test]
fn wkg_gets_what_we_pushed() {
    or_skip!(program("wkg", "cargo install wkg"));
    let registry = or_skip!(Registry::start());
    let folder = tempfile::tempdir().unwrap();
    let (name, version): (PackageName, _) = ("acme:sepia".parse().unwrap(), "1.2.0".parse().unwrap());
    let bytes = transform("acme:sepia", "1.2.0", "");
    // A signature is an annotation that it does not know.
    let package = Package { name: &name, version: &version, bytes: &bytes, signature: Some("a\nb\n") };
    remote(&registry).push(package, &mut |_| {}).unwrap();
    for spec in ["acme:sepia@1.2.0", "acme:sepia"] {
        wkg(&registry, folder.path(), &["get", spec, "--overwrite", "--output", "./got.wasm"]).unwrap();
        assert!(fs::read(folder.path().join("got.wasm")).unwrap() == bytes, "{spec}");
    }
}

#[test]
fn we_pull_what_wkg_pushed_and_push_nothing_else_over_it() {
    or_skip!(program("wkg", "cargo install wkg"));
    let registry = or_skip!(Registry::start());
    let folder = tempfile::tempdir().unwrap();
    let bytes = transform("acme:sepia", "1.2.0", "");
    fs::write(folder.path().join("sepia.wasm"), &bytes).unwrap();
    let image = format!("{}/{PREFIX}acme/sepia:1.2.0", registry.host);
    let push = ["oci", "push", "--insecure", &registry.host, &image, "sepia.wasm"];
    wkg(&registry, folder.path(), &push).unwrap();
    let remote = remote(&registry);
    let pulled = remote.pull(&"acme:sepia@^1".parse().unwrap(), None, &mut |_| {}).unwrap();
    assert!(pulled.bytes == bytes);
    assert_eq!((pulled.version.to_string().as_str(), pulled.signature), ("1.2.0", None));
    let (name, version): (PackageName, _) = ("acme:sepia".parse().unwrap(), "1.2.0".parse().unwrap());
    let package = Package { name: &name, version: &version, bytes: &bytes, signature: None };
    assert_eq!(remote.push(package, &mut |_| {}).unwrap().outcome, Outcome::Unchanged);
    let other = transform("acme:sepia", "1.2.0", "other");
    let error = remote.push(Package { bytes: &other, ..package }, &mut |_| {}).unwrap_err();
    assert!(matches!(error, RemoteError::Conflict { .. }), "{error}");
}
