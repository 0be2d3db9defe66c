//! The hue of an image of bytes, in place, by way of HSV in binary32, every operation in the order
//! of torchvision's v2 `adjust_hue` (which follows Pillow's conversion). No operation is fused, so
//! the results are torchvision's, natively and in WebAssembly.

#![expect(clippy::inline_always, reason = "a loop gets wide vectors only where everything in it is inlined")]

use zenith_planar::{Work, widest};

use crate::blocks::{self, Change, Plane, floor, to_byte};

/// Turns the hue of every pixel of a 3-channel image by `turn`, a part of the full circle from -0.5
/// to 0.5.
pub fn adjust_hue(image: &mut [u8], turn: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "torch adds it in binary32 too")]
    let turn = turn as f32;
    widest(Turn { image, turn });
}

struct Turn<'a> {
    image: &'a mut [u8],
    turn: f32,
}

impl Work for Turn<'_> {
    #[inline(always)]
    fn work(self) {
        blocks::replace(self.image, TurnBlock(self.turn));
    }
}

struct TurnBlock(f32);

impl Change for TurnBlock {
    #[inline(always)]
    fn change(&mut self, [mut red, mut green, mut blue]: [Plane; 3]) -> [Plane; 3] {
        for index in 0..blocks::LENGTH {
            [red[index], green[index], blue[index]] =
                turn_pixel([red[index], green[index], blue[index]], self.0);
        }
        [red, green, blue]
    }
}

/// Written without branches that depend on the pixel, so that many are done at once.
#[inline(always)]
fn turn_pixel(pixel: [u8; 3], turn: f32) -> [u8; 3] {
    let (hue, saturation, value) = to_hsv(pixel);
    let turned = hue + turn;
    let turned = if turned >= 1.0 { turned - 1.0 } else { turned };
    let turned = if turned < 0.0 { turned + 1.0 } else { turned };
    // Just short of 256, so that the fraction can be dropped and 1 still becomes 255.
    to_rgb(turned, saturation, value).map(|value| to_byte(value * 255.999))
}

#[inline(always)]
#[expect(clippy::float_cmp, reason = "the largest of three numbers is one of them")]
fn to_hsv(pixel: [u8; 3]) -> (f32, f32, f32) {
    // Of the bytes, because the largest of floating-point numbers is a call in WebAssembly.
    let most = scale(pixel[0].max(pixel[1]).max(pixel[2]));
    let least = scale(pixel[0].min(pixel[1]).min(pixel[2]));
    let [red, green, blue] = [scale(pixel[0]), scale(pixel[1]), scale(pixel[2])];
    let range = most - least;
    let grey = most == least;
    let saturation = range / if grey { 1.0 } else { most };
    let divisor = if grey { 1.0 } else { range };
    let (from_red, from_green, from_blue) =
        ((most - red) / divisor, (most - green) / divisor, (most - blue) / divisor);
    let sextant = if most == red {
        from_blue - from_green
    } else if most == green {
        (from_red + 2.0) - from_blue
    } else {
        (from_green + 4.0) - from_red
    };
    let hue = sextant * (1.0 / 6.0) + 1.0;
    (if hue >= 1.0 { hue - 1.0 } else { hue }, saturation, most)
}

#[inline(always)]
fn scale(value: u8) -> f32 {
    f32::from(value) * (1.0 / 255.0)
}

#[inline(always)]
fn to_rgb(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    let sixfold = hue * 6.0;
    let sextant = floor(sixfold);
    let fraction = sixfold - sextant;
    let falling = saturation * fraction;
    let pale = 1.0 - saturation;
    let hold = |value: f32| value.clamp(0.0, 1.0);
    let q = hold((1.0 - falling) * value);
    let t = hold((falling + pale) * value);
    let p = hold(pale * value);
    [
        pick(sextant, [value, q, p, p, t, value]),
        pick(sextant, [t, value, value, q, p, p]),
        pick(sextant, [p, p, t, value, value, q]),
    ]
}

/// The choice for a sextant, without a branch or a table. The sixth, for a hue of exactly 1, is the
/// first again.
#[inline(always)]
fn pick(sextant: f32, [first, second, third, fourth, fifth, sixth]: [f32; 6]) -> f32 {
    let low = if sextant < 1.0 { first } else { second };
    let middle = if sextant < 3.0 { third } else { fourth };
    let high = if sextant < 5.0 { fifth } else { sixth };
    let chosen = if sextant < 4.0 { middle } else { high };
    let chosen = if sextant < 2.0 { low } else { chosen };
    if sextant < 6.0 { chosen } else { first }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers are small")]

    use super::*;

    #[test]
    fn a_third_of_a_turn_moves_each_primary_to_the_next() {
        let mut image = [255, 0, 0, 0, 255, 0, 0, 0, 255];
        adjust_hue(&mut image, 1.0 / 3.0);
        assert_eq!(image, [0, 255, 0, 0, 0, 255, 255, 0, 0]);
        adjust_hue(&mut image, -1.0 / 3.0);
        assert_eq!(image, [255, 0, 0, 0, 255, 0, 0, 0, 255]);
    }

    #[test]
    fn wide_vectors_change_no_bit() {
        let mut wide: Vec<u8> = (0..3 * 4096_u32).map(|index| (index * 7919 % 256) as u8).collect();
        let mut plain = wide.clone();
        widest(Turn { image: &mut wide, turn: 0.3 });
        Turn { image: &mut plain, turn: 0.3 }.work();
        assert_eq!(wide, plain);
    }

    #[test]
    fn greys_have_no_hue_to_turn() {
        let mut image: Vec<u8> = (0..=255).flat_map(|value| [value; 3]).collect();
        let before = image.clone();
        adjust_hue(&mut image, 0.37);
        assert_eq!(image, before);
    }

    #[test]
    fn no_turn_changes_a_value_by_one_at_most() {
        let mut image: Vec<u8> = (0..3 * 4096).map(|index| (index * 7919 % 256) as u8).collect();
        let before = image.clone();
        adjust_hue(&mut image, 0.0);
        assert!(image.iter().zip(&before).all(|(a, b)| a.abs_diff(*b) <= 1));
    }
}
