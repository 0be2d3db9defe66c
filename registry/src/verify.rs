//! A walk over everything in the registry's folders: names, bytes, manifests, signatures, pins, and what
//! dying processes left behind. It changes nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use semver::Version;
use zenith_core::{Identity, PackageName};

use crate::{
    files::{DRAFT, FileError, lock},
    lock::Lock,
    package::{self, NamingError},
    registry::Registry,
    root::{Root, RootKind, YANK_SUFFIX, names_in, version_of},
    signature::{self, Signature},
    trust::{Policy, SignatureFile, Trust, TrustError},
};

/// A lockfile, and where it was read.
#[derive(Clone, Debug)]
pub struct NamedLock {
    /// The file.
    pub path: PathBuf,
    /// What it pins.
    pub lock: Lock,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose folder it is in; nothing for a fault of a lockfile.
    pub root: Option<RootKind>,
    /// The file or folder at fault.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Packages that were read.
    pub packages: usize,
    /// Signatures that hold, checked against every byte.
    pub signatures: usize,
    /// Signatures of keys that are not known here, of which only the statement could be checked.
    pub unchecked: usize,
    /// Pins of lockfiles that are there.
    pub pins: usize,
    /// What is wrong, in the order of the folders.
    pub faults: Vec<Fault>,
}

impl Registry {
    /// Walks over every folder. `locks` are the lockfiles whose pins must be there; a lockfile that
    /// lies in a folder itself, as in that of the shipped plugins, is read besides.
    pub fn verify(&self, locks: &[NamedLock], trust: &Trust) -> Result<Report, FileError> {
        let mut report = Report::default();
        for root in self.roots() {
            let own = Lock::read(&root.path().join("zenith.lock")).unwrap_or_else(|error| {
                let path = root.path().join("zenith.lock");
                report.faults.push(Fault { root: Some(root.kind()), path, what: error.to_string() });
                None
            });
            Walk { root, own: own.as_ref(), trust, report: &mut report }.root()?;
            if let Some(lock) = own {
                let named = NamedLock { path: root.path().join("zenith.lock"), lock };
                check_pins(&named, std::slice::from_ref(root), &mut report)?;
            }
        }
        for named in locks {
            check_pins(named, self.roots(), &mut report)?;
        }
        Ok(report)
    }
}

/// Whether what a lockfile pins is there.
fn check_pins(named: &NamedLock, roots: &[Root], report: &mut Report) -> Result<(), FileError> {
    for pin in named.lock.packages() {
        let mut found = None;
        for root in roots.iter().filter(|root| root.file(&pin.name, &pin.version).exists()) {
            let (_, digest) = root.get(&pin.name, &pin.version)?;
            if digest == pin.digest || found.is_none() {
                found = Some(digest);
            }
        }
        let what = match found {
            Some(digest) if digest == pin.digest => {
                report.pins += 1;
                continue;
            }
            Some(digest) => {
                format!("it pins `{}@{}` as {}, and there is {digest}", pin.name, pin.version, pin.digest)
            }
            None => format!("it pins `{}@{}`, which no registry folder has", pin.name, pin.version),
        };
        report.faults.push(Fault { root: None, path: named.path.clone(), what });
    }
    Ok(())
}

/// A walk over one folder.
struct Walk<'a> {
    root: &'a Root,
    /// The lockfile in the folder, which pins the output of a build.
    own: Option<&'a Lock>,
    trust: &'a Trust,
    report: &'a mut Report,
}

/// What lies in a folder besides packages and folders of them.
const STRAY: &str = "it is not part of a registry, and nothing reads it";

