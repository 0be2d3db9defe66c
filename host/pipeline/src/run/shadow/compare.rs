//! How far two tensors are apart, element by element.

use serde::Serialize;
use zenith_core::{DType, TensorType};

/// A tensor that one version made.
#[derive(Debug, PartialEq)]
pub(super) struct Made {
    pub(super) of: TensorType,
    pub(super) bytes: Vec<u8>,
}

/// How far the elements of tensors are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distance {
    /// Elements that were compared.
    pub elements: u64,
    /// Those of them that differ.
    pub differing: u64,
    /// Those of them that are a number in one tensor and none, or no finite one, in the other. They
    /// count as differing, and not in what follows.
    pub not_finite: u64,
    /// The largest absolute difference.
    pub largest: f64,
    /// The mean absolute difference of all elements that were compared.
    pub mean: f64,
}

impl Distance {
    /// Adds what was compared elsewhere.
    pub(super) fn add(&mut self, other: &Self) {
        let total = self.elements + other.elements;
        if total == 0 {
            return;
        }
        let share = |distance: &Self| distance.mean * (count(distance.elements) / count(total));
        self.mean = share(self) + share(other);
        self.elements = total;
        self.differing += other.differing;
        self.not_finite += other.not_finite;
        self.largest = self.largest.max(other.largest);
    }

    /// The distance of two tensors, or `None` where they are of different types.
    pub(super) fn between(one: &Made, other: &Made) -> Option<Self> {
        if one.of != other.of {
            return None;
        }
        let size = one.of.dtype.size();
        let mut distance = Self { elements: (one.bytes.len() / size) as u64, ..Self::default() };
        if one.bytes == other.bytes {
            return Some(distance);
        }
        let mut sum = 0.0;
        for (left, right) in one.bytes.chunks_exact(size).zip(other.bytes.chunks_exact(size)) {
            if left == right {
                continue;
            }
            let difference = difference(one.of.dtype, left, right);
            if difference == 0.0 {
                continue;
            }
            distance.differing += 1;
            if difference.is_finite() {
                sum += difference;
                distance.largest = distance.largest.max(difference);
            } else {
                distance.not_finite += 1;
            }
        }
        distance.mean = sum / count(distance.elements).max(1.0);
        Some(distance)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean is shown to a few digits")]
pub(super) fn count(number: u64) -> f64 {
    number as f64
}

/// The absolute difference of two elements; zero for two that are no numbers, infinite where only one
/// is none.
fn difference(dtype: DType, left: &[u8], right: &[u8]) -> f64 {
    if dtype == DType::Int64 {
        let whole = |bytes: &[u8]| bytes.try_into().map(i64::from_le_bytes).unwrap_or_default();
        // As floating point numbers, neighbours beyond 2⁵³ would be equal.
        return count(whole(left).abs_diff(whole(right)));
    }
    let (left, right) = (value(dtype, left), value(dtype, right));
    if left.is_nan() && right.is_nan() {
        return 0.0;
    }
    let difference = (left - right).abs();
    if difference.is_nan() { f64::INFINITY } else { difference }
}

fn value(dtype: DType, bytes: &[u8]) -> f64 {
    match (dtype, bytes) {
        (DType::Bool | DType::Uint8, [byte]) => f64::from(*byte),
        (DType::Int8, [byte]) => f64::from(i8::from_le_bytes([*byte])),
        (DType::Int16, [low, high]) => f64::from(i16::from_le_bytes([*low, *high])),
        (DType::Float16, [low, high]) => half(u16::from_le_bytes([*low, *high])),
        (DType::Bfloat16, [low, high]) => f64::from(f32::from_le_bytes([0, 0, *low, *high])),
        (DType::Int32, [a, b, c, d]) => f64::from(i32::from_le_bytes([*a, *b, *c, *d])),
        (DType::Float32, [a, b, c, d]) => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        (_, bytes) => bytes.try_into().map_or(f64::NAN, f64::from_le_bytes),
    }
}

/// The value of an IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction) * 2.0_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(dtype: DType, bytes: &[u8]) -> Made {
        let elements = u32::try_from(bytes.len() / dtype.size()).unwrap();
        Made { of: TensorType::fixed(dtype, &[elements]), bytes: bytes.to_vec() }
    }

    fn floats(values: &[f32]) -> Made {
        made(DType::Float32, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn pixels_are_compared_one_by_one() {
        let distance =
            Distance::between(&made(DType::Uint8, &[1, 2, 3, 255]), &made(DType::Uint8, &[1, 4, 3, 0]))
                .unwrap();
        assert_eq!((distance.elements, distance.differing, distance.not_finite), (4, 2, 0));
        assert_eq!((distance.largest, distance.mean), (255.0, 257.0 / 4.0));
    }

    #[test]
    fn what_is_no_number_differs_from_a_number_and_not_from_itself() {
        let (one, other) = (floats(&[f32::NAN, f32::NAN, 0.0, 1.5]), floats(&[-f32::NAN, 1.0, -0.0, 1.0]));
        let distance = Distance::between(&one, &other).unwrap();
        assert_eq!((distance.differing, distance.not_finite, distance.largest), (2, 1, 0.5));
        let infinite = Distance::between(&floats(&[f32::INFINITY]), &floats(&[0.0])).unwrap();
        assert_eq!((infinite.not_finite, infinite.mean), (1, 0.0));
    }

    #[test]
    fn every_element_type_is_read_for_what_it_is() {
        let cases: [(DType, &[u8], &[u8], f64); 9] = [
            (DType::Bool, &[1], &[0], 1.0),
            (DType::Int8, &[255], &[1], 2.0),
            (DType::Int16, &[255, 255], &[0, 1], 257.0),
            (DType::Int32, &[255; 4], &[1, 0, 0, 0], 2.0),
            (DType::Int64, &[1, 0, 0, 0, 0, 0, 0x20, 0], &[0, 0, 0, 0, 0, 0, 0x20, 0], 1.0),
            // 1.5 and -2, the smallest number and 0.
            (DType::Float16, &[0x00, 0x3e], &[0x00, 0xc0], 3.5),
            (DType::Float16, &[0x01, 0x00], &[0x00, 0x00], 1.0 / f64::from(1 << 24)),
            (DType::Bfloat16, &[0xc0, 0x3f], &[0x00, 0x40], 0.5),
            (DType::Float64, &2.5_f64.to_le_bytes(), &2.0_f64.to_le_bytes(), 0.5),
        ];
        for (dtype, one, other, expected) in cases {
            let distance = Distance::between(&made(dtype, one), &made(dtype, other)).unwrap();
            assert_eq!((distance.elements, distance.largest), (1, expected), "{dtype}");
        }
    }

    #[test]
    fn distances_add_up_by_their_elements() {
        let pair = |one: &[u8], other: &[u8]| {
            Distance::between(&made(DType::Uint8, one), &made(DType::Uint8, other)).unwrap()
        };
        let mut total = Distance::default();
        total.add(&pair(&[0, 0, 0], &[0, 0, 9]));
        total.add(&pair(&[5], &[0]));
        total.add(&Distance::default());
        assert_eq!((total.elements, total.differing, total.largest, total.mean), (4, 2, 9.0, 3.5));
        assert_eq!(Distance::between(&made(DType::Uint8, &[1]), &made(DType::Int8, &[1])), None);
    }
}
