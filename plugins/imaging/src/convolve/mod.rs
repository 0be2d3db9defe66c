//! Separable resampling of `uint8` images: first along rows, rounded to bytes, then along columns.
//!
//! This is the order and the rounding of torch's `upsample_bilinear2d_aa` for `uint8` on the CPU
//! (`ATen`'s `UpSampleKernelAVXAntialias.h`, after Pillow-SIMD), so the bytes are torch's. Unlike
//! there, rows are resampled just before they are needed and only as many are kept as one output
//! row is made of, so they are still in the first-level cache when the vertical pass reads them.

mod horizontal;
mod vertical;

use horizontal::Horizontal;
use vertical::Vertical;

use crate::{
    axis::Filter,
    layout::Image,
    simd::{Kernel, Level, Simd},
};

/// Bytes that the horizontal pass may write past the end of a row.
const SLACK: usize = 32;

/// Resamples `uint8` images with one filter, keeping its tables and rows between calls.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    horizontal: Horizontal,
    vertical: Vertical,
    kept: Vec<u8>,
    staged: Vec<u8>,
}

impl Convolution {
    /// A convolution with this filter.
    pub(crate) fn new(filter: Filter, antialias: bool) -> Self {
        Self {
            horizontal: Horizontal::new(filter, antialias),
            vertical: Vertical::new(filter, antialias),
            kept: Vec::new(),
            staged: Vec::new(),
        }
    }

    /// At most how many bytes of resampled rows would be kept at a time.
    pub(crate) fn working_bytes(&self, image: Image<'_>, (height, width): (usize, usize)) -> usize {
        let rows = self.vertical.widest_for(image.height(), height) + 3;
        rows.saturating_mul((width * image.pixel()).saturating_add(16 + SLACK))
    }

    /// Resamples `image`, of 1 to 4 one-byte channels, into `place`, which holds `height` rows of
    /// `width` pixels. No extent is 0.
    pub(crate) fn run(
        &mut self,
        level: Level,
        image: Image<'_>,
        (height, width): (usize, usize),
        place: &mut [u8],
    ) {
        assert_eq!(place.len(), height * width * image.pixel(), "the place holds the result");
        if image.width() != width {
            self.horizontal.prepare(image.width(), width, image.pixel());
        }
        if image.height() != height {
            self.vertical.prepare(image.height(), height);
        }
        level.run(Pass { convolution: self, image, height, width, place });
    }
}

/// One image on its way.
struct Pass<'a> {
    convolution: &'a mut Convolution,
    image: Image<'a>,
    height: usize,
    width: usize,
    place: &'a mut [u8],
}

impl Kernel for Pass<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    fn vector<S: Simd>(self, simd: S) {
        match self.image.pixel() {
            1 => self.run(Rows::<S, 1>(simd)),
            2 => self.run(Rows::<S, 2>(simd)),
            3 => self.run(Rows::<S, 3>(simd)),
            _ => self.run(Rows::<S, 4>(simd)),
        }
    }

    fn scalar(self) {
        self.run(Scalar);
    }
}

/// How rows are resampled: with vectors for a number of channels, or without.
trait Method: Copy {
    /// How many rows the horizontal pass does at a time.
    const ROWS: usize;

    /// Resamples rows that lie `stride` bytes apart, and writes them `output_stride` bytes apart.
    fn along_rows(
        self,
        pass: &Horizontal,
        input: &[u8],
        stride: usize,
        output: &mut [u8],
        output_stride: usize,
    );

    /// Makes output row `row` from the rows whose offsets `pass` holds.
    fn along_columns(self, pass: &Vertical, row: usize, rows: &[u8], output: &mut [u8]);
}

#[derive(Clone, Copy)]
struct Rows<S, const CHANNELS: usize>(S);

#[expect(clippy::inline_always, reason = "compiled for the instructions of their caller")]
impl<S: Simd, const CHANNELS: usize> Method for Rows<S, CHANNELS> {
    const ROWS: usize = S::ROWS;

    #[inline(always)]
    fn along_rows(
        self,
        pass: &Horizontal,
        input: &[u8],
        stride: usize,
        output: &mut [u8],
        output_stride: usize,
    ) {
        pass.rows::<S, CHANNELS>(self.0, input, stride, output, output_stride);
    }

    #[inline(always)]
    fn along_columns(self, pass: &Vertical, row: usize, rows: &[u8], output: &mut [u8]) {
        pass.row(self.0, row, rows, output);
    }
}

