//! The `zenith` command as a user runs it: what it prints, and how it ends.
//!
//! These tests need the shipped plugins, as `make setup` builds them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use support::{built_in, photographs};

/// A project folder with a pipeline over three small photographs.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        photographs(folder.path());
        let project = Self { folder };
        project.pipeline("size = 16");
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes `pipeline.toml`, with a line for the crop's configuration.
    fn pipeline(&self, crop: &str) {
        let text = format!(
            r#"
[source]
kind = "images"
path = "photos"

[[operator]]
sample = "zenith:shuffle"
seed = 42

[[operator]]
decode = "zenith:jpeg"

[[operator]]
map = "zenith:random-resized-crop"
{crop}

[[operator]]
map = "zenith:to-float"

[batch]
size = 2
"#
        );
        fs::write(self.path().join("pipeline.toml"), text).unwrap();
    }

    fn zenith(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_zenith"))
            .args(arguments)
            .current_dir(self.path())
            .env("ZENITH_BUILT_IN", built_in())
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .output()
            .unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.zenith(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out
    }

    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.zenith(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stdout));
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn run_counts_samples_and_batches_on_every_engine() {
    let project = Project::new();
    for engine in ["auto", "native", "wasm"] {
        for workers in ["0", "2"] {
            let out = project.succeeds(&["run", "pipeline.toml", "--engine", engine, "--workers", workers]);
            assert!(out.starts_with("3 samples in 2 batches in "), "{out}");
            assert!(out.contains(" samples/s, "), "{out}");
        }
    }
}

#[test]
fn run_goes_on_over_epochs_until_it_has_the_batches_that_were_asked_for() {
    let project = Project::new();
    let out = project.succeeds(&["run", "pipeline.toml", "--batches", "5", "--analyze"]);
    assert!(out.starts_with("8 samples in 5 batches"), "{out}");
    // Batches that were prefetched for the rest of the epoch may have been decoded besides.
    assert!(out.contains("measured over 8 samples") && out.contains("decoder `zenith:jpeg@0.1.0`"), "{out}");
}

#[test]
fn explain_prints_the_plan() {
    let project = Project::new();
    let out = project.succeeds(&["explain", "pipeline.toml", "--workers", "2", "--fidelity", "fast"]);
    insta::with_settings!({filters => vec![
        (r"sha256:[0-9a-f]{12}", "sha256:[digest]"),
        (r"image folder \S+:", "image folder [folder]:"),
        (r"read with \S+", "read with [engine]"),
    ]}, { insta::assert_snapshot!(out) });
}

#[test]
fn a_mistake_in_a_pipeline_is_told_with_its_place_and_a_hint() {
    let project = Project::new();
    project.pipeline("sise = 16");
    let err = project.fails(&["explain", "pipeline.toml"], 1);
    assert!(err.contains("operator 3, transform `zenith:random-resized-crop@0.1.0`"), "{err}");
    assert!(err.contains("unknown field `sise`"), "{err}");
    let text = fs::read_to_string(project.path().join("pipeline.toml")).unwrap();
    fs::write(project.path().join("pipeline.toml"), text.replace("zenith:jpeg", "zenith:jpg")).unwrap();
    let err = project.fails(&["run", "pipeline.toml"], 1);
    assert!(
        err.contains("there is no plugin `zenith:jpg`") && err.contains("did you mean `zenith:jpeg`"),
        "{err}"
    );
}

#[test]
fn a_bad_sample_ends_a_run_or_is_skipped_and_listed() {
    let project = Project::new();
    fs::write(project.path().join("photos/dog/c.jpg"), "not a photograph").unwrap();
    let err = project.fails(&["run", "pipeline.toml"], 1);
    assert!(err.contains("decoder `zenith:jpeg@0.1.0` failed on `photos/dog/c.jpg` (sample 2)"), "{err}");
    assert!(err.contains("hint: "), "{err}");
    let out = project.succeeds(&["run", "pipeline.toml", "--on-error", "skip"]);
    assert!(out.starts_with("2 samples in "), "{out}");
    assert!(out.contains("skipped: decoder `zenith:jpeg@0.1.0` failed on `photos/dog/c.jpg`"), "{out}");
}

