//! What belongs to one process, and is left alone in its forked children.

use std::{ops::Deref, process, sync::Arc};

/// A value that is dropped only in the process that made it. In a forked child the locks that its
/// drop would take may be held for ever, by threads that do not exist there; it is left as it is.
pub(crate) struct Owned<T> {
    value: Arc<T>,
    process: u32,
}

impl<T> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Arc::new(value), process: process::id() }
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.process != process::id() {
            std::mem::forget(Arc::clone(&self.value));
        }
    }
}
