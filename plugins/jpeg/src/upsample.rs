//! From rows of samples to rows of pixels: libjpeg's triangle filters (`jdsample.c`), exactly.
//!
//! Rows come with one neighbour on either side; at an edge of the image that is the edge's own sample
//! again, which turns the general formula into libjpeg's special ones. Plain loops: the compiler makes
//! vectors of them on every machine.

#![expect(clippy::inline_always, reason = "so that the loops become vectors of the caller's level")]

/// Two pixels for each sample: ¾ of the nearer, ¼ of the further. `row` has a neighbour before and
/// after its `out.len()` samples.
#[inline(always)]
pub(crate) fn across(row: &[u8], out: &mut [[u8; 2]]) {
    let count = out.len();
    let (before, centre, after) = (&row[..count], &row[1..=count], &row[2..count + 2]);
    for (((out, &before), &centre), &after) in out.iter_mut().zip(before).zip(centre).zip(after) {
        let triple = 3 * u16::from(centre);
        let left = (triple + u16::from(before) + 1) >> 2;
        let right = (triple + u16::from(after) + 2) >> 2;
        *out = (left | right << 8).to_le_bytes();
    }
}

/// One row of pixels from the nearer and the further row of samples; rounding differs for the upper
/// and the lower of the two rows that a row of samples makes.
#[inline(always)]
pub(crate) fn down(near: &[u8], far: &[u8], upper: bool, out: &mut [u8]) {
    let bias = if upper { 1 } else { 2 };
    for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
        *out = ((3 * u16::from(near) + u16::from(far) + bias) >> 2).to_le_bytes()[0];
    }
}

/// Both directions at once: 9⁄16, 3⁄16, 3⁄16, 1⁄16. `near` and `far` have a neighbour before and after
/// their `out.len()` samples; `sums` is room for as many numbers.
#[inline(always)]
pub(crate) fn both(near: &[u8], far: &[u8], sums: &mut [u16], out: &mut [[u8; 2]]) {
    let count = out.len();
    let sums = &mut sums[..count + 2];
    for ((sum, &near), &far) in sums.iter_mut().zip(near).zip(far) {
        *sum = 3 * u16::from(near) + u16::from(far);
    }
    let (before, centre, after) = (&sums[..count], &sums[1..=count], &sums[2..count + 2]);
    for (((out, &before), &centre), &after) in out.iter_mut().zip(before).zip(centre).zip(after) {
        let triple = 3 * centre;
        let left = (triple + before + 8) >> 4;
        let right = (triple + after + 7) >> 4;
        *out = (left | right << 8).to_le_bytes();
    }
}

/// Each sample repeated `times` times.
pub(crate) fn repeat(row: &[u8], times: usize, out: &mut [u8]) {
    for (out, &sample) in out.chunks_mut(times).zip(row) {
        out.fill(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_follow_libjpegs_special_cases() {
        let row = [10, 10, 20, 40, 40];
        let mut out = [[0; 2]; 3];
        across(&row, &mut out);
        assert_eq!(out, [[10, 13], [17, 25], [35, 40]], "the first and last pixel are their samples");
        let mut sums = [0; 5];
        both(&row, &[30, 30, 30, 30, 30], &mut sums, &mut out);
        assert_eq!(u32::from(out[0][0]), ((10 * 3 + 30) * 4 + 8) / 16);
        assert_eq!(u32::from(out[2][1]), ((40 * 3 + 30) * 4 + 7) / 16);
    }

    #[test]
    fn rows_mix_with_ordered_rounding() {
        let (mut upper, mut lower) = ([0; 2], [0; 2]);
        down(&[1, 2], &[0, 4], true, &mut upper);
        down(&[1, 2], &[0, 4], false, &mut lower);
        assert_eq!((upper, lower), ([1, 2], [1, 3]));
    }

    #[test]
    fn repeating_stops_at_the_end_of_the_row() {
        let mut out = [0; 5];
        repeat(&[1, 2], 3, &mut out);
        assert_eq!(out, [1, 1, 1, 2, 2]);
    }
}
