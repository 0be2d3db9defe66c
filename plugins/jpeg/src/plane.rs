//! Samples of one component: the last two rows of units, in a ring, so that they stay in the cache.

use crate::geometry::Part;

/// Room left of a row's first sample, and at least as much right of its last: for the neighbours of
/// the samples at the edges, and for vectors that reach past the end.
const MARGIN: usize = 32;

/// A ring of rows of samples. Rows and columns are counted as in the whole (reduced) image.
#[derive(Default)]
pub(crate) struct Plane {
    samples: Vec<u8>,
    stride: usize,
    rows: usize,
    /// Samples along a block's side.
    side: usize,
    /// The first column of samples that is kept.
    first: usize,
    /// Samples across the whole image.
    width: usize,
    /// Samples that are kept.
    kept: usize,
}

impl Plane {
    /// Makes room for the columns of a part and for two rows of its units, which are `vertical`
    /// blocks high. Old content stays and means nothing.
    pub(crate) fn shape(&mut self, part: &Part, vertical: usize) {
        self.kept = part.columns.len() * part.side;
        self.stride = self.kept + 2 * MARGIN;
        self.rows = 2 * vertical * part.side;
        self.side = part.side;
        self.first = part.columns.start * part.side;
        self.width = part.width;
        let length = self.stride * self.rows;
        if self.samples.len() < length {
            self.samples.resize(length, 0);
        }
    }

    /// Where a block goes: the first sample of its first row, and the distance between rows. Its column is
    /// counted in blocks, its row by the row of units and the row of blocks in that.
    pub(crate) fn block(&mut self, column: usize, unit: usize, row: usize) -> (&mut [u8], usize) {
        let y = (unit % 2) * (self.rows / 2) + row * self.side;
        (&mut self.samples[y * self.stride + MARGIN + column * self.side - self.first..], self.stride)
    }

    /// Repeats the image's first and last sample beyond its edges in rows `from..to`, as far as the
    /// kept columns reach them: what triangle filters mean by a neighbour there.
    pub(crate) fn extend_edges(&mut self, from: usize, to: usize) {
        for y in from..to {
            let start = (y % self.rows) * self.stride;
            let row = &mut self.samples[start..start + self.stride];
            if self.first == 0 {
                row[MARGIN - 1] = row[MARGIN];
            }
            if self.first + self.kept >= self.width {
                let end = MARGIN + self.width - self.first;
                row[end] = row[end - 1];
            }
        }
    }

    /// Row `y` from column `x` on; the sample before it is there too, as the first element.
    pub(crate) fn row_with_neighbour(&self, x: usize, y: usize) -> &[u8] {
        let start = (y % self.rows) * self.stride;
        &self.samples[start + MARGIN + x - self.first - 1..start + self.stride]
    }

    /// Row `y` from column `x` on.
    pub(crate) fn row(&self, x: usize, y: usize) -> &[u8] {
        &self.row_with_neighbour(x, y)[1..]
    }
}