#[test]
fn the_registry_lists_and_shows_what_is_shipped() {
    let project = Project::new();
    let out = project.succeeds(&["registry", "list"]);
    for name in ["zenith:jpeg@0.1.0", "zenith:shuffle@0.1.0", "zenith:normalize@0.1.0"] {
        assert!(out.contains(name), "{out}");
    }
    let rows = project.succeeds(&["registry", "list", "--json"]);
    assert!(rows.lines().all(|row| serde_json::from_str::<serde_json::Value>(row).is_ok()), "{rows}");
    let shown = project.succeeds(&["registry", "show", "zenith:jpeg@^0.1"]);
    assert!(shown.contains("kind      decoder") && shown.contains("zenith:plugin@0.1.0"), "{shown}");
    let json = project.succeeds(&["registry", "show", "zenith:jpeg", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["kind"], "decoder");
    let err = project.fails(&["registry", "show", "zenith:jpeg@^9"], 1);
    assert!(err.contains("these versions exist: 0.1.0"), "{err}");
    let err = project.fails(&["registry", "show", "not a name"], 1);
    assert!(err.contains("is not a package name"), "{err}");
}

#[test]
fn a_component_is_added_under_a_name_and_used() {
    let project = Project::new();
    let flip = built_in().join("zenith/horizontal-flip/0.1.0.wasm");
    let out = project.succeeds(&["registry", "add", "--project", flip.to_str().unwrap()]);
    assert!(out.contains("added `zenith:horizontal-flip@0.1.0` sha256:"), "{out}");
    assert!(project.path().join(".zenith/registry/zenith/horizontal-flip/0.1.0.wasm").exists());
    let again = project.succeeds(&["registry", "add", "--project", flip.to_str().unwrap()]);
    assert!(again.contains("was there already"), "{again}");
    fs::write(project.path().join("text.wasm"), "text").unwrap();
    let err = project.fails(&["registry", "add", "text.wasm"], 1);
    assert!(err.contains("it is not a WebAssembly component"), "{err}");
    let err = project.fails(&["registry", "add", "missing.wasm"], 1);
    assert!(err.contains("cannot read `missing.wasm`"), "{err}");
}

#[test]
fn a_lockfile_pins_and_drift_is_refused() {
    let project = Project::new();
    let out = project.succeeds(&["lock", "pipeline.toml"]);
    assert!(out.contains("zenith.lock pins 4 packages"), "{out}");
    project.succeeds(&["explain", "pipeline.toml"]);
    let lock = project.path().join("zenith.lock");
    let pinned = fs::read_to_string(&lock).unwrap();
    let digest = pinned.lines().find(|line| line.starts_with("digest")).unwrap();
    let zero = format!("digest = \"sha256:{}\"", "0".repeat(64));
    fs::write(&lock, pinned.replace(digest, &zero)).unwrap();
    let err = project.fails(&["explain", "pipeline.toml"], 1);
    assert!(err.contains("is not what the lockfile pins"), "{err}");
    fs::write(&lock, "version = 1\nnonsense").unwrap();
    let err = project.fails(&["explain", "pipeline.toml"], 1);
    assert!(err.contains("line 2"), "{err}");
}

#[test]
fn a_wrong_command_line_ends_with_code_2() {
    let project = Project::new();
    assert!(project.fails(&["run"], 2).contains("Usage"));
    assert!(
        project
            .fails(&["run", "pipeline.toml", "--memory-limit", "much"], 2)
            .contains("not a number of bytes")
    );
    assert!(project.succeeds(&["--help"]).contains("Exit codes"));
}

#[test]
fn a_memory_limit_too_small_for_one_batch_is_told() {
    let project = Project::new();
    let err = project.fails(&["run", "pipeline.toml", "--memory-limit", "1kB"], 1);
    assert!(err.contains("memory limit") && err.contains("hint: "), "{err}");
}
