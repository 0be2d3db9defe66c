//! Yanking, verifying and sweeping up.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{component, name, signature, transform, version};
use zenith_registry::{
    Garbage, Lock, Locked, NamedLock, Policy, Registry, ResolveError, Resolved, Root, RootKind, SecretKey,
    Trust, YankError, package::digest,
};

struct Folders {
    folder: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn root(&self, kind: RootKind) -> Root {
        Root::new(kind, self.path().join(kind.to_string()))
    }

    fn registry(&self) -> Registry {
        Registry::new(
            [RootKind::Project, RootKind::User, RootKind::BuiltIn].map(|kind| self.root(kind)).to_vec(),
        )
    }

    fn add(&self, kind: RootKind, at: &str) -> PathBuf {
        self.root(kind).add(&transform("a:b", at, &kind.to_string()), None).unwrap().path
    }

    fn resolve(&self, reference: &str, lock: Option<&Lock>) -> Result<Resolved, ResolveError> {
        self.registry().resolve(&reference.parse().unwrap(), lock)
    }

    fn faults(&self, locks: &[NamedLock]) -> Vec<String> {
        let report = self.registry().verify(locks, &Trust::default()).unwrap();
        let faults = report.faults.into_iter();
        faults.map(|fault| format!("{}: {}", fault.path.display(), fault.what)).collect()
    }
}

fn pinned(resolved: &Resolved) -> Lock {
    let mut lock = Lock::default();
    lock.pin(Locked {
        name: resolved.identity.name.clone(),
        requirement: None,
        version: resolved.identity.version.parse().unwrap(),
        digest: resolved.identity.digest,
    });
    lock
}

fn named(path: &str, lock: Lock) -> NamedLock {
    NamedLock { path: PathBuf::from(path), lock }
}

#[test]
fn a_yanked_version_is_left_out_unless_it_is_pinned_or_named_whole() {
    let folders = Folders::new();
    for at in ["1.0.0", "1.1.0"] {
        folders.add(RootKind::User, at);
    }
    let lock = pinned(&folders.resolve("a:b", None).unwrap());
    let root = folders.root(RootKind::User);
    assert!(root.yank(&name("a:b"), &version("1.1.0"), "it tints\nthe wrong way").unwrap());
    assert!(!root.yank(&name("a:b"), &version("1.1.0"), "it tints the wrong way").unwrap());

    for reference in ["a:b", "a:b@^1", "a:b@1", "a:b@>=1, <2"] {
        let found = folders.resolve(reference, None).unwrap();
        assert_eq!((found.identity.version.as_str(), found.yanked), ("1.0.0", None), "{reference}");
    }
    let reason = "it was yanked: it tints the wrong way";
    for reference in ["a:b@1.1.0", "a:b@=1.1.0"] {
        let found = folders.resolve(reference, None).unwrap();
        assert_eq!(found.identity.version, "1.1.0");
        assert_eq!(found.yanked.unwrap().to_string(), reason);
    }
    let locked = folders.resolve("a:b", Some(&lock)).unwrap();
    assert_eq!((locked.identity.version.as_str(), locked.yanked.is_some()), ("1.1.0", true));

    assert!(root.unyank(&name("a:b"), &version("1.1.0")).unwrap());
    assert!(!root.unyank(&name("a:b"), &version("1.1.0")).unwrap());
    assert_eq!(folders.resolve("a:b", None).unwrap().identity.version, "1.1.0");
}

#[test]
fn where_all_that_would_do_was_yanked_the_error_says_so() {
    let folders = Folders::new();
    folders.add(RootKind::User, "1.0.0");
    folders.root(RootKind::User).yank(&name("a:b"), &version("1.0.0"), "").unwrap();
    let error = folders.resolve("a:b@^1", None).unwrap_err();
    assert_eq!(error.to_string(), "there is no version of `a:b` that matches `^1`");
    assert_eq!(
        error.hint().unwrap(),
        "`a:b@1.0.0` would do, but was yanked; name it whole, as here, to use it nonetheless"
    );
    let found = folders.resolve("a:b@1.0.0", None).unwrap();
    assert_eq!(found.yanked.unwrap().to_string(), "it was yanked");
}

#[test]
fn a_mark_in_any_folder_counts_for_the_version_in_all() {
    let folders = Folders::new();
    for kind in [RootKind::Project, RootKind::User] {
        folders.add(kind, "1.0.0");
        folders.add(kind, "1.1.0");
    }
    folders.root(RootKind::User).yank(&name("a:b"), &version("1.1.0"), "").unwrap();
    assert_eq!(folders.resolve("a:b", None).unwrap().identity.version, "1.0.0");
}

