//! The value that everyone uses now, and its exchange for another while they go on. What is
//! exchanged, and when a user looks for the new one, is decided where it is used: a loader takes its
//! plan anew for each batch, a scheduler its policy for each round.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A value that many use and that is exchanged as a whole, never changed.
///
/// Whoever took it keeps what they took: an exchange is seen by those who come after it. It is made
/// ready beside the present value, and nobody waits for that; an exchange that fails leaves the
/// present value where it is.
#[derive(Debug)]
pub struct Current<T> {
    value: Mutex<Arc<T>>,
    /// Held by the one who prepares an exchange, so that none is made from a value that is gone.
    exchange: Mutex<()>,
}

/// What an exchange did.
#[derive(Debug)]
pub struct Exchanged<T> {
    /// The value before it.
    pub before: Arc<T>,
    /// The value since.
    pub after: Arc<T>,
}

impl<T> Current<T> {
    /// The first value.
    pub fn new(value: T) -> Self {
        Self { value: Mutex::new(Arc::new(value)), exchange: Mutex::new(()) }
    }

    /// The value now. Costs as much as copying a pointer, also while an exchange is prepared.
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&lock(&self.value))
    }

    /// Exchanges the value for what `prepare` makes ready from it, in one step that is seen wholly or
    /// not at all. Exchanges come one after the other; one that begins another from within `prepare`
    /// would wait for itself.
    ///
    /// To keep the value, `prepare` answers the same one.
    pub fn exchange<E>(&self, prepare: impl FnOnce(&Arc<T>) -> Result<Arc<T>, E>) -> Result<Exchanged<T>, E> {
        let _alone = lock(&self.exchange);
        let before = self.get();
        let after = prepare(&before)?;
        *lock(&self.value) = Arc::clone(&after);
        Ok(Exchanged { before, after })
    }
}

/// Locks, whatever became of an earlier holder: the pointer is whole at any time, and who prepares an
/// exchange changes nothing that others see.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_was_taken_stays_what_it_was() {
        let current = Current::new(1);
        let taken = current.get();
        let exchanged = current.exchange(|value| Ok::<_, ()>(Arc::new(**value + 1))).unwrap();
        assert_eq!((*taken, *exchanged.before, *exchanged.after, *current.get()), (1, 1, 2, 2));
    }

    #[test]
    fn an_exchange_that_fails_or_panics_leaves_the_value() {
        let current = Current::new(1);
        assert_eq!(current.exchange(|_| Err("no")).map(|_| ()), Err("no"));
        let panicked = thread::scope(|scope| {
            scope.spawn(|| current.exchange(|_| -> Result<Arc<i32>, ()> { panic!("on purpose") })).join()
        });
        assert!(panicked.is_err());
        assert_eq!(*current.get(), 1);
        assert!(current.exchange(|_| Ok::<_, ()>(Arc::new(3))).is_ok());
        assert_eq!(*current.get(), 3);
    }

    #[test]
    fn exchanges_at_once_lose_none_and_users_go_on_meanwhile() {
        let current = Current::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        current
                            .exchange(|value| {
                                // A user who waited for this would wait for ever.
                                assert_eq!(*current.get(), **value);
                                Ok::<_, ()>(Arc::new(**value + 1))
                            })
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(*current.get(), 400);
    }
}
