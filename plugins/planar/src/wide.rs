//! Running a loop with the widest vectors that the processor has. The instructions differ, the
//! arithmetic does not: AVX2 brings no fused multiplication, so every result is the same.

#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "calls what was compiled for AVX2"))]

/// A loop over elements.
pub trait Work {
    /// Runs it. Mark it `#[inline(always)]`, or it is compiled without the wide instructions.
    fn work(self);
}

/// Runs a loop with the widest vectors that the processor has.
pub fn widest(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the line above says.
        return unsafe { with_avx2(work) };
    }
    work.work();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(work: impl Work) {
    work.work();
}
