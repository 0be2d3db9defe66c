//! The shim on x86-64: SSE4.1 with one 16-byte part, AVX2 with two. Nothing here knows images.

#![expect(unsafe_code, reason = "vector instructions, whose presence the tokens prove")]
#![expect(clippy::inline_always, reason = "a shim that is not inlined loses its caller's instructions")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_cvtepu8_epi16, _mm_cvtsi32_si128, _mm_load_si128, _mm_loadu_si128,
    _mm_madd_epi16, _mm_packs_epi32, _mm_packus_epi16, _mm_set1_epi32, _mm_setzero_si128, _mm_shuffle_epi8,
    _mm_sra_epi32, _mm_storeu_si128, _mm_unpackhi_epi8, _mm_unpacklo_epi8, _mm256_add_epi32,
    _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_packs_epi32, _mm256_packus_epi16, _mm256_set_m128i, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sra_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi8,
    _mm256_unpacklo_epi8,
};

use super::{Kernel, Simd, Table, Weights};

/// Calls an intrinsic that touches no memory.
macro_rules! proven {
    ($call:expr) => {
        // SAFETY: the instruction touches registers only, and `self` proves that it exists.
        unsafe { $call }
    };
}

/// Proves that the processor has SSE4.1 and SSSE3.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sse41(());

impl Sse41 {
    /// The token, on a processor that has the instructions.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")).then_some(Self(()))
    }

    /// Runs a kernel compiled for these instructions.
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "ssse3,sse4.1")]
        fn with_features<K: Kernel>(token: Sse41, kernel: K) -> K::Output {
            kernel.vector(token)
        }
        // SAFETY: `self` proves that the processor has both features.
        unsafe { with_features(self, kernel) }
    }
}

impl Simd for Sse41 {
    type Vector = __m128i;

    const ROWS: usize = 1;

