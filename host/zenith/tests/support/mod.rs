//! What tests of plugins on the command line share: a project with three photographs, and test guests as
//! packages of its registry. The shipped plugins must be there, as `make setup` builds them.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of it")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use zenith::registry::package::{self, Manifest};

/// The registry folder with the shipped plugins.
pub(crate) fn built_in() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk-python/python/zenith/registry");
    assert!(folder.join("zenith.lock").exists(), "the shipped plugins are missing: run `make setup` first");
    folder
}

/// Puts three photographs, of two classes, into the folder `photos` of a project.
pub(crate) fn photographs(project: &Path) {
    let photograph = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/photograph.jpg");
    for name in ["cat/a.jpg", "cat/b.jpg", "dog/c.jpg"] {
        let file = project.join("photos").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(&photograph, file).unwrap();
    }
}

/// A project folder with photographs.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        photographs(folder.path());
        let project = Self { folder };
        // What is said of unsigned packages is another test's matter.
        project.write("config/zenith/trust.toml", "version = 1\nunsigned = \"allow\"\n");
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes `pipeline.toml`: 16 × 16 pixels of each photograph, and then a plugin with these lines.
    pub(crate) fn pipeline(&self, plugin: &str, lines: &str) {
        let text = format!(
            "[source]\nkind = \"images\"\npath = \"photos\"\n\n[[operator]]\ndecode = \"zenith:jpeg\"\n\n\
             [[operator]]\nmap = \"zenith:center-crop\"\nsize = 16\n\n[[operator]]\nmap = \"{plugin}\"\n\
             {lines}\n\n[batch]\nsize = 3\n"
        );
        self.write("pipeline.toml", text);
    }

    /// Puts a test guest into the project's registry, with these lines in its manifest.
    pub(crate) fn package(&self, name: &str, guest: &[u8], lines: &str) -> PathBuf {
        let file = format!(".zenith/registry/{}/1.0.0.wasm", name.replace(':', "/"));
        self.write(&file, packaged(name, guest, lines))
    }

    pub(crate) fn zenith(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_zenith"))
            .args(arguments)
            .current_dir(self.path())
            .env("ZENITH_BUILT_IN", built_in())
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_STATE_HOME", self.path().join("state"))
            .output()
            .unwrap()
    }

    /// What a command that must succeed prints, and what it tells besides.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> (String, String) {
        let output = self.zenith(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        (out, err)
    }

    /// What a command that must fail with this exit code prints, and what it tells besides.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32) -> (String, String) {
        let output = self.zenith(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
        (out, err)
    }
}

/// A guest as a package, a transform unless the lines say otherwise.
pub(crate) fn packaged(name: &str, guest: &[u8], lines: &str) -> Vec<u8> {
    let kind = if lines.contains("kind = ") { "" } else { "kind = \"transform\"\n" };
    let manifest = Manifest::from_toml(&format!("name = \"{name}\"\nversion = \"1.0.0\"\n{kind}{lines}"));
    package::embed(&zenith_test_artifacts::component(guest), &manifest.unwrap()).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
