//! Publishing: a package and its signature appear together, whole, once, and for good, whoever else
//! publishes and whoever is killed meanwhile.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says why")]

mod common;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use common::{component, name, signature, transform, version};
use semver::Version;
use zenith_registry::{
    AddError, Garbage, KeyFolder, Password, Registry, Root, RootKind, SecretKey, Signature, Trust,
    package::digest,
};

const ROUNDS: u64 = 200;

fn root(folder: &Path) -> Root {
    Root::new(RootKind::User, folder)
}

fn numbered(round: u64, patch: u64) -> Vec<u8> {
    transform("a:b", &format!("0.{round}.{patch}"), "")
}

/// Run by the test below in processes of its own: publishes `a:b@0.ROUND.N` for N from 0 until it is
/// killed, and says so on standard output after each.
#[test]
#[ignore = "a helper that another test runs"]
fn helper_publishes() {
    let Ok(folder) = env::var("ZENITH_TEST_ROOT") else { return };
    let round: u64 = env::var("ZENITH_TEST_ROUND").unwrap().parse().unwrap();
    let keys = KeyFolder::new(env::var("ZENITH_TEST_KEYS").unwrap());
    let key = keys.secret(&env::var("ZENITH_TEST_KEY").unwrap(), &Password::None).unwrap();
    let root = root(Path::new(&folder));
    for patch in 0.. {
        let bytes = numbered(round, patch);
        let signature = signature(&bytes, "a:b", &format!("0.{round}.{patch}"), &key);
        let added = root.publish(&bytes, None, Some(&signature)).unwrap();
        assert!(added.signed_by.is_some());
        println!("\nacknowledged {patch}");
        std::io::stdout().flush().unwrap();
    }
}

