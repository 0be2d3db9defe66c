//! Well-behaved: a "format" whose first two bytes are the width and the height, and the rest one byte
//! for each pixel. It decodes windows, and every second pixel for a reduction of 2.

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
        vec![Format {
            media_type: "image/x-raw".into(),
            extensions: vec!["raw".into()],
            magic: vec![b'R', b'W'],
        }]
    }

    fn plan(&self) -> TensorType {
        TensorType { dtype: DType::Uint8, shape: [None, None, Some(1)].into_iter().collect() }
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, Error> {
        let [width, height, ..] = *data else {
            return Err(Error::InvalidData(format!("it ends early, at byte {}", data.len())));
        };
        Ok(Header { width: width.into(), height: height.into(), orientation: 1, reductions: vec![2] })
    }

    fn decode(&mut self, data: &[u8], request: DecodeRequest, output: &mut Output<'_>) -> Result<(), Error> {
        let (columns, rows) = request.size();
        let (width, pixels) = (usize::from(data[0]), &data[2..]);
        for row in 0..rows {
            let y = (request.window.y + row * request.reduction) as usize;
            let line: Vec<u8> = (0..columns)
                .map(|column| pixels[y * width + (request.window.x + column * request.reduction) as usize])
                .collect();
            output.write(&line);
        }
        Ok(())
    }
}

export!(decoder: Guest);
