//! Brightness, contrast and saturation of an image of bytes, in place, rounded as torchvision's v2
//! functions of the same names round for `uint8` tensors on a processor with fused multiplication.
//!
//! Where torch fuses a multiplication and an addition, the same is had here from binary64: the
//! product of two binary32 numbers is exact there, and the sum nearly always is, so that rounding
//! it to binary32 gives what the fused operation gives. It is also the same natively and in
//! WebAssembly, which has no fused operation.

#![expect(clippy::inline_always, reason = "a loop gets wide vectors only where everything in it is inlined")]

use zenith_planar::{Work, widest};

use crate::blocks::{self, Change, Plane, to_byte};

/// Multiplies every value by `factor`, 0 or more.
pub fn adjust_brightness(image: &mut [u8], factor: f64) {
    let factor = narrow(factor);
    look_up(image, |value| clamp(f32::from(value) * factor));
}

/// Moves every value away from the mean grey of the image (`factor` above 1) or towards it. `image`
/// has 1 or 3 channels; nothing happens to one without pixels.
///
/// The mean is of exact sums, where torch adds up in binary32; the two may differ in the last place
/// for images of more than 65,000 pixels.
pub fn adjust_contrast(image: &mut [u8], channels: usize, factor: f64) {
    let mut sum = 0;
    if channels == 1 {
        sum = image.iter().map(|value| u64::from(*value)).sum();
    } else {
        widest(GreySum { image, sum: &mut sum });
    }
    let pixels = image.len() / channels.max(1);
    if pixels == 0 {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "rounded once to binary32, as a sum is")]
    let mean = sum as f32 / pixels as f32;
    let blend = Blend::new(factor);
    look_up(image, |value| blend.of(value, mean));
}

/// Moves every pixel away from its grey (`factor` above 1) or towards it. `image` has 3 channels.
pub fn adjust_saturation(image: &mut [u8], factor: f64) {
    widest(Saturate { image, blend: Blend::new(factor) });
}

/// `value * factor + other * (1 - factor)`, the multiplications by binary32 numbers, the second one
/// fused with the addition.
#[derive(Clone, Copy)]
struct Blend {
    factor: f32,
    rest: f64,
}

impl Blend {
    fn new(factor: f64) -> Self {
        Self { factor: narrow(factor), rest: f64::from(narrow(1.0 - factor)) }
    }

    #[inline(always)]
    fn of(self, value: u8, other: f32) -> u8 {
        clamp(narrow(f64::from(f32::from(value) * self.factor) + f64::from(other) * self.rest))
    }
}

/// The greys of a block, without their fractions.
#[inline(always)]
fn greys([red, green, blue]: &[Plane; 3]) -> Plane {
    let mut greys = [0; blocks::LENGTH];
    for (index, grey) in greys.iter_mut().enumerate() {
        let sum = fused(f32::from(red[index]) * 0.2989, green[index], 0.587);
        *grey = clamp(fused(sum, blue[index], 0.114));
    }
    greys
}

/// `sum + value * weight`, rounded once.
#[inline(always)]
fn fused(sum: f32, value: u8, weight: f32) -> f32 {
    narrow(f64::from(sum) + f64::from(value) * f64::from(weight))
}

/// What torch makes a byte of: the fraction goes, what is outside is held at the ends.
#[inline(always)]
fn clamp(value: f32) -> u8 {
    to_byte(value.clamp(0.0, 255.0))
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "rounding to binary32 is what is wanted")]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn look_up(image: &mut [u8], map: impl Fn(u8) -> u8) {
    let mut table = [0; 256];
    for (value, entry) in (0..=255).zip(&mut table) {
        *entry = map(value);
    }
    for value in image {
        *value = table[usize::from(*value)];
    }
}

struct GreySum<'a> {
    image: &'a [u8],
    sum: &'a mut u64,
}

impl Work for GreySum<'_> {
    #[inline(always)]
    fn work(self) {
        // The grey of the black pixels that fill up the last block is 0.
        for planes in blocks::of(self.image) {
            for grey in greys(&planes) {
                *self.sum += u64::from(grey);
            }
        }
    }
}

struct Saturate<'a> {
    image: &'a mut [u8],
    blend: Blend,
}

impl Work for Saturate<'_> {
    #[inline(always)]
    fn work(self) {
        blocks::replace(self.image, self.blend);
    }
}

impl Change for Blend {
    #[inline(always)]
    fn change(&mut self, mut planes: [Plane; 3]) -> [Plane; 3] {
        let greys = greys(&planes);
        for plane in &mut planes {
            for (value, grey) in plane.iter_mut().zip(greys) {
                *value = self.of(*value, f32::from(grey));
            }
        }
        planes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_is_cut_off_at_white_and_loses_fractions() {
        let mut image = [0, 1, 3, 100, 200, 255];
        adjust_brightness(&mut image, 1.5);
        assert_eq!(image, [0, 1, 4, 150, 255, 255]);
        adjust_brightness(&mut image, 0.0);
        assert_eq!(image, [0; 6]);
    }

    #[test]
    fn no_contrast_leaves_the_mean() {
        let mut image = [10, 20, 60];
        adjust_contrast(&mut image, 1, 0.0);
        assert_eq!(image, [30, 30, 30]);
    }

    #[test]
    fn no_saturation_leaves_the_grey() {
        let mut image = [255, 0, 0, 0, 255, 0, 0, 0, 255];
        adjust_saturation(&mut image, 0.0);
        assert_eq!(image, [76, 76, 76, 149, 149, 149, 29, 29, 29]);
    }

    #[test]
    fn a_factor_of_one_changes_nothing() {
        let image: Vec<u8> = (0..=254).collect();
        let mut changed = image.clone();
        adjust_brightness(&mut changed, 1.0);
        adjust_contrast(&mut changed, 3, 1.0);
        adjust_saturation(&mut changed, 1.0);
        assert_eq!(changed, image);
    }

    #[test]
    fn wide_vectors_change_no_bit() {
        let mut wide: Vec<u8> = (0..=255).cycle().take(3 * 4097).collect();
        let mut plain = wide.clone();
        widest(Saturate { image: &mut wide, blend: Blend::new(1.37) });
        Saturate { image: &mut plain, blend: Blend::new(1.37) }.work();
        assert_eq!(wide, plain);
    }

    #[test]
    fn an_image_without_pixels_is_left_alone() {
        adjust_contrast(&mut [], 3, 2.0);
        adjust_contrast(&mut [], 1, 2.0);
        adjust_saturation(&mut [], 2.0);
    }
}
