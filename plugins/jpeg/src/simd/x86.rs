//! The vector on x86-64. SSE2 is part of the architecture; what needs more asks its [`Level`].

#![expect(unsafe_code, reason = "vector loads and stores, and instructions beyond SSE2")]
#![expect(clippy::inline_always, reason = "a vector operation that is called costs more than it does")]

use core::arch::x86_64::{
    __m128i, _mm_add_epi16, _mm_add_epi32, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_madd_epi16,
    _mm_movemask_epi8, _mm_mulhi_epi16, _mm_mulhrs_epi16, _mm_mullo_epi16, _mm_or_si128, _mm_packs_epi32,
    _mm_packus_epi16, _mm_set1_epi8, _mm_set1_epi16, _mm_set1_epi32, _mm_setr_epi8, _mm_setzero_si128,
    _mm_shuffle_epi8, _mm_slli_epi16, _mm_srai_epi16, _mm_srai_epi32, _mm_srli_epi16, _mm_srli_si128,
    _mm_storel_epi64, _mm_storeu_si128, _mm_sub_epi16, _mm_sub_epi32, _mm_unpackhi_epi8, _mm_unpackhi_epi16,
    _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi8, _mm_unpacklo_epi16, _mm_unpacklo_epi32,
    _mm_unpacklo_epi64,
};

use super::{Avx2, Baseline, Level, Work};

/// Calls what SSE2 has.
macro_rules! sse2 {
    ($call:expr) => {{
        // SAFETY: SSE2 is part of x86-64.
        unsafe { $call }
    }};
}

/// 128 bits.
pub(crate) type V = __m128i;

