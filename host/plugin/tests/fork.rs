//! A forked child, which has none of its parent's threads: time limits must hold in it all the same.
//! A process of its own, so that no other test's threads are in the way.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(unsafe_code, reason = "forks")]

use std::time::Duration;

use zenith_core::{DType, Limits, OperatorError, Output, TensorView, Transform};
use zenith_plugin::{CacheOption, Host, HostOptions};
use zenith_test_artifacts::{TRANSFORM_LOOPS_FOREVER, component, identity};

/// The seed for which the guest never comes back.
const BAD: u64 = 666;

fn apply(transform: &mut dyn Transform, seed: u64) -> Result<[u8; 2], OperatorError> {
    let mut place = [0; 2];
    let input = TensorView::new(DType::Uint8, &[2], &[5, 8]).unwrap();
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

#[test]
fn an_inherited_operator_and_a_new_one_are_both_stopped_in_the_child() {
    let host = Host::new(HostOptions { cache: CacheOption::Off }).unwrap();
    let bytes = component(TRANSFORM_LOOPS_FOREVER);
    let plugin = host.load(identity(&bytes), &bytes).unwrap();
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let stopped = Err(OperatorError::TimeLimit { limit: limits.time });
    let mut inherited = plugin.transform("{}", &limits).unwrap();
    assert_eq!(apply(&mut *inherited, 1).unwrap(), [5, 8]);
    let status = in_fork(|| {
        let well = apply(&mut *inherited, BAD) == stopped && apply(&mut *inherited, 1).is_ok();
        let mut own = plugin.transform("{}", &limits).unwrap();
        // A grandchild has neither its parent's clock nor its grandparent's.
        let grandchild = in_fork(|| apply(&mut *own, BAD) == stopped);
        well && grandchild == 0 && apply(&mut *own, BAD) == stopped
    });
    assert_eq!(status, 0);
    assert_eq!(apply(&mut *inherited, BAD), stopped, "the parent's clock still runs");
    drop(inherited);
}
