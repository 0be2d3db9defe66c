//! The layout on disk is that of `wkg`'s local backend: it reads what we publish, and we find what it
//! publishes. These tests need the command `wkg`, on the path or named by `ZENITH_TEST_WKG`, and are
//! skipped by name without it: it takes minutes to build.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says why")]

mod common;

use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};

use common::{name, signature, transform, version};
use zenith_registry::{Root, RootKind, SecretKey};

/// The command, with a configuration that has one local registry; `None`, said aloud, without it.
struct Wkg {
    folder: tempfile::TempDir,
}

impl Wkg {
    fn new(test: &str) -> Option<Self> {
        if Command::new(program()).arg("--version").output().is_err() {
            println!("skipped: {test}: `wkg` is not installed (cargo install wkg)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "default_registry = \"local.test\"\n[registry.\"local.test\"]\ntype = \"local\"\n\
             [registry.\"local.test\".local]\nroot = \"{}\"\n",
            folder.path().join("registry").display()
        );
        fs::write(folder.path().join("config.toml"), config).unwrap();
        Some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn root(&self) -> Root {
        Root::new(RootKind::Other, self.path().join("registry"))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program());
        command.args(arguments).args(["--config", "config.toml", "--cache", "cache"]);
        command.current_dir(self.path()).env("RUST_BACKTRACE", "0").output().unwrap()
    }
}

fn program() -> String {
    env::var("ZENITH_TEST_WKG").unwrap_or_else(|_| "wkg".to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn wkg_fetches_what_we_publish_whatever_lies_beside_it() {
    let Some(wkg) = Wkg::new("wkg_fetches_what_we_publish_whatever_lies_beside_it") else { return };
    let (root, ana) = (wkg.root(), SecretKey::generate().unwrap());
    for at in ["1.1.0", "1.2.0"] {
        let bytes = transform("acme:sepia", at, "");
        root.publish(&bytes, None, Some(&signature(&bytes, "acme:sepia", at, &ana))).unwrap();
    }
    root.yank(&name("acme:sepia"), &version("1.1.0"), "old").unwrap();
    for (asked, at) in [("acme:sepia", "1.2.0"), ("acme:sepia@1.1.0", "1.1.0")] {
        let output = wkg.run(&["get", asked, "--format", "wasm", "--overwrite", "--output", "./got.wasm"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let got = fs::read(wkg.path().join("got.wasm")).unwrap();
        assert_eq!(got, transform("acme:sepia", at, ""));
    }
}

#[test]
fn what_wkg_publishes_lies_where_we_look_for_it() {
    let Some(wkg) = Wkg::new("what_wkg_publishes_lies_where_we_look_for_it") else { return };
    let root = wkg.root();
    // A package of interfaces, which `wkg` builds from text. It is no plugin, and is found as a file.
    fs::create_dir(wkg.path().join("wit")).unwrap();
    let interface = "package acme:tints@0.3.0;\n\ninterface tint {\n    strength: func() -> f32;\n}\n";
    fs::write(wkg.path().join("wit/tint.wit"), interface).unwrap();
    let output = wkg.run(&["publish", "./wit"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(root.versions(&name("acme:tints")).unwrap(), [version("0.3.0")]);
    root.get(&name("acme:tints"), &version("0.3.0")).unwrap();

    // A component. `wkg` 0.16.1 takes no component at all, because it asks each for the version of
    // the package that its world is in, and that of a component has none; `--package` comes too late.
    let bytes = transform("acme:sepia", "1.2.0", "");
    fs::write(wkg.path().join("sepia.wasm"), &bytes).unwrap();
    let output = wkg.run(&["publish", "--package", "acme:sepia@1.2.0", "./sepia.wasm"]);
    let said = text(&output.stderr);
    if !output.status.success() && said.contains("package version not found") {
        println!(
            "skipped: what_wkg_publishes_lies_where_we_look_for_it, its second half: this `wkg` publishes no \
             component"
        );
        return;
    }
    assert!(output.status.success(), "{said}");
    assert_eq!(root.get(&name("acme:sepia"), &version("1.2.0")).unwrap().0, bytes);
    assert_eq!(root.signature(&name("acme:sepia"), &version("1.2.0")).unwrap(), None);
    // And it is taken up: the same bytes may be signed here.
    let ana = SecretKey::generate().unwrap();
    let added = root.publish(&bytes, None, Some(&signature(&bytes, "acme:sepia", "1.2.0", &ana))).unwrap();
    assert_eq!((added.new, added.signed_by), (false, Some(ana.public().id())));
}
