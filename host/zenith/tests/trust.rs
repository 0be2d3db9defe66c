//! Keys, publishing, trust, pins and upkeep, as the `zenith` command shows them.
//!
//! These tests need the shipped plugins, as `make setup` builds them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use zenith::registry::package::{self, Manifest};

use support::built_in;

/// A project with a pipeline that uses `acme:flip`, and a home of its own.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        let photos = project.path().join("photos/cat");
        fs::create_dir_all(&photos).unwrap();
        let photograph = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/photograph.jpg");
        fs::copy(photograph, photos.join("a.jpg")).unwrap();
        project.pipeline("acme:flip");
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn pipeline(&self, reference: &str) {
        let text = format!(
            "[source]\nkind = \"images\"\npath = \"photos\"\n\n[[operator]]\ndecode = \"zenith:jpeg\"\n\n\
             [[operator]]\nmap = \"{reference}\"\n"
        );
        fs::write(self.path().join("pipeline.toml"), text).unwrap();
    }

    /// A component `acme:flip`: the shipped one under another name.
    fn component(&self, version: &str) -> String {
        let shipped = fs::read(built_in().join("zenith/horizontal-flip/0.1.0.wasm")).unwrap();
        let manifest = format!("name = \"acme:flip\"\nversion = \"{version}\"\nkind = \"transform\"\n");
        let bytes = package::embed(&shipped, &Manifest::from_toml(&manifest).unwrap()).unwrap();
        let path = self.path().join(format!("flip-{version}.wasm"));
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn stored(&self, file: &str) -> PathBuf {
        self.path().join("data/zenith/registry/acme/flip").join(file)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zenith"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env("ZENITH_BUILT_IN", built_in())
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env_remove("ZENITH_LOCKED")
            .env_remove("ZENITH_KEY_PASSWORD")
            .stdin(std::process::Stdio::null());
        command
    }

    fn zenith(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> (String, String) {
        let output = self.zenith(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        (out, err)
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.zenith(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last line's last word, as of a public key.
fn last_word(out: &str) -> String {
    out.split_whitespace().next_back().unwrap().to_owned()
}

#[test]
fn from_a_key_to_a_trusted_plugin() {
    let project = Project::new();
    let component = project.component("1.0.0");
    let err = project.fails(&["plugin", "publish", &component]);
    assert!(err.contains("there is no key to sign with\nhint: make one with `zenith key new`"), "{err}");

    let (made, _) = project.succeeds(&["key", "new"]);
    assert!(made.contains("no password protects it"), "{made}");
    let public = last_word(&made);
    let (published, _) = project.succeeds(&["plugin", "publish", &component]);
    assert!(published.starts_with("published `acme:flip@1.0.0` sha256:"), "{published}");
    assert!(published.contains(&format!("zenith trust add {public} --namespace acme")), "{published}");
    assert!(project.stored("1.0.0.wasm").exists() && project.stored("1.0.0.wasm.minisig").exists());

    // Signed by a stranger as yet: used, with a warning that says what to do.
    let (_, err) = project.succeeds(&["explain", "pipeline.toml"]);
    assert_eq!(err.matches("warning: ").count(), 1, "{err}");
    assert!(err.contains("which no trust file lists for `acme`"), "{err}");
    assert!(err.contains(&format!("zenith trust add {public} --namespace acme")), "{err}");

    let (added, _) = project.succeeds(&["trust", "add", &public, "--namespace", "acme"]);
    assert!(added.contains("plugins of `acme` must be signed by the key "), "{added}");
    let (_, err) = project.succeeds(&["explain", "pipeline.toml"]);
    assert_eq!(err, "");
    let (shown, _) = project.succeeds(&["registry", "show", "acme:flip"]);
    assert!(shown.contains("which is trusted for it"), "{shown}");
    let (listed, _) = project.succeeds(&["trust", "list"]);
    assert!(listed.contains(&public) && listed.contains("your key `default`"), "{listed}");

    // From now on, nothing of that namespace comes in unsigned.
    let next = project.component("1.1.0");
    let (out, _) = project.succeeds(&["plugin", "publish", &next, "--unsigned"]);
    assert!(out.contains("not signed: those who use it are warned, or refuse it"), "{out}");
    let err = project.fails(&["explain", "pipeline.toml"]);
    assert!(err.contains("`acme:flip@1.1.0` is not signed") && err.contains("trust.toml` requires"), "{err}");
    let (signed, _) = project.succeeds(&["plugin", "publish", &next]);
    assert!(signed.contains("was published already, with the same bytes"), "{signed}");
    project.succeeds(&["explain", "pipeline.toml"]);

    let (removed, _) = project.succeeds(&["trust", "remove", "default"]);
    assert!(removed.contains("nothing must be signed there"), "{removed}");
    let err = project.fails(&["trust", "remove", "default"]);
    assert!(err.contains("does not list the key"), "{err}");
}

#[test]
fn a_tampered_plugin_is_refused_with_and_without_a_trust_file() {
    let project = Project::new();
    project.succeeds(&["key", "new"]);
    project.succeeds(&["plugin", "publish", &project.component("1.0.0")]);
    let other = fs::read(project.component("1.1.0")).unwrap();
    fs::write(project.stored("1.0.0.wasm"), other).unwrap();
    for trusted in [false, true] {
        if trusted {
            project.succeeds(&["trust", "add", "default", "--namespace", "acme"]);
        }
        let err = project.fails(&["explain", "pipeline.toml"]);
        assert!(err.contains("the signature of `acme:flip@1.0.0` in `"), "{err}");
        assert!(err.contains("it is for other bytes") && err.contains("hint: do not use it"), "{err}");
        let err = project.fails(&["lock", "pipeline.toml"]);
        assert!(err.contains("it is for other bytes"), "{err}");
    }
}

#[test]
fn a_signature_moved_to_another_version_is_refused() {
    let project = Project::new();
    project.succeeds(&["key", "new"]);
    for version in ["1.0.0", "1.1.0"] {
        project.succeeds(&["plugin", "publish", &project.component(version)]);
    }
    fs::copy(project.stored("1.0.0.wasm.minisig"), project.stored("1.1.0.wasm.minisig")).unwrap();
    let err = project.fails(&["explain", "pipeline.toml"]);
    assert!(err.contains("does not hold: it is for `acme:flip@1.0.0`"), "{err}");
}

#[test]
fn what_a_project_trusts_is_kept_with_it() {
    let project = Project::new();
    project.succeeds(&["key", "new", "team"]);
    let (published, _) = project.succeeds(&["plugin", "publish", "--project", &project.component("1.0.0")]);
    assert!(published.contains(".zenith/registry/acme/flip/1.0.0.wasm"), "{published}");
    project.succeeds(&["trust", "add", "team", "--namespace", "acme", "--project", "--comment", "the team"]);
    let file = fs::read_to_string(project.path().join("zenith-trust.toml")).unwrap();
    assert!(file.contains("comment = \"the team\""), "{file}");
    let (_, err) = project.succeeds(&["explain", "pipeline.toml"]);
    assert_eq!(err, "");
    fs::write(project.path().join("zenith-trust.toml"), "version = 1\nkey = 3\n").unwrap();
    let err = project.fails(&["explain", "pipeline.toml"]);
    assert!(err.contains("zenith-trust.toml` is wrong in line 2"), "{err}");
}

#[test]
fn keys_are_listed_chosen_and_protected() {
    let project = Project::new();
    assert!(project.succeeds(&["key", "list"]).0.starts_with("no keys; make one"));
    let component = project.component("1.0.0");
    project.succeeds(&["key", "new", "ana"]);
    let made = project
        .command(&["key", "new", "bob", "--password"])
        .env("ZENITH_KEY_PASSWORD", "correct horse")
        .output()
        .unwrap();
    assert!(text(&made.stdout).contains("your password protects it"), "{}", text(&made.stderr));
    let (listed, _) = project.succeeds(&["key", "list"]);
    assert!(listed.contains("not protected by a password") && listed.lines().count() == 2, "{listed}");
    let err = project.fails(&["key", "new", "ana"]);
    assert!(err.contains("there is a key `ana` already"), "{err}");
    let err = project.fails(&["key", "new", "../ana"]);
    assert!(err.contains("`../ana` is not a name for a key"), "{err}");
    let err = project.fails(&["plugin", "publish", &component]);
    assert!(err.contains("several keys to sign with: ana, bob\nhint: choose one with --key NAME"), "{err}");
    let err = project.fails(&["plugin", "publish", &component, "--key", "carol"]);
    assert!(err.contains("there is no key `carol`") && err.contains("hint: there are: ana, bob"), "{err}");
    let publish = |password: &str| {
        let arguments = ["plugin", "publish", &component, "--key", "bob"];
        project.command(&arguments).env("ZENITH_KEY_PASSWORD", password).output().unwrap()
    };
    let refused = publish("wrong");
    assert!(text(&refused.stderr).contains("Wrong password for that key"), "{}", text(&refused.stderr));
    let published = publish("correct horse");
    assert!(published.status.success(), "{}", text(&published.stderr));
    // By its file, from anywhere.
    let (shown, _) = project.succeeds(&["key", "show", "ana"]);
    let file = last_word(&shown).replace(".pub", ".key");
    project.succeeds(&["plugin", "publish", &project.component("1.1.0"), "--key", &file]);
}

#[test]
fn what_is_no_package_is_not_published() {
    let project = Project::new();
    project.succeeds(&["key", "new"]);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(project.path().join(name), bytes).unwrap();
        name.to_owned()
    };
    let empty_module = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0];
    let empty_component = [0, 0x61, 0x73, 0x6D, 0x0D, 0, 1, 0];
    for (file, part) in [
        (write("text.wasm", b"text"), "it is not a WebAssembly component"),
        (write("core.wasm", &empty_module), "it is a core WebAssembly module, not a component"),
        (write("world.wasm", &empty_component), "it exports none of the plugin interfaces"),
        (write("cut.wasm", &fs::read(project.component("1.0.0")).unwrap()[..500]), "damaged"),
        ("missing.wasm".to_owned(), "cannot read `missing.wasm`"),
        (".".to_owned(), "there is no `./plugin.toml`"),
    ] {
        let err = project.fails(&["plugin", "publish", &file]);
        assert!(err.contains(part), "{file}: {err}");
    }
    let component = project.component("1.0.0");
    for (name, part) in [
        ("acme:../../x@1.0.0", "is not a package name"),
        ("../x:y@1.0.0", "is not a package name"),
        ("acme:flip@../1", "is neither a version nor"),
        ("acme:flip", "does not say a whole version"),
        ("acme:other@1.0.0", "`acme:flip@1.0.0` by its own manifest"),
    ] {
        let err = project.fails(&["plugin", "publish", &component, "--as", name]);
        assert!(err.contains(part), "{name}: {err}");
    }
    assert!(!project.path().join("data/zenith/registry").exists());
}

/// The manifest inside a component is data of whoever made it.
#[test]
fn a_manifest_whose_name_leads_out_is_refused() {
    let project = Project::new();
    let bytes = fs::read(project.component("1.0.0")).unwrap();
    let name = b"acme:flip";
    let at = bytes.windows(name.len()).rposition(|window| window == name).unwrap();
    for hostile in [b"../../evi", b"acme:../x", b"/etc:abcd"] {
        let mut changed = bytes.clone();
        changed[at..at + name.len()].copy_from_slice(hostile);
        fs::write(project.path().join("evil.wasm"), changed).unwrap();
        let err = project.fails(&["plugin", "publish", "evil.wasm", "--unsigned"]);
        assert!(err.contains("its manifest is wrong") && err.contains("is not a package name"), "{err}");
    }
}

#[test]
fn locked_refuses_what_is_not_pinned_and_names_it() {
    let project = Project::new();
    project.succeeds(&["plugin", "publish", &project.component("1.0.0"), "--unsigned"]);
    let err = project.fails(&["explain", "pipeline.toml", "--locked"]);
    assert!(err.contains("`acme:flip` is not pinned: there is no lockfile"), "{err}");
    assert!(err.contains("`zenith:jpeg` is not pinned"), "{err}");
    let err = project.fails(&["lock", "pipeline.toml", "--locked"]);
    assert!(err.contains("there is no lockfile `zenith.lock`"), "{err}");

    project.succeeds(&["lock", "pipeline.toml"]);
    let pinned = fs::read_to_string(project.path().join("zenith.lock")).unwrap();
    for command in ["run", "explain", "lock"] {
        project.succeeds(&[command, "pipeline.toml", "--locked"]);
    }
    // A higher version appears, and is not taken; a pipeline that wants it is refused.
    project.succeeds(&["plugin", "publish", &project.component("1.1.0"), "--unsigned"]);
    let (out, _) = project.succeeds(&["explain", "pipeline.toml", "--locked"]);
    assert!(out.contains("acme:flip@1.0.0"), "{out}");
    project.pipeline("acme:flip@^1.1");
    project.succeeds(&["explain", "pipeline.toml"]);
    for variable in ["1", "true"] {
        let output =
            project.command(&["run", "pipeline.toml"]).env("ZENITH_LOCKED", variable).output().unwrap();
        let err = text(&output.stderr);
        assert!(err.contains("`acme:flip@^1.1` is not pinned: the lockfile has 1.0.0 of it"), "{err}");
    }
    let unset = project.command(&["run", "pipeline.toml"]).env("ZENITH_LOCKED", "0").output().unwrap();
    assert!(unset.status.success());
    let err = project.fails(&["lock", "pipeline.toml", "--locked"]);
    assert!(err.contains("`zenith.lock` would change: `acme:flip@1.1.0` is not in it"), "{err}");
    assert_eq!(fs::read_to_string(project.path().join("zenith.lock")).unwrap(), pinned);

    // Edited by hand.
    let cut = pinned.replacen("digest = \"sha256:", "digest = \"sha256:zz", 1);
    let line = 1 + cut[..cut.find("zz").unwrap()].matches('\n').count();
    fs::write(project.path().join("zenith.lock"), cut).unwrap();
    let err = project.fails(&["explain", "pipeline.toml", "--locked"]);
    assert!(err.contains(&format!("`zenith.lock` is wrong in line {line}")), "{err}");
    assert!(err.contains("is not a digest"), "{err}");
}

#[test]
fn a_pipeline_that_chooses_its_decoder_pins_all_it_may_choose_from() {
    let project = Project::new();
    let pipeline = "[source]\nkind = \"images\"\npath = \"photos\"\n\n[[operator]]\ndecode = \"auto\"\n";
    fs::write(project.path().join("pipeline.toml"), pipeline).unwrap();
    project.succeeds(&["lock", "pipeline.toml"]);
    let pinned = fs::read_to_string(project.path().join("zenith.lock")).unwrap();
    assert!(pinned.contains("zenith:jpeg") && pinned.contains("zenith:png"), "{pinned}");
    project.succeeds(&["explain", "pipeline.toml", "--locked"]);
}

#[test]
fn a_yanked_version_goes_on_where_it_is_pinned_and_warns() {
    let project = Project::new();
    for version in ["1.0.0", "1.1.0"] {
        project.succeeds(&["plugin", "publish", &project.component(version), "--unsigned"]);
    }
    project.succeeds(&["lock", "pipeline.toml"]);
    let (out, _) =
        project.succeeds(&["registry", "yank", "acme:flip@1.1.0", "--reason", "it is upside down"]);
    assert!(out.starts_with("yanked `acme:flip@1.1.0`"), "{out}");
    let (listed, _) = project.succeeds(&["registry", "list"]);
    assert!(listed.contains("it was yanked: it is upside down"), "{listed}");
    let (out, err) = project.succeeds(&["explain", "pipeline.toml", "--locked"]);
    assert!(out.contains("acme:flip@1.1.0"), "{out}");
    assert!(err.contains("`acme:flip@1.1.0` is used although it was yanked: it is upside down"), "{err}");
    fs::remove_file(project.path().join("zenith.lock")).unwrap();
    let (out, _) = project.succeeds(&["explain", "pipeline.toml"]);
    assert!(out.contains("acme:flip@1.0.0"), "{out}");
    project.succeeds(&["registry", "yank", "acme:flip@1.1.0", "--undo"]);
    let (out, _) = project.succeeds(&["explain", "pipeline.toml"]);
    assert!(out.contains("acme:flip@1.1.0"), "{out}");
    let err = project.fails(&["registry", "yank", "acme:flip@9.0.0"]);
    assert!(err.contains("there is no `acme:flip@9.0.0` in `"), "{err}");
    let err = project.fails(&["registry", "yank", "acme:flip@^1"]);
    assert!(err.contains("does not say a whole version"), "{err}");
}

#[test]
fn verify_ends_with_1_and_a_table_where_something_is_wrong() {
    let project = Project::new();
    project.succeeds(&["key", "new"]);
    for version in ["1.0.0", "1.1.0"] {
        project.succeeds(&["plugin", "publish", &project.component(version)]);
    }
    project.succeeds(&["lock", "pipeline.toml"]);
    let (out, _) = project.succeeds(&["registry", "verify"]);
    assert!(out.contains("2 signatures that hold"), "{out}");
    fs::write(project.stored("1.0.0.wasm"), "text").unwrap();
    fs::remove_file(project.stored("1.1.0.wasm")).unwrap();
    let output = project.zenith(&["registry", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    for row in [
        "user      acme/flip/1.0.0.wasm          it is not a WebAssembly component",
        "user      acme/flip/1.0.0.wasm.minisig  ",
        "user      acme/flip/1.1.0.wasm.minisig  it is the signature of a version that is not there",
        "lockfile  zenith.lock                   it pins `acme:flip@1.1.0`, which no registry folder has",
    ] {
        assert!(out.contains(row), "{row}\nin\n{out}");
    }
    assert!(err.contains("error: 4 things are wrong\nhint: "), "{err}");
    let output = project.zenith(&["registry", "verify", "--json"]);
    assert_eq!(text(&output.stdout).lines().count(), 4);
    let err = project.fails(&["registry", "verify", "--lockfile", "nowhere.lock"]);
    assert!(err.contains("there is no lockfile `nowhere.lock`"), "{err}");
}

#[test]
fn gc_asks_and_takes_away_what_no_lockfile_names() {
    let project = Project::new();
    for version in ["1.0.0", "1.1.0"] {
        project.succeeds(&["plugin", "publish", &project.component(version), "--unsigned"]);
    }
    let err = project.fails(&["registry", "gc", "--yes"]);
    assert!(err.contains("no lockfile says what must stay, so that everything would go"), "{err}");
    project.succeeds(&["lock", "pipeline.toml"]);
    let (out, _) = project.succeeds(&["registry", "gc", "--dry-run"]);
    assert!(out.contains("zenith.lock (3 pins)") && out.contains("acme:flip@1.0.0"), "{out}");
    // Nobody there to answer is a no.
    let err = project.fails(&["registry", "gc"]);
    assert!(err.contains("nothing was taken away\nhint: answer `y`, or pass --yes"), "{err}");
    assert!(project.stored("1.0.0.wasm").exists());
    let (out, _) = project.succeeds(&["registry", "gc", "--yes"]);
    assert!(out.contains("freed ") && out.contains("kB"), "{out}");
    assert!(!project.stored("1.0.0.wasm").exists() && project.stored("1.1.0.wasm").exists());
    let (out, _) = project.succeeds(&["registry", "gc", "--yes"]);
    assert!(out.contains("nothing to take away"), "{out}");
    project.succeeds(&["explain", "pipeline.toml", "--locked"]);
}