#[derive(Clone, Copy)]
struct Scalar;

impl Method for Scalar {
    const ROWS: usize = 1;

    fn along_rows(
        self,
        pass: &Horizontal,
        input: &[u8],
        _stride: usize,
        output: &mut [u8],
        _output_stride: usize,
    ) {
        pass.row_scalar(input, output);
    }

    fn along_columns(self, pass: &Vertical, row: usize, rows: &[u8], output: &mut [u8]) {
        pass.row_scalar(row, rows, output);
    }
}

impl Pass<'_> {
    #[expect(clippy::inline_always, reason = "compiled for the instructions of its caller")]
    #[inline(always)]
    fn run<M: Method>(self, method: M) {
        let Self { convolution: Convolution { horizontal, vertical, kept, staged }, image, .. } = self;
        let resample_rows = image.width() != self.width;
        let resample_columns = image.height() != self.height;
        let line = self.width * image.pixel();

        let mut window = Window {
            method,
            pass: horizontal,
            image,
            stride: line.next_multiple_of(16) + SLACK,
            capacity: (if resample_columns { vertical.widest() } else { 1 } + 2 * (M::ROWS - 1))
                .next_multiple_of(M::ROWS),
            next: 0,
            kept,
            staged,
        };
        if resample_rows {
            let bytes = window.capacity * window.stride;
            if window.kept.len() < bytes {
                window.kept.resize(bytes, 0);
            }
        }

        for (row, output) in self.place.chunks_exact_mut(line).enumerate() {
            let (start, count) = if resample_columns { vertical.range(row) } else { (row, 1) };
            if resample_rows {
                window.advance(start, start + count);
            }
            match (resample_rows, resample_columns) {
                (true, true) => {
                    vertical.locate(row, |input_row| window.offset(input_row));
                    method.along_columns(vertical, row, window.kept, output);
                }
                (false, true) => {
                    vertical.locate(row, |input_row| input_row * line);
                    method.along_columns(vertical, row, image.data(), output);
                }
                (true, false) => output.copy_from_slice(&window.kept[window.offset(row)..][..line]),
                (false, false) => output.copy_from_slice(&image.data()[row * line..][..line]),
            }
        }
    }
}

/// The resampled rows that the vertical pass needs next, in a ring.
struct Window<'a, M> {
    method: M,
    pass: &'a Horizontal,
    image: Image<'a>,
    stride: usize,
    capacity: usize,
    /// The first input row that was not resampled yet, a multiple of `M::ROWS`.
    next: usize,
    kept: &'a mut Vec<u8>,
    staged: &'a mut Vec<u8>,
}

#[expect(clippy::inline_always, reason = "compiled for the instructions of their caller")]
impl<M: Method> Window<'_, M> {
    /// Where the resampled form of an input row lies.
    #[inline(always)]
    fn offset(&self, row: usize) -> usize {
        (row % self.capacity) * self.stride
    }

    /// Sees to it that the rows from `start` to `end` are there; neither ever goes back.
    #[inline(always)]
    fn advance(&mut self, start: usize, end: usize) {
        self.next = self.next.max(start - start % M::ROWS);
        while self.next < end {
            self.resample(self.next);
            self.next += M::ROWS;
        }
    }

    /// Resamples `M::ROWS` input rows from `first` on. Rows past the image count as the last one.
    #[inline(always)]
    fn resample(&mut self, first: usize) {
        let data = self.image.data();
        let line = self.image.width() * self.image.pixel();
        let last = self.image.height() - 1;
        let offset = self.offset(first);
        let output = &mut self.kept[offset..offset + M::ROWS * self.stride];
        let reach = self.pass.reach();
        let at = first * line;
        if first + M::ROWS - 1 <= last && at + (M::ROWS - 1) * line + reach <= data.len() {
            self.method.along_rows(self.pass, &data[at..], line, output, self.stride);
            return;
        }
        // The vectors would read past the end of the image: work on a copy with room behind.
        let stride = line.max(reach);
        if self.staged.len() < M::ROWS * stride {
            self.staged.resize(M::ROWS * stride, 0);
        }
        for (row, copy) in self.staged.chunks_exact_mut(stride).take(M::ROWS).enumerate() {
            let at = (first + row).min(last) * line;
            copy[..line].copy_from_slice(&data[at..at + line]);
        }
        self.method.along_rows(self.pass, self.staged, stride, output, self.stride);
    }
}
