//! The shim in WebAssembly, whose standard 128-bit vectors are switched on for the whole build.
//!
//! Shuffles go by tables that LLVM is kept from seeing (`black_box`). One that it sees, it turns into
//! a shuffle of two vectors, one of them zero, which Cranelift makes three instructions of; and it
//! reads only the bytes that matter, one by one.

#![expect(unsafe_code, reason = "loads and stores through pointers")]
#![expect(clippy::inline_always, reason = "one instruction each")]

use std::{
    arch::wasm32::{
        i16x8_max, i16x8_min, i16x8_shl, i16x8_splat, i32x4_add, i32x4_dot_i16x8, i32x4_shl, i32x4_shr,
        i32x4_splat, u8x16_shuffle, u8x16_swizzle, u16x8_extend_high_u8x16, u16x8_extend_low_u8x16, v128,
        v128_and, v128_load, v128_or, v128_store,
    },
    hint::black_box,
};

use super::{Simd, Table, Weights};

/// The token; the build itself proves that the instructions exist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Simd128;

impl Simd for Simd128 {
    type Vector = v128;

    const ROWS: usize = 1;

    #[inline(always)]
    unsafe fn load_rows(self, at: *const u8, _stride: usize) -> v128 {
        // SAFETY: the caller vouches for 16 readable bytes.
        unsafe { v128_load(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store_rows(self, at: *mut u8, _stride: usize, value: v128) {
        // SAFETY: the caller vouches for 16 writable bytes.
        unsafe { v128_store(at.cast(), value) }
    }

    #[inline(always)]
    unsafe fn load(self, at: *const u8) -> v128 {
        // SAFETY: the caller vouches for 16 readable bytes.
        unsafe { v128_load(at.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8, value: v128) {
        // SAFETY: the caller vouches for 16 writable bytes.
        unsafe { v128_store(at.cast(), value) }
    }

    #[inline(always)]
    fn weights(self, weights: &Weights) -> v128 {
        // SAFETY: a `Weights` is 16 bytes.
        unsafe { v128_load((&raw const *weights).cast()) }
    }

    #[inline(always)]
    fn splat(self, value: i32) -> v128 {
        i32x4_splat(value)
    }

    #[inline(always)]
    fn table(self, table: &Table) -> v128 {
        // SAFETY: a table is 16 bytes.
        black_box(unsafe { v128_load(table.as_ptr().cast()) })
    }

    #[inline(always)]
    fn shuffle(self, value: v128, table: v128) -> v128 {
        u8x16_swizzle(value, table)
    }

    #[inline(always)]
    fn zip_low(self, a: v128, b: v128) -> v128 {
        u8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b)
    }

    #[inline(always)]
    fn zip_high(self, a: v128, b: v128) -> v128 {
        u8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b)
    }

    #[inline(always)]
    fn widen_low(self, value: v128) -> v128 {
        u16x8_extend_low_u8x16(value)
    }

    #[inline(always)]
    fn widen_high(self, value: v128) -> v128 {
        u16x8_extend_high_u8x16(value)
    }

    #[inline(always)]
    fn multiply_add_pairs(self, a: v128, b: v128) -> v128 {
        i32x4_dot_i16x8(a, b)
    }

    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }

    #[inline(always)]
    fn shift_right(self, value: v128, count: u32) -> v128 {
        i32x4_shr(value, count)
    }

    #[inline(always)]
    fn narrowing_table(self, table: &Table) -> v128 {
        u8x16_swizzle(self.table(&MERGED), self.table(table))
    }

    #[inline(always)]
    fn narrow(self, [a, b, c, d]: [v128; 4], hold: bool, table: v128) -> v128 {
        // WebAssembly's narrowing instructions are one each, but LLVM takes those of `std::arch` to
        // pieces, and three of them become nineteen.
        let merged = if hold {
            let halves = |low, high| {
                let both = v128_or(v128_and(low, i32x4_splat(0xFFFF)), i32x4_shl(high, 16));
                i16x8_min(i16x8_max(both, i16x8_splat(0)), i16x8_splat(255))
            };
            v128_or(halves(a, b), i16x8_shl(halves(c, d), 8))
        } else {
            let low = v128_or(a, i32x4_shl(b, 16));
            v128_or(low, i32x4_shl(v128_or(c, i32x4_shl(d, 16)), 8))
        };
        u8x16_swizzle(merged, table)
    }
}

/// Where `narrow` has the bytes of its four vectors, before it moves them: those of the first, third,
/// second and fourth in turns.
const MERGED: Table = [0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15];
