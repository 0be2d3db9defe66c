//! Building real plugin crates with cargo, and the `zenith-package` command. They need the WebAssembly
//! target, which `scripts/setup` installs.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;
use zenith_core::Kind;
use zenith_registry::{
    AddError, Lock, Root, RootKind,
    build::{BuildError, BuildOptions, PublishError, build_crate, build_workspace, publish},
    package,
};

/// The checkout.
fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What cargo builds for the plugins is kept between runs of the tests.
fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins")
}

fn options() -> BuildOptions {
    BuildOptions { target_dir: Some(target_dir()), quiet: true, ..BuildOptions::default() }
}

/// A crate without dependencies, which cargo builds in a moment. Each has a name of its own, because
/// they share a target folder.
fn small_crate(manifest: Option<&str>, crate_type: &str, source: &str) -> TempDir {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("small-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    let cargo = format!(
        "[workspace]\n[package]\nname = \"{name}\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"{crate_type}\"]\n"
    );
    fs::write(folder.path().join("Cargo.toml"), cargo).unwrap();
    fs::write(folder.path().join("src/lib.rs"), source).unwrap();
    if let Some(manifest) = manifest {
        fs::write(folder.path().join("plugin.toml"), manifest).unwrap();
    }
    folder
}

const SMALL: &str = "name = \"test:small\"\nversion = \"0.0.0\"\nkind = \"transform\"\n";

/// A workspace with two samplers made with the SDK, and a crate that is no plugin.
fn workspace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sdk = checkout().join("plugin-sdk-rs");
    let write = |file: &str, text: String| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        // The profile of `examples/sepia`, so that both share what cargo builds of their dependencies.
        "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n[profile.release]\nopt-level = 3\nlto = \"fat\"\n\
         codegen-units = 1\npanic = \"abort\"\nstrip = true\n"
            .to_owned(),
    );
    write("shared/Cargo.toml", "[package]\nname = \"shared\"\nedition = \"2024\"\n".to_owned());
    write("shared/src/lib.rs", String::new());
    for name in ["upwards", "downwards"] {
        write(
            &format!("{name}/Cargo.toml"),
            format!(
                "[package]\nname = \"{name}\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\
                 [dependencies]\nzenith-plugin-sdk = {{ path = {} }}\n",
                toml::Value::String(sdk.to_str().unwrap().to_owned())
            ),
        );
        write(&format!("{name}/src/lib.rs"), SAMPLER.replace("MARK", name));
        write(&format!("{name}/plugin.toml"), sampler_manifest(name, "sampler"));
    }
    folder
}

const SAMPLER: &str = r#"
    use zenith_plugin_sdk::{Error, NoConfig, Population, Sampler, export};

    struct Plain;

    impl Sampler for Plain {
        type Config = NoConfig;

        fn configure(_: NoConfig) -> Result<Self, Error> {
            Ok(Self)
        }

        fn start(&mut self, population: Population) -> Result<u64, Error> {
            Ok(population.length)
        }

        fn next(&mut self, _: u32, _: &mut Vec<u64>) -> Result<(), Error> {
            Ok(())
        }

        fn save(&self) -> Vec<u8> {
            b"MARK".to_vec()
        }

        fn restore(&mut self, _: &[u8]) -> Result<(), Error> {
            Ok(())
        }
    }

    export!(sampler: Plain);
"#;

fn sampler_manifest(name: &str, kind: &str) -> String {
    format!("name = \"test:{name}\"\nversion = \"0.1.0\"\nkind = \"{kind}\"\n")
}

#[test]
fn the_readers_plugin_builds_to_a_package_that_reads_back() {
    let source = checkout().join("examples/sepia");
    let built = build_crate(&source, &options()).unwrap();
    package::validate(&built.bytes).unwrap();
    let info = package::read(&built.bytes).unwrap();
    assert_eq!(info.manifest.as_ref(), Some(&built.manifest));
    assert_eq!((built.manifest.name.as_str(), info.kind), ("acme:sepia", Kind::Transform));
    assert_eq!(info.api.to_string(), "0.1.0");
    assert_eq!((info.digest, built.digest), (built.digest, package::digest(&built.bytes)));
    // It can neither see nor touch anything but its output and the log.
    assert!(info.imports.iter().all(|import| import.starts_with("zenith:plugin/")), "{:?}", info.imports);
    assert!(built.bytes.len() < 200_000, "{} bytes", built.bytes.len());
}

#[test]
fn a_package_does_not_tell_where_it_was_built() {
    let source = checkout().join("examples/sepia");
    let built = build_crate(&source, &options()).unwrap();
    let home = std::env::home_dir().unwrap().join(".cargo");
    for private in [checkout(), home] {
        let private = private.to_str().unwrap().as_bytes();
        assert!(!built.bytes.windows(private.len()).any(|part| part == private));
    }
}

#[test]
fn the_stamp_is_the_interface_version_of_the_sdk() {
    let built = build_crate(&checkout().join("examples/sepia"), &options()).unwrap();
    let mut stamps = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&built.bytes) {
        if let wasmparser::Payload::CustomSection(section) = payload.unwrap()
            && section.name() == package::API_SECTION
        {
            stamps.push(section.data().to_vec());
        }
    }
    assert_eq!(stamps, [b"0.1.0"]);
}

