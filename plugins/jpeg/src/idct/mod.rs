//! The inverse cosine transform, at full size and reduced: dequantised, shifted to 0–255, and bit for
//! bit what libjpeg's accurate integer transform gives.
//!
//! All take coefficients and quantisation steps in rows, and products wrap to 16 bits as in
//! libjpeg-turbo's vector code. Sound files never come near that.

mod full;
mod reduced;

pub(crate) use full::transform8;
pub(crate) use reduced::{transform1, transform2, transform4};

/// The value that a block with nothing but its DC coefficient has everywhere, at any size.
pub(crate) fn flat(coefficient: i16, step: i16) -> u8 {
    let value = (i32::from(coefficient.wrapping_mul(step)) + 4) >> 3;
    clamp(value + 128)
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
