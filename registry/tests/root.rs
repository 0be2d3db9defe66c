//! One registry folder: append-only, atomic, and nothing else's files touched.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use std::{env, fs, path::Path, process::Command, sync::Barrier, thread};

use common::{component, name, transform, version};
use proptest::prelude::*;
use semver::Version;
use zenith_core::PackageName;
use zenith_registry::{AddError, Root, RootKind, package::digest};

fn root(folder: &Path) -> Root {
    Root::new(RootKind::Other, folder)
}

#[test]
fn a_package_lies_where_wkg_looks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = transform("acme:sepia", "1.2.0", "");
    let added = root(folder.path()).add(&bytes, None).unwrap();
    assert_eq!(added.path, folder.path().join("acme/sepia/1.2.0.wasm"));
    assert_eq!(fs::read(&added.path).unwrap(), bytes);
    assert!(added.new);
    assert_eq!(
        (added.name, added.version, added.digest),
        (name("acme:sepia"), version("1.2.0"), digest(&bytes))
    );
}

#[test]
fn the_same_bytes_may_be_added_again_and_other_bytes_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let first = transform("a:b", "1.0.0", "first");
    root.add(&first, None).unwrap();
    assert!(!root.add(&first, None).unwrap().new);

    let second = transform("a:b", "1.0.0", "second");
    let error = root.add(&second, None).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, AddError::Conflict(_)));
    for part in ["`a:b@1.0.0`", &digest(&first).to_string(), &digest(&second).to_string(), "1.0.0.wasm"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(error.hint().unwrap().contains("raise `version`"));
    assert_eq!(root.get(&name("a:b"), &version("1.0.0")).unwrap(), (first.clone(), digest(&first)));
}

#[test]
fn versions_are_listed_in_semantic_order() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    for text in ["1.10.0", "1.9.0", "1.10.0-rc.1", "0.1.0"] {
        root.add(&transform("a:b", text, ""), None).unwrap();
    }
    root.add(&transform("a:a", "2.0.0", ""), None).unwrap();
    let listed: Vec<_> =
        root.list().unwrap().iter().map(|entry| format!("{}@{}", entry.name, entry.version)).collect();
    assert_eq!(listed, ["a:a@2.0.0", "a:b@0.1.0", "a:b@1.9.0", "a:b@1.10.0-rc.1", "a:b@1.10.0"]);
    assert!(root.list().unwrap().iter().all(|entry| entry.path.exists()));
}

#[test]
fn what_is_not_a_package_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    root.add(&transform("a:b", "1.0.0", ""), None).unwrap();
    for stray in
        ["a/b/.draft-x1", "a/b/1.0.0.wasm.sig", "a/b/latest.wasm", "a/b/1.1.0", "a/README", "zenith.lock"]
    {
        fs::write(folder.path().join(stray), "half a file").unwrap();
    }
    for stray in ["A/b", "a/..b", "a/empty"] {
        fs::create_dir_all(folder.path().join(stray)).unwrap();
    }
    assert_eq!(root.list().unwrap().len(), 1);
    assert_eq!(root.packages().unwrap(), [name("a:b")]);
}

#[test]
fn a_folder_that_does_not_exist_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(&folder.path().join("nothing/here"));
    assert!(root.list().unwrap().is_empty());
    assert!(root.versions(&name("a:b")).unwrap().is_empty());
    let error = root.get(&name("a:b"), &version("1.0.0")).unwrap_err();
    assert!(error.to_string().starts_with("cannot read `"), "{error}");
    assert!(!root.path().exists());
}

#[test]
fn what_is_no_package_never_reaches_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let unnamed = component("zenith:plugin/transform@0.1.0", "");
    assert!(matches!(root.add(b"text", None), Err(AddError::Package(_))));
    let error = root.add(&unnamed, None).unwrap_err();
    assert!(matches!(error, AddError::Naming(_)) && error.hint().is_some());
    // Reads as a plugin, but its code does not add up: an engine would refuse it later.
    let mut bad = wat::parse_str(
        r#"(component
            (core module (func (result i32) i32.const 1))
            (instance $i) (export "zenith:plugin/transform@0.1.0" (instance $i)))"#,
    )
    .unwrap();
    let constant = bad.windows(2).position(|pair| pair == [0x41, 1]).unwrap();
    bad[constant..constant + 2].copy_from_slice(&[0x01, 0x01]);
    let error = root.add(&bad, Some((name("a:b"), version("1.0.0")))).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(root.add(&unnamed, Some((name("a:b"), version("1.0.0")))).unwrap().new);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = root(&file).add(&transform("a:b", "1.0.0", ""), None).unwrap_err();
    assert!(matches!(error, AddError::File(_)));
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    assert!(root(&file).list().unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_still_serves_what_it_holds() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let bytes = transform("a:b", "1.0.0", "");
    root.add(&bytes, None).unwrap();
    let inner = folder.path().join("a/b");
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o555)).unwrap();
    let refused = root.add(&transform("a:b", "1.0.1", ""), None);
    assert_eq!(root.list().unwrap().first().unwrap().name, name("a:b"));
    assert_eq!(root.get(&name("a:b"), &version("1.0.0")).unwrap().0, bytes);
    // The superuser writes to read-only folders.
    if let Err(error) = refused {
        assert!(error.hint().unwrap().contains("check who may"), "{error}");
    }
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn packages_are_readable_by_others() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let added = root(folder.path()).add(&transform("a:b", "1.0.0", ""), None).unwrap();
    let mode = fs::metadata(added.path).unwrap().permissions().mode();
    // A draft is made 0600; the package must not stay so, whatever the umask takes away from 0644.
    let umask_probe = folder.path().join("probe");
    fs::write(&umask_probe, "").unwrap();
    assert_eq!(mode, fs::metadata(umask_probe).unwrap().permissions().mode());
}

