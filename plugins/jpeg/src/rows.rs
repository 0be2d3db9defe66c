//! From planes to the output, row by row, as soon as the samples for a row are there.

#![expect(clippy::inline_always, reason = "so that the inner loops are those of the caller's level")]

use crate::{
    colour,
    geometry::{Geometry, Part, Upsampling},
    header::Colours,
    plane::Plane,
    simd::Level,
    upsample,
};

/// Room for one upsampled row of each component, kept from sample to sample.
#[derive(Default)]
pub(crate) struct Scratch {
    rows: [Vec<u8>; 4],
    sums: Vec<u16>,
}

/// Turns samples into the pixels of a window.
pub(crate) struct Rows<'a> {
    geometry: &'a Geometry,
    colours: Colours,
    scratch: &'a mut Scratch,
    output: &'a mut [u8],
    next: usize,
}

impl<'a> Rows<'a> {
    /// A writer of a window into `output`, which has three bytes for each pixel.
    pub(crate) fn new(
        geometry: &'a Geometry,
        colours: Colours,
        scratch: &'a mut Scratch,
        output: &'a mut [u8],
    ) -> Self {
        for (row, part) in scratch.rows.iter_mut().zip(&geometry.parts) {
            let length = geometry.x.len() + 2 * part.across;
            if row.len() < length {
                row.resize(length, 0);
            }
        }
        let sums = geometry.x.len() + 4;
        if scratch.sums.len() < sums {
            scratch.sums.resize(sums, 0);
        }
        Self { geometry, colours, scratch, output, next: geometry.y.start }
    }

    /// Says that the planes hold the row `unit` of units, and writes every row of pixels that can now
    /// be made.
    #[inline(always)]
    pub(crate) fn advance<L: Level>(&mut self, planes: &mut [Plane; 4], unit: usize) {
        for (plane, part) in planes.iter_mut().zip(&self.geometry.parts) {
            if part.mixes_columns() {
                let height = self.geometry.unit_height / part.down;
                plane.extend_edges(unit * height, (unit + 1) * height);
            }
        }
        let last = unit + 1 == self.geometry.units.end;
        let ready = if last {
            self.geometry.y.end
        } else {
            // A row at the lower edge of its unit waits for the samples below.
            ((unit + 1) * self.geometry.unit_height - usize::from(self.geometry.mixes_rows()))
                .min(self.geometry.y.end)
        };
        while self.next < ready {
            self.write::<L>(planes, self.next);
            self.next += 1;
        }
    }

    #[inline(always)]
    fn write<L: Level>(&mut self, planes: &[Plane; 4], y: usize) {
        let Geometry { x, y: rows, parts, .. } = self.geometry;
        let width = x.len();
        let start = (y - rows.start) * width * 3;
        let out = &mut self.output[start..start + width * 3];
        let sums = &mut self.scratch.sums[..];
        let mut lines: [&[u8]; 4] = [&[]; 4];
        let inputs = parts.iter().zip(planes).zip(&mut self.scratch.rows);
        for (line, ((part, plane), row)) in lines.iter_mut().zip(inputs) {
            *line = &pixels(part, plane, x.start, width, y, row, sums)[..width];
        }
        let [first, second, third, fourth] = lines;
        match self.colours {
            Colours::Grey => colour::grey(first, out),
            Colours::YCbCr => colour::ycbcr::<L>(first, second, third, out),
            Colours::Rgb => colour::rgb(first, second, third, out),
            Colours::Cmyk => colour::inks(lines, out),
            Colours::Ycck => {
                // The three inks first, in the output's own place: libjpeg takes what comes out of
                // the conversion for the light that they leave.
                colour::ycbcr::<L>(first, second, third, out);
                colour::invert(out);
                colour::darken(fourth, out);
            }
        }
    }
}

/// The pixels of one component from column `x` on, at least `width` of them: the samples themselves
/// where there is one for each pixel, and otherwise in `row`.
#[inline(always)]
fn pixels<'a>(
    part: &Part,
    plane: &'a Plane,
    x: usize,
    width: usize,
    y: usize,
    row: &'a mut [u8],
    sums: &mut [u16],
) -> &'a [u8] {
    let first = x / part.across;
    let count = (x + width).div_ceil(part.across) - first;
    let near = y / part.down;
    let upper = y.is_multiple_of(2);
    let far = if upper { near.saturating_sub(1) } else { (near + 1).min(part.height - 1) };
    match part.upsampling {
        Upsampling::None => return plane.row(x, y),
        Upsampling::Across => {
            upsample::across(plane.row_with_neighbour(first, near), &mut row.as_chunks_mut().0[..count]);
        }
        Upsampling::Down => {
            upsample::down(plane.row(first, near), plane.row(first, far), upper, &mut row[..count]);
        }
        Upsampling::Both => {
            let (near, far) = (plane.row_with_neighbour(first, near), plane.row_with_neighbour(first, far));
            upsample::both(near, far, sums, &mut row.as_chunks_mut().0[..count]);
        }
        Upsampling::Repeat => {
            upsample::repeat(plane.row(first, near), part.across, &mut row[..count * part.across]);
        }
    }
    &row[x - first * part.across..]
}