fn publisher(root: &Path, keys: &Path, key: &str, round: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "helper_publishes", "--ignored", "--nocapture"])
        .env("ZENITH_TEST_ROOT", root)
        .env("ZENITH_TEST_KEYS", keys)
        .env("ZENITH_TEST_KEY", key)
        .env("ZENITH_TEST_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A version that can be seen is whole and signed by one of the publishers.
fn check(root: &Root, at: &Version, keys: &[SecretKey]) {
    let (bytes, found) = root.get(&name("a:b"), at).unwrap();
    assert_eq!(bytes, numbered(at.minor, at.patch), "{at} is torn");
    let file = root.signature(&name("a:b"), at).unwrap();
    let file = file.unwrap_or_else(|| panic!("{at} is there without its signature"));
    let signature: Signature = file.text.parse().unwrap();
    signature.fits(&name("a:b"), &at.to_string(), found).unwrap();
    assert!(keys.iter().any(|key| signature.made_by(key.public()).is_ok()), "{at} is signed by nobody");
}

/// Two publishers of the same versions, with different keys, killed at random 200 times, while a third
/// looks on. No version is torn, none that was acknowledged is missing, and none is ever seen without
/// a signature that holds.
#[test]
fn publishers_killed_at_random_leave_no_torn_and_no_missing_version() {
    let folder = tempfile::tempdir().unwrap();
    let (place, key_folder) = (folder.path().join("registry"), folder.path().join("keys"));
    let keys = KeyFolder::new(&key_folder);
    let signers = ["ana", "bob"].map(|name| {
        keys.make(name, &Password::None).unwrap();
        keys.secret(name, &Password::None).unwrap()
    });
    let root = root(&place);
    let mut random: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut acknowledged: BTreeMap<u64, u64> = BTreeMap::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                let seen = root.versions(&name("a:b")).unwrap();
                for at in seen.iter().rev().take(4) {
                    check(&root, at, &signers);
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        for round in 0..ROUNDS {
            let mut running = ["ana", "bob"].map(|key| publisher(&place, &key_folder, key, round));
            let mut outputs = running.each_mut().map(|child| BufReader::new(child.stdout.take().unwrap()));
            // One of the two is under way; the other is anywhere between its start and that.
            let mut line = String::new();
            while !line.starts_with("acknowledged") {
                line.clear();
                assert_ne!(outputs[0].read_line(&mut line).unwrap(), 0, "the publisher failed");
            }
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            thread::sleep(Duration::from_micros(random % 4000));
            for child in &mut running {
                child.kill().unwrap();
                child.wait().unwrap();
            }
            for mut output in outputs {
                let mut rest = String::new();
                std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
                let lines = line.lines().chain(rest.lines());
                // A line that the kill cut short acknowledges nothing.
                let numbers =
                    lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
                for patch in numbers {
                    let last = acknowledged.entry(round).or_default();
                    *last = (*last).max(patch);
                }
            }
        }
        done.store(true, Relaxed);
    });
    assert_eq!(acknowledged.len() as u64, ROUNDS);
    for (round, last) in &acknowledged {
        // `acknowledged 1` may be what is left of a longer number: what it says is true nonetheless,
        // because versions are published in turn.
        for patch in 0..=*last {
            assert!(root.file(&name("a:b"), &Version::new(0, *round, patch)).exists(), "0.{round}.{patch}");
        }
    }
    let seen = root.versions(&name("a:b")).unwrap();
    for at in &seen {
        check(&root, at, &signers);
    }
    // What was cut off is known for what it is, does not stand in the way, and can be swept up.
    let registry = Registry::new(vec![root.clone()]);
    let report = registry.verify(&[], &Trust::default()).unwrap();
    assert_eq!((report.packages, report.signatures), (seen.len(), seen.len()));
    for fault in &report.faults {
        let left = fault.what.contains("that is not there") || fault.what.contains("died while");
        assert!(left, "{fault:?}");
    }
    println!("{} versions, {} things left behind", seen.len(), report.faults.len());
    for fault in &report.faults {
        let file = fault.path.file_name().unwrap().to_str().unwrap();
        let Some(cut_off) = file.strip_suffix(".wasm.minisig") else { continue };
        let at = version(cut_off);
        let bytes = numbered(at.minor, at.patch);
        let own = signature(&bytes, "a:b", cut_off, &signers[0]);
        assert!(root.publish(&bytes, None, Some(&own)).unwrap().new);
        check(&root, &at, &signers);
    }
    let mut garbage = Garbage::find(&root, &[]).unwrap();
    garbage.versions.clear();
    garbage.remove().unwrap();
    assert_eq!(registry.verify(&[], &Trust::default()).unwrap().faults, []);
}

#[test]
fn the_first_signature_of_a_version_stays() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let [ana, bob] = [(); 2].map(|()| SecretKey::generate().unwrap());
    let bytes = transform("a:b", "1.0.0", "");
    let by = |key| signature(&bytes, "a:b", "1.0.0", key);
    let stored = || root.signature(&name("a:b"), &version("1.0.0")).unwrap().unwrap().text;
    // Unsigned at first, as from another tool; whoever publishes the same bytes may sign it.
    assert_eq!(root.add(&bytes, None).unwrap().signed_by, None);
    let signed = root.publish(&bytes, None, Some(&by(&ana))).unwrap();
    assert_eq!((signed.new, signed.signed_by), (false, Some(ana.public().id())));
    let first = stored();
    let again = root.publish(&bytes, None, Some(&by(&bob))).unwrap();
    assert_eq!((again.signed_by, stored()), (Some(ana.public().id()), first));
    // One that is none is put right.
    let path = root.signature_file(&name("a:b"), &version("1.0.0"));
    fs::write(&path, "half a sig").unwrap();
    assert_eq!(root.publish(&bytes, None, Some(&by(&bob))).unwrap().signed_by, Some(bob.public().id()));
    stored().parse::<Signature>().unwrap();
}

#[test]
fn what_a_dead_publisher_left_does_not_vouch_for_the_next_ones_package() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let ana = SecretKey::generate().unwrap();
    let theirs = transform("a:b", "1.0.0", "theirs");
    let path = root.signature_file(&name("a:b"), &version("1.0.0"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, signature(&theirs, "a:b", "1.0.0", &ana).as_str()).unwrap();
    let ours = transform("a:b", "1.0.0", "ours");
    assert_eq!(root.add(&ours, None).unwrap().signed_by, None);
    assert!(!path.exists());
}

