//! The compile cache on disk: found, remade where it is damaged, left alone where it is not safe.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use zenith_core::Limits;
use zenith_plugin::{CacheOption, CacheStats, Host, HostOptions};
use zenith_test_artifacts::{self as guests, identity};

/// Loads a guest in a host of its own and makes sure that it runs; answers what the cache did.
fn load(cache: CacheOption) -> (Host, CacheStats) {
    let host = Host::new(HostOptions { cache }).unwrap();
    let bytes = guests::component(guests::TRANSFORM_ECHOES);
    let plugin = host.load(identity(&bytes), &bytes).unwrap();
    plugin.transform("{}", &Limits::default()).unwrap();
    let stats = host.cache_stats();
    (host, stats)
}

fn load_from(directory: &Path) -> (u64, u64, u64) {
    let (_, stats) = load(CacheOption::Dir(directory.to_owned()));
    (stats.compiled, stats.found, stats.damaged)
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_component_is_compiled_once_and_found_afterwards() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("made/when/needed");
    assert_eq!(load_from(&directory), (1, 0, 0));
    assert_eq!(load_from(&directory), (0, 1, 0));
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    let [entry] = &entries(&directory)[..] else { panic!("one entry") };
    assert_eq!(fs::metadata(entry).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_damaged_entry_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    load_from(directory.path());
    let entry = entries(directory.path()).remove(0);
    let whole = fs::read(&entry).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&flipped, &whole[..whole.len() / 2], &[][..]] {
        fs::write(&entry, damaged).unwrap();
        assert_eq!(load_from(directory.path()), (1, 0, 1));
        assert_eq!(load_from(directory.path()), (0, 1, 0));
    }
}

#[test]
fn an_entry_that_no_engine_of_ours_made_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    load_from(directory.path());
    let entry = entries(directory.path()).remove(0);
    let code = b"intact, but nothing that this engine compiled";
    let forged = [&b"zenithc1"[..], &Sha256::digest(code), code].concat();
    fs::write(&entry, forged).unwrap();
    assert_eq!(load_from(directory.path()), (1, 0, 1));
}

#[test]
fn an_entry_that_cannot_be_read_is_made_again_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    load_from(directory.path());
    let entry = entries(directory.path()).remove(0);
    fs::remove_file(&entry).unwrap();
    fs::create_dir(&entry).unwrap();
    assert_eq!(load_from(directory.path()), (1, 0, 1));
    assert_eq!(entries(directory.path()), [entry], "nothing is left aside");
}

#[test]
fn a_directory_that_others_can_write_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let (host, stats) = load(CacheOption::Dir(directory.path().to_owned()));
    assert_eq!(host.cache_directory(), None);
    assert_eq!(stats.compiled, 1);
    assert!(entries(directory.path()).is_empty());
}

#[test]
fn a_file_or_a_link_in_the_directorys_place_is_not_used() {
    let parent = tempfile::tempdir().unwrap();
    let (file, link, target) =
        (parent.path().join("file"), parent.path().join("link"), parent.path().join("target"));
    fs::write(&file, "").unwrap();
    fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for wrong in [file, link] {
        let (host, stats) = load(CacheOption::Dir(wrong));
        assert_eq!((host.cache_directory(), stats.compiled), (None, 1));
    }
}

#[test]
fn without_a_cache_every_load_compiles() {
    let (host, stats) = load(CacheOption::Off);
    assert_eq!((host.cache_directory(), stats), (None, CacheStats { compiled: 1, ..CacheStats::default() }));
    assert_eq!(format!("{host:?}"), "Host { cache_directory: None, .. }");
}
