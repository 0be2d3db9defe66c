//! Pixels in blocks of planes: arithmetic on several channels of one pixel becomes vectors only
//! where each channel lies by itself.

#![expect(clippy::inline_always, reason = "a loop gets wide vectors only where everything in it is inlined")]

/// Pixels in a block.
pub(crate) const LENGTH: usize = 64;

/// One channel of a block.
pub(crate) type Plane = [u8; LENGTH];

/// What is done to a block. A trait and not a closure, because a closure cannot be marked
/// `#[inline(always)]`, as every implementation must be.
pub(crate) trait Change {
    /// The planes that take the place of these.
    fn change(&mut self, planes: [Plane; 3]) -> [Plane; 3];
}

/// Replaces all pixels of a 3-channel image, block by block. The last block is filled up with black
/// pixels, whose results are thrown away.
#[inline(always)]
pub(crate) fn replace(image: &mut [u8], mut change: impl Change) {
    let (blocks, rest) = image.as_chunks_mut::<3>().0.as_chunks_mut::<LENGTH>();
    for block in blocks {
        *block = join(change.change(split(block)));
    }
    let mut last = [[0; 3]; LENGTH];
    last[..rest.len()].copy_from_slice(rest);
    rest.copy_from_slice(&join(change.change(split(&last)))[..rest.len()]);
}

/// The planes of all pixels of a 3-channel image, block by block. The last block is filled up with
/// black pixels.
#[inline(always)]
pub(crate) fn of(image: &[u8]) -> impl Iterator<Item = [Plane; 3]> {
    let (blocks, rest) = image.as_chunks::<3>().0.as_chunks::<LENGTH>();
    let mut last = [[0; 3]; LENGTH];
    last[..rest.len()].copy_from_slice(rest);
    blocks.iter().copied().chain([last]).map(|block| split(&block))
}

/// From 2²³ on, binary32 has no fractions.
const NO_FRACTIONS: f32 = 8_388_608.0;

/// The whole part of a number from 0 to 2²². Written out because neither `floor` nor `as` becomes
/// vectors everywhere: the first is an instruction that not every processor has, and the second also
/// takes care of every other number.
#[inline(always)]
pub(crate) fn floor(value: f32) -> f32 {
    let nearest = value + NO_FRACTIONS - NO_FRACTIONS;
    if nearest > value { nearest - 1.0 } else { nearest }
}

/// The whole part of a number from 0 to just short of 256.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
pub(crate) fn to_byte(value: f32) -> u8 {
    // The whole number stands in the lower bits.
    (floor(value) + NO_FRACTIONS).to_bits() as u8
}

#[inline(always)]
fn split(block: &[[u8; 3]; LENGTH]) -> [Plane; 3] {
    let mut planes = [[0; LENGTH]; 3];
    for (index, pixel) in block.iter().enumerate() {
        for channel in 0..3 {
            planes[channel][index] = pixel[channel];
        }
    }
    planes
}

#[inline(always)]
fn join(planes: [Plane; 3]) -> [[u8; 3]; LENGTH] {
    let mut block = [[0; 3]; LENGTH];
    for (index, pixel) in block.iter_mut().enumerate() {
        *pixel = [planes[0][index], planes[1][index], planes[2][index]];
    }
    block
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "the numbers are small"
    )]

    use super::*;

    struct Rotate;

    impl Change for Rotate {
        fn change(&mut self, [red, green, blue]: [Plane; 3]) -> [Plane; 3] {
            [green.map(|value| value.wrapping_add(1)), blue, red]
        }
    }

    #[test]
    fn whole_parts_are_those_of_a_conversion() {
        for step in 0..300_000_u32 {
            let value = step as f32 / 1000.0;
            assert_eq!(floor(value), value.floor(), "{value}");
            assert!(value >= 256.0 || to_byte(value) == value as u8, "{value}");
        }
        for value in [0.0, f32::MIN_POSITIVE, 0.5, 1.0 - f32::EPSILON / 2.0, 1.5, 2.5, 254.999_98, 255.0] {
            assert_eq!((floor(value), to_byte(value)), (value.floor(), value as u8), "{value}");
        }
    }

    #[test]
    fn every_pixel_is_replaced_once_whatever_the_length() {
        for pixels in [0, 1, 63, 64, 65, 128, 200] {
            let mut image: Vec<u8> = (0..=255).cycle().take(pixels * 3).collect();
            let expected: Vec<u8> = image
                .as_chunks::<3>()
                .0
                .iter()
                .flat_map(|[red, green, blue]| [green.wrapping_add(1), *blue, *red])
                .collect();
            let seen: u32 = of(&image).flatten().flatten().map(u32::from).sum();
            assert_eq!(seen, image.iter().map(|value| u32::from(*value)).sum::<u32>());
            replace(&mut image, Rotate);
            assert_eq!(image, expected);
        }
    }
}
