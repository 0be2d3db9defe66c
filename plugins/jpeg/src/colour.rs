//! From one row of component values to one row of RGB pixels, with libjpeg's arithmetic
//! (`jdcolor.c`: 16 bits after the point, rounded) and, for inks, Pillow's.

#![expect(clippy::inline_always, reason = "so that the vectors are those of the caller's level")]

use crate::simd::{
    Level, V, add16, add32, dot16, load8, mul_q15, narrow16, narrow32, splat16, splat32, sra32,
    store_interleaved, sub16, widen_high8, widen_low8, zip_high16, zip_low16,
};

/// Pixels that a vector holds.
const LANES: usize = 16;

/// Luminance and colour differences. All rows have `out.len() / 3` pixels.
#[inline(always)]
pub(crate) fn ycbcr<L: Level>(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    let width = y.len().min(cb.len()).min(cr.len());
    let (y, cb, cr) = (&y[..width], &cb[..width], &cr[..width]);
    let vectors = y.as_chunks().0.iter().zip(cb.as_chunks().0).zip(cr.as_chunks().0);
    let (places, _) = out.as_chunks_mut();
    for (place, ((y, cb), cr)) in places.iter_mut().zip(vectors) {
        ycbcr16::<L>(y, cb, cr, place);
    }
    let done = width - width % LANES;
    if done < width {
        // The rest, in a vector of its own.
        let fill = |from: &[u8]| -> [u8; LANES] {
            let mut all = [0; LANES];
            all[..width - done].copy_from_slice(&from[done..]);
            all
        };
        let mut place = [0; 3 * LANES];
        ycbcr16::<L>(&fill(y), &fill(cb), &fill(cr), &mut place);
        out[3 * done..].copy_from_slice(&place[..3 * (width - done)]);
    }
}

/// Sixteen pixels.
#[inline(always)]
fn ycbcr16<L: Level>(y: &[u8; LANES], cb: &[u8; LANES], cr: &[u8; LANES], out: &mut [u8; 3 * LANES]) {
    let (y, cb, cr) = (load8(y), load8(cb), load8(cr));
    let centre = splat16(128);
    let half = |widen: fn(V) -> V| {
        let (y, cb, cr) = (widen(y), sub16(widen(cb), centre), sub16(widen(cr), centre));
        // 1.402 = 1 + 13173 / 2¹⁵ and 1.772 = 2 − 7471 / 2¹⁵: rounded to 15 bits, which for all 256
        // differences gives what 16 bits give.
        let red = add16(add16(y, cr), mul_q15::<L>(cr, splat16(13_173)));
        let blue = add16(add16(y, add16(cb, cb)), mul_q15::<L>(cb, splat16(-7_471)));
        // −22554 / 2¹⁶ for −0.34414, in the lower half, and 18734 / 2¹⁶ − 1 for −0.71414.
        let by = splat32(0x492E << 16 | 0xA7E6);
        let round = splat32(1 << 15);
        let low = sra32::<16>(add32(dot16(zip_low16(cb, cr), by), round));
        let high = sra32::<16>(add32(dot16(zip_high16(cb, cr), by), round));
        let green = sub16(add16(y, narrow32(low, high)), cr);
        (red, green, blue)
    };
    let (low, high) = (half(widen_low8), half(widen_high8));
    let [red, green, blue] =
        [(low.0, high.0), (low.1, high.1), (low.2, high.2)].map(|(low, high)| narrow16(low, high));
    store_interleaved::<L>(out, red, green, blue);
}

/// Luminance alone, as three equal values.
#[inline(always)]
pub(crate) fn grey(y: &[u8], out: &mut [u8]) {
    for (pixel, &y) in out.as_chunks_mut::<3>().0.iter_mut().zip(y) {
        *pixel = [y; 3];
    }
}

/// Components that are RGB already.
#[inline(always)]
pub(crate) fn rgb(r: &[u8], g: &[u8], b: &[u8], out: &mut [u8]) {
    for (((pixel, &r), &g), &b) in out.as_chunks_mut::<3>().0.iter_mut().zip(r).zip(g).zip(b) {
        *pixel = [r, g, b];
    }
}

/// Inks, stored inverted: what Pillow's `convert("RGB")` makes of them.
#[inline(always)]
pub(crate) fn inks([c, m, y, k]: [&[u8]; 4], out: &mut [u8]) {
    rgb(c, m, y, out);
    darken(k, out);
}

/// 255 less each value.
#[inline(always)]
pub(crate) fn invert(values: &mut [u8]) {
    for value in values {
        *value = !*value;
    }
}

/// Inks whose first three stand in `out`: puts the fourth over them.
#[inline(always)]
pub(crate) fn darken(k: &[u8], out: &mut [u8]) {
    for (pixel, &k) in out.as_chunks_mut::<3>().0.iter_mut().zip(k) {
        *pixel = pixel.map(|ink| {
            let product = (255 - u32::from(ink)) * u32::from(k) + 128;
            let absorbed = ((product >> 8) + product) >> 8;
            u32::from(k).saturating_sub(absorbed).to_le_bytes()[0]
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "values are in range by construction"
    )]

    use super::*;
    use crate::simd::Baseline;

    /// `ycc_rgb_convert` with its tables written out.
    fn plain(y: u8, cb: u8, cr: u8) -> [u8; 3] {
        let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
        let fix = |x: f64| (x * 65536.0 + 0.5) as i32;
        let red = y + ((fix(1.402) * cr + 32768) >> 16);
        let green = y + ((-fix(0.344_14) * cb + 32768 - fix(0.714_14) * cr) >> 16);
        let blue = y + ((fix(1.772) * cb + 32768) >> 16);
        [red, green, blue].map(|value| value.clamp(0, 255) as u8)
    }

    #[test]
    fn every_pair_of_differences_is_converted_as_libjpeg_does() {
        for luma in [0, 1, 77, 128, 254, 255] {
            for cb in 0..=255 {
                let y = [luma; 256];
                let cb = [cb; 256];
                let cr: [u8; 256] = core::array::from_fn(|i| i as u8);
                let mut out = [0; 768];
                ycbcr::<Baseline>(&y, &cb, &cr, &mut out);
                for (i, pixel) in out.as_chunks::<3>().0.iter().enumerate() {
                    assert_eq!(*pixel, plain(luma, cb[0], cr[i]));
                }
            }
        }
    }

    #[test]
    fn every_width_is_converted_to_its_end() {
        for width in 0..70 {
            let y: Vec<u8> = (0..width).map(|i| (i * 37) as u8).collect();
            let cb: Vec<u8> = (0..width).map(|i| (i * 91) as u8).collect();
            let cr: Vec<u8> = (0..width).map(|i| (i * 53) as u8).collect();
            let mut out = vec![0; 3 * width as usize];
            ycbcr::<Baseline>(&y, &cb, &cr, &mut out);
            for (i, pixel) in out.as_chunks::<3>().0.iter().enumerate() {
                assert_eq!(*pixel, plain(y[i], cb[i], cr[i]));
            }
        }
    }

    #[test]
    fn no_ink_is_white_and_full_black_is_black() {
        let mut out = [9; 6];
        inks([&[255, 10], &[255, 20], &[255, 30], &[255, 0]], &mut out);
        assert_eq!(out, [255, 255, 255, 0, 0, 0]);
    }
}
