//! The plugin: configuration, opening, and decoding one window.

use serde::Deserialize;
use zenith_plugin_sdk::{DecodeRequest, Decoder, Error, Format, Header, Output, Window};

use crate::{
    entropy::{
        lookup::{AcTable, DcTable, Kept},
        stream::Stream,
    },
    geometry::Geometry,
    header::{self, Opening},
    marker,
    plane::Plane,
    progressive::{Progressive, definition, quantisation},
    rows::{Rows, Scratch},
    sequential::{Channel, Sequential},
    simd,
};

/// The configuration of [`Jpeg`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The most pixels that an image may declare, whatever window of it is wanted. It is checked
    /// before anything is allocated. The default is where Pillow refuses: 178 956 970.
    pub max_pixels: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_pixels: 178_956_970 }
    }
}

/// The decoder. It keeps its buffers and Huffman tables from sample to sample.
pub struct Jpeg {
    config: Config,
    opening: Option<Opening>,
    work: Workspace,
}

/// What is kept from sample to sample, because making it anew would cost time.
#[derive(Default)]
struct Workspace {
    stream: Stream,
    dc: [Kept<DcTable>; 4],
    ac: [Kept<AcTable>; 4],
    planes: [Plane; 4],
    scratch: Scratch,
    progressive: Progressive,
}

impl Decoder for Jpeg {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        if config.max_pixels == 0 {
            return Err(Error::config("max_pixels", "must be at least 1, but is 0"));
        }
        Ok(Self { config, opening: None, work: Workspace::default() })
    }

    fn formats(&self) -> Vec<Format> {
        vec![Format {
            media_type: "image/jpeg".into(),
            extensions: ["jpg", "jpeg", "jpe", "jfif"].map(String::from).to_vec(),
            magic: vec![0xFF, 0xD8, 0xFF],
        }]
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, Error> {
        self.opening = None;
        if u32::try_from(data.len()).is_err() {
            return Err(Error::TooLarge(format!("the file is {} bytes long, more than 4 GiB", data.len())));
        }
        let opening = header::open(data)?;
        let frame = &opening.frame;
        let pixels = frame.width as u64 * frame.height as u64;
        if pixels > self.config.max_pixels {
            return Err(Error::TooLarge(format!(
                "the image is {}×{} pixels, {pixels} in all; `max_pixels` allows {}",
                frame.width, frame.height, self.config.max_pixels
            )));
        }
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let header = Header {
            width: side(frame.width),
            height: side(frame.height),
            orientation: opening.orientation,
            reductions: vec![2, 4, 8],
        };
        self.opening = Some(opening);
        Ok(header)
    }

    fn decode(&mut self, data: &[u8], request: DecodeRequest, output: &mut Output<'_>) -> Result<(), Error> {
        let Some(opening) = &self.opening else {
            return Err(Error::InvalidData("no sample is open".into()));
        };
        let frame = &opening.frame;
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        if !request.window.lies_in(side(frame.width), side(frame.height))
            || ![1, 2, 4, 8].contains(&request.reduction)
        {
            return Err(Error::UnsupportedData(format!(
                "the window {} at the reduction {} is not part of an image of {}×{} pixels",
                request.window, request.reduction, frame.width, frame.height
            )));
        }
        if !marker::has_end(data, opening.scan.data) {
            return Err(marker::ends_early(data.len()));
        }
        let geometry = Geometry::new(frame, request)?;
        for ((plane, part), component) in
            self.work.planes.iter_mut().zip(&geometry.parts).zip(&frame.components)
        {
            plane.shape(part, component.vertical);
        }
        let length = geometry.x.len() * geometry.y.len() * 3;
        if frame.progressive || opening.scan.selections.len() < frame.components.len() {
            self.work.progressive.read(data, opening, &geometry, &mut self.work.stream)?;
            let Workspace { planes, scratch, progressive, .. } = &mut self.work;
            output.fill(length, |place| {
                let rows = Rows::new(&geometry, opening.colours, scratch, place);
                simd::at_best_level(progressive.transform(frame, &geometry, planes, rows));
            });
            return Ok(());
        }
        let Workspace { stream, dc, ac, planes, scratch, .. } = &mut self.work;
        let whole = request.window == Window::full(side(frame.width), side(frame.height));
        let channels = channels(opening, dc, ac, !whole)?;
        stream.read(data, opening.scan.data, opening.tables.restart > 0);
        output.fill(length, |place| {
            simd::at_best_level(Sequential {
                frame,
                geometry: &geometry,
                channels: &channels,
                stream,
                restart: opening.tables.restart,
                planes,
                rows: Rows::new(&geometry, opening.colours, scratch, place),
            });
        });
        Ok(())
    }
}

/// The components of a scan with their tables, built where those that were kept are others.
fn channels<'a>(
    opening: &Opening,
    dc: &'a mut [Kept<DcTable>; 4],
    ac: &'a mut [Kept<AcTable>; 4],
    skipping: bool,
) -> Result<Vec<Channel<'a>>, Error> {
    let Opening { frame, tables, scan, .. } = opening;
    for selection in &scan.selections {
        dc[selection.dc].get(definition(&tables.dc, selection.dc, "DC")?, DcTable::new)?;
        let table = ac[selection.ac].get(definition(&tables.ac, selection.ac, "AC")?, AcTable::new)?;
        if skipping {
            table.prepare_skipping();
        }
    }
    (scan.selections.iter())
        .map(|selection| {
            let (Some(dc), Some(ac)) = (dc[selection.dc].peek(), ac[selection.ac].peek()) else {
                return Err(Error::InvalidData("a Huffman table is missing".into()));
            };
            let steps = quantisation(&frame.components[selection.component], tables)?;
            Ok(Channel { component: selection.component, dc, ac, steps })
        })
        .collect()
}