#[test]
fn a_signature_for_something_else_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let ana = SecretKey::generate().unwrap();
    let bytes = transform("a:b", "1.0.0", "");
    let wrong = signature(&bytes, "a:c", "1.0.0", &ana);
    let error = root.publish(&bytes, None, Some(&wrong)).unwrap_err();
    assert_eq!(error.to_string(), "the signature that came with it does not hold: it is for `a:c@1.0.0`");
    assert!(error.hint().is_some());
    assert!(!folder.path().join("a").exists());
}

#[test]
fn a_conflict_leaves_the_stored_signature_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let ana = SecretKey::generate().unwrap();
    let [first, second] = ["first", "second"].map(|mark| transform("a:b", "1.0.0", mark));
    let sign = |bytes: &[u8]| signature(bytes, "a:b", "1.0.0", &ana);
    root.publish(&first, None, Some(&sign(&first))).unwrap();
    let error = root.publish(&second, None, Some(&sign(&second))).unwrap_err();
    assert!(matches!(error, AddError::Conflict(_)), "{error}");
    let stored: Signature =
        root.signature(&name("a:b"), &version("1.0.0")).unwrap().unwrap().text.parse().unwrap();
    stored.fits(&name("a:b"), "1.0.0", digest(&first)).unwrap();
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_that_leads_out_is_neither_written_nor_read_through() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("registry"), folder.path().join("outside"));
        fs::create_dir_all(outside.join("b")).unwrap();
        fs::create_dir_all(&inside).unwrap();
        fs::write(outside.join("b/1.0.0.wasm"), transform("a:b", "1.0.0", "")).unwrap();
        let root = root(&inside);
        symlink(&outside, inside.join("a")).unwrap();
        let says = |text: String| {
            assert!(text.contains("a link in it leads out of the registry folder, to `"), "{text}");
        };
        let error = root.get(&name("a:b"), &version("1.0.0")).unwrap_err();
        assert!(error.hint().unwrap().contains("in place of the link"));
        says(error.to_string());
        says(root.add(&transform("a:b", "1.1.0", ""), None).unwrap_err().to_string());
        says(root.add(&transform("a:new", "1.0.0", ""), None).unwrap_err().to_string());
        says(root.yank(&name("a:b"), &version("1.0.0"), "").unwrap_err().to_string());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert_eq!(fs::read_dir(outside.join("b")).unwrap().count(), 1);

        // The same for the package's folder and for the file, and for a link to nothing.
        fs::remove_file(inside.join("a")).unwrap();
        fs::create_dir(inside.join("a")).unwrap();
        symlink(outside.join("b"), inside.join("a/b")).unwrap();
        says(root.add(&transform("a:b", "1.1.0", ""), None).unwrap_err().to_string());
        fs::remove_file(inside.join("a/b")).unwrap();
        fs::create_dir(inside.join("a/b")).unwrap();
        symlink(outside.join("b/1.0.0.wasm"), inside.join("a/b/1.0.0.wasm")).unwrap();
        says(root.get(&name("a:b"), &version("1.0.0")).unwrap_err().to_string());
        symlink(outside.join("b/9.0.0.wasm"), inside.join("a/b/9.0.0.wasm")).unwrap();
        assert!(root.add(&transform("a:b", "9.0.0", ""), None).is_err());
        assert!(!outside.join("b/9.0.0.wasm").exists());
        // `verify` says which.
        let report = Registry::new(vec![root]).verify(&[], &Trust::default()).unwrap();
        assert!(report.faults.iter().any(|fault| fault.what.contains("leads out")), "{report:?}");
    }

    #[test]
    fn a_link_that_stays_inside_and_a_linked_folder_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        let first = root(&real);
        first.add(&transform("a:b", "1.0.0", ""), None).unwrap();
        symlink(&real, folder.path().join("linked")).unwrap();
        let linked = root(&folder.path().join("linked"));
        linked.add(&transform("a:b", "1.1.0", ""), None).unwrap();
        assert_eq!(first.versions(&name("a:b")).unwrap().len(), 2);
        symlink("b", real.join("a/alias")).unwrap();
        assert!(linked.get(&name("a:alias"), &version("1.0.0")).is_ok());
    }

    #[test]
    fn a_pipe_or_a_device_in_a_packages_place_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let root = root(folder.path());
        root.add(&transform("a:b", "1.0.0", ""), None).unwrap();
        for file in ["2.0.0.wasm", "1.0.0.wasm.minisig", "1.0.0.wasm.yanked"] {
            let made = Command::new("mkfifo").arg(folder.path().join("a/b").join(file)).status().unwrap();
            assert!(made.success());
        }
        let started = Instant::now();
        let (name, one) = (name("a:b"), version("1.0.0"));
        for error in [
            root.get(&name, &version("2.0.0")).unwrap_err(),
            root.signature(&name, &one).unwrap_err(),
            root.yanked(&name, &one).unwrap_err(),
        ] {
            assert!(error.to_string().ends_with("it is not a regular file"), "{error}");
        }
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

