//! What a call leaves behind in the process: nothing. Alone in its process, so that threads can be
//! counted.

mod common;

use std::fs;

use common::{Registry, transform};
use zenith_core::PackageName;
use zenith_registry_oci::{Package, Remote, RemoteOptions};

#[test]
fn no_thread_is_left_behind_and_the_process_may_fork() {
    let registry = or_skip!(Registry::start());
    let (_, port) = registry.host.split_once(':').unwrap();
    // By name, because a thread looks the name up.
    let place = format!("localhost:{port}").parse().unwrap();
    let remote = Remote::new(place, RemoteOptions { plain_http: true, ..RemoteOptions::default() });
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    let name: PackageName = "acme:sepia".parse().unwrap();
    let (version, bytes) = ("1.0.0".parse().unwrap(), transform("acme:sepia", "1.0.0", ""));
    let package = Package { name: &name, version: &version, bytes: &bytes, signature: None };
    let mut during = 0;
    remote.push(package, &mut |_| during = during.max(threads())).unwrap();
    assert_eq!(remote.pull(&name.into(), None, &mut |_| {}).unwrap().bytes, bytes);
    assert_eq!(threads(), before);
    // Were none started at all, the test would show nothing.
    assert!(during > before, "{during} threads during the call, {before} before");
}
