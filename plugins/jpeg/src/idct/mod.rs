//! The inverse cosine transform, at full size and reduced: dequantised, shifted to 0–255, and bit for
//! bit what libjpeg's accurate integer transform gives.
//!
//! All take coefficients and quantisation steps in rows, and products wrap to 16 bits as in
//! libjpeg-turbo's vector code. Sound files never come near that.

#![expect(clippy::inline_always, reason = "the vectors must stay in registers, at the caller's level")]

use crate::simd::{V, splat32};

mod full;
mod reduced;

pub(crate) use full::transform8;
pub(crate) use reduced::{transform1, transform2, transform4};

/// The value that a block with nothing but its DC coefficient has everywhere, at any size.
pub(crate) fn flat(coefficient: i16, step: i16) -> u8 {
    let value = (i32::from(coefficient.wrapping_mul(step)) + 4) >> 3;
    clamp(value + 128)
}

/// Two constants of 16 bits, alternating.
#[inline(always)]
fn pair(first: i32, second: i32) -> V {
    splat32(second << 16 | first & 0xFFFF)
}

/// Splits the place of one row off.
#[inline(always)]
fn row<const SIDE: usize>(to: &mut [u8], stride: usize) -> Option<(&mut [u8; SIDE], &mut [u8])> {
    let (row, rest) = to.split_at_mut_checked(stride)?;
    Some((row.first_chunk_mut()?, rest))
}

fn clamp(value: i32) -> u8 {
    value.clamp(0, 255).to_le_bytes()[0]
}

/// A constant of the transform, to 13 bits after the point.
const fn fixed(value: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounded, and below 2¹⁵ for constants below 4")]
    let rounded = (value * 8192.0 + if value < 0.0 { -0.5 } else { 0.5 }) as i32;
    rounded
}

#[cfg(test)]
mod tests;
