//! A forked child, which has none of its parent's threads: time limits must hold in it all the same.
//! A process of its own, so that no other test's threads are in the way.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(unsafe_code, reason = "forks")]

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use zenith_core::{DType, Limits, OperatorError, Output, TensorView, Transform};
use zenith_plugin::{CacheOption, Host, HostOptions};
use zenith_test_artifacts::{TRANSFORM_LOOPS_FOREVER, WASI_SLEEPS_FOREVER, component, identity};

/// The seed for which the guest never comes back.
const BAD: u64 = 666;

fn apply(transform: &mut dyn Transform, seed: u64) -> Result<[u8; 8], OperatorError> {
    let mut place = [0; 8];
    let input = TensorView::new(DType::Uint8, &[8], &[1, 2, 3, 5, 8, 13, 21, 34]).unwrap();
    transform.apply(input, seed, &mut Output::place(&mut place))?;
    Ok(place)
}

/// Runs `child` in a forked process and answers its exit status: 0 where it answered true.
fn in_fork(child: impl FnOnce() -> bool) -> i32 {
    // SAFETY: the child touches only what the parent's one busy thread made, and leaves by `_exit`,
    // which runs nothing that belongs to the parent.
    let process = unsafe { libc::fork() };
    assert!(process >= 0, "cannot fork");
    if process == 0 {
        // SAFETY: has no preconditions. A child that hangs is ended.
        unsafe { libc::alarm(60) };
        let status = i32::from(!child());
        // SAFETY: has no preconditions.
        unsafe { libc::_exit(status) };
    }
    let mut status = 0;
    // SAFETY: `status` is a valid place for the answer.
    assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
    status
}

/// A guest that never comes back, in a parent, its child and its grandchild. One test in this process
/// at a time: what another one's threads hold during a fork stays held in the child.
fn check(guest: &[u8]) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let host = Host::new(HostOptions { cache: CacheOption::Off }).unwrap();
    let bytes = component(guest);
    let plugin = host.load(identity(&bytes), &bytes).unwrap();
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let stopped = Err(OperatorError::TimeLimit { limit: limits.time });
    let mut inherited = plugin.transform("{}", &limits).unwrap();
    let well = apply(&mut *inherited, 1).unwrap();
    let status = in_fork(|| {
        let well = apply(&mut *inherited, BAD) == stopped && apply(&mut *inherited, 1) == Ok(well);
        let mut own = plugin.transform("{}", &limits).unwrap();
        // A grandchild has neither its parent's clock nor its grandparent's.
        let grandchild = in_fork(|| apply(&mut *own, BAD) == stopped);
        well && grandchild == 0 && apply(&mut *own, BAD) == stopped
    });
    assert_eq!(status, 0);
    assert_eq!(apply(&mut *inherited, BAD), stopped, "the parent's clock still runs");
    drop(inherited);
}

#[test]
fn an_inherited_operator_and_a_new_one_are_both_stopped_in_the_child() {
    check(TRANSFORM_LOOPS_FOREVER);
}

#[test]
fn a_guest_with_wasi_works_and_is_stopped_in_the_child_as_well() {
    check(WASI_SLEEPS_FOREVER);
}
