//! The reader's plugin, `examples/sepia`, from its source to pixels: built, added to a project's
//! registry, pinned, and run in a pipeline beside the shipped plugins.
//!
//! These tests need the shipped plugins, as `make setup` builds them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use serde_json::json;
use zenith::{
    Context, ContextOptions, Engine, EngineChoice, LoadOptions, Loader, Next, Spec,
    registry::build::{BuildOptions, BuiltPackage, build_crate},
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The component, built once for all tests of this file.
fn sepia() -> &'static BuiltPackage {
    static SEPIA: OnceLock<BuiltPackage> = OnceLock::new();
    SEPIA.get_or_init(|| {
        let options = BuildOptions { quiet: true, ..BuildOptions::default() };
        build_crate(&repository().join("examples/sepia"), &options).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// A project with one photograph, and sepia in its registry.
fn project() -> tempfile::TempDir {
    let project = tempfile::tempdir().unwrap();
    let class = project.path().join("photos/person");
    fs::create_dir_all(&class).unwrap();
    fs::copy(repository().join("host/zenith/tests/data/photograph.jpg"), class.join("a.jpg")).unwrap();
    let file = project.path().join(".zenith/registry/acme/sepia/0.1.0.wasm");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, &sepia().bytes).unwrap();
    project
}

fn context(project: &Path) -> Context {
    let built_in = repository().join("sdk-python/python/zenith/registry");
    assert!(built_in.join("zenith.lock").exists(), "the shipped plugins are missing: run `make setup` first");
    Context::new(ContextOptions {
        project: project.to_owned(),
        built_in: Some(built_in),
        ..ContextOptions::default()
    })
    .unwrap()
}

fn spec(project: &Path, maps: &[serde_json::Value]) -> Spec {
    let mut operators = vec![json!({"decode": null}), json!({"map": "zenith:center-crop", "size": 64})];
    operators.extend_from_slice(maps);
    let source = json!({"kind": "images", "path": project.join("photos")});
    serde_json::from_value(json!({"source": source, "operator": operators})).unwrap()
}

/// The pixels of the only sample.
fn pixels(project: &Path, maps: &[serde_json::Value]) -> Vec<u8> {
    let loader = Loader::new(&context(project), &spec(project, maps), LoadOptions::default()).unwrap();
    let mut epoch = loader.begin().unwrap();
    let Next::Batch(batch) = epoch.next(Duration::from_mins(1)).unwrap() else { panic!("no batch") };
    batch.tensors()[0].data().to_vec()
}

#[test]
fn a_plugin_that_the_reader_wrote_tints_what_a_shipped_decoder_decoded() {
    const TINT: [[f32; 3]; 3] = [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]];
    let project = project();
    let plain = pixels(project.path(), &[]);
    let tinted = pixels(project.path(), &[json!({"map": "acme:sepia"})]);
    assert_eq!(plain.len(), 64 * 64 * 3);
    for (before, after) in plain.chunks_exact(3).zip(tinted.chunks_exact(3)) {
        for (weights, value) in TINT.iter().zip(after) {
            let expected: f32 =
                weights.iter().zip(before).map(|(weight, value)| weight * f32::from(*value)).sum();
            assert!((expected.min(255.0) - f32::from(*value)).abs() <= 0.501, "{before:?} became {after:?}");
        }
    }
}

#[test]
fn a_third_partys_plugin_runs_as_webassembly_beside_native_twins() {
    let project = project();
    let context = context(project.path());
    let spec = spec(project.path(), &[json!({"map": "acme:sepia", "strength": 0.4})]);
    let loader = Loader::new(&context, &spec, LoadOptions::default()).unwrap();
    let engines: Vec<_> = loader
        .plan()
        .operators()
        .map(|step| (step.plugin().identity().to_string(), step.plugin().engine()))
        .filter(|(name, _)| name.contains("sepia") || name.contains("center-crop"))
        .collect();
    assert_eq!(
        engines,
        [
            ("zenith:center-crop@0.1.0".to_owned(), Engine::Native),
            ("acme:sepia@0.1.0".to_owned(), Engine::Wasm)
        ]
    );
    let native = LoadOptions { engine: EngineChoice::Native, ..LoadOptions::default() };
    let error = Loader::new(&context, &spec, native).err().unwrap().to_string();
    assert!(error.contains("`acme:sepia@0.1.0` has no native twin"), "{error}");
}

#[test]
fn the_plugins_own_words_reach_the_user() {
    let project = project();
    let wrong = spec(project.path(), &[json!({"map": "acme:sepia", "strength": 2.0})]);
    let error =
        Loader::new(&context(project.path()), &wrong, LoadOptions::default()).err().unwrap().to_string();
    assert!(
        error.contains("operator 3, transform `acme:sepia@0.1.0`: configuration: `strength` must be between 0 and 1, but is 2"),
        "{error}"
    );
    let misplaced = spec(project.path(), &[json!({"map": "zenith:to-float"}), json!({"map": "acme:sepia"})]);
    let error =
        Loader::new(&context(project.path()), &misplaced, LoadOptions::default()).err().unwrap().to_string();
    assert!(error.contains("it takes uint8[height, width, 3], not float32[3, 64, 64]"), "{error}");
}

#[test]
fn a_lockfile_of_the_pipeline_pins_the_bytes_that_were_built() {
    let project = project();
    let lock = context(project.path()).pin(&spec(project.path(), &[json!({"map": "acme:sepia"})])).unwrap();
    let pinned = lock.packages().iter().find(|package| package.name.as_str() == "acme:sepia").unwrap();
    assert_eq!(pinned.digest, sepia().digest);
    lock.write(&project.path().join("zenith.lock")).unwrap();
    // The same version with other bytes is what a lockfile is there to find.
    let file = project.path().join(".zenith/registry/acme/sepia/0.1.0.wasm");
    let other =
        fs::read(repository().join("sdk-python/python/zenith/registry/zenith/resize/0.1.0.wasm")).unwrap();
    fs::write(file, other).unwrap();
    let spec = spec(project.path(), &[json!({"map": "acme:sepia"})]);
    let error =
        Loader::new(&context(project.path()), &spec, LoadOptions::default()).err().unwrap().to_string();
    assert!(error.contains("`acme:sepia@0.1.0` is not what the lockfile pins"), "{error}");
}