/// One test, because each step builds on what cargo has built for the one before.
#[test]
fn a_workspace_is_built_checked_and_published_as_one() {
    let folder = workspace();
    let registry = tempfile::tempdir().unwrap();
    let root = Root::new(RootKind::Other, registry.path());
    let lock_path = registry.path().join("zenith.lock");
    let manifest =
        |name: &str, text: &str| fs::write(folder.path().join(name).join("plugin.toml"), text).unwrap();

    let built = build_workspace(folder.path(), &options()).unwrap();
    let names: Vec<_> = built.iter().map(|package| package.manifest.name.to_string()).collect();
    assert_eq!(names, ["test:downwards", "test:upwards"]);
    assert_ne!(built[0].digest, built[1].digest);

    let published = publish(&built, &root).unwrap();
    assert!(published.added.iter().all(|added| added.new));
    let lock = Lock::read(&lock_path).unwrap().unwrap();
    assert_eq!(lock, published.lock);
    for package in &built {
        let found = lock.get(&package.manifest.name, &package.manifest.version).unwrap();
        assert_eq!(found.digest, package.digest);
    }
    assert!(publish(&built, &root).unwrap().added.iter().all(|added| !added.new));

    // A changed plugin replaces what an earlier build left, and one that is gone is taken out.
    manifest("upwards", &format!("{}description = \"new\"\n", sampler_manifest("upwards", "sampler")));
    fs::remove_file(folder.path().join("downwards/plugin.toml")).unwrap();
    let rebuilt = build_workspace(folder.path(), &options()).unwrap();
    assert_ne!(rebuilt[0].digest, built[1].digest);
    publish(&rebuilt, &root).unwrap();
    let listed: Vec<_> = root.list().unwrap().into_iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(listed, ["test:upwards"]);
    let stored = root.get(&rebuilt[0].manifest.name, &rebuilt[0].manifest.version).unwrap();
    assert_eq!(stored.1, rebuilt[0].digest);

    // What the lockfile does not know is somebody's, and stays.
    fs::remove_file(&lock_path).unwrap();
    let error = publish(&built[1..], &root).unwrap_err();
    assert!(matches!(error, PublishError::Add { cause: AddError::Conflict(_), .. }), "{error}");
    assert!(error.to_string().starts_with("`test:upwards` cannot be added to the registry: "), "{error}");
    assert!(error.hint().unwrap().contains("raise `version`"));
    fs::write(&lock_path, "version = ").unwrap();
    let error = publish(&rebuilt, &root).unwrap_err();
    assert!(matches!(error, PublishError::Lock(_)) && error.hint().is_some(), "{error}");

    manifest("downwards", &sampler_manifest("downwards", "decoder"));
    let error = build_workspace(folder.path(), &options()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`test:downwards` was compiled, but its manifest says that it is a decoder, but it exports the interface \
         of a sampler"
    );
    assert!(error.hint().unwrap().contains("`kind` in `plugin.toml`"));

    manifest("downwards", &sampler_manifest("upwards", "sampler"));
    let error = build_workspace(folder.path(), &options()).unwrap_err();
    assert!(matches!(error, BuildError::SameName { .. }), "{error}");
    assert!(error.to_string().ends_with("are both called `test:upwards`"), "{error}");

    let error = build_crate(folder.path(), &options()).unwrap_err();
    assert!(matches!(error, BuildError::Manifest { .. }), "{error}");
    fs::write(folder.path().join("plugin.toml"), SMALL).unwrap();
    let error = build_crate(folder.path(), &options()).unwrap_err();
    assert!(matches!(error, BuildError::NoPackage(_)), "{error}");
    assert!(error.hint().unwrap().contains("build-workspace"));
}

#[test]
fn what_the_compiler_says_is_passed_on() {
    let folder = small_crate(Some(SMALL), "cdylib", "fn broken( {}");
    let error = build_crate(folder.path(), &options()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BuildError::Compile { .. }));
    assert!(text.starts_with("the plugin does not compile:\n") && text.contains("src/lib.rs:1"), "{text}");
    assert_eq!(error.hint(), None);
}

#[test]
fn a_crate_that_makes_no_module_is_told_what_to_set() {
    let folder = small_crate(Some(SMALL), "rlib", "");
    let error = build_crate(folder.path(), &options()).unwrap_err();
    assert!(matches!(error, BuildError::NotCdylib(_)), "{error}");
    assert!(error.hint().unwrap().contains("crate-type = [\"cdylib\", \"rlib\"]"));
}

