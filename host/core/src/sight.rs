//! Which sample a thread is at work on, for those who speak of it without being handed it: what a
//! plugin logs reaches the host through an import, which no call's arguments accompany. Nothing that
//! is computed may depend on it.

use std::{cell::RefCell, sync::Arc};

use crate::source::Source;

thread_local! {
    static AT_HAND: RefCell<Option<(Arc<dyn Source>, u64)>> = const { RefCell::new(None) };
}

/// Runs `work`, during which [`sample_at_hand`] on this thread is the source's sample `index`. The
/// sample's key is not looked up before somebody asks for it.
pub fn with_sample<R>(source: &Arc<dyn Source>, index: u64, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<(Arc<dyn Source>, u64)>);
    impl Drop for Restore {
        fn drop(&mut self) {
            AT_HAND.set(self.0.take());
        }
    }

    let _restore = Restore(AT_HAND.replace(Some((Arc::clone(source), index))));
    work()
}

/// The key and the index of the sample that this thread is at work on.
pub fn sample_at_hand() -> Option<(String, u64)> {
    let (source, index) = AT_HAND.with_borrow(Clone::clone)?;
    Some((source.key(index), index))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::source::{FieldSpec, Reader, ReaderOptions, SourceError};

    struct Numbered;

    impl Source for Numbered {
        fn len(&self) -> u64 {
            10
        }

        fn fields(&self) -> &[FieldSpec] {
            &[]
        }

        fn key(&self, index: u64) -> String {
            format!("sample-{index}")
        }

        fn describe(&self) -> String {
            "numbers".into()
        }

        fn fingerprint(&self) -> u64 {
            0
        }

        fn reader(&self, _: &ReaderOptions) -> Result<Box<dyn Reader>, SourceError> {
            Err(SourceError::Option("it has no reader".into()))
        }
    }

    #[test]
    fn a_sample_is_at_hand_as_long_as_the_work_on_it() {
        let source: Arc<dyn Source> = Arc::new(Numbered);
        assert_eq!(sample_at_hand(), None);
        with_sample(&source, 3, || {
            assert_eq!(sample_at_hand(), Some(("sample-3".into(), 3)));
            with_sample(&source, 4, || assert_eq!(sample_at_hand(), Some(("sample-4".into(), 4))));
            assert_eq!(sample_at_hand(), Some(("sample-3".into(), 3)));
            std::thread::scope(|scope| {
                scope.spawn(|| assert_eq!(sample_at_hand(), None));
            });
        });
        assert_eq!(sample_at_hand(), None);
    }

    #[test]
    fn a_panic_ends_the_work_too() {
        let source: Arc<dyn Source> = Arc::new(Numbered);
        assert!(catch_unwind(AssertUnwindSafe(|| with_sample(&source, 3, || panic!("work")))).is_err());
        assert_eq!(sample_at_hand(), None);
    }
}
