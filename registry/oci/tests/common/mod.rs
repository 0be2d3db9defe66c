//! A real OCI registry for tests: Debian's `docker-registry`, on a port of its own, with its data in a
//! folder that goes with it. Where it is not installed, a test says so by name and leaves.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![allow(dead_code, clippy::allow_attributes, reason = "no test file uses all of it")]

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::TempDir;

/// Ends a test that cannot run, with the reason.
#[macro_export]
macro_rules! or_skip {
    ($found:expr) => {
        match $found {
            Ok(found) => found,
            Err(reason) => {
                println!("skipped: {}: {reason}", std::thread::current().name().unwrap_or_default());
                return;
            }
        }
    };
}

/// A registry that runs until it is dropped.
pub(crate) struct Registry {
    process: Child,
    folder: TempDir,
    /// `127.0.0.1:<port>`.
    pub(crate) host: String,
}

/// How the registry is set up.
#[derive(Default)]
pub(crate) struct Setup {
    /// Whom it lets in: the content of an `htpasswd` file.
    pub(crate) users: Option<&'static str>,
    /// A certificate and its key, where it speaks TLS.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
}

/// Where a program is, or that it is nowhere.
pub(crate) fn program(name: &str, package: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.exists())
        .ok_or_else(|| format!("`{name}` is not installed ({package})"))
}

impl Registry {
    /// Starts one that lets everybody in, by plain http.
    pub(crate) fn start() -> Result<Self, String> {
        Self::with(&Setup::default())
    }

    pub(crate) fn with(setup: &Setup) -> Result<Self, String> {
        let program = program("docker-registry", "Debian's package `docker-registry`")?;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut config = format!(
            "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    \
             enabled: true\nhttp:\n  addr: 127.0.0.1:0\n",
            at("data").display()
        );
        if let Some((certificate, key)) = &setup.tls {
            let (certificate, key) = (certificate.display(), key.display());
            write!(config, "  tls:\n    certificate: {certificate}\n    key: {key}\n").unwrap();
        }
        if let Some(users) = setup.users {
            fs::write(at("users"), users).unwrap();
            write!(config, "auth:\n  htpasswd:\n    realm: test\n    path: {}\n", at("users").display())
                .unwrap();
        }
        fs::write(at("config.yml"), config).unwrap();
        let mut process = Command::new(program)
            .arg("serve")
            .arg(at("config.yml"))
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It says on which port it listens; what it says after that is read so that it never waits.
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut seen = String::new();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let port = line
                .split_once("listening on 127.0.0.1:")
                .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
            seen.push_str(&line);
            port
        });
        let host = format!("127.0.0.1:{}", port.unwrap_or_else(|| panic!("it did not start: {seen}")));
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { process, folder, host })
    }

    /// Every blob that it keeps, as files.
    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join("data/docker/registry/v2/blobs")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// Changes the blob with these bytes, behind the registry's back.
    pub(crate) fn tamper(&self, bytes: &[u8], with: &[u8]) {
        let blob = self.blobs().into_iter().find(|path| fs::read(path).unwrap() == bytes).unwrap();
        fs::write(blob, with).unwrap();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A component that exports the interface of a kind. Components of different `mark`s differ.
pub(crate) fn component(mark: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module (@custom "zenith:api" "0.1.0") (@custom "mark" "{mark}"))
            (instance $plugin)
            (export "zenith:plugin/transform@0.1.0" (instance $plugin)))"#
    );
    wat::parse_str(text).unwrap()
}

/// A transform's package with a manifest.
pub(crate) fn transform(name: &str, version: &str, mark: &str) -> Vec<u8> {
    let text = format!("name = \"{name}\"\nversion = \"{version}\"\nkind = \"transform\"\n");
    let manifest = zenith_registry::package::Manifest::from_toml(&text).unwrap();
    zenith_registry::package::embed(&component(mark), &manifest).unwrap()
}

/// A certificate for 127.0.0.1 that signs itself, and its key.
pub(crate) fn certificate(folder: &Path) -> Result<(PathBuf, PathBuf), String> {
    let openssl = program("openssl", "Debian's package `openssl`")?;
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let status = Command::new(openssl)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=zenith test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "openssl made no certificate");
    Ok((certificate, key))
}