#[test]
fn what_is_not_there_cannot_be_yanked() {
    let folders = Folders::new();
    let error = folders.root(RootKind::User).yank(&name("a:b"), &version("1.0.0"), "").unwrap_err();
    assert!(matches!(error, YankError::Missing { .. }));
    assert!(error.to_string().starts_with("there is no `a:b@1.0.0` in `"), "{error}");
    assert!(!folders.root(RootKind::User).path().exists());
}

#[test]
fn a_sound_registry_has_no_fault() {
    let folders = Folders::new();
    let ana = SecretKey::generate().unwrap();
    folders.add(RootKind::User, "1.0.0");
    let bytes = transform("a:b", "1.1.0", "");
    let signed = signature(&bytes, "a:b", "1.1.0", &ana);
    folders.root(RootKind::User).publish(&bytes, None, Some(&signed)).unwrap();
    folders.root(RootKind::User).yank(&name("a:b"), &version("1.0.0"), "old").unwrap();
    let lock = pinned(&folders.resolve("a:b", None).unwrap());
    let report = folders.registry().verify(&[named("zenith.lock", lock)], &Trust::default()).unwrap();
    assert_eq!((report.packages, report.signatures, report.pins), (2, 1, 1));
    assert_eq!(report.faults, []);
}

#[test]
fn everything_that_is_wrong_is_listed_by_its_file() {
    let folders = Folders::new();
    let ana = SecretKey::generate().unwrap();
    let root = folders.root(RootKind::User);
    let here = |file: &str| root.path().join("a/b").join(file);
    for at in ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"] {
        folders.add(RootKind::User, at);
    }
    // Cut short; another package's; signed for other bytes; a text for a signature; pinned otherwise.
    fs::write(here("1.0.0.wasm"), &fs::read(here("1.0.0.wasm")).unwrap()[..40]).unwrap();
    fs::write(here("1.1.0.wasm"), transform("a:other", "1.1.0", "")).unwrap();
    let other = transform("a:b", "1.2.0", "other");
    fs::write(here("1.2.0.wasm.minisig"), signature(&other, "a:b", "1.2.0", &ana).as_str()).unwrap();
    fs::write(here("1.3.0.wasm.minisig"), "text").unwrap();
    let mut lock = pinned(&folders.resolve("a:b@1.4.0", None).unwrap());
    lock.pin(Locked { digest: digest(b"other"), ..lock.packages()[0].clone() });
    lock.pin(Locked { name: name("a:gone"), ..lock.packages()[0].clone() });
    // Names, and what was left over.
    fs::write(here("latest.wasm"), "").unwrap();
    fs::write(here("notes.txt"), "").unwrap();
    fs::write(here(".draft-x1"), "").unwrap();
    fs::write(here("9.0.0.wasm.minisig"), "").unwrap();
    fs::write(here("9.0.0.wasm.yanked"), "").unwrap();
    fs::create_dir_all(root.path().join("A/b")).unwrap();
    fs::write(root.path().join("README"), "").unwrap();

    let faults = folders.faults(&[named("zenith.lock", lock)]);
    for (file, part) in [
        ("1.0.0.wasm", "damaged"),
        ("1.1.0.wasm", "its manifest says that it is `a:other@1.1.0`"),
        ("1.2.0.wasm.minisig", "it is for other bytes"),
        ("1.3.0.wasm.minisig", "it ends after line 1 of 4"),
        ("latest.wasm", "`latest` is not a version"),
        ("notes.txt", "not part of a registry"),
        (".draft-x1", "a process that died"),
        ("9.0.0.wasm.minisig", "the signature of a version that is not there"),
        ("9.0.0.wasm.yanked", "the mark of a version that is not there"),
        ("A/b", "is not a package name"),
        ("README", "not part of a registry"),
        ("zenith.lock", "it pins `a:b@1.4.0` as sha256:"),
        ("zenith.lock", "it pins `a:gone@1.4.0`, which no registry folder has"),
    ] {
        let place = format!("{file}: ");
        let found = faults.iter().filter(|fault| fault.contains(part) && fault.contains(&place));
        assert_eq!(found.count(), 1, "{part}: {faults:#?}");
    }
    assert_eq!(faults.len(), 13, "{faults:#?}");
}

#[test]
fn a_signature_whose_statement_holds_and_whose_bytes_do_not_is_found() {
    let folders = Folders::new();
    let ana = SecretKey::generate().unwrap();
    let root = folders.root(RootKind::User);
    let bytes = transform("a:b", "1.0.0", "");
    let statement =
        zenith_registry::Statement { name: name("a:b"), version: version("1.0.0"), digest: digest(&bytes) };
    // Its author signed other bytes than those that the statement names.
    let odd = zenith_registry::Signature::make(&statement, b"other bytes", &ana).unwrap();
    root.publish(&bytes, None, Some(&odd)).unwrap();
    assert_eq!(folders.faults(&[]).len(), 1);
    assert!(folders.faults(&[])[0].contains("was not made by the key"));
}

