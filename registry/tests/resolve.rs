//! What a reference means: over several folders, with and without a lockfile.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use std::{fs, path::Path};

use common::transform;
use zenith_core::Identity;
use zenith_registry::{
    Drift, Lock, LockError, Locked, Registry, ResolveError, Resolved, Root, RootKind, package::digest,
};

struct Folders {
    folder: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn root(&self, kind: RootKind) -> Root {
        Root::new(kind, self.folder.path().join(kind.to_string()))
    }

    fn registry(&self) -> Registry {
        Registry::new(
            [RootKind::Project, RootKind::User, RootKind::BuiltIn].map(|kind| self.root(kind)).to_vec(),
        )
    }

    fn add(&self, kind: RootKind, name: &str, version: &str) {
        let bytes = transform(name, version, &kind.to_string());
        self.root(kind).add(&bytes, None).unwrap();
    }

    fn resolve(&self, reference: &str, lock: Option<&Lock>) -> Result<Resolved, ResolveError> {
        self.registry().resolve(&reference.parse().unwrap(), lock)
    }
}

fn locked(resolved: &Resolved) -> Locked {
    Locked {
        name: resolved.identity.name.clone(),
        requirement: None,
        version: resolved.identity.version.parse().unwrap(),
        digest: resolved.identity.digest,
    }
}

#[test]
fn the_highest_version_of_all_folders_is_taken() {
    let folders = Folders::new();
    folders.add(RootKind::Project, "a:b", "1.0.0");
    folders.add(RootKind::User, "a:b", "1.10.0");
    folders.add(RootKind::BuiltIn, "a:b", "1.9.0");
    folders.add(RootKind::BuiltIn, "a:b", "2.0.0-rc.1");
    let found = folders.resolve("a:b", None).unwrap();
    assert_eq!((found.identity.to_string().as_str(), found.root), ("a:b@1.10.0", RootKind::User));
    assert_eq!(found.identity.digest, digest(&found.bytes));
    assert_eq!(fs::read(&found.path).unwrap(), found.bytes);
    assert_eq!(folders.resolve("a:b@~1.9", None).unwrap().identity.version, "1.9.0");
    assert_eq!(folders.resolve("a:b@1.0.0", None).unwrap().identity.version, "1.0.0");
    assert_eq!(folders.resolve("a:b@2.0.0-rc.1", None).unwrap().identity.version, "2.0.0-rc.1");
}

#[test]
fn where_two_folders_have_a_version_the_first_goes_before_the_other() {
    let folders = Folders::new();
    folders.add(RootKind::BuiltIn, "a:b", "1.0.0");
    folders.add(RootKind::Project, "a:b", "1.0.0");
    assert_eq!(folders.resolve("a:b", None).unwrap().root, RootKind::Project);
}

#[test]
fn an_unknown_package_is_told_with_its_nearest_names() {
    let folders = Folders::new();
    folders.add(RootKind::BuiltIn, "zenith:normalize", "1.0.0");
    folders.add(RootKind::BuiltIn, "zenith:jpeg", "1.0.0");
    folders.add(RootKind::User, "acme:sepia", "1.0.0");
    for (wanted, hint) in [
        ("zenith:normalise", "did you mean `zenith:normalize`?"),
        ("zenith:sepia", "did you mean `acme:sepia`?"),
        ("zenith:jepg", "did you mean `zenith:jpeg`?"),
    ] {
        let error = folders.resolve(wanted, None).unwrap_err();
        assert_eq!(error.to_string(), format!("there is no plugin `{wanted}`"));
        assert_eq!(error.hint().unwrap(), hint);
    }
    let hint = folders.resolve("other:thing", None).unwrap_err().hint().unwrap();
    assert!(hint.contains("zenith registry add") && hint.contains("built-in"), "{hint}");
    let hint = Registry::default().resolve(&"a:b".parse().unwrap(), None).unwrap_err().hint().unwrap();
    assert!(hint.ends_with("searched: none"), "{hint}");
}

#[test]
fn a_version_that_does_not_exist_is_told_with_those_that_do() {
    let folders = Folders::new();
    for patch in 0..10 {
        folders.add(RootKind::User, "a:b", &format!("1.0.{patch}"));
    }
    let error = folders.resolve("a:b@^2", None).unwrap_err();
    assert_eq!(error.to_string(), "there is no version of `a:b` that matches `^2`");
    assert_eq!(
        error.hint().unwrap(),
        "these versions exist: 1.0.9, 1.0.8, 1.0.7, 1.0.6, 1.0.5, 1.0.4, 1.0.3, 1.0.2 and 2 more"
    );
    folders.add(RootKind::User, "a:new", "1.0.0-rc.1");
    let error = folders.resolve("a:new", None).unwrap_err();
    assert_eq!(error.to_string(), "there is no version of `a:new` that matches `any release`");
    assert!(error.hint().unwrap().ends_with("a pre-release is only taken where it is named"));
}

