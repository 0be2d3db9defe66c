//! The bytes that stand for a package, beside those that `wkg` writes for the same component.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

use serde_json::Value;
use zenith_registry::package::{self, Manifest};
use zenith_registry_oci::artefact;

const COMPONENT: &str = include_str!("data/sepia.wat");

fn package(description: &str) -> Vec<u8> {
    let component = wat::parse_str(COMPONENT).unwrap();
    let text = format!(
        "name = \"acme:sepia\"\nversion = \"1.2.0\"\nkind = \"transform\"\ndescription = \"{description}\"\n\
         license = \"MIT\"\nauthors = [\"Ada\", \"Grace\"]\nrepository = \"https://example.org/sepia\"\n"
    );
    package::embed(&component, &Manifest::from_toml(&text).unwrap()).unwrap()
}

fn write(bytes: &[u8], signature: Option<&str>) -> artefact::Written {
    let (name, version) = ("acme:sepia".parse().unwrap(), "1.2.0".parse().unwrap());
    artefact::write(&name, &version, &package::read(bytes).unwrap(), bytes, signature).unwrap()
}

#[test]
fn the_bytes_are_those_of_wkg_but_for_the_time() {
    // Both files are what `wkg oci push` 0.16.1 left in a registry for the component of `sepia.wat`, with
    // the version as an annotation, as its `publish` writes it.
    let bytes = wat::parse_str(COMPONENT).unwrap();
    let written = write(&bytes, None);
    let theirs = include_str!("data/wkg-config.json");
    let created = |text: &str| serde_json::from_str::<Value>(text).unwrap()["created"].clone();
    let ours = String::from_utf8(written.config).unwrap();
    let theirs = theirs.trim_end().replace(created(theirs).as_str().unwrap(), "1970-01-01T00:00:00Z");
    assert_eq!(ours, theirs);

    let ours = String::from_utf8(written.manifest).unwrap();
    let theirs = include_str!("data/wkg-manifest.json").trim_end();
    let config = |text: &str| {
        let manifest: Value = serde_json::from_str(text).unwrap();
        let config = &manifest["config"];
        (config["digest"].as_str().unwrap().to_owned(), format!("\"size\":{}}},\"layers", config["size"]))
    };
    let ((our_digest, our_size), (their_digest, their_size)) = (config(&ours), config(theirs));
    assert_eq!(ours, theirs.replace(&their_digest, &our_digest).replace(&their_size, &our_size));
}

#[test]
fn what_wkg_pushed_is_read() {
    let manifest = artefact::read(include_bytes!("data/wkg-manifest.json")).unwrap();
    let component = wat::parse_str(COMPONENT).unwrap();
    assert_eq!((manifest.layer, manifest.size), (package::digest(&component), component.len() as u64));
    assert_eq!(manifest.signature, None);
    artefact::check_config(include_bytes!("data/wkg-config.json"), manifest.layer).unwrap();
}

#[test]
fn the_same_package_gives_the_same_manifest_and_says_what_its_own_says() {
    let bytes = package("Tints \\\"it\\\"\\nbrown");
    let (once, again) = (write(&bytes, Some("a\nb")), write(&bytes, Some("a\nb")));
    assert_eq!(once, again);
    let manifest: Value = serde_json::from_slice(&once.manifest).unwrap();
    let said = |key: &str| manifest["annotations"][format!("org.opencontainers.image.{key}")].clone();
    assert_eq!(said("version"), "1.2.0");
    assert_eq!(said("description"), "Tints \"it\"\nbrown");
    assert_eq!(said("licenses"), "MIT");
    assert_eq!(said("authors"), "Ada, Grace");
    assert_eq!(said("source"), "https://example.org/sepia");
    let read = artefact::read(&once.manifest).unwrap();
    assert_eq!(read.signature.as_deref(), Some("a\nb"));
    assert_eq!((read.config, read.config_size), (package::digest(&once.config), once.config.len() as u64));
    artefact::check_config(&once.config, package::digest(&bytes)).unwrap();
}

#[test]
fn a_signature_without_end_is_refused() {
    let bytes = package("");
    let long = "x".repeat(10_000);
    let error = artefact::read(&write(&bytes, Some(&long)).manifest).unwrap_err();
    assert!(error.to_string().contains("its signature is longer than"), "{error}");
}
