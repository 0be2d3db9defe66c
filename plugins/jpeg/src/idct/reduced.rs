//! 4×4, 2×2 and 1×1 samples from a block of 8×8 coefficients, as in libjpeg's `jidctred.c`.

#![expect(clippy::inline_always, reason = "the vectors must stay in registers, at the caller's level")]

use super::{clamp, fixed, flat, pair, row};
use crate::simd::{
    V, add16, add32, dot16, load16, mul16, narrow16, narrow32, splat16, splat32, sra32, store8, sub32,
    widen_high16, widen_low16, zip_high16, zip_high32, zip_low16, zip_low32,
};

/// A coefficient with its quantisation undone.
fn value(block: &[i16; 64], steps: &[i16; 64], at: usize) -> i32 {
    i32::from(block[at].wrapping_mul(steps[at]))
}

/// Shifts to the right, rounded.
fn descale(value: i32, bits: u32) -> i32 {
    value.wrapping_add(1 << (bits - 1)) >> bits
}

/// One dimension of the 4×4 transform: four values, not yet scaled, from eight frequencies. The even
/// ones come as the first, and the third with the seventh; the odd ones as the eighth with the sixth,
/// and the fourth with the second. The fifth has no part in them.
#[inline(always)]
fn four<const S: i32>(first: V, even: V, high: V, low: V) -> [V; 4] {
    let bias = splat32(1 << (S - 1));
    let centre = add32(first, bias);
    let even = dot16(even, pair(fixed(1.847_759_065), -fixed(0.765_366_865)));
    let small = add32(
        dot16(high, pair(-fixed(0.211_164_243), fixed(1.451_774_981))),
        dot16(low, pair(-fixed(2.172_734_803), fixed(1.061_594_337))),
    );
    let large = add32(
        dot16(high, pair(-fixed(0.509_795_579), -fixed(0.601_344_887))),
        dot16(low, pair(fixed(0.899_976_223), fixed(2.562_915_447))),
    );
    let (outer, inner) = (add32(centre, even), sub32(centre, even));
    [
        sra32::<S>(add32(outer, large)),
        sra32::<S>(add32(inner, small)),
        sra32::<S>(sub32(inner, small)),
        sra32::<S>(sub32(outer, large)),
    ]
}

/// Transforms a block into four rows of four samples.
#[inline(always)]
pub(crate) fn transform4(block: &[i16; 64], steps: &[i16; 64], to: &mut [u8], stride: usize) {
    // As in the full transform, every check comes before the arithmetic.
    let Some(places) = four_rows(to, stride) else { return };
    let (rows, _) = block.as_chunks::<8>();
    let (steps, _) = steps.as_chunks::<8>();
    let v: [V; 8] = core::array::from_fn(|i| mul16(load16(&rows[i]), load16(&steps[i])));
    let half = |high: bool| {
        let zip = |a, b| if high { zip_high16(a, b) } else { zip_low16(a, b) };
        let first = if high { widen_high16::<2>(v[0]) } else { widen_low16::<2>(v[0]) };
        four::<12>(first, zip(v[2], v[6]), zip(v[7], v[5]), zip(v[3], v[1]))
    };
    let (low, high) = (half(false), half(true));
    let rows: [V; 4] = core::array::from_fn(|i| narrow32(low[i], high[i]));
    // Eight columns of four, two to a vector.
    let (a, b) = (zip_low16(rows[0], rows[1]), zip_low16(rows[2], rows[3]));
    let (columns01, columns23) = (zip_low32(a, b), zip_high32(a, b));
    let (a, b) = (zip_high16(rows[0], rows[1]), zip_high16(rows[2], rows[3]));
    let (columns45, columns67) = (zip_low32(a, b), zip_high32(a, b));
    let columns = four::<19>(
        widen_low16::<2>(columns01),
        zip_low16(columns23, columns67),
        zip_high16(columns67, columns45),
        zip_high16(columns23, columns01),
    );
    let (a, b) = (narrow32(columns[0], columns[1]), narrow32(columns[2], columns[3]));
    let (a, b) = (zip_low16(a, b), zip_high16(a, b));
    let centre = splat16(128);
    let samples = narrow16(add16(zip_low16(a, b), centre), add16(zip_high16(a, b), centre));
    let mut all = [0; 16];
    store8(&mut all, samples);
    for (place, row) in places.into_iter().zip(all.as_chunks().0) {
        *place = *row;
    }
}

/// The places of four rows.
#[inline(always)]
fn four_rows(to: &mut [u8], stride: usize) -> Option<[&mut [u8; 4]; 4]> {
    let (a, to) = row(to, stride)?;
    let (b, to) = row(to, stride)?;
    let (c, to) = row(to, stride)?;
    Some([a, b, c, to.first_chunk_mut()?])
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
