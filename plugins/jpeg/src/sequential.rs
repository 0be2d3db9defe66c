//! A frame whose only scan holds all components: decoded unit by unit, straight into rows of pixels.
//!
//! Blocks that the window does not need are read over, and rows below it are never read.

#![expect(clippy::inline_always, reason = "so that everything hot is compiled for the caller's level")]

use core::ops::Range;

use crate::{
    entropy::{
        bits::Bits,
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

impl Work for Sequential<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(mut self) {
        let frame = self.frame;
        let across = frame.units_across();
        let wanted = self.wanted_units();
        let (mut restarts, mut bits) = Restarts::new(self.stream, self.restart);
        let mut predictors = [0; 4];
        let mut coefficients = Coefficients::new();
        for y in 0..self.geometry.units.end {
            let wanted = if y < self.geometry.units.start { 0..0 } else { wanted.clone() };
            for x in 0..across {
                if let Some(after) = restarts.before_unit(&bits) {
                    bits = after;
                    predictors = [0; 4];
                }
                let lost = bits.exhausted();
                if wanted.contains(&x) {
                    self.unit(&mut bits, lost, &mut predictors, &mut coefficients, x, y);
                } else if !lost {
                    self.skip_unit(&mut bits, &mut predictors);
                }
            }
            if y >= self.geometry.units.start {
                self.rows.advance::<L>(self.planes, y);
            }
        }
    }
}

impl Sequential<'_> {
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

    /// Reads one unit and transforms those of its blocks that are needed. A unit whose data are lost
    /// is grey, as in libjpeg.
    #[inline(always)]
    fn unit(
        &mut self,
        bits: &mut Bits<'_>,
        lost: bool,
        predictors: &mut [i32; 4],
        coefficients: &mut Coefficients,
        x: usize,
        y: usize,
    ) {
        for (channel, predictor) in self.channels.iter().zip(predictors) {
            let component = &self.frame.components[channel.component];
            let part = &self.geometry.parts[channel.component];
            let plane = &mut self.planes[channel.component];
            for v in 0..component.vertical {
                let row = y * component.vertical + v;
                for h in 0..component.horizontal {
                    let column = x * component.horizontal + h;
                    let needed = part.columns.contains(&column) && part.rows.contains(&row);
                    if lost {
                        if needed {
                            place(part, plane, column, row, coefficients.block(), 0, &channel.steps);
                        }
                    } else if needed {
                        let end = block::read(bits, channel.dc, channel.ac, predictor, coefficients);
                        place(part, plane, column, row, coefficients.block(), end, &channel.steps);
                    } else {
                        block::skip(bits, channel.dc, channel.ac, predictor);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn skip_unit(&self, bits: &mut Bits<'_>, predictors: &mut [i32; 4]) {
        for (channel, predictor) in self.channels.iter().zip(predictors) {
            let component = &self.frame.components[channel.component];
            for _ in 0..component.vertical * component.horizontal {
                block::skip(bits, channel.dc, channel.ac, predictor);
            }
        }
    }
}

/// Transforms a block into its place in a plane, and clears it. From zigzag place `end` on it holds
/// nothing but zeros.
#[inline(always)]
pub(crate) fn place(
    part: &Part,
    plane: &mut Plane,
    column: usize,
    row: usize,
    block: &mut [i16; 64],
    end: usize,
    steps: &[i16; 64],
) {
    let side = part.side;
    let stride = plane.stride();
    let to = plane.block(column * side, row * side);
    // `end` may be one too large, so that the second coefficient must be looked at.
    if end <= 2 && block[1] == 0 {
        let sample = idct::flat(block[0], steps[0]);
        block[0] = 0;
        for row in to.chunks_mut(stride).take(side) {
            row[..side].fill(sample);
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
