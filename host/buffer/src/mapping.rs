//! One zeroed, 64-byte-aligned allocation from the kernel. Who may touch which part of it, and when,
//! is decided in `lease`.
#![expect(unsafe_code, reason = "memory is mapped and unmapped, and seen as slices, here")]

use std::{io, ptr::NonNull, slice};

/// Memory of a slot: private to the process (a forked child gets its own copy, which it may write and
/// free without the parent noticing), initialised, and given back when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the mapping is plain memory without ties to a thread, and `Mapping` owns it alone.
unsafe impl Send for Mapping {}
// SAFETY: `&Mapping` gives out shared slices and raw pointers only; those who write through the
// pointers answer for exclusion themselves.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// What a mapping of `bytes` occupies: whole pages.
    pub(crate) fn footprint(bytes: usize) -> usize {
        const PAGE: usize = 4096;
        bytes.max(1).next_multiple_of(PAGE)
    }

    /// Maps at least `bytes` bytes of zeros. `bytes` must not pass half of the address space, which
    /// [`crate::SlotLayout`] sees to.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        let bytes = Self::footprint(bytes);
        Ok(Self { start: system::map(bytes)?, bytes })
    }

    /// The first byte. It may be written through, by someone who has exclusion.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// All bytes, to be written.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the memory is mapped, initialised (by zeros at first) and `bytes` long, and `&mut
        // self` excludes any other access through this owner.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    /// The `length` bytes from `offset`, to be read.
    ///
    /// # Safety
    ///
    /// The range must lie inside the mapping, and nobody may write to it while the slice lives.
    pub(crate) unsafe fn slice(&self, offset: usize, length: usize) -> &[u8] {
        debug_assert!(offset <= self.bytes && length <= self.bytes - offset);
        // SAFETY: the caller keeps the range inside the mapping.
        let start = unsafe { self.start.add(offset) };
        // SAFETY: the memory is mapped and initialised, and the caller excludes writers.
        unsafe { slice::from_raw_parts(start.as_ptr(), length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `start` and `bytes` are those of one earlier `system::map`, and nothing that was
        // handed out outlives the owner.
        unsafe { system::unmap(self.start, self.bytes) };
    }
}

#[cfg(not(miri))]
mod system {
    use std::{io, ptr, ptr::NonNull};

    /// The size of a transparent huge page on the platforms that matter here.
    const HUGE: usize = 2 << 20;

    /// Maps `bytes` bytes of zeros. Large mappings begin on a huge page's boundary and ask for huge
    /// pages: filling a batch then costs a few dozen page faults instead of ten thousand.
    pub(super) fn map(bytes: usize) -> io::Result<NonNull<u8>> {
        if bytes < HUGE {
            return map_anywhere(bytes);
        }
        let padded = map_anywhere(bytes + HUGE)?;
        let before = padded.as_ptr().align_offset(HUGE);
        // SAFETY: `before` is less than HUGE, so the result lies inside the padded mapping.
        let start = unsafe { padded.add(before) };
        // SAFETY: as above, `start + bytes` is at most the end of the padded mapping.
        let end = unsafe { start.add(bytes) };
        // SAFETY: the part in front of `start` belongs to this mapping and to nobody else.
        unsafe { unmap(padded, before) };
        // SAFETY: the part from `end` on belongs to this mapping and to nobody else.
        unsafe { unmap(end, HUGE - before) };
        // SAFETY: the range is one mapping of ours. A refusal is of no consequence: the advice is
        // about speed.
        unsafe { libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
        Ok(start)
    }

    fn map_anywhere(bytes: usize) -> io::Result<NonNull<u8>> {
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(start.cast()).ok_or_else(|| io::Error::other("the kernel mapped address zero"))
    }

    /// # Safety
    ///
    /// The range must be page-aligned, mapped by [`map`], and unused from now on.
    pub(super) unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
        if bytes > 0 {
            // SAFETY: the caller's promise. The call cannot fail on such a range.
            unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
        }
    }
}

/// Miri knows the allocator, not huge pages.
#[cfg(miri)]
mod system {
    use std::{alloc, io, ptr::NonNull};

    fn layout(bytes: usize) -> alloc::Layout {
        alloc::Layout::from_size_align(bytes, crate::ALIGNMENT).expect("the size was checked")
    }

    pub(super) fn map(bytes: usize) -> io::Result<NonNull<u8>> {
        // SAFETY: the layout has a size.
        NonNull::new(unsafe { alloc::alloc_zeroed(layout(bytes)) })
            .ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    pub(super) unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise: allocated above with the same layout.
        unsafe { alloc::dealloc(start.as_ptr(), layout(bytes)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_mappings_are_zeroed_aligned_and_writable() {
        for bytes in [0, 1, 4096, 4097, if cfg!(miri) { 9000 } else { (5 << 20) + 12_345 }] {
            let mut mapping = Mapping::new(bytes).unwrap();
            assert!(mapping.bytes >= bytes && mapping.bytes < bytes + 4097);
            assert_eq!(mapping.start().as_ptr().align_offset(crate::ALIGNMENT), 0);
            assert!(mapping.as_mut_slice().iter().all(|byte| *byte == 0));
            mapping.as_mut_slice().fill(7);
            let last = mapping.bytes - 1;
            // SAFETY: the last byte lies inside, and nobody writes.
            assert_eq!(unsafe { mapping.slice(last, 1) }, [7]);
        }
    }

    #[test]
    #[cfg(not(miri))]
    fn a_mapping_beyond_the_machine_is_an_error_and_no_abort() {
        assert!(Mapping::new(1 << 60).is_err());
    }
}
