//! Threads, rings, descriptors and buffers: none before the first reader, none after the last, none
//! in a forked child that are not its own. One test, because it counts what the whole process has.
#![expect(unsafe_code, reason = "fork() has no safe face")]

mod common;

use std::{collections::BTreeSet, fs, sync::Arc, thread, time::Duration};

use common::{engines, next, read_all};
use zenith_buffer::{Budget, BytesPool};
use zenith_core::{ReaderOptions, Source};
use zenith_io::{EngineChoice, ImageFolder, ImageFolderOptions};

/// The threads of this process.
fn threads() -> BTreeSet<String> {
    names_in("/proc/self/task")
}

/// The open descriptors of this process.
fn descriptors() -> usize {
    names_in("/proc/self/fd").len()
}

fn names_in(folder: &str) -> BTreeSet<String> {
    fs::read_dir(folder)
        .expect("this is Linux")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// Waits until a condition holds: threads of the kernel's and of ours end a moment after they are told.
fn settles(condition: impl Fn() -> bool) -> bool {
    (0..1000).any(|_| {
        condition() || {
            thread::sleep(Duration::from_millis(10));
            false
        }
    })
}

/// Runs `body` in a forked child; whether it answered `true`.
fn in_child(body: impl FnOnce() -> bool) -> bool {
    // SAFETY: this test's process has no thread that holds a lock the child needs: glibc sees to the
    // allocator, and the crate under test takes no lock that it could wait for.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        // SAFETY: ends the child if it hangs.
        unsafe { libc::alarm(60) };
        let answer = body();
        // SAFETY: ends the child without running the test harness's exit handlers.
        unsafe { libc::_exit(i32::from(!answer)) };
    }
    let mut status = 0;
    // SAFETY: `child` is our child, and `status` a valid place for its status.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    waited == child && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

#[test]
fn nothing_is_left_behind() {
    let home = tempfile::tempdir().expect("there is a temporary folder");
    let root = home.path().join("train");
    for number in 0..100 {
        let folder = root.join(format!("class{}", number % 3));
        fs::create_dir_all(&folder).expect("the folder can be made");
        fs::write(folder.join(format!("{number}.jpg")), vec![7; 20_000]).expect("the file can be written");
    }
    let run: Vec<u64> = (0..100).collect();
    for engine in engines() {
        let before = (threads(), descriptors());
        let options = ImageFolderOptions { engine, ..ImageFolderOptions::default() };
        let source = ImageFolder::open(&root, &options).expect("the folder is sound");
        assert_eq!(threads(), before.0, "opening starts no thread");

        let budget = Budget::new(Some(1 << 20));
        let pool = Arc::new(BytesPool::new(&budget, 1 << 18));
        let lending = ReaderOptions { home: Some(Arc::clone(&pool) as _), ..ReaderOptions::default() };
        for given_up_after in [0, 1, 30, 100] {
            let mut reader = source.reader(&lending).expect("the engine is available");
            reader.submit(&run);
            for _ in 0..given_up_after {
                assert_eq!(
                    next(&mut *reader).expect("there is more").1.expect("it is sound").0,
                    vec![7; 20_000]
                );
            }
        }
        // A worker in a thread of its own, as in a pipeline: what the kernel started for it ends too.
        thread::scope(|scope| scope.spawn(|| drop(read_all(&source, &run))).join()).expect("it ends well");
        // The lent buffers of the reads that were given up come home with the threads that held them.
        assert!(settles(|| budget.used() == pool.kept() as u64), "{engine:?}: {budget:?}");
        pool.trim();
        assert_eq!(budget.used(), 0, "{engine:?}");

        // A child that inherits a source and a reader in the middle of its run.
        let mut reader = source.reader(&lending).expect("the engine is available");
        reader.submit(&run);
        let _ = reader.next();
        assert!(
            in_child(|| {
                let refused = next(&mut *reader).is_none_or(|(_, sample)| {
                    sample.is_err_and(|error| error.contains("belongs to the parent process"))
                });
                drop(reader);
                let fresh = read_all(&source, &run).into_iter().all(|(_, sample)| sample.is_ok());
                drop(source);
                refused && fresh
            }),
            "{engine:?}"
        );
        drop((pool, lending));
        assert!(settles(|| descriptors() <= before.1), "{engine:?}");
        if engine != EngineChoice::IoUring {
            // The kernel keeps an idle helper of a ring's for some seconds, as a thread of the process.
            assert!(settles(|| threads() == before.0), "{engine:?}");
        }
    }
}