#[test]
fn a_pinned_version_stays_although_a_higher_one_appears() {
    let folders = Folders::new();
    folders.add(RootKind::User, "a:b", "1.0.0");
    let mut lock = Lock::default();
    lock.pin(locked(&folders.resolve("a:b", None).unwrap()));
    folders.add(RootKind::User, "a:b", "1.1.0");
    assert_eq!(folders.resolve("a:b", Some(&lock)).unwrap().identity.version, "1.0.0");
    assert_eq!(folders.resolve("a:b@^1", Some(&lock)).unwrap().identity.version, "1.0.0");
    // A reference that the pinned version does not satisfy is found anew.
    assert_eq!(folders.resolve("a:b@1.1.0", Some(&lock)).unwrap().identity.version, "1.1.0");
    lock.unpin(&"a:b".parse().unwrap());
    assert_eq!(folders.resolve("a:b", Some(&lock)).unwrap().identity.version, "1.1.0");
}

#[test]
fn pinned_bytes_are_found_in_whichever_folder_has_them() {
    let folders = Folders::new();
    folders.add(RootKind::BuiltIn, "a:b", "1.0.0");
    let mut lock = Lock::default();
    lock.pin(locked(&folders.resolve("a:b", None).unwrap()));
    folders.add(RootKind::Project, "a:b", "1.0.0");
    assert_eq!(folders.resolve("a:b", Some(&lock)).unwrap().root, RootKind::BuiltIn);
}

#[test]
fn a_digest_that_differs_from_the_lockfile_is_told_with_both_and_the_file() {
    let folders = Folders::new();
    folders.add(RootKind::User, "a:b", "1.0.0");
    let found = folders.resolve("a:b", None).unwrap();
    let mut lock = Lock::default();
    let pinned = digest(b"other");
    lock.pin(Locked { digest: pinned, ..locked(&found) });

    let error = folders.resolve("a:b", Some(&lock)).unwrap_err();
    let text = error.to_string();
    for part in ["`a:b@1.0.0`", &pinned.to_string(), &found.identity.digest.to_string()] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.contains(&found.path.display().to_string()), "{text}");
    assert!(error.hint().unwrap().contains("take the entry of `a:b` out of the lockfile"));

    let drift: Box<Drift> = lock.check(&found.identity, &found.path).unwrap_err();
    assert_eq!(drift.to_string(), text);
    let unpinned = Identity { version: "9.0.0".into(), ..found.identity };
    assert_eq!(lock.check(&unpinned, Path::new("x")), Ok(()));
}

#[test]
fn a_pinned_version_that_is_gone_is_told() {
    let folders = Folders::new();
    folders.add(RootKind::User, "a:b", "1.0.0");
    let found = folders.resolve("a:b", None).unwrap();
    let mut lock = Lock::default();
    lock.pin(locked(&found));
    fs::remove_file(found.path).unwrap();
    let error = folders.resolve("a:b", Some(&lock)).unwrap_err();
    assert_eq!(error.to_string(), "the lockfile pins `a:b@1.0.0`, but no registry folder has that version");
    assert!(error.hint().unwrap().contains("add `a:b@1.0.0`"));
}

#[test]
fn a_package_that_cannot_be_read_is_an_error_and_not_an_absence() {
    let folders = Folders::new();
    // A folder of that name: it is listed as a version, and no user may read it as a file.
    fs::create_dir_all(folders.root(RootKind::User).file(&"a:b".parse().unwrap(), &"1.0.0".parse().unwrap()))
        .unwrap();
    let error = folders.resolve("a:b", None).unwrap_err();
    assert!(matches!(error, ResolveError::File(_)), "{error}");
    assert!(error.to_string().starts_with("cannot read `"), "{error}");
    assert_eq!(error.hint(), None);
}

#[test]
fn the_usual_folders_come_in_their_order() {
    let registry = Registry::standard(Path::new("project"), Some("shipped".into()));
    let kinds: Vec<_> = registry.roots().iter().map(Root::kind).collect();
    assert_eq!(kinds.first(), Some(&RootKind::Project));
    assert_eq!(kinds.last(), Some(&RootKind::BuiltIn));
    assert_eq!(registry.root(RootKind::Project).unwrap().path(), Path::new("project/.zenith/registry"));
    assert_eq!(registry.root(RootKind::BuiltIn).unwrap().path(), Path::new("shipped"));
    assert_eq!(registry.root(RootKind::Other), None);
    if let Some(user) = registry.root(RootKind::User) {
        assert!(user.path().ends_with("zenith/registry") && user.path().is_absolute());
    }
}

