//! The orders in which elements are read and written.
//!
//! The loops are plain, and written so that the compiler makes vectors of them, with the shuffles
//! that a stride of three calls for. That was measured against explicit shuffles and against a
//! table of 256 results for each channel: see `normalize`'s example `time`.

#![expect(clippy::inline_always, reason = "a loop gets wide vectors only where everything in it is inlined")]

use std::array;

use crate::wide::{Work, widest};

/// Pixels into planes: element `i` of channel `c` becomes `map(c)(element)` at place `i` of plane
/// `c`. Elements that make no whole pixel, or that `output` has no room for, are left out.
///
/// `map` is asked once for each channel. A result is `N` bytes in `output`.
pub fn pixels_to_planes<E: Copy, const N: usize, G: Fn(E) -> [u8; N]>(
    input: &[E],
    channels: usize,
    output: &mut [u8],
    map: impl Fn(usize) -> G,
) {
    let Some(pixels) = input.len().checked_div(channels) else {
        return;
    };
    if pixels == 0 {
        return;
    }
    let planes = output.as_chunks_mut::<N>().0.chunks_exact_mut(pixels).take(channels);
    for (channel, plane) in planes.enumerate() {
        let map = map(channel);
        match channels {
            1 => widest(Plane::<_, _, 1, N> { input, channel, places: plane, map }),
            3 => widest(Plane::<_, _, 3, N> { input, channel, places: plane, map }),
            4 => widest(Plane::<_, _, 4, N> { input, channel, places: plane, map }),
            _ => {
                let elements = input.iter().skip(channel).step_by(channels);
                plane.iter_mut().zip(elements).for_each(|(place, element)| *place = map(*element));
            }
        }
    }
}

/// Pixels into pixels: every element of channel `c` becomes `map(c)(element)`, in place.
pub fn pixels_to_pixels<E: Copy, const N: usize, G: Fn(E) -> [u8; N]>(
    input: &[E],
    channels: usize,
    output: &mut [u8],
    map: impl Fn(usize) -> G,
) {
    let output = output.as_chunks_mut::<N>().0;
    match channels {
        0 => {}
        1 => widest(Pixels::<_, _, 1, N> { input, output, maps: array::from_fn(map) }),
        3 => widest(Pixels::<_, _, 3, N> { input, output, maps: array::from_fn(map) }),
        4 => widest(Pixels::<_, _, 4, N> { input, output, maps: array::from_fn(map) }),
        _ => {
            let maps: Vec<G> = (0..channels).map(map).collect();
            let places = output.iter_mut().zip(input).zip(maps.iter().cycle());
            places.for_each(|((place, element), map)| *place = map(*element));
        }
    }
}

/// Planes into planes: every element of plane `c` becomes `map(c)(element)`, in place.
pub fn planes_to_planes<E: Copy, const N: usize, G: Fn(E) -> [u8; N]>(
    input: &[E],
    channels: usize,
    output: &mut [u8],
    map: impl Fn(usize) -> G,
) {
    let Some(pixels) = input.len().checked_div(channels).filter(|pixels| *pixels > 0) else {
        return;
    };
    let planes = input.chunks_exact(pixels).zip(output.as_chunks_mut::<N>().0.chunks_exact_mut(pixels));
    for (channel, (input, output)) in planes.take(channels).enumerate() {
        widest(Pixels::<_, _, 1, N> { input, output, maps: [map(channel)] });
    }
}

/// One plane from pixels of `C` channels.
struct Plane<'a, E, G, const C: usize, const N: usize> {
    input: &'a [E],
    channel: usize,
    places: &'a mut [[u8; N]],
    map: G,
}

impl<E: Copy, G: Fn(E) -> [u8; N], const C: usize, const N: usize> Work for Plane<'_, E, G, C, N> {
    #[inline(always)]
    fn work(self) {
        let channel = self.channel.min(C - 1);
        for (place, pixel) in self.places.iter_mut().zip(self.input.as_chunks::<C>().0) {
            *place = (self.map)(pixel[channel]);
        }
    }
}

/// Pixels of `C` channels.
struct Pixels<'a, E, G, const C: usize, const N: usize> {
    input: &'a [E],
    output: &'a mut [[u8; N]],
    maps: [G; C],
}

impl<E: Copy, G: Fn(E) -> [u8; N], const C: usize, const N: usize> Work for Pixels<'_, E, G, C, N> {
    #[inline(always)]
    fn work(self) {
        let places = self.output.as_chunks_mut::<C>().0;
        for (place, pixel) in places.iter_mut().zip(self.input.as_chunks::<C>().0) {
            for channel in 0..C {
                place[channel] = (self.maps[channel])(pixel[channel]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, reason = "the numbers are small")]

    use super::*;

    /// A result of three bytes that tells the channel and the element.
    fn tell(channel: usize) -> impl Fn(u8) -> [u8; 3] {
        move |element| [channel as u8, element, 255]
    }

    #[test]
    fn every_element_lands_where_it_belongs() {
        for channels in 0..7 {
            for pixels in [0, 1, 2, 31, 32, 33, 40] {
                let input: Vec<u8> = (0..channels * pixels).map(|index| index as u8).collect();
                let mut planes = vec![0; input.len() * 3];
                pixels_to_planes(&input, channels, &mut planes, tell);
                let mut in_place = vec![0; input.len() * 3];
                pixels_to_pixels(&input, channels, &mut in_place, tell);
                let mut from_planes = vec![0; input.len() * 3];
                planes_to_planes(&input, channels, &mut from_planes, tell);
                for index in 0..input.len() {
                    let (pixel, channel) = (index / channels, index % channels);
                    let plane_index = channel * pixels + pixel;
                    assert_eq!(planes[3 * plane_index..][..3], tell(channel)(input[index]));
                    assert_eq!(in_place[3 * index..][..3], tell(channel)(input[index]));
                    assert_eq!(from_planes[3 * index..][..3], tell(index / pixels)(input[index]));
                }
            }
        }
    }

    #[test]
    fn wide_vectors_change_no_bit() {
        let input: Vec<u8> = (0..3 * 1000_u32).map(|index| (index * 7919 % 256) as u8).collect();
        let map = |value: u8| ((f32::from(value) * (1.0 / 255.0) - 0.485) / 0.229).to_le_bytes();
        for channel in 0..3 {
            let (mut wide, mut plain) = (vec![[0; 4]; 1000], vec![[0; 4]; 1000]);
            widest(Plane::<_, _, 3, 4> { input: &input, channel, places: &mut wide, map });
            Plane::<_, _, 3, 4> { input: &input, channel, places: &mut plain, map }.work();
            assert_eq!(wide, plain);
        }
    }

    #[test]
    fn an_output_that_is_too_short_is_filled_as_far_as_it_goes() {
        let mut output = [0; 5];
        pixels_to_planes(&[1, 2, 3, 4, 5, 6], 3, &mut output, tell);
        assert_eq!(output, [0; 5]);
        pixels_to_pixels(&[1, 2, 3], 1, &mut output, tell);
        assert_eq!(output, [0, 1, 255, 0, 0]);
    }
}