impl Walk<'_> {
    fn fault(&mut self, path: PathBuf, what: impl Into<String>) {
        self.report.faults.push(Fault { root: Some(self.root.kind()), path, what: what.into() });
    }

    fn root(&mut self) -> Result<(), FileError> {
        for namespace in sorted(self.root.path())? {
            let folder = self.root.path().join(&namespace);
            if !self.is_folder(&folder, &namespace, &["zenith.lock"]) {
                continue;
            }
            for name in sorted(&folder)? {
                let inner = folder.join(&name);
                if !self.is_folder(&inner, &name, &[]) {
                    continue;
                }
                match format!("{namespace}:{name}").parse() {
                    Ok(name) => self.package(&inner, &name)?,
                    Err(error) => self.fault(inner, format!("its name is none for a package: {error}")),
                }
            }
        }
        Ok(())
    }

    /// Whether a name is that of a folder to go into; tells what is neither that nor expected.
    fn is_folder(&mut self, path: &Path, name: &str, expected: &[&str]) -> bool {
        if name.starts_with(DRAFT) {
            self.draft(path.to_owned());
            return false;
        }
        if name.starts_with('.') || expected.contains(&name) {
            return false;
        }
        if path.is_dir() {
            if let Err(error) = self.root.stay_inside("read", path) {
                self.fault(path.to_owned(), error.cause.to_string());
                return false;
            }
            return true;
        }
        self.fault(path.to_owned(), STRAY);
        false
    }

    /// A draft that is still there when no other process can be writing is left over.
    fn draft(&mut self, path: PathBuf) {
        // A folder that cannot be locked, such as one that is only read, has no writers.
        let _writing = lock::hold(self.root.path());
        if path.exists() {
            self.fault(path, "a process that died while it was publishing left it");
        }
    }

    fn package(&mut self, folder: &Path, name: &PackageName) -> Result<(), FileError> {
        for file in sorted(folder)? {
            let path = folder.join(&file);
            if let Some(version) = version_of(&file) {
                self.version(name, &version);
                continue;
            }
            let beside = [signature::SUFFIX, YANK_SUFFIX]
                .into_iter()
                .find_map(|suffix| Some((suffix, version_of(file.strip_suffix(suffix)?)?)));
            match beside {
                Some((_, version)) if self.root.file(name, &version).exists() => {}
                Some((suffix, _)) => {
                    let what = if suffix == YANK_SUFFIX { "mark" } else { "signature" };
                    self.fault(path, format!("it is the {what} of a version that is not there"));
                }
                None if file.starts_with(DRAFT) => self.draft(path),
                None if file.starts_with('.') => {}
                None => match file.strip_suffix(".wasm") {
                    Some(stem) => {
                        self.fault(path, format!("`{stem}` is not a version, and nothing reads it"));
                    }
                    None => self.fault(path, STRAY),
                },
            }
        }
        Ok(())
    }

    fn version(&mut self, name: &PackageName, version: &Version) {
        let path = self.root.file(name, version);
        let (bytes, digest) = match self.root.get(name, version) {
            Ok(read) => read,
            Err(error) => return self.fault(path, error.cause.to_string()),
        };
        self.report.packages += 1;
        let info = package::read(&bytes).and_then(|info| package::validate(&bytes).map(|()| info));
        match info.map(|info| info.naming(Some((name.clone(), version.clone())))) {
            Ok(Ok(_)) => {}
            Ok(Err(NamingError::Differs { manifest, .. })) => {
                self.fault(path.clone(), format!("its manifest says that it is `{manifest}`"));
            }
            Ok(Err(error)) => self.fault(path.clone(), error.to_string()),
            Err(error) => self.fault(path.clone(), error.to_string()),
        }
        let pinned = self.own.and_then(|own| own.get(name, version)).map(|pin| pin.digest);
        let shipped = self.root.kind() == RootKind::BuiltIn && pinned == Some(digest);
        match self.root.signature(name, version) {
            Ok(file) => {
                let identity = Identity { name: name.clone(), version: version.to_string(), digest };
                self.signature(path, &identity, &bytes, file.as_ref(), shipped);
            }
            Err(error) => self.fault(error.path.clone(), error.cause.to_string()),
        }
    }

    fn signature(
        &mut self,
        path: PathBuf,
        identity: &Identity,
        bytes: &[u8],
        file: Option<&SignatureFile>,
        shipped: bool,
    ) {
        let mut holds = true;
        match self.trust.judge(identity, file).map_err(|error| *error) {
            Ok(_) => {}
            // What is shipped needs no signature.
            Err(TrustError::Required { .. }) if shipped => {}
            Err(error @ TrustError::Required { .. }) => self.fault(path, error.to_string()),
            Err(error) => {
                holds = false;
                self.fault(file.map_or(path, |file| file.path.clone()), error.to_string());
            }
        }
        let Some(file) = file.filter(|_| holds) else { return };
        let Ok(signature) = file.text.parse::<Signature>() else { return };
        let trusted = self.trust.policies().iter().flat_map(Policy::keys);
        let keys = trusted.map(|trusted| &trusted.key).chain(signature.named_key());
        let mut checks: Vec<_> =
            keys.filter(|key| key.id() == signature.key()).map(|key| signature.verify(key, bytes)).collect();
        match checks.iter().position(Result::is_ok) {
            Some(_) => self.report.signatures += 1,
            None => match checks.pop() {
                Some(Err(mismatch)) => self.fault(file.path.clone(), mismatch.to_string()),
                _ => self.report.unchecked += 1,
            },
        }
    }
}

fn sorted(folder: &Path) -> Result<Vec<String>, FileError> {
    let mut names = names_in(folder)?;
    names.sort();
    Ok(names)
}

/// The bytes of a file; none where it is not there. Links are not followed.
pub(crate) fn size_of(path: &Path) -> u64 {
    fs::symlink_metadata(path).map_or(0, |metadata| metadata.len())
}