/// A file system of its own, for as long as it is not dropped.
#[cfg(target_os = "linux")]
struct Mounted(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl Mounted {
    /// `None`, said aloud, where mounting is not allowed.
    fn new(test: &str, size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size},mode=755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        println!("skipped: {test}: a file system cannot be mounted here");
        None
    }

    fn read_only(&self) {
        let mount = Command::new("mount").args(["-o", "remount,ro"]).arg(self.0.path()).status();
        assert!(mount.unwrap().success());
    }
}

#[cfg(target_os = "linux")]
impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_leaves_nothing_behind() {
    let Some(disk) = Mounted::new("a_full_disk_is_told_and_leaves_nothing_behind", "64k") else { return };
    let root = root(&disk.0.path().join("registry"));
    let ana = SecretKey::generate().unwrap();
    root.add(&transform("a:b", "1.0.0", ""), None).unwrap();
    let large = transform("a:b", "1.1.0", &"x".repeat(100_000));
    let error = root.publish(&large, None, Some(&signature(&large, "a:b", "1.1.0", &ana))).unwrap_err();
    assert!(error.to_string().starts_with("cannot write `"), "{error}");
    assert_eq!(error.hint().unwrap(), "free some space on that disk");
    assert_eq!(root.versions(&name("a:b")).unwrap(), [version("1.0.0")]);
    assert_eq!(Registry::new(vec![root]).verify(&[], &Trust::default()).unwrap().faults, []);
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_disk_serves_what_it_holds_and_says_why_it_takes_no_more() {
    let Some(disk) =
        Mounted::new("a_read_only_disk_serves_what_it_holds_and_says_why_it_takes_no_more", "1m")
    else {
        return;
    };
    let root = root(disk.0.path());
    let bytes = component("zenith:plugin/transform@0.1.0", "");
    let given = |at| Some((name("a:b"), version(at)));
    root.add(&bytes, given("1.0.0")).unwrap();
    disk.read_only();
    assert_eq!(root.get(&name("a:b"), &version("1.0.0")).unwrap().0, bytes);
    let error = root.add(&bytes, given("1.1.0")).unwrap_err();
    assert!(error.to_string().contains("Read-only file system"), "{error}");
    assert!(error.hint().unwrap().starts_with("check who may write"), "{error}");
    let error = root.yank(&name("a:b"), &version("1.0.0"), "").unwrap_err();
    assert!(error.to_string().contains("Read-only file system"), "{error}");
    // Also where nothing was ever written, not even the file that writers lock.
    let never = Root::new(RootKind::Project, disk.0.path().join("project/registry"));
    let error = never.add(&bytes, given("1.0.0")).unwrap_err();
    assert!(error.to_string().contains("Read-only file system"), "{error}");
    let report = Registry::new(vec![root]).verify(&[], &Trust::default()).unwrap();
    assert_eq!((report.packages, report.faults.len()), (1, 0));
}
