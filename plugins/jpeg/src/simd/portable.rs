//! The vector as plain loops: for machines without a module of their own, and the meaning that the
//! tests hold the other modules to.

#![expect(clippy::cast_possible_truncation, reason = "lanes wrap and narrow as each operation says")]

use core::array::from_fn;

use super::Level;

/// 128 bits, as eight 16-bit lanes, little-endian.
pub(crate) type V = [i16; 8];

fn wide(v: V) -> [i32; 4] {
    from_fn(|i| i32::from(v[2 * i]) & 0xFFFF | i32::from(v[2 * i + 1]) << 16)
}

fn from_wide(v: [i32; 4]) -> V {
    from_fn(|i| (v[i / 2] >> (16 * (i % 2))) as i16)
}

fn bytes(v: V) -> [u8; 16] {
    from_fn(|i| v[i / 2].to_le_bytes()[i % 2])
}

fn from_bytes(v: [u8; 16]) -> V {
    from_fn(|i| i16::from_le_bytes([v[2 * i], v[2 * i + 1]]))
}

pub(crate) fn load16(from: &[i16; 8]) -> V {
    *from
}

pub(crate) fn load8(from: &[u8; 16]) -> V {
    from_bytes(*from)
}

pub(crate) fn store8(to: &mut [u8; 16], v: V) {
    *to = bytes(v);
}

pub(crate) fn store_low(to: &mut [u8; 8], v: V) {
    *to = from_fn(|i| bytes(v)[i]);
}

pub(crate) fn store_high(to: &mut [u8; 8], v: V) {
    *to = from_fn(|i| bytes(v)[i + 8]);
}

pub(crate) fn splat16(a: i16) -> V {
    [a; 8]
}

pub(crate) fn splat32(a: i32) -> V {
    from_wide([a; 4])
}

pub(crate) fn add16(a: V, b: V) -> V {
    from_fn(|i| a[i].wrapping_add(b[i]))
}

pub(crate) fn sub16(a: V, b: V) -> V {
    from_fn(|i| a[i].wrapping_sub(b[i]))
}

pub(crate) fn mul16(a: V, b: V) -> V {
    from_fn(|i| a[i].wrapping_mul(b[i]))
}

pub(crate) fn add32(a: V, b: V) -> V {
    let (a, b) = (wide(a), wide(b));
    from_wide(from_fn(|i| a[i].wrapping_add(b[i])))
}

pub(crate) fn sub32(a: V, b: V) -> V {
    let (a, b) = (wide(a), wide(b));
    from_wide(from_fn(|i| a[i].wrapping_sub(b[i])))
}

pub(crate) fn dot16(a: V, b: V) -> V {
    let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
    from_wide(from_fn(|i| product(2 * i).wrapping_add(product(2 * i + 1))))
}

pub(crate) fn sra32<const N: i32>(a: V) -> V {
    from_wide(wide(a).map(|lane| lane >> N))
}

pub(crate) fn narrow32(a: V, b: V) -> V {
    let (a, b) = (wide(a), wide(b));
    let lanes: V = from_fn(|i| {
        let lane = if i < 4 { a[i] } else { b[i - 4] };
        lane.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    });
    lanes
}

pub(crate) fn narrow16(a: V, b: V) -> V {
    from_bytes(from_fn(|i| if i < 8 { a[i] } else { b[i - 8] }.clamp(0, 255).to_le_bytes()[0]))
}

pub(crate) fn zip_low16(a: V, b: V) -> V {
    from_fn(|i| if i % 2 == 0 { a[i / 2] } else { b[i / 2] })
}

pub(crate) fn zip_high16(a: V, b: V) -> V {
    from_fn(|i| if i % 2 == 0 { a[4 + i / 2] } else { b[4 + i / 2] })
}

pub(crate) fn zip_low32(a: V, b: V) -> V {
    let (a, b) = (wide(a), wide(b));
    from_wide([a[0], b[0], a[1], b[1]])
}

pub(crate) fn zip_high32(a: V, b: V) -> V {
    let (a, b) = (wide(a), wide(b));
    from_wide([a[2], b[2], a[3], b[3]])
}

pub(crate) fn zip_low64(a: V, b: V) -> V {
    from_fn(|i| if i < 4 { a[i] } else { b[i - 4] })
}

pub(crate) fn zip_high64(a: V, b: V) -> V {
    from_fn(|i| if i < 4 { a[i + 4] } else { b[i] })
}

pub(crate) fn widen_low16<const R: i32>(a: V) -> V {
    from_wide(from_fn(|i| i32::from(a[i]) << (16 - R)))
}

pub(crate) fn widen_high16<const R: i32>(a: V) -> V {
    from_wide(from_fn(|i| i32::from(a[i + 4]) << (16 - R)))
}

pub(crate) fn widen_low8(a: V) -> V {
    from_fn(|i| i16::from(bytes(a)[i]))
}

pub(crate) fn widen_high8(a: V) -> V {
    from_fn(|i| i16::from(bytes(a)[i + 8]))
}

pub(crate) fn bytes_ff(a: V) -> u32 {
    bytes(a).iter().rev().fold(0, |mask, &byte| mask << 1 | u32::from(byte == 0xFF))
}

pub(crate) fn mul_q15<L: Level>(a: V, b: V) -> V {
    from_fn(|i| ((i32::from(a[i]) * i32::from(b[i]) + (1 << 14)) >> 15) as i16)
}

pub(crate) fn store_interleaved<L: Level>(to: &mut [u8; 48], a: V, b: V, c: V) {
    let planes = [bytes(a), bytes(b), bytes(c)];
    *to = from_fn(|i| planes[i % 3][i / 3]);
}
