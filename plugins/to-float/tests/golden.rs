//! `to-float` against torchvision's `ToDtype`: equal, bit by bit, for every byte. The files come
//! from `golden/make.py`.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use zenith_plugin_sdk::{DType, Tensor, Transform, parse_config, testing::apply};
use zenith_to_float::ToFloat;

fn every_byte(config: &str) -> Vec<u8> {
    let mut to_float = ToFloat::configure(parse_config(config).unwrap()).unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    apply(&mut to_float, Tensor::new(DType::Uint8, &[16, 16, 1], &bytes).unwrap(), 0).unwrap()
}

macro_rules! golden {
    ($name:ident, $dtype:literal) => {
        #[test]
        fn $name() {
            let scaled = include_bytes!(concat!("golden/", $dtype, ".scaled"));
            let plain = include_bytes!(concat!("golden/", $dtype, ".plain"));
            let config = |scale| format!(r#"{{"dtype": "{}", "scale": {scale}}}"#, $dtype);
            assert!(every_byte(&config(true)) == scaled);
            assert!(every_byte(&config(false)) == plain);
        }
    };
}

golden!(float16_has_torchvisions_bits, "float16");
golden!(bfloat16_has_torchvisions_bits, "bfloat16");
golden!(float32_has_torchvisions_bits, "float32");
golden!(float64_has_torchvisions_bits, "float64");
