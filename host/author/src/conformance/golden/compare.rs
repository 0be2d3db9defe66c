//! Whether a tensor is the expected one, and where it is not.

use zenith_core::DType;

use super::Expected;
use crate::conformance::inputs::Tensor;

/// What is wrong with a tensor, in a clause; `None` where it is the expected one.
pub(super) fn compared(expected: &Expected, made: &Tensor) -> Option<String> {
    let wanted = expected.tensor.as_ref()?;
    if (made.dtype, &made.extents) != (wanted.dtype, &wanted.extents) {
        return Some(format!("it is {made}, not {wanted}"));
    }
    if made.data == wanted.data {
        return None;
    }
    let size = made.dtype.size();
    let pairs = made.data.chunks_exact(size).zip(wanted.data.chunks_exact(size));
    let mut first = None;
    let (mut wrong, mut most) = (0_usize, 0_f64);
    for (place, (made, wanted)) in pairs.enumerate().filter(|(_, (made, wanted))| made != wanted) {
        let (made, wanted) = (number(expected.dtype(), made), number(expected.dtype(), wanted));
        let off = (made - wanted).abs();
        if (made.is_nan() && wanted.is_nan()) || off <= expected.tolerance {
            continue;
        }
        wrong += 1;
        // What is no number is as far off as can be.
        most = most.max(if off.is_nan() { f64::INFINITY } else { off });
        first.get_or_insert((place, made, wanted));
    }
    let (place, value, expected_value) = first?;
    Some(format!(
        "element {:?} is {value}, not {expected_value}; {wrong} of {} elements are off by more than {}, at most by \
         {most}",
        position(place, &made.extents),
        made.data.len() / size,
        expected.tolerance
    ))
}

impl Expected {
    fn dtype(&self) -> DType {
        self.tensor.as_ref().map_or(DType::Uint8, |tensor| tensor.dtype)
    }
}

/// Where an element is, by its place in row-major order.
fn position(mut place: usize, extents: &[u32]) -> Vec<usize> {
    let mut position: Vec<_> = extents
        .iter()
        .rev()
        .map(|extent| {
            let extent = (*extent).max(1) as usize;
            let own = place % extent;
            place /= extent;
            own
        })
        .collect();
    position.reverse();
    position
}

/// An element as a number; the 64-bit integers lose what a double does not hold.
#[expect(clippy::cast_precision_loss, reason = "a difference is told to a few digits")]
fn number(dtype: DType, bytes: &[u8]) -> f64 {
    let mut raw = [0; 8];
    raw[..bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_le_bytes(raw);
    let [b0, b1, b2, b3, ..] = raw;
    match dtype {
        DType::Bool | DType::Uint8 => f64::from(b0),
        DType::Int8 => f64::from(i8::from_le_bytes([b0])),
        DType::Int16 => f64::from(i16::from_le_bytes([b0, b1])),
        DType::Int32 => f64::from(i32::from_le_bytes([b0, b1, b2, b3])),
        DType::Int64 => i64::from_le_bytes(raw) as f64,
        DType::Float16 => half(u16::from_le_bytes([b0, b1])),
        DType::Bfloat16 => f64::from(f32::from_le_bytes([0, 0, b0, b1])),
        DType::Float32 => f64::from(f32::from_le_bytes([b0, b1, b2, b3])),
        DType::Float64 => f64::from_bits(bits),
    }
}

/// A binary16, as IEEE 754 lays it out.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f64::from(bits & 0x3FF) / 1024.0);
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dtype: DType, extents: &[u32], data: &[u8]) -> Tensor {
        Tensor { dtype, extents: extents.to_vec(), data: data.to_vec() }
    }

    fn expected(tensor: Tensor, tolerance: f64) -> Expected {
        Expected { tensor: Some(tensor), tolerance, file: String::new() }
    }

    #[test]
    fn elements_may_be_off_by_the_tolerance_and_no_more() {
        let wanted = tensor(DType::Uint8, &[2, 2], &[1, 2, 3, 4]);
        let made = tensor(DType::Uint8, &[2, 2], &[1, 2, 5, 3]);
        assert_eq!(compared(&expected(wanted.clone(), 2.0), &made), None);
        assert_eq!(
            compared(&expected(wanted.clone(), 1.0), &made).unwrap(),
            "element [1, 0] is 5, not 3; 1 of 4 elements are off by more than 1, at most by 2"
        );
        let other = tensor(DType::Uint8, &[4], &[1, 2, 3, 4]);
        assert_eq!(compared(&expected(wanted, 9.0), &other).unwrap(), "it is uint8[4], not uint8[2, 2]");
    }

    #[test]
    fn every_element_type_is_read_as_a_number() {
        for (dtype, bytes, value) in [
            (DType::Int8, &[0xFF][..], -1.0),
            (DType::Int16, &[0xFE, 0xFF], -2.0),
            (DType::Int64, &[3, 0, 0, 0, 0, 0, 0, 0], 3.0),
            (DType::Float16, &[0x00, 0xC1], -2.5),
            (DType::Float16, &[0x01, 0x00], 2_f64.powi(-24)),
            (DType::Bfloat16, &[0x20, 0xC0], -2.5),
            (DType::Float32, &[0, 0, 0x20, 0xC0], -2.5),
            (DType::Float64, &[0, 0, 0, 0, 0, 0, 0x04, 0xC0], -2.5),
        ] {
            assert_eq!(number(dtype, bytes).to_bits(), f64::to_bits(value), "{dtype}");
        }
        assert!(half(0x7C01).is_nan() && half(0xFC00).is_infinite());
    }
}
