//! A forked child, as `os.fork()` or torch's workers make one: it must neither wait for the parent's
//! locks nor hand the parent's slots out again. Alone in its binary, because it forks.
#![cfg(not(miri))]
#![expect(unsafe_code, reason = "fork() has no safe face")]

use zenith_buffer::{AcquireError, Budget, SlotLayout, SlotPool};

#[test]
fn a_forked_child_may_drop_slots_but_gets_none() {
    let budget = Budget::new(None);
    let pool = SlotPool::new(SlotLayout::new(1, &[8]).expect("it is small"), &budget, 2);
    let lent = pool.acquire().expect("the pool is new");
    lent.place(0, 0).expect("it is free").copy_from_slice(b"original");
    let frozen = lent.freeze().expect("no place is held");

    // SAFETY: the child calls nothing but this crate's code and `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let refused = matches!(pool.acquire(), Err(AcquireError::Forked));
        let readable = frozen.field(0) == Some(b"original");
        drop(frozen);
        let untouched = pool.trim() == 0 && pool.outstanding() == 1;
        drop(pool);
        // SAFETY: ends the child without running the test harness's exit handlers.
        unsafe { libc::_exit(i32::from(!(refused && readable && untouched))) };
    }
    let mut status = 0;
    // SAFETY: `child` is our child, and `status` a valid place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status));
    assert_eq!(libc::WEXITSTATUS(status), 0);

    assert_eq!(frozen.field(0), Some(&b"original"[..]));
    drop(frozen);
    assert_eq!(pool.outstanding(), 0);
    assert!(pool.acquire().is_ok());
}