#[test]
fn a_crate_that_exports_nothing_is_no_plugin() {
    let folder = small_crate(Some(SMALL), "cdylib", "");
    let error = build_crate(folder.path(), &options()).unwrap_err();
    assert!(error.to_string().starts_with("`test:small` was compiled, but it exports none"), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn a_crate_that_imports_from_elsewhere_cannot_be_a_component() {
    let source = "#[link(wasm_import_module = \"elsewhere\")] unsafe extern \"C\" { fn now() -> u64; }\n\
                  #[unsafe(no_mangle)] pub extern \"C\" fn tick() -> u64 { unsafe { now() } }";
    let folder = small_crate(Some(SMALL), "cdylib", source);
    let error = build_crate(folder.path(), &options()).unwrap_err();
    assert!(
        error.to_string().contains("`test:small` was compiled, but it cannot be made into a component"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("zenith_plugin_sdk::export!"));
}

#[test]
fn a_crate_without_a_manifest_is_told_before_anything_is_compiled() {
    let folder = small_crate(None, "cdylib", "fn broken( {}");
    let error = build_crate(folder.path(), &options()).unwrap_err();
    assert!(matches!(error, BuildError::Manifest { .. }), "{error}");
    assert!(error.hint().unwrap().contains("`plugin.toml` beside its `Cargo.toml`"));
    let error = build_workspace(folder.path(), &options()).unwrap_err();
    assert!(matches!(error, BuildError::NoPlugins(_)), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn a_wrong_name_is_told_with_the_line() {
    let folder =
        small_crate(Some("name = \"Sepia\"\nversion = \"0.1.0\"\nkind = \"transform\"\n"), "cdylib", "");
    let text = build_crate(folder.path(), &options()).unwrap_err().to_string();
    assert!(text.contains("`plugin.toml` is wrong in line 1: `Sepia` is not a package name"), "{text}");
}

#[test]
fn a_folder_that_cargo_cannot_read_is_told_with_what_cargo_says() {
    let folder = small_crate(Some(SMALL), "cdylib", "");
    fs::write(folder.path().join("Cargo.toml"), "[package]\n").unwrap();
    let error = build_crate(folder.path(), &options()).unwrap_err();
    assert!(matches!(error, BuildError::Metadata { .. }));
    assert!(error.to_string().contains("cargo cannot read the workspace of"), "{error}");
}

/// Runs the command with these variables set.
fn zenith_package(arguments: &[&str], variables: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zenith-package"));
    command.args(arguments).arg("--target-dir").arg(target_dir());
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn the_command_builds_into_a_registry_folder() {
    let registry = tempfile::tempdir().unwrap();
    let source = checkout().join("examples/sepia");
    let (source, into) = (source.to_str().unwrap(), registry.path().to_str().unwrap());
    let output = zenith_package(&["build", source, "--into", into], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (bytes, digest) = Root::new(RootKind::Other, registry.path())
        .get(&"acme:sepia".parse().unwrap(), &"0.1.0".parse().unwrap())
        .unwrap();
    let line = format!("acme:sepia@0.1.0  {} bytes  {digest}\n", bytes.len());
    assert_eq!(String::from_utf8_lossy(&output.stdout), line);
    assert!(!registry.path().join("zenith.lock").exists());

    let output = zenith_package(&["build-workspace", source, "--into", into, "--lock", "--quiet"], &[]);
    assert!(output.status.success() && output.stdout.is_empty());
    let lock = Lock::read(&registry.path().join("zenith.lock")).unwrap().unwrap();
    assert_eq!(lock.packages().len(), 1);
    assert_eq!(lock.packages()[0].digest, digest);
}

#[test]
fn the_command_says_what_is_wrong_and_what_to_do() {
    let folder = small_crate(None, "cdylib", "");
    let path = folder.path().to_str().unwrap();
    let output = zenith_package(&["build", path, "--into", path], &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.starts_with("error: ") && text.contains("\nhint: a plugin crate has"), "{text}");
}

#[test]
fn a_machine_without_cargo_is_told_how_to_get_it() {
    let folder = small_crate(Some(SMALL), "cdylib", "");
    let path = folder.path().to_str().unwrap();
    let nowhere = folder.path().join("no-cargo");
    let output = zenith_package(&["build", path, "--into", path], &[("CARGO", &nowhere)]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("cannot run `") && text.contains("hint: install Rust with rustup"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_toolchain_without_the_target_is_told_the_rustup_command() {
    use std::os::unix::fs::PermissionsExt;

    // A cargo that reads workspaces and fails to build, as it does where the target is missing, and a
    // compiler that names a folder for the target's library which is not there, as rustc does.
    let folder = small_crate(Some(SMALL), "cdylib", "");
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let cargo = script(
        "cargo",
        &format!("#!/bin/sh\nif [ \"$1\" = metadata ]; then exec '{}' \"$@\"; fi\nexit 101\n", env!("CARGO")),
    );
    let rustc = script(
        "rustc",
        &format!(
            "#!/bin/sh\nif [ \"$2\" = target-libdir ]; then echo '{}/missing'; else exec rustc \"$@\"; fi\n",
            folder.path().display()
        ),
    );
    let path = folder.path().to_str().unwrap();
    let output = zenith_package(
        &["build", path, "--into", path, "--offline"],
        &[("CARGO", &cargo), ("RUSTC", &rustc)],
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("no standard library for `wasm32-unknown-unknown`"), "{text}");
    assert!(text.contains("hint: run `rustup target add wasm32-unknown-unknown`"), "{text}");
}
