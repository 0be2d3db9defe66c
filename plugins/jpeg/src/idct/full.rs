//! 8×8: Loeffler, Ligtenberg and Moschytz's algorithm with 12 multiplications, as in libjpeg's
//! `jidctint.c`, on eight columns at a time.

#![expect(clippy::inline_always, reason = "the vectors must stay in registers, at the caller's level")]

use super::{fixed, pair, row};
use crate::simd::{
    V, add16, add32, dot16, load16, mul16, narrow16, narrow32, splat16, splat32, sra32, store_high,
    store_low, sub16, sub32, widen_high16, widen_low16, zip_high16, zip_high32, zip_high64, zip_low16,
    zip_low32, zip_low64,
};

/// Transforms a block into eight rows of eight samples at `to[0]`, `to[stride]`, …; `to` reaches from
/// the first to the last of them.
#[inline(always)]
pub(crate) fn transform8(block: &[i16; 64], steps: &[i16; 64], to: &mut [u8], stride: usize) {
    // Every check comes before the arithmetic: Cranelift puts pure code where its result is used, and
    // would repeat the whole transform behind the check of each row.
    let Some(places) = eight_rows(to, stride) else { return };
    let (rows, _) = block.as_chunks::<8>();
    let (steps, _) = steps.as_chunks::<8>();
    let rows: [V; 8] = core::array::from_fn(|i| mul16(load16(&rows[i]), load16(&steps[i])));
    let columns = transpose(&pass::<11>(&rows));
    let rows = transpose(&pass::<18>(&columns));
    let centre = splat16(128);
    let (pairs, _) = rows.as_chunks::<2>();
    for ([upper, lower], [a, b]) in places.into_iter().zip(pairs) {
        let bytes = narrow16(add16(*a, centre), add16(*b, centre));
        store_low(upper, bytes);
        store_high(lower, bytes);
    }
}

/// The places of eight rows, in pairs.
#[inline(always)]
fn eight_rows(to: &mut [u8], stride: usize) -> Option<[[&mut [u8; 8]; 2]; 4]> {
    let (row0, to) = row(to, stride)?;
    let (row1, to) = row(to, stride)?;
    let (row2, to) = row(to, stride)?;
    let (row3, to) = row(to, stride)?;
    let (row4, to) = row(to, stride)?;
    let (row5, to) = row(to, stride)?;
    let (row6, to) = row(to, stride)?;
    Some([[row0, row1], [row2, row3], [row4, row5], [row6, to.first_chunk_mut()?]])
}

/// One dimension. `S` is how far the result is shifted to the right, rounded.
#[inline(always)]
fn pass<const S: i32>(v: &[V; 8]) -> [V; 8] {
    const C0: i32 = fixed(0.541_196_100);
    const C1: i32 = fixed(0.541_196_100) - fixed(1.847_759_065);
    const C2: i32 = fixed(0.541_196_100) + fixed(0.765_366_865);
    const Z3: i32 = fixed(1.175_875_602) - fixed(1.961_570_560);
    const Z5: i32 = fixed(1.175_875_602);
    const Z4: i32 = fixed(1.175_875_602) - fixed(0.390_180_644);
    const Z1: i32 = fixed(0.899_976_223);
    const Z2: i32 = fixed(2.562_915_447);
    let (sum, difference) = (add16(v[0], v[4]), sub16(v[0], v[4]));
    let (z3, z4) = (add16(v[7], v[3]), add16(v[5], v[1]));
    let half = |high: bool| -> [V; 8] {
        let zip = |a, b| if high { zip_high16(a, b) } else { zip_low16(a, b) };
        let widen = |v| if high { widen_high16::<3>(v) } else { widen_low16::<3>(v) };
        let bias = splat32(1 << (S - 1));
        let even = zip(v[2], v[6]);
        let (t2, t3) = (dot16(even, pair(C0, C1)), dot16(even, pair(C2, C0)));
        let (t0, t1) = (add32(widen(sum), bias), add32(widen(difference), bias));
        let (e0, e3, e1, e2) = (add32(t0, t3), sub32(t0, t3), add32(t1, t2), sub32(t1, t2));
        let z = zip(z3, z4);
        let (z3, z4) = (dot16(z, pair(Z3, Z5)), dot16(z, pair(Z5, Z4)));
        let outer = zip(v[7], v[1]);
        let o0 = add32(dot16(outer, pair(fixed(0.298_631_336) - Z1, -Z1)), z3);
        let o3 = add32(dot16(outer, pair(-Z1, fixed(1.501_321_110) - Z1)), z4);
        let inner = zip(v[5], v[3]);
        let o1 = add32(dot16(inner, pair(fixed(2.053_119_869) - Z2, -Z2)), z4);
        let o2 = add32(dot16(inner, pair(-Z2, fixed(3.072_711_026) - Z2)), z3);
        [
            sra32::<S>(add32(e0, o3)),
            sra32::<S>(add32(e1, o2)),
            sra32::<S>(add32(e2, o1)),
            sra32::<S>(add32(e3, o0)),
            sra32::<S>(sub32(e3, o0)),
            sra32::<S>(sub32(e2, o1)),
            sra32::<S>(sub32(e1, o2)),
            sra32::<S>(sub32(e0, o3)),
        ]
    };
    let (low, high) = (half(false), half(true));
    core::array::from_fn(|i| narrow32(low[i], high[i]))
}

#[inline(always)]
fn transpose(v: &[V; 8]) -> [V; 8] {
    let a = [
        zip_low16(v[0], v[1]),
        zip_high16(v[0], v[1]),
        zip_low16(v[2], v[3]),
        zip_high16(v[2], v[3]),
        zip_low16(v[4], v[5]),
        zip_high16(v[4], v[5]),
        zip_low16(v[6], v[7]),
        zip_high16(v[6], v[7]),
    ];
    let b = [
        zip_low32(a[0], a[2]),
        zip_high32(a[0], a[2]),
        zip_low32(a[1], a[3]),
        zip_high32(a[1], a[3]),
        zip_low32(a[4], a[6]),
        zip_high32(a[4], a[6]),
        zip_low32(a[5], a[7]),
        zip_high32(a[5], a[7]),
    ];
    [
        zip_low64(b[0], b[4]),
        zip_high64(b[0], b[4]),
        zip_low64(b[1], b[5]),
        zip_high64(b[1], b[5]),
        zip_low64(b[2], b[6]),
        zip_high64(b[2], b[6]),
        zip_low64(b[3], b[7]),
        zip_high64(b[3], b[7]),
    ]
}
