//! `zenith plugin shadow` as a user runs it: what it prints about two versions, and how it ends.
//!
//! These tests need the shipped plugins, as `make setup` builds them: some of them stand here for
//! versions of one third-party plugin, `acme:crop` or `acme:order`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use support::{built_in, photographs};

/// A project with three photographs, one of them damaged where a test wants it, and two plugins in
/// several versions.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        photographs(project.path());
        for (version, shipped) in [
            ("crop/1.0.0", "center-crop"),
            ("crop/1.1.0", "random-crop"),
            ("crop/1.2.0", "center-crop"),
            ("crop/2.0.0", "sequential"),
            ("order/1.0.0", "sequential"),
            ("order/1.1.0", "shuffle"),
        ] {
            let file = project.path().join(format!(".zenith/registry/acme/{version}.wasm"));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::copy(built_in().join(format!("zenith/{shipped}/0.1.0.wasm")), file).unwrap();
        }
        let pipeline = r#"
[source]
kind = "images"
path = "photos"
[[operator]]
sample = "acme:order@=1.0.0"
[[operator]]
decode = "auto"
[[operator]]
map = "zenith:resize"
size = [24, 32]
[[operator]]
map = "acme:crop@1.0.0"
size = 16
[[operator]]
map = "zenith:to-float"
"#;
        fs::write(project.path().join("pipeline.toml"), pipeline).unwrap();
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn shadow(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_zenith"))
            .args(["plugin", "shadow"])
            .args(arguments)
            .current_dir(self.path())
            .env("ZENITH_BUILT_IN", built_in())
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .output()
            .unwrap()
    }

    /// Standard output of a comparison that ends with `code`.
    fn ends(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.shadow(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
        if code == 1 || code == 2 { err } else { out }
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--json"]].concat();
        serde_json::from_str(&self.ends(0, &arguments)).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const PIPELINE: [&str; 4] = ["--pipeline", "pipeline.toml", "--samples", "6"];

#[test]
fn a_table_tells_differences_times_memory_and_examples() {
    let project = Project::new();
    let arguments = [&["acme:crop@1.0.0", "1.1.0", "--examples", "2"][..], &PIPELINE].concat();
    let out = project.ends(0, &arguments);
    insta::with_settings!({filters => vec![
        (r" +[\d.]+ µs +[\d.]+ µs +[\d.]+", "  [time]  [time]  [ratio]"),
        (r" +[\d.]+ MB +[\d.]+ MB +[\d.]+", "  [memory]  [memory]  [ratio]"),
        (r"largest \d+, mean [\d.]+", "largest [largest], mean [mean]"),
    ]}, { insta::assert_snapshot!(out) });
}

#[test]
fn the_exit_code_tells_a_difference_where_that_is_asked_for() {
    let project = Project::new();
    let asked = |versions: [&'static str; 2]| [&versions[..], &PIPELINE, &["--fail-on-difference"]].concat();
    project.ends(3, &asked(["acme:crop@1.0.0", "1.1.0"]));
    let same = project.ends(0, &asked(["acme:crop@1.0.0", "~1.2"]));
    assert!(same.contains("no difference") && same.contains("acme:crop@1.2.0"), "{same}");
}

#[test]
fn the_operator_gets_what_reaches_it_in_the_pipeline_or_whole_images_of_a_folder() {
    let project = Project::new();
    let report = project.json(&[&["acme:crop@1.0.0", "1.1.0"][..], &PIPELINE].concat());
    assert_eq!((&report["kind"], &report["position"]), (&Value::from("transform"), &Value::from(4)));
    assert_eq!((report["samples"].as_u64(), report["left_out"].as_u64()), (Some(6), Some(0)));
    // Crops of 16×16×3.
    assert_eq!(report["distance"]["elements"], 6 * 16 * 16 * 3);
    assert!(report["distance"]["largest"].as_f64().unwrap() > 0.0);
    assert_eq!(report["examples"][0]["key"], "photos/cat/a.jpg");
    assert!(report["candidate"]["digest"].as_str().unwrap().starts_with("sha256:"));
    assert!(report["candidate"]["memory"].as_u64().unwrap() > 0);

    let folder = ["acme:crop@1.0.0", "1.2.0", "--input", "photos", "--samples", "3", "--config"];
    let report = project.json(&[&folder[..], &["{\"size\": 8}"]].concat());
    assert_eq!((&report["position"], &report["differing"]), (&Value::from(2), &Value::from(0)));
    assert_eq!(report["distance"]["elements"], 3 * 8 * 8 * 3);
}

#[test]
fn decoders_and_samplers_are_compared_with_other_packages_too() {
    let project = Project::new();
    let folder = ["--input", "photos", "--samples", "3"];
    let report = project.json(&[&["zenith:jpeg", "0.1.0"][..], &folder].concat());
    assert_eq!((&report["kind"], &report["differing"]), (&Value::from("decoder"), &Value::from(0)));
    assert_eq!(
        (&report["candidate"]["engine"], &report["candidate"]["memory"]),
        (&"native".into(), &Value::Null)
    );
    let report = project.json(&[&["acme:order@1.0.0", "zenith:shuffle"][..], &PIPELINE].concat());
    assert_eq!(report["candidate"]["plugin"], "zenith:shuffle@0.1.0");
    assert_eq!((&report["kind"], &report["distance"]), (&Value::from("sampler"), &Value::Null));
    assert_eq!(report["samples"], 6);
}

#[test]
fn samples_that_cannot_be_decoded_are_left_out_and_named() {
    let project = Project::new();
    fs::write(project.path().join("photos/dog/c.jpg"), "no photograph").unwrap();
    let out = project.ends(0, &[&["acme:crop@1.0.0", "1.2.0"][..], &PIPELINE].concat());
    assert!(out.contains("left out before it") && out.contains("photos/dog/c.jpg"), "{out}");
}

#[test]
fn what_cannot_be_compared_ends_with_the_reason() {
    let project = Project::new();
    let says = |code, versions: [&str; 2], more: &[&str], message: &str| {
        let err = project.ends(code, &[&versions[..], more].concat());
        assert!(err.contains(message), "{err}");
    };
    says(1, ["acme:crop@1.0.0", "1.9.0"], &PIPELINE, "no version of `acme:crop` that matches `1.9.0`");
    says(1, ["acme:crop@1.0.0", "2.0.0"], &PIPELINE, "is a sampler, and operator 4 is a transform");
    says(1, ["zenith:center-crop", "0.1.0"], &PIPELINE, "no operator `zenith:center-crop`");
    says(1, ["acme:crop", "1.0.0"], &["--input", "nowhere"], "nowhere");
    says(2, ["acme:crop@1.0.0", "1.1.0"], &[], "--pipeline");
    says(2, ["acme:crop", "1.1.0"], &["--input", "photos", "--config", "[]"], "no JSON object");
}