fn entry(name: &str, version: &str, requirement: Option<&str>) -> Locked {
    Locked {
        name: name.parse().unwrap(),
        requirement: requirement.map(str::to_owned),
        version: version.parse().unwrap(),
        digest: digest(name.as_bytes()),
    }
}

#[test]
fn a_lockfile_reads_back_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zenith.lock");
    assert_eq!(Lock::read(&path).unwrap(), None);
    let mut lock = Lock::default();
    lock.pin(entry("b:b", "1.0.0", Some(">=1, \"<2")));
    lock.pin(entry("a:a", "1.10.0", Some("^1")));
    lock.pin(entry("a:a", "1.9.0", None));
    lock.pin(entry("a:a", "1.9.0", Some("~1.9")));
    lock.write(&path).unwrap();
    let read = Lock::read(&path).unwrap().unwrap();
    assert_eq!(read, lock);
    let order: Vec<_> =
        read.packages().iter().map(|package| format!("{}@{}", package.name, package.version)).collect();
    assert_eq!(order, ["a:a@1.9.0", "a:a@1.10.0", "b:b@1.0.0"]);
    assert_eq!(read.packages()[0].requirement.as_deref(), Some("~1.9"));
    assert_eq!(read.find(&"a:a".parse().unwrap()).unwrap().version.to_string(), "1.10.0");
    assert!(lock.to_toml().starts_with("# Which bytes each plugin means."));
}

#[test]
fn an_unchanged_lockfile_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zenith.lock");
    let mut lock = Lock::default();
    lock.pin(entry("a:a", "1.0.0", None));
    lock.write(&path).unwrap();
    // A write would replace the file, and with it the name's file number.
    let link = folder.path().join("same-file");
    fs::hard_link(&path, &link).unwrap();
    lock.write(&path).unwrap();
    fs::write(&link, "gone").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "gone");
    lock.write(&path).unwrap();
    assert_eq!(Lock::read(&path).unwrap().unwrap(), lock);
    assert_eq!(fs::read_to_string(&link).unwrap(), "gone");
}

#[test]
fn a_wrong_lockfile_is_told_to_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zenith.lock");
    let good = Lock::default().to_toml();
    let digest = digest(b"");
    let package = format!("[[package]]\nname = \"a:b\"\nversion = \"1.0.0\"\ndigest = \"{digest}\"\n");
    for (text, line, part) in [
        (format!("{good}<<<<<<< HEAD\n"), 3, ""),
        (
            format!("{good}[[package]]\nname = \"a:b\"\nversion = \"1.0\"\ndigest = \"{digest}\"\n"),
            5,
            "unexpected end",
        ),
        (
            format!("{good}[[package]]\nname = \"a:b\"\nversion = \"1.0.0\"\ndigest = \"sha256:12\"\n"),
            6,
            "is not a digest",
        ),
        (
            format!("{good}[[package]]\nname = \"ab\"\nversion = \"1.0.0\"\ndigest = \"{digest}\"\n"),
            4,
            "is not a package name",
        ),
        (format!("{good}{package}{package}"), 7, "`a:b@1.0.0` is pinned twice"),
        (format!("{good}colour = 3\n"), 3, "unknown field `colour`"),
        ("\n".to_owned(), 1, "missing field `version`"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = Lock::read(&path).unwrap_err();
        let message = error.to_string();
        let beginning = format!("`{}` is wrong in line {line}: ", path.display());
        assert!(message.starts_with(&beginning) && message.contains(part), "{message}\nof\n{text}");
        assert!(error.hint().unwrap().contains("restore the file"));
    }
}

#[test]
fn a_lockfile_of_a_later_format_is_not_guessed_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zenith.lock");
    fs::write(&path, "version = 2\nplugins = []\n").unwrap();
    let error = Lock::read(&path).unwrap_err();
    assert!(matches!(error, LockError::Format { found: 2, .. }));
    assert!(error.to_string().ends_with("is of format 2, and this version of Zenith reads format 1"));
    assert!(error.hint().is_some());
}

#[test]
fn a_lockfile_that_cannot_be_read_or_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Lock::read(folder.path()).unwrap_err();
    assert!(matches!(error, LockError::File(_)));
    assert_eq!(error.hint(), None);
    let error = Lock::default().write(folder.path()).unwrap_err();
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
}
