//! `normalize` against torchvision: equal, bit by bit. The files come from `golden/make.py`.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use zenith_normalize::Normalize;
use zenith_plugin_sdk::{DType, Tensor, Transform, parse_config, testing::apply};

fn normalize(config: &str, dtype: DType, extents: &[u32], data: &[u8]) -> Vec<u8> {
    let mut normalize = Normalize::configure(parse_config(config).unwrap()).unwrap();
    apply(&mut normalize, Tensor::new(dtype, extents, data).unwrap(), 0).unwrap()
}

macro_rules! golden {
    ($name:ident, $case:literal, $channels:expr, $config:expr) => {
        #[test]
        fn $name() {
            let image = include_bytes!(concat!("golden/", $case, ".u8"));
            let expected = include_bytes!(concat!("golden/", $case, ".f32"));
            let result = normalize($config, DType::Uint8, &[16, 16, $channels], image);
            assert!(result == expected);

            // The same through a float32 image.
            let mut planes = Vec::new();
            for channel in 0..$channels {
                for pixel in image.chunks_exact($channels) {
                    planes.extend((f32::from(pixel[channel]) * (1.0 / 255.0)).to_le_bytes());
                }
            }
            let result = normalize($config, DType::Float32, &[$channels, 16, 16], &planes);
            assert!(result == expected);
        }
    };
}

golden!(
    imagenets_statistics_give_torchvisions_bits,
    "imagenet",
    3,
    r#"{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}"#
);
golden!(
    unusual_statistics_give_torchvisions_bits,
    "odd",
    4,
    r#"{"mean": [-3.7, 0.1, 1e-20, 255.0], "std": [-0.3, 7.1, 1e-30, 3.0]}"#
);
golden!(one_channel_gives_torchvisions_bits, "grey", 1, r#"{"mean": [0.1307], "std": [0.3081]}"#);
