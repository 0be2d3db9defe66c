//! The vector in WebAssembly: simd128, without the relaxed operations, which are not deterministic.

#![expect(unsafe_code, reason = "vector loads and stores")]
#![expect(clippy::inline_always, reason = "a vector operation that is called costs more than it does")]

use core::arch::wasm32::{
    i8x16_bitmask, i8x16_eq, i8x16_shuffle, i8x16_splat, i16x8_add, i16x8_mul, i16x8_narrow_i32x4,
    i16x8_q15mulr_sat, i16x8_shuffle, i16x8_splat, i16x8_sub, i32x4_add, i32x4_dot_i16x8,
    i32x4_extend_high_i16x8, i32x4_extend_low_i16x8, i32x4_shl, i32x4_shr, i32x4_shuffle, i32x4_splat,
    i32x4_sub, i64x2_shuffle, u8x16_narrow_i16x8, u16x8_extend_high_u8x16, u16x8_extend_low_u8x16, v128,
    v128_load, v128_store, v128_store64_lane,
};

use super::Level;

/// 128 bits.
pub(crate) type V = v128;

#[inline(always)]
pub(crate) fn load16(from: &[i16; 8]) -> V {
    // SAFETY: the array holds 16 readable bytes, and the load has no alignment.
    unsafe { v128_load(from.as_ptr().cast()) }
}

#[inline(always)]
pub(crate) fn load8(from: &[u8; 16]) -> V {
    // SAFETY: the array holds 16 readable bytes, and the load has no alignment.
    unsafe { v128_load(from.as_ptr().cast()) }
}

#[inline(always)]
pub(crate) fn store8(to: &mut [u8; 16], v: V) {
    // SAFETY: the array holds 16 writable bytes, and the store has no alignment.
    unsafe { v128_store(to.as_mut_ptr().cast(), v) }
}

#[inline(always)]
pub(crate) fn store_low(to: &mut [u8; 8], v: V) {
    // SAFETY: the array holds 8 writable bytes, and the store has no alignment.
    unsafe { v128_store64_lane::<0>(v, to.as_mut_ptr().cast()) }
}

#[inline(always)]
pub(crate) fn store_high(to: &mut [u8; 8], v: V) {
    // SAFETY: the array holds 8 writable bytes, and the store has no alignment.
    unsafe { v128_store64_lane::<1>(v, to.as_mut_ptr().cast()) }
}

#[inline(always)]
pub(crate) fn splat16(a: i16) -> V {
    i16x8_splat(a)
}

#[inline(always)]
pub(crate) fn splat32(a: i32) -> V {
    i32x4_splat(a)
}

#[inline(always)]
pub(crate) fn add16(a: V, b: V) -> V {
    i16x8_add(a, b)
}

#[inline(always)]
pub(crate) fn sub16(a: V, b: V) -> V {
    i16x8_sub(a, b)
}

/// The low 16 bits of each product.
#[inline(always)]
pub(crate) fn mul16(a: V, b: V) -> V {
    i16x8_mul(a, b)
}

#[inline(always)]
pub(crate) fn add32(a: V, b: V) -> V {
    i32x4_add(a, b)
}

#[inline(always)]
pub(crate) fn sub32(a: V, b: V) -> V {
    i32x4_sub(a, b)
}

/// Products of 16-bit lanes, summed in pairs into 32 bits.
#[inline(always)]
pub(crate) fn dot16(a: V, b: V) -> V {
    i32x4_dot_i16x8(a, b)
}

/// Arithmetic shift to the right.
#[inline(always)]
pub(crate) fn sra32<const N: i32>(a: V) -> V {
    i32x4_shr(a, N.cast_unsigned())
}

/// 32-bit lanes to 16 bits, saturated; `a` becomes the low half.
#[inline(always)]
pub(crate) fn narrow32(a: V, b: V) -> V {
    i16x8_narrow_i32x4(a, b)
}

/// Signed 16-bit lanes to unsigned bytes, saturated; `a` becomes the low half.
#[inline(always)]
pub(crate) fn narrow16(a: V, b: V) -> V {
    u8x16_narrow_i16x8(a, b)
}

#[inline(always)]
pub(crate) fn zip_low16(a: V, b: V) -> V {
    i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b)
}

#[inline(always)]
pub(crate) fn zip_high16(a: V, b: V) -> V {
    i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b)
}

#[inline(always)]
pub(crate) fn zip_low32(a: V, b: V) -> V {
    i32x4_shuffle::<0, 4, 1, 5>(a, b)
}

#[inline(always)]
pub(crate) fn zip_high32(a: V, b: V) -> V {
    i32x4_shuffle::<2, 6, 3, 7>(a, b)
}

#[inline(always)]
pub(crate) fn zip_low64(a: V, b: V) -> V {
    i64x2_shuffle::<0, 2>(a, b)
}

#[inline(always)]
pub(crate) fn zip_high64(a: V, b: V) -> V {
    i64x2_shuffle::<1, 3>(a, b)
}

/// The low four 16-bit lanes as 32 bits, times 2¹⁶⁻ᴿ; `R` is at most 16.
#[inline(always)]
pub(crate) fn widen_low16<const R: i32>(a: V) -> V {
    i32x4_shl(i32x4_extend_low_i16x8(a), 16 - R.cast_unsigned())
}

/// The high four 16-bit lanes as 32 bits, times 2¹⁶⁻ᴿ; `R` is at most 16.
#[inline(always)]
pub(crate) fn widen_high16<const R: i32>(a: V) -> V {
    i32x4_shl(i32x4_extend_high_i16x8(a), 16 - R.cast_unsigned())
}

#[inline(always)]
pub(crate) fn widen_low8(a: V) -> V {
    u16x8_extend_low_u8x16(a)
}

#[inline(always)]
pub(crate) fn widen_high8(a: V) -> V {
    u16x8_extend_high_u8x16(a)
}

/// One bit for each byte that is 0xFF.
#[inline(always)]
pub(crate) fn bytes_ff(a: V) -> u32 {
    u32::from(i8x16_bitmask(i8x16_eq(a, i8x16_splat(-1))))
}

/// `(a · b + 2¹⁴) >> 15` in 16-bit lanes. Not both lanes may be −2¹⁵.
#[inline(always)]
pub(crate) fn mul_q15<L: Level>(a: V, b: V) -> V {
    i16x8_q15mulr_sat(a, b)
}

/// Three planes of 16 bytes, interleaved.
#[inline(always)]
pub(crate) fn store_interleaved<L: Level>(to: &mut [u8; 48], a: V, b: V, c: V) {
    let first = i8x16_shuffle::<0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5>(a, b);
    let first = i8x16_shuffle::<0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15>(first, c);
    let second = i8x16_shuffle::<21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26>(a, b);
    let second = i8x16_shuffle::<0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15>(second, c);
    let third = i8x16_shuffle::<0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0>(a, b);
    let third = i8x16_shuffle::<26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31>(third, c);
    let (chunks, _) = to.as_chunks_mut::<16>();
    for (chunk, v) in chunks.iter_mut().zip([first, second, third]) {
        store8(chunk, v);
    }
}
