//! Where a plugin puts its result: the host's own memory natively, a host resource in WebAssembly.

#[cfg(not(target_arch = "wasm32"))]
mod target {
    /// Natively, the host's own place.
    pub(crate) type Target<'a> = zenith_core::Output<'a>;

    pub(super) fn fill<R>(target: &mut Target<'_>, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        if target.remaining() == Some(length)
            && let Some(place) = target.whole()
        {
            return fill(place);
        }
        // One piece of several, or a wrong length: the place takes or reports it as it does a guest's.
        let mut buffer = vec![0; length];
        let result = fill(&mut buffer);
        target.write(&buffer);
        result
    }

    pub(super) fn write(target: &mut Target<'_>, data: &[u8]) {
        target.write(data);
    }

    pub(super) fn set_shape(target: &mut Target<'_>, shape: &[u32]) {
        target.set_shape(shape);
    }
}

#[cfg(target_arch = "wasm32")]
mod target {
    use std::cell::Cell;

    use crate::guest::OutputHandle;

    /// In a component, the host's resource.
    pub(crate) type Target<'a> = OutputHandle<'a>;

    thread_local! {
        /// Reused, so that a call does not grow and shrink the guest's heap.
        static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }

    pub(super) fn fill<R>(target: &mut Target<'_>, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        // Taken out, so that `fill` may itself fill another output of a batch.
        let mut scratch = SCRATCH.take();
        if scratch.len() < length {
            scratch.resize(length, 0);
        }
        let result = fill(&mut scratch[..length]);
        target.write(&scratch[..length]);
        SCRATCH.set(scratch);
        result
    }

    pub(super) fn write(target: &mut Target<'_>, data: &[u8]) {
        target.write(data);
    }

    pub(super) fn set_shape(target: &mut Target<'_>, shape: &[u32]) {
        target.set_shape(shape);
    }
}

/// Where a plugin puts its result. Exactly the bytes that the planned output type calls for must
/// arrive, in one piece or several.
pub struct Output<'a> {
    target: target::Target<'a>,
}

impl<'a> Output<'a> {
    /// Wraps the host's place. Plugins are handed an `Output` and never make one.
    #[doc(hidden)]
    pub fn new(target: target::Target<'a>) -> Self {
        Self { target }
    }

    /// Gives `length` bytes to fill and hands them over when `fill` returns. Their old content is
    /// unspecified. Natively this is the final place itself, so prefer it to [`Output::write`].
    pub fn fill<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        target::fill(&mut self.target, length, fill)
    }

    /// Appends bytes.
    pub fn write(&mut self, data: &[u8]) {
        target::write(&mut self.target, data);
    }

    /// Declares the shape of the result, where `plan` left an extent open although the input's
    /// shape was known. It must come before the first byte.
    pub fn set_shape(&mut self, shape: &[u32]) {
        target::set_shape(&mut self.target, shape);
    }

    /// Gives the host's place back, so that the host can check what arrived.
    #[doc(hidden)]
    pub fn into_inner(self) -> target::Target<'a> {
        self.target
    }
}
