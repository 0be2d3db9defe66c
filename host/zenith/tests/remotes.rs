//! `zenith registry push` and `pull` as a user runs them, to and from a registry that is started here.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../../../registry/oci/tests/common/mod.rs"]
mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::{Registry, Setup, certificate, transform};
use tempfile::TempDir;

/// A user with a project folder.
struct User {
    folder: TempDir,
}

impl User {
    fn new() -> Self {
        let user = Self { folder: tempfile::tempdir().unwrap() };
        // What is said of unsigned packages is another test's matter.
        fs::create_dir_all(user.path("config/zenith")).unwrap();
        fs::write(user.path("config/zenith/trust.toml"), "version = 1\nunsigned = \"allow\"\n").unwrap();
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zenith"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("DOCKER_CONFIG", self.path("docker"))
            .env_remove("ZENITH_REGISTRY_TOKEN")
            .env_remove("ZENITH_REGISTRY_USERNAME")
            .env_remove("ZENITH_BUILT_IN");
        for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command
    }

    fn zenith(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that succeeds prints.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.zenith(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command that fails prints.
    fn error(&self, arguments: &[&str]) -> String {
        let output = self.zenith(arguments);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    fn add(&self, version: &str, mark: &str) -> Vec<u8> {
        let bytes = transform("acme:sepia", version, mark);
        fs::write(self.path("sepia.wasm"), &bytes).unwrap();
        self.said(&["registry", "add", "sepia.wasm"]);
        bytes
    }

    /// The package's file in the user's registry folder.
    fn package(&self, version: &str) -> PathBuf {
        self.path("data/zenith/registry/acme/sepia").join(format!("{version}.wasm"))
    }
}

fn beside(package: &Path) -> PathBuf {
    package.with_extension("wasm.minisig")
}

#[test]
fn a_package_goes_from_one_user_to_another() {
    let registry = or_skip!(Registry::start());
    let place = format!("{}/team", registry.host);
    let (ada, grace) = (User::new(), User::new());
    let bytes = ada.add("1.2.0", "");
    ada.said(&["key", "new"]);
    ada.said(&["plugin", "publish", "sepia.wasm"]);
    ada.add("1.10.0", "");

    let said = ada.said(&["registry", "push", "acme:sepia@1.2.0", &place, "--plain-http"]);
    assert!(said.starts_with("pushed `acme:sepia@1.2.0` sha256:"), "{said}");
    assert!(said.contains(&format!("\n  {place}/acme/sepia:1.2.0\n  manifest sha256:")), "{said}");
    let said = ada.said(&["registry", "push", "acme:sepia@1.2.0", &place, "--plain-http"]);
    assert!(said.starts_with("was there already, with the same bytes: `acme:sepia@1.2.0`"), "{said}");
    // The highest that matches.
    let said = ada.said(&["registry", "push", "acme:sepia@^1", &place, "--plain-http"]);
    assert!(said.starts_with("pushed `acme:sepia@1.10.0`"), "{said}");

    let said = grace.said(&["registry", "pull", "acme:sepia@~1.2", &place, "--plain-http"]);
    assert!(said.starts_with("pulled `acme:sepia@1.2.0` sha256:"), "{said}");
    assert!(said.contains(", with its signature\n"), "{said}");
    assert!(fs::read(grace.package("1.2.0")).unwrap() == bytes);
    let signature = |user: &User| fs::read_to_string(beside(&user.package("1.2.0"))).unwrap();
    assert_eq!(signature(&grace), signature(&ada));
    let said = grace.said(&["registry", "pull", "acme:sepia@1.2.0", &place, "--plain-http"]);
    assert!(said.starts_with("was there already, with the same bytes: "), "{said}");
    let said = grace.said(&["registry", "pull", "acme:sepia", &place, "--plain-http", "--project"]);
    assert!(said.starts_with("pulled `acme:sepia@1.10.0`"), "{said}");
    assert!(grace.path(".zenith/registry/acme/sepia/1.10.0.wasm").exists());
    assert!(grace.said(&["registry", "show", "acme:sepia"]).contains("acme:sepia@1.10.0"));
}

#[test]
fn what_the_puller_does_not_trust_is_not_stored() {
    let registry = or_skip!(Registry::start());
    let (ada, grace) = (User::new(), User::new());
    ada.add("1.2.0", "");
    grace.said(&["key", "new"]);
    grace.said(&["trust", "add", "default", "--namespace", "acme"]);
    let pull = ["registry", "pull", "acme:sepia@1.2.0", &*registry.host, "--plain-http"];

    ada.said(&["registry", "push", "acme:sepia@1.2.0", &registry.host, "--plain-http"]);
    let error = grace.error(&pull);
    assert!(error.starts_with("error: cannot add `acme:sepia@1.2.0` from `127.0.0.1:"), "{error}");
    ada.said(&["key", "new"]);
    ada.said(&["plugin", "publish", "sepia.wasm"]);
    ada.said(&["registry", "push", "acme:sepia@1.2.0", &registry.host, "--plain-http"]);
    let error = grace.error(&pull);
    assert!(error.starts_with("error: cannot add `acme:sepia@1.2.0` from `127.0.0.1:"), "{error}");
    assert!(!grace.package("1.2.0").exists() && !beside(&grace.package("1.2.0")).exists());

    let key = fs::read_to_string(ada.path("config/zenith/keys/default.pub")).unwrap();
    let key = key.lines().last().unwrap();
    grace.said(&["trust", "add", key, "--namespace", "acme"]);
    assert!(grace.said(&pull).contains(", with its signature\n"));
}

#[test]
fn a_signature_that_does_not_hold_is_not_pushed() {
    let registry = or_skip!(Registry::start());
    let ada = User::new();
    ada.add("1.2.0", "");
    fs::write(beside(&ada.package("1.2.0")), "untrusted comment: x\ny\n").unwrap();
    let error = ada.error(&["registry", "push", "acme:sepia@1.2.0", &registry.host, "--plain-http"]);
    assert!(error.contains("acme:sepia@1.2.0") && error.contains("signature"), "{error}");
}

#[test]
fn a_version_that_differs_is_neither_pushed_nor_pulled_over_another() {
    let registry = or_skip!(Registry::start());
    let (ada, grace) = (User::new(), User::new());
    ada.add("1.2.0", "ada");
    let of_grace = grace.add("1.2.0", "grace");
    ada.said(&["registry", "push", "acme:sepia@1.2.0", &registry.host, "--plain-http"]);
    let error = grace.error(&["registry", "push", "acme:sepia@1.2.0", &registry.host, "--plain-http"]);
    assert!(error.starts_with("error: `acme:sepia@1.2.0` is already in the registry `127.0.0.1:"), "{error}");
    assert!(error.contains("\nhint: a version never changes: raise `version`"), "{error}");
    let error = grace.error(&["registry", "pull", "acme:sepia@1.2.0", &registry.host, "--plain-http"]);
    assert!(error.contains("is already in the registry with other bytes"), "{error}");
    assert!(fs::read(grace.package("1.2.0")).unwrap() == of_grace);
    assert!(!beside(&grace.package("1.2.0")).exists());
}

#[test]
fn the_lockfile_decides_what_is_pulled() {
    let registry = or_skip!(Registry::start());
    let (ada, grace) = (User::new(), User::new());
    let place = &*registry.host;
    for version in ["1.2.0", "1.3.0"] {
        ada.add(version, "");
        ada.said(&["registry", "push", &format!("acme:sepia@{version}"), place, "--plain-http"]);
    }
    let pull = ["registry", "pull", "acme:sepia@^1.2", place, "--plain-http", "--locked"];
    let error = grace.error(&pull);
    assert!(error.starts_with("error: the lockfile pins no version of `acme:sepia`"), "{error}");
    let pin = |digest: &str| {
        let lock = format!(
            "version = 1\n\n[[package]]\nname = \"acme:sepia\"\nversion = \"1.2.0\"\ndigest = \"{digest}\"\n"
        );
        fs::write(grace.path("zenith.lock"), lock).unwrap();
    };
    pin(&format!("sha256:{}", "0".repeat(64)));
    let error = grace.error(&pull);
    assert!(error.contains("is not what the lockfile pins: it pins sha256:000"), "{error}");
    assert!(!grace.package("1.2.0").exists());
    let digest = zenith_registry::package::digest(&transform("acme:sepia", "1.2.0", ""));
    pin(&digest.to_string());
    assert!(grace.said(&pull).starts_with("pulled `acme:sepia@1.2.0`"));
}

#[test]
fn docker_s_credentials_are_used_and_never_shown() {
    // `correct horse`, with the least rounds.
    let users = Some("ada:$2b$04$M8vHZenITQOY9/M25ZFcHO8wiGDTTSUtR5OvnuT3FKmDZkwOQIspO\n");
    let registry = or_skip!(Registry::with(&Setup { users, tls: None }));
    let ada = User::new();
    ada.add("1.2.0", "");
    let push = ["registry", "push", "acme:sepia", &registry.host, "--plain-http", "--log", "debug"];
    let error = ada.error(&push);
    let expected = format!(
        "error: the registry `{0}` asks for credentials for `acme/sepia`\nhint: run `docker login {0}`, or set \
         `ZENITH_REGISTRY_TOKEN`\n",
        registry.host
    );
    assert_eq!(error, expected);

    fs::create_dir(ada.path("docker")).unwrap();
    let config = |auth: &str| {
        let text = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{auth}\"}}}}}}", registry.host);
        fs::write(ada.path("docker/config.json"), text).unwrap();
    };
    config("YWRhOndyb25nIGhvcnNl"); // ada:wrong horse
    let error = ada.error(&push);
    assert!(error.contains("does not accept the credentials"), "{error}");
    assert!(!error.contains("horse") && !error.contains("YWRh"), "{error}");
    config("YWRhOmNvcnJlY3QgaG9yc2U="); // ada:correct horse
    assert!(ada.said(&push).starts_with("pushed"));
    let output = ada
        .command(&["registry", "pull", "acme:sepia", &registry.host, "--plain-http", "--project"])
        .env("ZENITH_REGISTRY_USERNAME", "ada")
        .env("ZENITH_REGISTRY_TOKEN", "correct horse")
        .env("DOCKER_CONFIG", ada.path("none"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn https_works_with_an_authority_of_one_s_own() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = or_skip!(certificate(folder.path()));
    let tls = Some((certificate.clone(), key));
    let registry = or_skip!(Registry::with(&Setup { users: None, tls }));
    let ada = User::new();
    ada.add("1.2.0", "");
    let push = ["registry", "push", "acme:sepia", &registry.host];
    let error = ada.error(&push);
    assert!(error.contains("cannot be trusted") && error.contains("SSL_CERT_FILE"), "{error}");
    let output = ada.command(&push).env("SSL_CERT_FILE", certificate).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_no_registry_or_no_reference_is_said_before_anything_is_asked() {
    let ada = User::new();
    ada.add("1.2.0", "");
    let error = ada.error(&["registry", "push", "acme:sepia", "https://registry.invalid/x"]);
    assert_eq!(
        error,
        "error: `https://registry.invalid/x` begins with `https://`, but a registry is written without it\n\
         hint: write `registry.invalid/x`\n"
    );
    let error = ada.error(&["registry", "pull", "sepia", "registry.invalid"]);
    assert!(error.contains("`sepia` is not a package name"), "{error}");
    let error = ada.error(&["registry", "push", "acme:other", "registry.invalid"]);
    assert!(error.contains("there is no plugin `acme:other`"), "{error}");
}
