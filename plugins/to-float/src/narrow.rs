//! Narrower floating point, for the few numbers that a byte can become. Ties go to the even
//! neighbour, as in torch.

/// Binary16 of 0 or of a number between 2⁻¹⁴ and 65,504, which every scaled or plain byte is.
#[expect(clippy::cast_possible_truncation, reason = "the exponent is rebiased, so 16 bits are left")]
pub(crate) fn to_float16(value: f32) -> u16 {
    if value == 0.0 {
        return 0;
    }
    let bits = value.to_bits();
    // 112 is the difference of the exponents' biases, 13 that of the fractions' lengths.
    let rebiased = bits - (112 << 23);
    ((rebiased + 0xFFF + (bits >> 13 & 1)) >> 13) as u16
}

/// Bfloat16 of any number that is not NaN.
pub(crate) fn to_bfloat16(value: f32) -> u16 {
    let bits = value.to_bits();
    ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_even_neighbour() {
        assert_eq!(to_float16(1.0), 0x3C00);
        assert_eq!(to_float16(1.0 + 1.0 / 2048.0), 0x3C00);
        assert_eq!(to_float16(1.0 + 3.0 / 2048.0), 0x3C02);
        assert_eq!(to_bfloat16(1.0), 0x3F80);
        assert_eq!(to_bfloat16(1.0 + 1.0 / 256.0), 0x3F80);
        assert_eq!(to_bfloat16(1.0 + 3.0 / 256.0), 0x3F82);
        assert_eq!((to_float16(0.0), to_bfloat16(0.0)), (0, 0));
    }
}