    #[inline(always)]
    unsafe fn load_rows(self, at: *const u8, _stride: usize) -> __m128i {
        // SAFETY: the caller vouches for 16 readable bytes; SSE2 is part of x86-64.
        unsafe { _mm_loadu_si128(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store_rows(self, at: *mut u8, _stride: usize, value: __m128i) {
        // SAFETY: the caller vouches for 16 writable bytes; SSE2 is part of x86-64.
        unsafe { _mm_storeu_si128(at.cast(), value) }
    }

    #[inline(always)]
    unsafe fn load(self, at: *const u8) -> __m128i {
        // SAFETY: the caller vouches for 16 readable bytes; SSE2 is part of x86-64.
        unsafe { _mm_loadu_si128(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8, value: __m128i) {
        // SAFETY: the caller vouches for 16 writable bytes; SSE2 is part of x86-64.
        unsafe { _mm_storeu_si128(at.cast(), value) }
    }

    #[inline(always)]
    fn weights(self, weights: &Weights) -> __m128i {
        // SAFETY: a `Weights` is 16 bytes with an alignment of 16.
        unsafe { _mm_load_si128((&raw const *weights).cast()) }
    }

    #[inline(always)]
    fn splat(self, value: i32) -> __m128i {
        proven!(_mm_set1_epi32(value))
    }

    #[inline(always)]
    fn table(self, table: &Table) -> __m128i {
        // SAFETY: a table is 16 bytes; SSE2 is part of x86-64.
        unsafe { _mm_loadu_si128(table.as_ptr().cast()) }
    }

    #[inline(always)]
    fn shuffle(self, value: __m128i, table: __m128i) -> __m128i {
        proven!(_mm_shuffle_epi8(value, table))
    }

    #[inline(always)]
    fn zip_low(self, a: __m128i, b: __m128i) -> __m128i {
        proven!(_mm_unpacklo_epi8(a, b))
    }

    #[inline(always)]
    fn zip_high(self, a: __m128i, b: __m128i) -> __m128i {
        proven!(_mm_unpackhi_epi8(a, b))
    }

    #[inline(always)]
    fn widen_low(self, value: __m128i) -> __m128i {
        proven!(_mm_cvtepu8_epi16(value))
    }

    #[inline(always)]
    fn widen_high(self, value: __m128i) -> __m128i {
        proven!(_mm_unpackhi_epi8(value, _mm_setzero_si128()))
    }

    #[inline(always)]
    fn multiply_add_pairs(self, a: __m128i, b: __m128i) -> __m128i {
        proven!(_mm_madd_epi16(a, b))
    }

    #[inline(always)]
    fn add(self, a: __m128i, b: __m128i) -> __m128i {
        proven!(_mm_add_epi32(a, b))
    }

    #[inline(always)]
    fn shift_right(self, value: __m128i, count: u32) -> __m128i {
        proven!(_mm_sra_epi32(value, _mm_cvtsi32_si128(count.cast_signed())))
    }

    #[inline(always)]
    fn narrowing_table(self, table: &Table) -> __m128i {
        self.table(table)
    }

    #[inline(always)]
    fn narrow(self, [a, b, c, d]: [__m128i; 4], _hold: bool, table: __m128i) -> __m128i {
        let low = proven!(_mm_packs_epi32(a, b));
        let high = proven!(_mm_packs_epi32(c, d));
        self.shuffle(proven!(_mm_packus_epi16(low, high)), table)
    }
}

/// Proves that the processor has AVX2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The token, on a processor that has the instructions.
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Runs a kernel compiled for these instructions.
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2")]
        fn with_features<K: Kernel>(token: Avx2, kernel: K) -> K::Output {
            kernel.vector(token)
        }
        // SAFETY: `self` proves that the processor has the feature.
        unsafe { with_features(self, kernel) }
    }
}

impl Simd for Avx2 {
    type Vector = __m256i;

    const ROWS: usize = 2;

    #[inline(always)]
    unsafe fn load_rows(self, at: *const u8, stride: usize) -> __m256i {
        // SAFETY: the caller vouches for 16 readable bytes at `at`; SSE2 is part of x86-64.
        let first = unsafe { _mm_loadu_si128(at.cast()) };
        // SAFETY: the caller vouches for 16 more, `stride` bytes on.
        let second = unsafe { _mm_loadu_si128(at.wrapping_add(stride).cast()) };
        proven!(_mm256_set_m128i(second, first))
    }

    #[inline(always)]
    unsafe fn store_rows(self, at: *mut u8, stride: usize, value: __m256i) {
        let (first, second) =
            (proven!(_mm256_castsi256_si128(value)), proven!(_mm256_extracti128_si256::<1>(value)));
        // SAFETY: the caller vouches for 16 writable bytes at `at`; SSE2 is part of x86-64.
        unsafe { _mm_storeu_si128(at.cast(), first) };
        // SAFETY: the caller vouches for 16 more, `stride` bytes on.
        unsafe { _mm_storeu_si128(at.wrapping_add(stride).cast(), second) };
    }

    #[inline(always)]
    unsafe fn load(self, at: *const u8) -> __m256i {
        // SAFETY: the caller vouches for 32 readable bytes, and `self` for AVX2.
        unsafe { _mm256_loadu_si256(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8, value: __m256i) {
        // SAFETY: the caller vouches for 32 writable bytes, and `self` for AVX2.
        unsafe { _mm256_storeu_si256(at.cast(), value) }
    }

    #[inline(always)]
    fn weights(self, weights: &Weights) -> __m256i {
        // SAFETY: a `Weights` is 16 bytes with an alignment of 16.
        let weights = unsafe { _mm_load_si128((&raw const *weights).cast()) };
        proven!(_mm256_broadcastsi128_si256(weights))
    }

    #[inline(always)]
    fn splat(self, value: i32) -> __m256i {
        proven!(_mm256_set1_epi32(value))
    }

    #[inline(always)]
    fn table(self, table: &Table) -> __m256i {
        // SAFETY: a table is 16 bytes; SSE2 is part of x86-64.
        let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
        proven!(_mm256_broadcastsi128_si256(table))
    }

    #[inline(always)]
    fn shuffle(self, value: __m256i, table: __m256i) -> __m256i {
        proven!(_mm256_shuffle_epi8(value, table))
    }

    #[inline(always)]
    fn zip_low(self, a: __m256i, b: __m256i) -> __m256i {
        proven!(_mm256_unpacklo_epi8(a, b))
    }

    #[inline(always)]
    fn zip_high(self, a: __m256i, b: __m256i) -> __m256i {
        proven!(_mm256_unpackhi_epi8(a, b))
    }

    #[inline(always)]
    fn widen_low(self, value: __m256i) -> __m256i {
        proven!(_mm256_unpacklo_epi8(value, _mm256_setzero_si256()))
    }

    #[inline(always)]
    fn widen_high(self, value: __m256i) -> __m256i {
        proven!(_mm256_unpackhi_epi8(value, _mm256_setzero_si256()))
    }

    #[inline(always)]
    fn multiply_add_pairs(self, a: __m256i, b: __m256i) -> __m256i {
        proven!(_mm256_madd_epi16(a, b))
    }

    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        proven!(_mm256_add_epi32(a, b))
    }

    #[inline(always)]
    fn shift_right(self, value: __m256i, count: u32) -> __m256i {
        proven!(_mm256_sra_epi32(value, _mm_cvtsi32_si128(count.cast_signed())))
    }

    #[inline(always)]
    fn narrowing_table(self, table: &Table) -> __m256i {
        self.table(table)
    }

    #[inline(always)]
    fn narrow(self, [a, b, c, d]: [__m256i; 4], _hold: bool, table: __m256i) -> __m256i {
        let low = proven!(_mm256_packs_epi32(a, b));
        let high = proven!(_mm256_packs_epi32(c, d));
        self.shuffle(proven!(_mm256_packus_epi16(low, high)), table)
    }
}
