//! The vector transform against libjpeg's scalar one, written down plainly.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "values are in range by construction"
)]

use super::*;

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// `jpeg_idct_islow` in one dimension.
fn plain(v: [i64; 8]) -> [i64; 8] {
    let f = |x: f64| (x * 8192.0 + 0.5) as i64;
    let z1 = (v[2] + v[6]) * f(0.541_196_100);
    let (t2, t3) = (z1 - v[6] * f(1.847_759_065), z1 + v[2] * f(0.765_366_865));
    let (t0, t1) = ((v[0] + v[4]) << 13, (v[0] - v[4]) << 13);
    let (e0, e3, e1, e2) = (t0 + t3, t0 - t3, t1 + t2, t1 - t2);
    let z5 = (v[7] + v[3] + v[5] + v[1]) * f(1.175_875_602);
    let (z1, z2) = (-(v[7] + v[1]) * f(0.899_976_223), -(v[5] + v[3]) * f(2.562_915_447));
    let z3 = z5 - (v[7] + v[3]) * f(1.961_570_560);
    let z4 = z5 - (v[5] + v[1]) * f(0.390_180_644);
    let o0 = v[7] * f(0.298_631_336) + z1 + z3;
    let o1 = v[5] * f(2.053_119_869) + z2 + z4;
    let o2 = v[3] * f(3.072_711_026) + z2 + z3;
    let o3 = v[1] * f(1.501_321_110) + z1 + z4;
    [e0 + o3, e1 + o2, e2 + o1, e3 + o0, e3 - o0, e2 - o1, e1 - o2, e0 - o3]
}

fn reference(block: &[i16; 64], steps: &[i16; 64]) -> [u8; 64] {
    let mut work = [0_i64; 64];
    for x in 0..8 {
        let column = core::array::from_fn(|y| i64::from(block[8 * y + x]) * i64::from(steps[8 * y + x]));
        for (y, value) in plain(column).into_iter().enumerate() {
            work[8 * y + x] = (value + (1 << 10)) >> 11;
        }
    }
    let mut out = [0; 64];
    for y in 0..8 {
        for (x, value) in plain(core::array::from_fn(|x| work[8 * y + x])).into_iter().enumerate() {
            out[8 * y + x] = (((value + (1 << 17)) >> 18) + 128).clamp(0, 255) as u8;
        }
    }
    out
}

#[test]
fn the_vector_transform_is_the_plain_one_bit_for_bit() {
    let mut state = 7;
    for round in 0..5000 {
        let steps: [i16; 64] = core::array::from_fn(|_| (random(&mut state) % 32) as i16 + 1);
        let dense = round % 4;
        let block: [i16; 64] = core::array::from_fn(|i| {
            let range = if i == 0 { 64 } else { 40 >> dense };
            if random(&mut state) % 4 < dense && i > 0 {
                0
            } else {
                (random(&mut state) % (2 * range) + 1) as i16 - range as i16
            }
        });
        let mut out = [0; 64];
        transform8(&block, &steps, &mut out, 8);
        assert_eq!(out, reference(&block, &steps), "{block:?} {steps:?}");
    }
}

/// `jpeg_idct_4x4` in one dimension.
fn plain4(v: [i64; 8]) -> [i64; 4] {
    let f = |x: f64| (x * 8192.0 + 0.5) as i64;
    let even = v[2] * f(1.847_759_065) - v[6] * f(0.765_366_865);
    let (outer, inner) = ((v[0] << 14) + even, (v[0] << 14) - even);
    let small = -v[7] * f(0.211_164_243) + v[5] * f(1.451_774_981) - v[3] * f(2.172_734_803)
        + v[1] * f(1.061_594_337);
    let large = -v[7] * f(0.509_795_579) - v[5] * f(0.601_344_887)
        + v[3] * f(0.899_976_223)
        + v[1] * f(2.562_915_447);
    [outer + large, inner + small, inner - small, outer - large]
}

#[test]
fn the_vector_transform_to_half_size_is_the_plain_one_bit_for_bit() {
    let mut state = 11;
    for _ in 0..5000 {
        let steps: [i16; 64] = core::array::from_fn(|_| (random(&mut state) % 32) as i16 + 1);
        let block: [i16; 64] = core::array::from_fn(|_| (random(&mut state) % 41) as i16 - 20);
        let mut work = [[0; 8]; 4];
        for x in 0..8 {
            let column = core::array::from_fn(|y| i64::from(block[8 * y + x]) * i64::from(steps[8 * y + x]));
            for (row, value) in work.iter_mut().zip(plain4(column)) {
                row[x] = (value + (1 << 11)) >> 12;
            }
        }
        let expected: Vec<u8> = (work.iter().flat_map(|&row| plain4(row)))
            .map(|value| (((value + (1 << 18)) >> 19) + 128).clamp(0, 255) as u8)
            .collect();
        let mut out = [0; 16];
        transform4(&block, &steps, &mut out, 4);
        assert_eq!(out[..], expected, "{block:?} {steps:?}");
    }
}

#[test]
fn a_flat_block_is_flat_at_every_size() {
    for coefficient in -1024..1024 {
        let mut block = [0; 64];
        block[0] = coefficient;
        let steps = [8; 64];
        let value = flat(coefficient, 8);
        let mut out = [0; 64];
        transform8(&block, &steps, &mut out, 8);
        assert_eq!(out, [value; 64]);
        transform4(&block, &steps, &mut out[..16], 4);
        assert_eq!(out[..16], [value; 16]);
        transform2(&block, &steps, &mut out[..4], 2);
        assert_eq!(out[..4], [value; 4]);
        transform1(&block, &steps, &mut out[..1]);
        assert_eq!(out[0], value);
    }
}