#[test]
fn of_many_threads_that_add_one_version_exactly_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let start = Barrier::new(8);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let adding: Vec<_> = (0..8)
            .map(|index| {
                let (root, start) = (&root, &start);
                scope.spawn(move || {
                    // Four pairs: the threads of a pair add the same bytes.
                    let bytes = transform("a:b", "1.0.0", &format!("{}", index / 2));
                    start.wait();
                    (digest(&bytes), root.add(&bytes, None))
                })
            })
            .collect();
        adding.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (_, stored) = root.get(&name("a:b"), &version("1.0.0")).unwrap();
    let new = outcomes.iter().filter(|(_, outcome)| outcome.as_ref().is_ok_and(|added| added.new)).count();
    assert_eq!(new, 1);
    for (given, outcome) in outcomes {
        match outcome {
            Ok(_) => assert_eq!(given, stored),
            Err(AddError::Conflict(conflict)) => {
                assert_eq!((conflict.stored, conflict.given), (stored, given));
                assert_ne!(stored, given);
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(fs::read_dir(folder.path().join("a/b")).unwrap().count(), 1, "no draft is left");
}

/// Run by the tests below in processes of their own: adds `a:b@0.0.N` for N from 0, until it is stopped.
#[test]
#[ignore = "a helper that other tests run"]
fn helper_adds_versions() {
    let (Ok(folder), Ok(count)) = (env::var("ZENITH_TEST_ROOT"), env::var("ZENITH_TEST_COUNT")) else {
        return;
    };
    let root = root(Path::new(&folder));
    for patch in 0..count.parse().unwrap() {
        root.add(&numbered(patch), None).unwrap();
    }
}

fn numbered(patch: u32) -> Vec<u8> {
    transform("a:b", &format!("0.0.{patch}"), &"x".repeat(100_000))
}

fn helper(folder: &Path, count: u32) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "helper_adds_versions", "--ignored"]);
    command.env("ZENITH_TEST_ROOT", folder).env("ZENITH_TEST_COUNT", count.to_string());
    command.stdout(std::process::Stdio::null());
    command
}

#[test]
fn several_processes_may_add_the_same_versions_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let running: Vec<_> = (0..4).map(|_| helper(folder.path(), 20).spawn().unwrap()).collect();
    for mut process in running {
        assert!(process.wait().unwrap().success());
    }
    let root = root(folder.path());
    assert_eq!(root.list().unwrap().len(), 20);
    for patch in 0..20 {
        let stored = root.get(&name("a:b"), &Version::new(0, 0, u64::from(patch))).unwrap();
        assert_eq!(stored.0, numbered(patch));
    }
}

#[test]
fn a_process_killed_while_it_adds_leaves_no_half_package() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    for round in 1..=5 {
        let mut process = helper(folder.path(), 100_000).spawn().unwrap();
        while root.versions(&name("a:b")).unwrap().len() < round * 10 {
            thread::yield_now();
        }
        process.kill().unwrap();
        process.wait().unwrap();
        let entries = root.list().unwrap();
        assert!(entries.len() >= round * 10);
        for entry in entries {
            let patch = u32::try_from(entry.version.patch).unwrap();
            assert_eq!(fs::read(entry.path).unwrap(), numbered(patch));
        }
    }
}

proptest! {
    #[test]
    fn no_name_leads_out_of_the_folder(
        text in r"[a-z.:/\\-]{1,12}:[a-z0-9./\\-]{1,12}",
        label in r"[0-9a-z./\\+-]{0,16}",
    ) {
        let root = Root::new(RootKind::Other, "registry");
        let version = format!("1.0.0{label}").parse::<Version>();
        if let (Ok(name), Ok(version)) = (text.parse::<PackageName>(), version) {
            let file = root.file(&name, &version);
            let parts: Vec<_> = file.components().map(|part| part.as_os_str().to_owned()).collect();
            prop_assert_eq!(parts.len(), 4);
            prop_assert!(parts.iter().all(|part| part != ".."));
            prop_assert_eq!(&parts[0], "registry");
        }
    }
}