/// Does some work by the best means that the running machine has. The result is the same by all.
pub(crate) fn at_best_level<W: Work>(work: W) -> W::Output {
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
    {
        // SAFETY: the machine was just found to have all that the function is compiled for.
        unsafe { at_avx2(work) }
    } else {
        work.run::<Baseline>()
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn at_avx2<W: Work>(work: W) -> W::Output {
    work.run::<Avx2>()
}

#[inline(always)]
pub(crate) fn load16(from: &[i16; 8]) -> V {
    // SAFETY: the array holds 16 readable bytes, and the load has no alignment.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

#[inline(always)]
pub(crate) fn load8(from: &[u8; 16]) -> V {
    // SAFETY: the array holds 16 readable bytes, and the load has no alignment.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

#[inline(always)]
pub(crate) fn store8(to: &mut [u8; 16], v: V) {
    // SAFETY: the array holds 16 writable bytes, and the store has no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), v) }
}

#[inline(always)]
pub(crate) fn store_low(to: &mut [u8; 8], v: V) {
    // SAFETY: the array holds 8 writable bytes, and the store has no alignment.
    unsafe { _mm_storel_epi64(to.as_mut_ptr().cast(), v) }
}

#[inline(always)]
pub(crate) fn store_high(to: &mut [u8; 8], v: V) {
    store_low(to, sse2!(_mm_srli_si128::<8>(v)));
}

#[inline(always)]
pub(crate) fn splat16(a: i16) -> V {
    sse2!(_mm_set1_epi16(a))
}

#[inline(always)]
pub(crate) fn splat32(a: i32) -> V {
    sse2!(_mm_set1_epi32(a))
}

#[inline(always)]
pub(crate) fn add16(a: V, b: V) -> V {
    sse2!(_mm_add_epi16(a, b))
}

#[inline(always)]
pub(crate) fn sub16(a: V, b: V) -> V {
    sse2!(_mm_sub_epi16(a, b))
}

/// The low 16 bits of each product.
#[inline(always)]
pub(crate) fn mul16(a: V, b: V) -> V {
    sse2!(_mm_mullo_epi16(a, b))
}

#[inline(always)]
pub(crate) fn add32(a: V, b: V) -> V {
    sse2!(_mm_add_epi32(a, b))
}

#[inline(always)]
pub(crate) fn sub32(a: V, b: V) -> V {
    sse2!(_mm_sub_epi32(a, b))
}

/// Products of 16-bit lanes, summed in pairs into 32 bits.
#[inline(always)]
pub(crate) fn dot16(a: V, b: V) -> V {
    sse2!(_mm_madd_epi16(a, b))
}

/// Arithmetic shift to the right.
#[inline(always)]
pub(crate) fn sra32<const N: i32>(a: V) -> V {
    sse2!(_mm_srai_epi32::<N>(a))
}

/// 32-bit lanes to 16 bits, saturated; `a` becomes the low half.
#[inline(always)]
pub(crate) fn narrow32(a: V, b: V) -> V {
    sse2!(_mm_packs_epi32(a, b))
}

/// Signed 16-bit lanes to unsigned bytes, saturated; `a` becomes the low half.
#[inline(always)]
pub(crate) fn narrow16(a: V, b: V) -> V {
    sse2!(_mm_packus_epi16(a, b))
}

#[inline(always)]
pub(crate) fn zip_low16(a: V, b: V) -> V {
    sse2!(_mm_unpacklo_epi16(a, b))
}

#[inline(always)]
pub(crate) fn zip_high16(a: V, b: V) -> V {
    sse2!(_mm_unpackhi_epi16(a, b))
}

#[inline(always)]
pub(crate) fn zip_low32(a: V, b: V) -> V {
    sse2!(_mm_unpacklo_epi32(a, b))
}

#[inline(always)]
pub(crate) fn zip_high32(a: V, b: V) -> V {
    sse2!(_mm_unpackhi_epi32(a, b))
}

#[inline(always)]
pub(crate) fn zip_low64(a: V, b: V) -> V {
    sse2!(_mm_unpacklo_epi64(a, b))
}

#[inline(always)]
pub(crate) fn zip_high64(a: V, b: V) -> V {
    sse2!(_mm_unpackhi_epi64(a, b))
}

/// The low four 16-bit lanes as 32 bits, times 2¹⁶⁻ᴿ; `R` is at most 16.
#[inline(always)]
pub(crate) fn widen_low16<const R: i32>(a: V) -> V {
    sse2!(_mm_srai_epi32::<R>(_mm_unpacklo_epi16(_mm_setzero_si128(), a)))
}

/// The high four 16-bit lanes as 32 bits, times 2¹⁶⁻ᴿ; `R` is at most 16.
#[inline(always)]
pub(crate) fn widen_high16<const R: i32>(a: V) -> V {
    sse2!(_mm_srai_epi32::<R>(_mm_unpackhi_epi16(_mm_setzero_si128(), a)))
}

#[inline(always)]
pub(crate) fn widen_low8(a: V) -> V {
    sse2!(_mm_unpacklo_epi8(a, _mm_setzero_si128()))
}

#[inline(always)]
pub(crate) fn widen_high8(a: V) -> V {
    sse2!(_mm_unpackhi_epi8(a, _mm_setzero_si128()))
}

/// One bit for each byte that is 0xFF.
#[inline(always)]
pub(crate) fn bytes_ff(a: V) -> u32 {
    sse2!(_mm_movemask_epi8(_mm_cmpeq_epi8(a, _mm_set1_epi8(-1))).cast_unsigned())
}

/// `(a · b + 2¹⁴) >> 15` in 16-bit lanes. Not both lanes may be −2¹⁵.
#[inline(always)]
pub(crate) fn mul_q15<L: Level>(a: V, b: V) -> V {
    if L::SSSE3 {
        // SAFETY: a level with SSSE3 is used only where the machine has been found to have it.
        unsafe { _mm_mulhrs_epi16(a, b) }
    } else {
        let low = sse2!(_mm_srli_epi16::<14>(_mm_mullo_epi16(a, b)));
        let halves = sse2!(_mm_or_si128(_mm_slli_epi16::<2>(_mm_mulhi_epi16(a, b)), low));
        sse2!(_mm_srai_epi16::<1>(_mm_add_epi16(halves, _mm_set1_epi16(1))))
    }
}

/// Three planes of 16 bytes, interleaved.
#[inline(always)]
pub(crate) fn store_interleaved<L: Level>(to: &mut [u8; 48], a: V, b: V, c: V) {
    if L::SSSE3 {
        // SAFETY: a level with SSSE3 is used only where the machine has been found to have it.
        unsafe { interleave_ssse3(to, a, b, c) }
    } else {
        let mut planes = [[0; 16]; 3];
        for (plane, v) in planes.iter_mut().zip([a, b, c]) {
            store8(plane, v);
        }
        for (i, pixel) in to.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [planes[0][i], planes[1][i], planes[2][i]];
        }
    }
}

#[inline]
#[target_feature(enable = "ssse3")]
fn interleave_ssse3(to: &mut [u8; 48], a: V, b: V, c: V) {
    let n = -1;
    let first = _mm_or_si128(
        _mm_or_si128(
            _mm_shuffle_epi8(a, _mm_setr_epi8(0, n, n, 1, n, n, 2, n, n, 3, n, n, 4, n, n, 5)),
            _mm_shuffle_epi8(b, _mm_setr_epi8(n, 0, n, n, 1, n, n, 2, n, n, 3, n, n, 4, n, n)),
        ),
        _mm_shuffle_epi8(c, _mm_setr_epi8(n, n, 0, n, n, 1, n, n, 2, n, n, 3, n, n, 4, n)),
    );
    let second = _mm_or_si128(
        _mm_or_si128(
            _mm_shuffle_epi8(a, _mm_setr_epi8(n, n, 6, n, n, 7, n, n, 8, n, n, 9, n, n, 10, n)),
            _mm_shuffle_epi8(b, _mm_setr_epi8(5, n, n, 6, n, n, 7, n, n, 8, n, n, 9, n, n, 10)),
        ),
        _mm_shuffle_epi8(c, _mm_setr_epi8(n, 5, n, n, 6, n, n, 7, n, n, 8, n, n, 9, n, n)),
    );
    let third = _mm_or_si128(
        _mm_or_si128(
            _mm_shuffle_epi8(a, _mm_setr_epi8(n, 11, n, n, 12, n, n, 13, n, n, 14, n, n, 15, n, n)),
            _mm_shuffle_epi8(b, _mm_setr_epi8(n, n, 11, n, n, 12, n, n, 13, n, n, 14, n, n, 15, n)),
        ),
        _mm_shuffle_epi8(c, _mm_setr_epi8(10, n, n, 11, n, n, 12, n, n, 13, n, n, 14, n, n, 15)),
    );
    let (chunks, _) = to.as_chunks_mut::<16>();
    for (chunk, v) in chunks.iter_mut().zip([first, second, third]) {
        store8(chunk, v);
    }
}
