//! Panics in `open` for an empty sample, and in `decode` for a reduction of 2. Otherwise it writes the
//! sample's first byte.

use zenith_plugin_sdk::{DecodeRequest, Decoder, Error, Format, Header, NoConfig, Output, export};

struct Guest;

impl Decoder for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn formats(&self) -> Vec<Format> {
        Vec::new()
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, Error> {
        assert!(!data.is_empty(), "nobody told me about empty files");
        Ok(Header { width: 1, height: 1, orientation: 1, reductions: vec![2] })
    }

    fn decode(&mut self, data: &[u8], request: DecodeRequest, output: &mut Output<'_>) -> Result<(), Error> {
        assert!(request.reduction == 1, "I never learnt to divide");
        output.write(&[data[0]; 3]);
        Ok(())
    }
}

export!(decoder: Guest);
