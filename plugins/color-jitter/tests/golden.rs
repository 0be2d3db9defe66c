//! The four adjustments against torchvision's, for given factors. The files come from
//! `golden/make.py`.
//!
//! The stated tolerance is equality.

use zenith_color_jitter::{adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation};

const IMAGE: &[u8] = include_bytes!("golden/image.rgb");

fn compare(adjust: impl Fn(&mut [u8]), expected: &[u8]) {
    let mut image = IMAGE.to_vec();
    adjust(&mut image);
    let worst = image.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
    let different = image.iter().zip(expected).filter(|(a, b)| a != b).count();
    assert_eq!((image.len(), worst, different), (expected.len(), Some(0), 0));
}

#[test]
fn brightness_is_that_of_torchvision() {
    compare(|image| adjust_brightness(image, 0.0), include_bytes!("golden/brightness_0.0.rgb"));
    compare(|image| adjust_brightness(image, 0.37), include_bytes!("golden/brightness_0.37.rgb"));
    compare(|image| adjust_brightness(image, 1.4), include_bytes!("golden/brightness_1.4.rgb"));
}

#[test]
fn contrast_is_that_of_torchvision() {
    compare(|image| adjust_contrast(image, 3, 0.0), include_bytes!("golden/contrast_0.0.rgb"));
    compare(|image| adjust_contrast(image, 3, 0.6), include_bytes!("golden/contrast_0.6.rgb"));
    compare(|image| adjust_contrast(image, 3, 1.7), include_bytes!("golden/contrast_1.7.rgb"));
}

#[test]
fn contrast_of_a_greyscale_image_is_that_of_torchvision() {
    let mut red: Vec<u8> = IMAGE.iter().step_by(3).copied().collect();
    adjust_contrast(&mut red, 1, 1.7);
    assert!(red == include_bytes!("golden/grey_contrast_1.7.bin"));
}

#[test]
fn saturation_is_that_of_torchvision() {
    compare(|image| adjust_saturation(image, 0.0), include_bytes!("golden/saturation_0.0.rgb"));
    compare(|image| adjust_saturation(image, 0.45), include_bytes!("golden/saturation_0.45.rgb"));
    compare(|image| adjust_saturation(image, 1.8), include_bytes!("golden/saturation_1.8.rgb"));
}

#[test]
fn hue_is_that_of_torchvision() {
    compare(|image| adjust_hue(image, -0.5), include_bytes!("golden/hue_-0.5.rgb"));
    compare(|image| adjust_hue(image, -0.1), include_bytes!("golden/hue_-0.1.rgb"));
    compare(|image| adjust_hue(image, 0.0), include_bytes!("golden/hue_0.0.rgb"));
    compare(|image| adjust_hue(image, 0.27), include_bytes!("golden/hue_0.27.rgb"));
}