#[test]
fn what_a_trust_file_refuses_is_a_fault_and_what_is_shipped_is_not() {
    let folders = Folders::new();
    let path = folders.path().join("trust.toml");
    Policy::add(&path, "a", SecretKey::generate().unwrap().public(), None).unwrap();
    let trust = Trust::read(Some(&path), None).unwrap();
    folders.add(RootKind::BuiltIn, "1.0.0");
    pinned(&folders.resolve("a:b", None).unwrap())
        .write(&folders.root(RootKind::BuiltIn).path().join("zenith.lock"))
        .unwrap();
    folders.add(RootKind::User, "1.1.0");
    let report = folders.registry().verify(&[], &trust).unwrap();
    assert_eq!(report.faults.len(), 1, "{report:?}");
    assert!(report.faults[0].what.contains("`a:b@1.1.0` is not signed"), "{report:?}");
    assert_eq!(report.faults[0].root, Some(RootKind::User));
}

#[test]
fn what_no_lockfile_names_is_swept_up_and_the_rest_stays() {
    let folders = Folders::new();
    let root = folders.root(RootKind::User);
    for at in ["1.0.0", "1.1.0", "1.2.0"] {
        folders.add(RootKind::User, at);
    }
    root.add(&component("zenith:plugin/transform@0.1.0", ""), Some((name("c:d"), version("1.0.0")))).unwrap();
    folders.add(RootKind::BuiltIn, "0.1.0");
    root.yank(&name("a:b"), &version("1.0.0"), "old").unwrap();
    fs::write(root.path().join("a/b/.draft-x1"), "half").unwrap();
    fs::write(root.path().join("a/b/3.0.0.wasm.minisig"), "orphan").unwrap();
    let first = pinned(&folders.resolve("a:b@1.1.0", None).unwrap());
    // Another project pins other bytes as 1.2.0: whatever they are, what is here may be meant.
    let mut second = pinned(&folders.resolve("a:b@1.2.0", None).unwrap());
    second.pin(Locked { digest: digest(b"other"), ..second.packages()[0].clone() });
    let locks = [named("one/zenith.lock", first), named("two/zenith.lock", second)];

    let garbage = Garbage::find(&root, &locks).unwrap();
    let mut versions: Vec<_> =
        garbage.versions.iter().map(|(name, version, _)| format!("{name}@{version}")).collect();
    versions.sort();
    assert_eq!(versions, ["a:b@1.0.0", "c:d@1.0.0"]);
    assert_eq!(garbage.leftovers.len(), 2);
    let bytes = garbage.bytes();
    // What comes after the look is not swept up with the rest.
    folders.add(RootKind::User, "1.3.0");
    assert_eq!(garbage.remove().unwrap(), bytes);
    let left: Vec<_> = root.list().unwrap().iter().map(|entry| entry.version.to_string()).collect();
    assert_eq!(left, ["1.1.0", "1.2.0", "1.3.0"]);
    assert!(!root.path().join("c").exists());
    assert_eq!(folders.faults(&[]), [] as [&str; 0]);

    assert!(Garbage::find(&folders.root(RootKind::BuiltIn), &[]).unwrap().is_empty());
    assert_eq!(folders.root(RootKind::BuiltIn).list().unwrap().len(), 1);
}

#[test]
fn only_what_is_pinned_is_found_where_nothing_else_may_be() {
    let folders = Folders::new();
    folders.add(RootKind::User, "1.0.0");
    let lock = pinned(&folders.resolve("a:b", None).unwrap());
    assert_eq!(lock.require(&"a:b@^1".parse().unwrap()).unwrap().version, version("1.0.0"));
    let error = lock.require(&"a:b@^2".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "`a:b@^2` is not pinned: the lockfile has 1.0.0 of it");
    let error = lock.require(&"a:c".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "`a:c` is not pinned: the lockfile has no version of it");
    assert!(error.hint().contains("zenith lock"));
}

#[test]
fn how_two_lockfiles_differ_is_said_by_package() {
    let folders = Folders::new();
    folders.add(RootKind::User, "1.0.0");
    let one = pinned(&folders.resolve("a:b", None).unwrap());
    assert!(one.changes(&one).is_empty());
    assert_eq!(Lock::default().changes(&one), ["`a:b@1.0.0` is not in it"]);
    assert_eq!(one.changes(&Lock::default()), ["`a:b@1.0.0` is no longer asked for"]);
    let mut other = one.clone();
    other.pin(Locked { requirement: Some("^1".to_owned()), ..one.packages()[0].clone() });
    assert_eq!(one.changes(&other), ["`a:b` is asked for as `^1`, and it says any release"]);
    other.pin(Locked { digest: digest(b"other"), ..one.packages()[0].clone() });
    assert!(one.changes(&other)[0].starts_with("`a:b@1.0.0` is sha256:"));
}
