//! A Rust plugin from the template, built by `cargo component` instead of `zenith plugin build`: the crate
//! carries the table that the tool wants, and the component does the same.
//!
//! The tool takes minutes to install, and plain cargo is all that a plugin needs, so that this runs where
//! it is installed already, and says so where it is not.

use std::{fs, path::Path, process::Command};

use zenith_author::{
    Language,
    template::{self, NewPlugin},
};
use zenith_core::{DType, Identity, Kind, Limits, Output, TensorView};
use zenith_plugin::{CacheOption, Host, HostOptions};
use zenith_registry::package;

/// Cargo, as an author calls it: without what a coverage run sets for the machine's own code.
fn cargo() -> Command {
    let mut command = Command::new("cargo");
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"] {
        command.env_remove(name);
    }
    command
}

#[test]
fn a_rust_plugin_is_also_built_by_cargo_component() {
    let there = cargo().args(["component", "--version"]).output();
    if !there.is_ok_and(|answer| answer.status.success()) {
        println!(
            "left out: `cargo component` is not installed: run `cargo install --locked cargo-component`"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("solar");
    let plugin =
        NewPlugin { name: "test:solar".parse().unwrap(), language: Language::Rust, kind: Kind::Transform };
    template::create(&plugin, &whole).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cargo-component");
    let built = cargo()
        .args(["component", "build", "--release", "--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&target)
        .current_dir(&whole)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    let bytes = fs::read(target.join("wasm32-unknown-unknown/release/solar.wasm")).unwrap();
    let info = package::read(&bytes).unwrap();
    assert_eq!(info.kind, Kind::Transform);
    assert!(info.imports.iter().all(|name| name.starts_with("zenith:plugin/")), "{:?}", info.imports);
    let host = Host::new(HostOptions { cache: CacheOption::Off }).unwrap();
    let identity = Identity { name: plugin.name, version: "0.1.0".to_owned(), digest: info.digest };
    let solar = host.load(identity, &bytes).unwrap();
    let mut transform = solar.transform("{}", &Limits::default()).unwrap();
    let mut pixel = [0; 3];
    let input = TensorView::new(DType::Uint8, &[1, 1, 3], &[127, 128, 255]).unwrap();
    transform.apply(input, 0, &mut Output::place(&mut pixel)).unwrap();
    assert_eq!(pixel, [127, 127, 0]);
}
