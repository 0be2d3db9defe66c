//! Turning an image over from left to right.

#![expect(unsafe_code, reason = "vector loads and stores without a bounds check for each")]

use crate::{
    layout::Image,
    simd::{Kernel, Level, NOTHING, Simd, Table},
};

/// Writes `image`, turned over from left to right, to `place`, which must be as long as the image.
/// Pixels of 1 to 4 bytes go 16 bytes at a time, others one by one.
pub fn flip(level: Level, image: Image<'_>, place: &mut [u8]) {
    assert_eq!(place.len(), image.data().len(), "the place holds the result");
    match image.pixel() {
        1 => level.run(Flip::<1> { image, place }),
        2 => level.run(Flip::<2> { image, place }),
        3 => level.run(Flip::<3> { image, place }),
        4 => level.run(Flip::<4> { image, place }),
        pixel => {
            for (row, output) in image.rows().zip(place.chunks_exact_mut(image.width() * pixel)) {
                for (value, out) in row.chunks_exact(pixel).rev().zip(output.chunks_exact_mut(pixel)) {
                    out.copy_from_slice(value);
                }
            }
        }
    }
}

struct Flip<'a, const PIXEL: usize> {
    image: Image<'a>,
    place: &'a mut [u8],
}

impl<const PIXEL: usize> Flip<'_, PIXEL> {
    /// Whole pixels in 16 bytes.
    const PIXELS: usize = 16 / PIXEL;
    /// The last pixels of 16 bytes, backwards from the first byte on.
    const REVERSE: Table = reverse(PIXEL);
}

impl<const PIXEL: usize> Kernel for Flip<'_, PIXEL> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    fn vector<S: Simd>(self, simd: S) {
        let Self { image, place } = self;
        let (data, width) = (image.data(), image.width());
        // One part of a vector is used: a row's halves would have to change places otherwise.
        let reverse = simd.table(&Self::REVERSE);
        for row in 0..image.height() {
            let begin = row * width * PIXEL;
            let end = begin + width * PIXEL;
            let mut done = 0;
            while done + Self::PIXELS <= width {
                let (from, to) = (end - done * PIXEL, begin + done * PIXEL);
                // A load may reach back into the row before, a store on into the row after, which is
                // written later. Neither may leave the image.
                if from < 16 || to + 16 > place.len() {
                    break;
                }
                // SAFETY: `from` is between 16 and the length of `data`; a stride of 0 reads the
                // same 16 bytes for every part.
                let pixels = unsafe { simd.load_rows(data.as_ptr().wrapping_add(from - 16), 0) };
                let pixels = simd.shuffle(pixels, reverse);
                // SAFETY: `to + 16` is at most the length of `place`; every part is the same.
                unsafe { simd.store_rows(place.as_mut_ptr().wrapping_add(to), 0, pixels) };
                done += Self::PIXELS;
            }
            reverse_pixels::<PIXEL>(&data[begin..end - done * PIXEL], &mut place[begin + done * PIXEL..end]);
        }
    }

    fn scalar(self) {
        let line = self.image.width() * PIXEL;
        for (row, output) in self.image.rows().zip(self.place.chunks_exact_mut(line)) {
            reverse_pixels::<PIXEL>(row, output);
        }
    }
}

fn reverse_pixels<const PIXEL: usize>(input: &[u8], output: &mut [u8]) {
    for (value, out) in input.as_chunks::<PIXEL>().0.iter().rev().zip(output.as_chunks_mut::<PIXEL>().0) {
        *out = *value;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "all positions are below 16")]
const fn reverse(pixel: usize) -> Table {
    let mut table = [NOTHING; 16];
    let mut byte = 0;
    while byte < 16 / pixel * pixel {
        table[byte] = (16 - (byte / pixel + 1) * pixel + byte % pixel) as u8;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_vectors_turns_every_pixel_over() {
        for pixel in [1, 2, 3, 4, 5, 12] {
            for (height, width) in [(1, 1), (3, 4), (2, 5), (5, 6), (3, 16), (4, 17), (1, 100), (7, 33)] {
                let data: Vec<u8> =
                    (0..height * width * pixel).map(|at| u8::try_from(at % 253).unwrap()).collect();
                let image = Image::new(&data, height, width, pixel).unwrap();
                let mut expected: Vec<u8> = Vec::new();
                for row in data.chunks(width * pixel) {
                    expected.extend(row.chunks(pixel).rev().flatten().copied());
                }
                for level in Level::all() {
                    let mut place = vec![0; data.len()];
                    flip(level, image, &mut place);
                    assert_eq!(place, expected, "{height}×{width}×{pixel}, {}", level.name());
                }
            }
        }
    }
}
