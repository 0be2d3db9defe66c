//! A frame whose only scan holds all components: decoded unit by unit, straight into rows of pixels.
//!
//! Blocks that the window does not need are read over, and rows below it are never read.

#![expect(clippy::inline_always, reason = "so that everything hot is compiled for the caller's level")]

use core::ops::Range;

use crate::{
    entropy::{
        block::{self, Coefficients},
        lookup::{AcTable, DcTable},
        restart::Restarts,
        stream::Stream,
    },
    geometry::{Geometry, Part},
    header::Frame,
    idct,
    plane::Plane,
    rows::Rows,
    simd::{Level, Work},
};

/// One component of the scan.
pub(crate) struct Channel<'a> {
    /// Its place in the frame.
    pub(crate) component: usize,
    /// Its DC table.
    pub(crate) dc: &'a DcTable,
    /// Its AC table.
    pub(crate) ac: &'a AcTable,
    /// Its quantisation steps.
    pub(crate) steps: [i16; 64],
}

/// The decoding of one window.
pub(crate) struct Sequential<'a> {
    /// The image.
    pub(crate) frame: &'a Frame,
    /// What of it is wanted.
    pub(crate) geometry: &'a Geometry,
    /// The scan's components, in its order.
    pub(crate) channels: &'a [Channel<'a>],
    /// The scan's data.
    pub(crate) stream: &'a Stream,
    /// Units between restarts, or 0.
    pub(crate) restart: usize,
    /// Where samples go.
    pub(crate) planes: &'a mut [Plane; 4],
    /// Where pixels go.
    pub(crate) rows: Rows<'a>,
}

/// One block of a unit.
struct Slot<'a> {
    channel: &'a Channel<'a>,
    part: &'a Part,
    /// Blocks of the component in a unit, across and down.
    size: (usize, usize),
    /// Which of them this one is, across and down.
    at: (usize, usize),
    /// Its component's place in the scan.
    place: usize,
}

/// The most blocks that a unit has (T.81, B.2.3); scan headers with more are refused.
const BLOCKS: usize = 10;

impl Work for Sequential<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(mut self) {
        let across = self.frame.units_across();
        let slots = self.slots();
        let wanted = self.wanted_units();
        let (mut restarts, mut bits) = Restarts::new(self.stream, self.restart);
        let mut predictors = [0; 4];
        let mut blocks: [Coefficients; BLOCKS] = core::array::from_fn(|_| Coefficients::new());
        for y in 0..self.geometry.units.end {
            let wanted = if y < self.geometry.units.start { 0..0 } else { wanted.clone() };
            for x in 0..across {
                if let Some(after) = restarts.before_unit(&bits) {
                    bits = after;
                    predictors = [0; 4];
                }
                let lost = bits.exhausted();
                if wanted.contains(&x) {
                    // All blocks are read before any is transformed: a transform right behind its
                    // block would wait for the last stores.
                    let mut ends = [None; BLOCKS];
                    for ((slot, block), end) in slots.iter().zip(&mut blocks).zip(&mut ends) {
                        let Slot { channel, part, size, at, place } = slot;
                        let (column, row) = (x * size.0 + at.0, y * size.1 + at.1);
                        let needed = part.columns.contains(&column) && part.rows.contains(&row);
                        let predictor = &mut predictors[place & 3];
                        if lost {
                            // A unit whose data are lost is grey, as in libjpeg.
                            *end = needed.then_some(0);
                        } else if needed {
                            *end = Some(block::read(&mut bits, channel.dc, channel.ac, predictor, block));
                        } else {
                            block::skip(&mut bits, channel.dc, channel.ac, predictor);
                        }
                    }
                    for ((slot, block), end) in slots.iter().zip(&mut blocks).zip(ends) {
                        let Some(end) = end else { continue };
                        let plane = &mut self.planes[slot.channel.component];
                        let (to, stride) = plane.block(x * slot.size.0 + slot.at.0, y, slot.at.1);
                        place(slot.part.side, stride, to, block.block(), end, &slot.channel.steps);
                    }
                } else if !lost {
                    for Slot { channel, place, .. } in &slots {
                        block::skip(&mut bits, channel.dc, channel.ac, &mut predictors[place & 3]);
                    }
                }
            }
            if y >= self.geometry.units.start {
                self.rows.advance::<L>(self.planes, y);
            }
        }
    }
}

impl<'a> Sequential<'a> {
    /// The blocks of a unit, in the order in which they are coded.
    fn slots(&self) -> Vec<Slot<'a>> {
        let mut slots = Vec::with_capacity(BLOCKS);
        for (place, channel) in self.channels.iter().enumerate() {
            let component = &self.frame.components[channel.component];
            let part = &self.geometry.parts[channel.component];
            let size = (component.horizontal, component.vertical);
            for v in 0..size.1 {
                slots.extend((0..size.0).map(|h| Slot { channel, part, size, at: (h, v), place }));
            }
        }
        slots
    }

    /// The columns of units in which some block is needed.
    fn wanted_units(&self) -> Range<usize> {
        (self.frame.components.iter().zip(&self.geometry.parts))
            .map(|(component, part)| {
                let across = component.horizontal;
                part.columns.start / across..part.columns.end.div_ceil(across)
            })
            .reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
            .unwrap_or(0..0)
    }
}

/// Transforms a block into `side` rows of `side` samples, and clears it. From zigzag place `end` on it
/// holds nothing but zeros.
#[inline(always)]
pub(crate) fn place(
    side: usize,
    stride: usize,
    to: &mut [u8],
    block: &mut [i16; 64],
    end: usize,
    steps: &[i16; 64],
) {
    // `end` may be one too large, so that the second coefficient must be looked at.
    if end <= 2 && block[1] == 0 {
        let sample = idct::flat(block[0], steps[0]);
        block[0] = 0;
        match side {
            8 => fill::<8>(to, stride, sample),
            4 => fill::<4>(to, stride, sample),
            2 => fill::<2>(to, stride, sample),
            _ => fill::<1>(to, stride, sample),
        }
        return;
    }
    match side {
        8 => idct::transform8(block, steps, to, stride),
        4 => idct::transform4(block, steps, to, stride),
        2 => idct::transform2(block, steps, to, stride),
        _ => idct::transform1(block, steps, to),
    }
    *block = [0; 64];
}

/// `SIDE` rows of `SIDE` equal samples.
#[inline(always)]
fn fill<const SIDE: usize>(to: &mut [u8], stride: usize, sample: u8) {
    for row in to.chunks_mut(stride).take(SIDE) {
        if let Some(place) = row.first_chunk_mut::<SIDE>() {
            *place = [sample; SIDE];
        }
    }
}
