//! Knowing that this process is a fork of the one that set things up. A forked child has no thread but
//! the one that forked, so whatever relies on a thread of its parent's must ask here.

#![expect(unsafe_code, reason = "registers a handler with `pthread_atfork`")]

use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

static GENERATION: AtomicU32 = AtomicU32::new(0);
static REGISTERED: OnceLock<i32> = OnceLock::new();

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Begins to count forks. Asking for the process id on every call would be a system call instead.
pub(crate) fn watch() -> io::Result<()> {
    let answer = *REGISTERED.get_or_init(|| {
        // SAFETY: the handler only increments an atomic, which is async-signal-safe, and it lives as
        // long as the library does (a library with a handler registered is kept until the end or has
        // its handlers removed when it is unloaded, as glibc and musl do).
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) }
    });
    if answer == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(answer)) }
}

/// How many forks lie between this process and the one that first called [`watch`].
#[inline]
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}
