//! From the wanted window to samples and blocks of each component, and how each component's samples
//! become pixels. Only arithmetic: nothing is decoded here.

use core::ops::Range;

use zenith_plugin_sdk::{DecodeRequest, Error};

use crate::header::Frame;

/// How samples of a component become pixels. libjpeg's choice for its default settings (jdsample.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upsampling {
    /// One sample for each pixel.
    None,
    /// Two pixels across for each sample, by a triangle filter.
    Across,
    /// Two pixels down for each sample, by a triangle filter.
    Down,
    /// Two by two pixels for each sample, by a triangle filter.
    Both,
    /// Samples repeated.
    Repeat,
}

/// The part of one component that a window needs. Lengths are in samples at the wanted reduction
/// unless they say blocks.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Samples along a block's side after the inverse transform: 8, 4, 2 or 1.
    pub(crate) side: usize,
    /// Pixels for each sample, across.
    pub(crate) across: usize,
    /// Pixels for each sample, down.
    pub(crate) down: usize,
    /// How they are made.
    pub(crate) upsampling: Upsampling,
    /// Samples across the whole image.
    pub(crate) width: usize,
    /// Samples down the whole image.
    pub(crate) height: usize,
    /// The columns of blocks that are needed.
    pub(crate) columns: Range<usize>,
    /// The rows of blocks that are needed.
    pub(crate) rows: Range<usize>,
}

impl Part {
    /// Whether making a row of pixels needs the rows of samples above and below.
    pub(crate) fn mixes_rows(&self) -> bool {
        matches!(self.upsampling, Upsampling::Down | Upsampling::Both)
    }

    /// Whether making a pixel needs the samples left and right.
    pub(crate) fn mixes_columns(&self) -> bool {
        matches!(self.upsampling, Upsampling::Across | Upsampling::Both)
    }
}

/// A window of one frame, in pixels of the reduced image.
#[derive(Clone, Debug)]
pub(crate) struct Geometry {
    /// Columns of the reduced image that are wanted.
    pub(crate) x: Range<usize>,
    /// Rows of the reduced image that are wanted.
    pub(crate) y: Range<usize>,
    /// Pixel rows that one row of interleaved units gives.
    pub(crate) unit_height: usize,
    /// Rows of interleaved units that hold anything needed.
    pub(crate) units: Range<usize>,
    /// The components' parts, in the frame's order.
    pub(crate) parts: Vec<Part>,
}

impl Geometry {
    /// What a request needs of a frame. The window must lie in the image and the reduction be 1, 2,
    /// 4 or 8.
    pub(crate) fn new(frame: &Frame, request: DecodeRequest) -> Result<Self, Error> {
        let reduction = request.reduction as usize;
        let (width, height) = request.size();
        let start = |at: u32| at as usize / reduction;
        let x = start(request.window.x)..start(request.window.x) + width as usize;
        let y = start(request.window.y)..start(request.window.y) + height as usize;
        let smallest = 8 / reduction;
        let parts = (frame.components.iter())
            .map(|component| {
                let factors = (component.horizontal, component.vertical);
                part(frame, factors, smallest, &x, &y)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let units = (frame.components.iter().zip(&parts))
            .map(|(component, part)| {
                part.rows.start / component.vertical..part.rows.end.div_ceil(component.vertical)
            })
            .reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
            .unwrap_or(0..0);
        Ok(Self { x, y, unit_height: frame.vertical * smallest, units, parts })
    }

    /// Whether some component mixes rows, so that a unit's last row of pixels waits for the next.
    pub(crate) fn mixes_rows(&self) -> bool {
        self.parts.iter().any(Part::mixes_rows)
    }
}

fn part(
    frame: &Frame,
    (horizontal, vertical): (usize, usize),
    smallest: usize,
    x: &Range<usize>,
    y: &Range<usize>,
) -> Result<Part, Error> {
    // A subsampled component is transformed at a larger scale rather than upsampled afterwards
    // (jdmaster.c).
    let mut side = smallest;
    while side < 8
        && (frame.horizontal * smallest).is_multiple_of(horizontal * side * 2)
        && (frame.vertical * smallest).is_multiple_of(vertical * side * 2)
    {
        side *= 2;
    }
    let (own_across, own_down) = (horizontal * side / smallest, vertical * side / smallest);
    if !frame.horizontal.is_multiple_of(own_across) || !frame.vertical.is_multiple_of(own_down) {
        return Err(Error::UnsupportedData(format!(
            "a component is sampled {horizontal}×{vertical} where another is {}×{}; only whole ratios are decoded",
            frame.horizontal, frame.vertical
        )));
    }
    let (across, down) = (frame.horizontal / own_across, frame.vertical / own_down);
    let width = (frame.width * horizontal * side).div_ceil(frame.horizontal * 8);
    let height = (frame.height * vertical * side).div_ceil(frame.vertical * 8);
    let smooth = smallest > 1;
    let upsampling = match (across, down) {
        (1, 1) => Upsampling::None,
        (2, 1) if smooth && width > 2 => Upsampling::Across,
        (1, 2) if smooth => Upsampling::Down,
        (2, 2) if smooth && width > 2 => Upsampling::Both,
        _ => Upsampling::Repeat,
    };
    let mut part = Part { side, across, down, upsampling, width, height, columns: 0..0, rows: 0..0 };
    let needed = |pixels: &Range<usize>, ratio: usize, margin: usize, all: usize| {
        let first = (pixels.start / ratio).saturating_sub(margin);
        let end = (pixels.end.div_ceil(ratio) + margin).min(all);
        first / side..end.div_ceil(side)
    };
    part.columns = needed(x, across, usize::from(part.mixes_columns()), width);
    part.rows = needed(y, down, usize::from(part.mixes_rows()), height);
    Ok(part)
}
