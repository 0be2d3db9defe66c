//! The place that a guest's output goes to, lent to the imports for the length of one call.
//!
//! The imports run inside the call, deep below the caller who holds the `&mut` borrow of the place, on
//! the same thread. The engine's store can only keep what lives for ever, so the borrow travels through
//! a thread-local pointer, which is set for exactly as long as the borrow lasts.

#![expect(unsafe_code, reason = "carries a borrow past the engine, which only keeps `'static` data")]

use std::{cell::Cell, ptr};

use zenith_core::Output;

/// What the guest's `output` resource stands for. There is only ever one: what is lent.
#[expect(unreachable_pub, reason = "the generated bindings export it once more")]
pub struct Destination;

struct Loan<'a, 'b> {
    outputs: &'a mut [Output<'b>],
    current: usize,
}

thread_local! {
    static LOAN: Cell<*mut Loan<'static, 'static>> = const { Cell::new(ptr::null_mut()) };
}

/// Why a guest's write went nowhere: no call that has an output is under way.
#[derive(Debug, thiserror::Error)]
#[error("the guest used an output outside the call that it was lent to")]
pub(crate) struct NothingLent;

/// Runs `call`, during which [`write`] and [`set_shape`] on this thread reach `outputs`: the first
/// until it is full, then the second, and so on.
pub(crate) fn lend<R>(outputs: &mut [Output<'_>], call: impl FnOnce() -> R) -> R {
    struct Return(*mut Loan<'static, 'static>);
    impl Drop for Return {
        fn drop(&mut self) {
            LOAN.set(self.0);
        }
    }

    let mut loan = Loan { outputs, current: 0 };
    let pointer: *mut Loan<'_, '_> = &raw mut loan;
    // Declared after `loan`, so dropped before it, also when `call` unwinds.
    let _return = Return(LOAN.replace(pointer.cast()));
    call()
}

/// Appends bytes to what is lent.
pub(crate) fn write(data: &[u8]) -> Result<(), NothingLent> {
    with_loan(|loan| loan.write(data))
}

/// Declares the shape of what is lent.
pub(crate) fn set_shape(shape: &[u32]) -> Result<(), NothingLent> {
    with_loan(|loan| loan.set_shape(shape))
}

fn with_loan(act: impl FnOnce(&mut Loan<'_, '_>)) -> Result<(), NothingLent> {
    let pointer = LOAN.replace(ptr::null_mut());
    if pointer.is_null() {
        return Err(NothingLent);
    }
    // SAFETY: a pointer that is not null was set by `lend` on this thread, which is still running
    // (its guard takes the pointer back before its `loan` goes), so the `Loan` and the borrow within
    // are alive. `lend` does not touch them meanwhile, and as the pointer was taken out above, no
    // second reference can be made while this one lives. `act` takes any lifetimes, so it cannot keep
    // what it is shown.
    act(unsafe { &mut *pointer });
    LOAN.set(pointer);
    Ok(())
}

impl Loan<'_, '_> {
    fn write(&mut self, mut data: &[u8]) {
        let last = self.outputs.len().saturating_sub(1);
        while let Some(output) = self.outputs.get_mut(self.current) {
            match output.remaining() {
                Some(room) if data.len() > room && self.current < last => {
                    output.write(&data[..room]);
                    data = &data[room..];
                    self.current += 1;
                }
                // What is too long for the last one, or comes before its shape, is the output's to tell.
                _ => return output.write(data),
            }
        }
    }

    fn set_shape(&mut self, shape: &[u32]) {
        if self.current + 1 < self.outputs.len() && self.outputs[self.current].remaining() == Some(0) {
            self.current += 1;
        }
        if let Some(output) = self.outputs.get_mut(self.current) {
            output.set_shape(shape);
        }
    }
}

#[cfg(test)]
mod tests {
    use zenith_core::{DType, OutputError};

    use super::*;

    #[test]
    fn nothing_can_be_written_outside_a_loan() {
        assert!(write(&[1]).is_err());
        let mut place = [0; 1];
        lend(&mut [Output::place(&mut place)], || write(&[1]).unwrap());
        assert!(set_shape(&[1]).is_err());
        assert_eq!(place, [1]);
    }

    #[test]
    fn a_loan_ends_when_the_call_unwinds() {
        let mut place = [0; 1];
        let mut outputs = [Output::place(&mut place)];
        let unwound =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lend(&mut outputs, || panic!("guest"))));
        assert!(unwound.is_err());
        assert!(write(&[1]).is_err());
    }

    #[test]
    fn outputs_fill_one_after_the_other_whatever_the_pieces() {
        let (mut first, mut second) = ([0; 3], [0; 2]);
        let mut outputs = [Output::place(&mut first), Output::place(&mut second)];
        lend(&mut outputs, || {
            write(&[1, 2]).unwrap();
            write(&[3, 4]).unwrap();
            write(&[5]).unwrap();
        });
        assert!(outputs.iter_mut().all(|output| output.finish().is_ok()));
        assert_eq!((first, second), ([1, 2, 3], [4, 5]));
    }

    #[test]
    fn a_second_shape_is_the_second_outputs() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut outputs =
            [Output::open(DType::Uint8, 64, &mut first), Output::open(DType::Uint8, 64, &mut second)];
        lend(&mut outputs, || {
            set_shape(&[2]).unwrap();
            write(&[1, 2]).unwrap();
            set_shape(&[1]).unwrap();
            write(&[3]).unwrap();
        });
        assert!(outputs.iter_mut().all(|output| output.finish().is_ok()));
        assert_eq!((first, second), (vec![1, 2], vec![3]));
    }

    #[test]
    fn what_is_too_long_for_all_of_them_is_told_by_the_last() {
        let (mut first, mut second) = ([0; 1], [0; 1]);
        let mut outputs = [Output::place(&mut first), Output::place(&mut second)];
        lend(&mut outputs, || write(&[1, 2, 3]).unwrap());
        assert_eq!(outputs[0].finish(), Ok(()));
        assert_eq!(outputs[1].finish(), Err(OutputError::TooLong { expected: 1 }));
    }
}
