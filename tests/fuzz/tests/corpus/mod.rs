//! What is damaged: real components, real images, real archives, and texts as users write them.

use std::{fs, path::Path};

use zenith_registry::package::{self, Manifest};
use zenith_registry_oci::artefact;
use zenith_test_artifacts as guests;

const MANIFEST: &str = r#"name = "acme:sepia"
version = "1.2.0-rc.1"
kind = "transform"
description = "Tints an RGB image"
license = "MIT OR Apache-2.0"
authors = ["Ada <ada@example.org>", "Grace"]
repository = "https://example.org/sepia"
permissions = ["clock"]

[limits]
memory_bytes = 1048576
time_ms = 50
output_bytes = 4096
"#;

/// The corpus of a body, by its name.
pub(crate) fn of(body: &str) -> Vec<Vec<u8>> {
    match body {
        "component" | "load" => components(),
        "manifest" => vec![MANIFEST.into(), json()],
        "lockfile" => lockfiles(),
        "reference" => references(),
        "minisig" => signatures(),
        "oci_manifest" => oci(),
        "tar" => archives(),
        "image" => images(),
        other => panic!("there is no body `{other}`"),
    }
}

fn json() -> Vec<u8> {
    serde_json::to_vec(&Manifest::from_toml(MANIFEST).unwrap()).unwrap()
}

fn components() -> Vec<Vec<u8>> {
    let mut found: Vec<_> = [
        guests::TRANSFORM_ECHOES,
        guests::TRANSFORM_TRAPS,
        guests::DECODER_ECHOES,
        guests::SAMPLER_COUNTS,
        guests::BATCH_TRANSFORM_ADDS,
        guests::POLICY_PACKS,
        guests::WASI_READS_THE_CLOCK,
    ]
    .into_iter()
    .map(guests::component)
    .collect();
    let manifest = Manifest::from_toml(MANIFEST).unwrap();
    let signed = package::embed(&found[0], &manifest).unwrap();
    found.push(signed);
    found.push(guests::TRANSFORM_ECHOES.to_vec());
    for text in [
        r#"(component (core module (@custom "zenith:api" "0.1.0")) (instance $plugin)
            (export "zenith:plugin/transform@0.1.0" (instance $plugin)))"#,
        r#"(component (component (core module)) (import "zenith:plugin/log@0.1.0" (instance))
            (type (func (param "a" string) (result (list u8)))) (instance $plugin)
            (export "zenith:plugin/decoder@0.1.0" (instance $plugin)) (export "x" (instance $plugin)))"#,
        "(component)",
        "(module (memory 1) (func (export \"f\") (loop br 0)))",
    ] {
        found.push(wat::parse_str(text).unwrap());
    }
    found
}

fn lockfiles() -> Vec<Vec<u8>> {
    let digest = package::digest(b"");
    let entry = |name: &str, version: &str, wanted: &str| {
        format!("\n[[package]]\nname = \"{name}\"\n{wanted}version = \"{version}\"\ndigest = \"{digest}\"\n")
    };
    let whole = format!(
        "# Pinned.\nversion = 1\n{}{}{}",
        entry("acme:sepia", "1.2.0", "requirement = \"^1.2\"\n"),
        entry("acme:sepia", "2.0.0-rc.1+linux", ""),
        entry("zenith:jpeg", "0.1.0", "requirement = \">=0.1, <2\"\n")
    );
    vec![whole.into(), "version = 2\n".into(), "version = 1\n".into()]
}

fn references() -> Vec<Vec<u8>> {
    let digest = package::digest(b"").to_string();
    let texts = [
        "acme:sepia",
        "acme:sepia@1.2.0",
        "acme:sepia-tone@^1.2",
        "a:b@>=1, <3",
        "a:b@~0.1.2-rc.1",
        "a:b@=1.2.3+linux.x86",
        "localhost:5000/team/ml",
        "[::1]:5000/a--b",
        "registry.example.org",
        &digest,
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// Of minisign's own documentation.
fn signatures() -> Vec<Vec<u8>> {
    let signature = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1556193335\tfile:test\n\
        y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==\n";
    vec![signature.into(), "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".into()]
}

fn oci() -> Vec<Vec<u8>> {
    let component = components().pop().unwrap();
    let bytes = components().remove(7);
    let (name, version) = ("acme:sepia".parse().unwrap(), "1.2.0-rc.1".parse().unwrap());
    let info = package::read(&bytes).unwrap();
    let written = artefact::write(&name, &version, &info, &bytes, Some("a\nsignature\n")).unwrap();
    let empty = serde_json::json!({"architecture": "wasm", "layerDigests": [package::digest(b"")]});
    let index = format!(r#"{{"schemaVersion": 2, "manifests": [{{"size": {}}}]}}"#, component.len());
    vec![written.manifest, written.config, empty.to_string().into(), index.into()]
}

fn archives() -> Vec<Vec<u8>> {
    let archive = |long: bool| {
        let mut builder = tar::Builder::new(Vec::new());
        for sample in 0..4 {
            for (ending, content) in [("jpg", &b"not really an image"[..]), ("cls", b"3"), ("json", b"{}")] {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o644);
                let folder = if long { "a-long-folder/".repeat(12) } else { String::new() };
                let name = format!("{folder}{sample:05}.{ending}");
                builder.append_data(&mut header, name, content).unwrap();
            }
        }
        if long {
            builder.append_pax_extensions([("path", &b"pax/00009.jpg"[..]), ("size", b"4")]).unwrap();
            let mut header = tar::Header::new_ustar();
            header.set_size(4);
            builder.append_data(&mut header, "short", &b"data"[..]).unwrap();
        }
        builder.into_inner().unwrap()
    };
    vec![archive(false), archive(true)]
}

fn images() -> Vec<Vec<u8>> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let mut found = Vec::new();
    for folder in ["jpeg/tests/corpus/files", "png/tests/golden"] {
        for entry in fs::read_dir(plugins.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let is_image = bytes.starts_with(&[0xFF, 0xD8]) || bytes.starts_with(b"\x89PNG");
            if is_image && bytes.len() < 40_000 {
                found.push(bytes);
            }
        }
    }
    assert!(found.len() > 20, "the images of the plugins' tests are missing");
    // The order of a folder is no order.
    found.sort();
    found
}
