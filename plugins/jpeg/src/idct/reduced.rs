//! 4×4, 2×2 and 1×1 samples from a block of 8×8 coefficients, as in libjpeg's `jidctred.c`.

use super::{clamp, fixed, flat};

/// A coefficient with its quantisation undone.
fn value(block: &[i16; 64], steps: &[i16; 64], at: usize) -> i32 {
    i32::from(block[at].wrapping_mul(steps[at]))
}

/// Shifts to the right, rounded.
fn descale(value: i32, bits: u32) -> i32 {
    value.wrapping_add(1 << (bits - 1)) >> bits
}

/// Four values from seven: the fourth frequency has no part in them.
fn four([v0, v1, v2, v3, v5, v6, v7]: [i32; 7]) -> [i32; 4] {
    let sum = |terms: [(i32, i32); 4]| {
        terms.iter().fold(0_i32, |sum, &(value, by)| sum.wrapping_add(value.wrapping_mul(by)))
    };
    let centre = v0 << 14;
    let even = v2.wrapping_mul(fixed(1.847_759_065)).wrapping_sub(v6.wrapping_mul(fixed(0.765_366_865)));
    let (outer, inner) = (centre.wrapping_add(even), centre.wrapping_sub(even));
    let small = sum([
        (v7, -fixed(0.211_164_243)),
        (v5, fixed(1.451_774_981)),
        (v3, -fixed(2.172_734_803)),
        (v1, fixed(1.061_594_337)),
    ]);
    let large = sum([
        (v7, -fixed(0.509_795_579)),
        (v5, -fixed(0.601_344_887)),
        (v3, fixed(0.899_976_223)),
        (v1, fixed(2.562_915_447)),
    ]);
    [
        outer.wrapping_add(large),
        inner.wrapping_add(small),
        inner.wrapping_sub(small),
        outer.wrapping_sub(large),
    ]
}

/// Transforms a block into four rows of four samples.
pub(crate) fn transform4(block: &[i16; 64], steps: &[i16; 64], to: &mut [u8], stride: usize) {
    let mut rows = [[0; 7]; 4];
    for (place, column) in [0, 1, 2, 3, 5, 6, 7].into_iter().enumerate() {
        let frequencies = [0, 1, 2, 3, 5, 6, 7].map(|row| value(block, steps, 8 * row + column));
        for (row, sum) in rows.iter_mut().zip(four(frequencies)) {
            row[place] = descale(sum, 12);
        }
    }
    for (y, row) in rows.into_iter().enumerate() {
        let samples = four(row).map(|sum| clamp(descale(sum, 19) + 128));
        if let Some(place) = to.get_mut(y * stride..).and_then(|rest| rest.first_chunk_mut()) {
            *place = samples;
        }
    }
}

/// Two values from the lowest frequency and the odd ones.
fn two([v0, v1, v3, v5, v7]: [i32; 5]) -> [i32; 2] {
    let centre = v0 << 15;
    let odd = v7
        .wrapping_mul(-fixed(0.720_959_822))
        .wrapping_add(v5.wrapping_mul(fixed(0.850_430_095)))
        .wrapping_sub(v3.wrapping_mul(fixed(1.272_758_580)))
        .wrapping_add(v1.wrapping_mul(fixed(3.624_509_785)));
    [centre.wrapping_add(odd), centre.wrapping_sub(odd)]
}

/// Transforms a block into two rows of two samples.
pub(crate) fn transform2(block: &[i16; 64], steps: &[i16; 64], to: &mut [u8], stride: usize) {
    let mut rows = [[0; 5]; 2];
    for (place, column) in [0, 1, 3, 5, 7].into_iter().enumerate() {
        let frequencies = [0, 1, 3, 5, 7].map(|row| value(block, steps, 8 * row + column));
        for (row, sum) in rows.iter_mut().zip(two(frequencies)) {
            row[place] = descale(sum, 13);
        }
    }
    for (y, row) in rows.into_iter().enumerate() {
        let samples = two(row).map(|sum| clamp(descale(sum, 20) + 128));
        if let Some(place) = to.get_mut(y * stride..).and_then(|rest| rest.first_chunk_mut()) {
            *place = samples;
        }
    }
}

/// The one sample of a block at an eighth.
pub(crate) fn transform1(block: &[i16; 64], steps: &[i16; 64], to: &mut [u8]) {
    if let Some(place) = to.first_mut() {
        *place = flat(block[0], steps[0]);
    }
}
