//! Tells headers that cannot be (the sample's bytes are width, height and orientation), formats that
//! begin with nothing, and a plan that is not an image's.

use zenith_plugin_sdk::{
    DType, DecodeRequest, Decoder, Error, Format, Header, NoConfig, Output, TensorType, export,
};

struct Guest;

impl Decoder for Guest {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn formats(&self) -> Vec<Format> {
        vec![Format { media_type: "image/x-any".into(), extensions: vec![], magic: vec![] }]
    }

    fn plan(&self) -> TensorType {
        TensorType::fixed(DType::Uint8, &[3])
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, Error> {
        Ok(Header {
            width: data[0].into(),
            height: data[1].into(),
            orientation: data[2],
            reductions: vec![data[3].into()],
        })
    }

    fn decode(&mut self, _: &[u8], _: DecodeRequest, _: &mut Output<'_>) -> Result<(), Error> {
        Ok(())
    }
}

export!(decoder: Guest);
