//! Frames with more than one scan: progressive ones, and sequential ones whose components come apart.
//! All coefficients down to the window's last row are kept, and transformed when every scan is read.

#![expect(clippy::inline_always, reason = "so that everything hot is compiled for the caller's level")]

use zenith_plugin_sdk::Error;

use crate::{
    entropy::{
        bits::Bits,
        block::{self, Coefficients, ZIGZAG},
        huffman::{Codes, Definition},
        lookup::{AcTable, DcTable},
        restart::Restarts,
        stream::Stream,
    },
    geometry::Geometry,
    header::{self, Component, Frame, Opening, Scan, Tables},
    marker::{EOI, Markers, SOS},
    plane::Plane,
    rows::Rows,
    sequential::place,
    simd::{Level, Work},
};

/// More scans than any encoder writes. Each costs time for the whole image, however few its bytes.
const MAX_SCANS: usize = 256;

/// The coefficients of a frame, kept from sample to sample for their memory only.
#[derive(Default)]
pub(crate) struct Progressive {
    grids: [Grid; 4],
}

/// The blocks of one component, down to the last row that is needed.
#[derive(Default)]
struct Grid {
    blocks: Vec<[i16; 64]>,
    /// Blocks in a row, with those that fill the last unit.
    across: usize,
    steps: Option<[i16; 64]>,
}

/// How one scan codes its blocks.
enum Coding<'a> {
    Sequential { tables: Vec<(DcTable, AcTable)> },
    DcFirst { tables: Vec<Codes>, low: u32 },
    DcRefine { low: u32 },
    AcFirst { codes: Codes, scan: &'a Scan },
    AcRefine { codes: Codes, scan: &'a Scan },
}

impl Progressive {
    /// Reads every scan of a file.
    pub(crate) fn read(
        &mut self,
        data: &[u8],
        opening: &Opening,
        geometry: &Geometry,
        stream: &mut Stream,
    ) -> Result<(), Error> {
        let frame = &opening.frame;
        self.prepare(frame, geometry)?;
        let mut tables = opening.tables.clone();
        let mut scan = opening.scan.clone();
        for _ in 0..MAX_SCANS {
            stream.read(data, scan.data, tables.restart > 0);
            self.scan(frame, geometry, &tables, &scan, stream)?;
            let mut markers = Markers::resume(data, stream.end());
            scan = loop {
                let segment = markers.next()?;
                match segment.marker {
                    SOS => break header::read_scan(&segment, frame, markers.position())?,
                    EOI => return Ok(()),
                    0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                        return Err(header::invalid(&segment, "is a second frame header"));
                    }
                    _ => header::read_table(&segment, &mut tables)?,
                }
            };
        }
        Err(Error::UnsupportedData(format!("it has more than {MAX_SCANS} scans")))
    }

    fn prepare(&mut self, frame: &Frame, geometry: &Geometry) -> Result<(), Error> {
        for (grid, component) in self.grids.iter_mut().zip(&frame.components) {
            grid.across = frame.units_across() * component.horizontal;
            grid.steps = None;
            let count = grid.across * geometry.units.end * component.vertical;
            grid.blocks.clear();
            grid.blocks.try_reserve_exact(count).map_err(|_| {
                Error::TooLarge(format!(
                    "its {count} blocks of coefficients, all of which a progressive image needs, do not fit in memory"
                ))
            })?;
            grid.blocks.resize(count, [0; 64]);
        }
        Ok(())
    }

    /// Reads one scan.
    fn scan(
        &mut self,
        frame: &Frame,
        geometry: &Geometry,
        tables: &Tables,
        scan: &Scan,
        stream: &Stream,
    ) -> Result<(), Error> {
        for selection in &scan.selections {
            let steps = &mut self.grids[selection.component].steps;
            if steps.is_none() {
                *steps = Some(quantisation(&frame.components[selection.component], tables)?);
            }
        }
        let coding = coding(frame, tables, scan)?;
        let (mut restarts, mut bits) = Restarts::new(stream, tables.restart);
        let mut state = State::default();
        let mut block = |grids: &mut [Grid; 4], place: usize, column: usize, row: usize, first: bool| {
            if first && let Some(after) = restarts.before_unit(&bits) {
                bits = after;
                state = State::default();
            }
            let grid = &mut grids[scan.selections[place].component];
            let Some(block) = grid.blocks.get_mut(row * grid.across + column) else { return };
            // A unit is read whole or, where its data are lost, left as it is.
            if first {
                state.lost = bits.exhausted();
            }
            if !state.lost {
                coding.read(&mut bits, &mut state, place, block);
            }
        };
        if let [only] = scan.selections[..] {
            // A component alone comes in its own blocks, without those that fill units.
            let component = &frame.components[only.component];
            let (across, down) = frame.blocks(component);
            for row in 0..down.min(geometry.units.end * component.vertical) {
                for column in 0..across {
                    block(&mut self.grids, 0, column, row, true);
                }
            }
            return Ok(());
        }
        for y in 0..geometry.units.end {
            for x in 0..frame.units_across() {
                let mut first = true;
                for (place, selection) in scan.selections.iter().enumerate() {
                    let Component { horizontal, vertical, .. } = frame.components[selection.component];
                    for v in 0..vertical {
                        for h in 0..horizontal {
                            block(&mut self.grids, place, x * horizontal + h, y * vertical + v, first);
                            first = false;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The work of turning the coefficients into the pixels of a window. It clears those that it uses.
    pub(crate) fn transform<'a>(
        &'a mut self,
        frame: &'a Frame,
        geometry: &'a Geometry,
        planes: &'a mut [Plane; 4],
        rows: Rows<'a>,
    ) -> impl Work<Output = ()> + 'a {
        Transform { grids: &mut self.grids, frame, geometry, planes, rows }
    }
}

/// The quantisation steps of a component as they stand now.
pub(crate) fn quantisation(component: &Component, tables: &Tables) -> Result<[i16; 64], Error> {
    tables.quantisation[component.table].ok_or_else(|| {
        Error::InvalidData(format!("the quantisation table {} is used but not defined", component.table))
    })
}

/// A Huffman table that a scan names.
pub(crate) fn definition<'a>(
    places: &'a [Option<Box<Definition>>; 4],
    index: usize,
    kind: &str,
) -> Result<&'a Definition, Error> {
    places[index].as_deref().ok_or_else(|| {
        Error::InvalidData(format!("the {kind} Huffman table {index} is used but not defined"))
    })
}

/// How a scan codes its blocks, with its tables built.
fn coding<'a>(frame: &Frame, tables: &Tables, scan: &'a Scan) -> Result<Coding<'a>, Error> {
    let dc = |index| definition(&tables.dc, index, "DC");
    let ac = |index| definition(&tables.ac, index, "AC");
    if !frame.progressive {
        let tables = (scan.selections.iter())
            .map(|selection| Ok((DcTable::new(dc(selection.dc)?)?, AcTable::new(ac(selection.ac)?)?)))
            .collect::<Result<_, Error>>()?;
        return Ok(Coding::Sequential { tables });
    }
    if scan.first > 0 {
        let codes = Codes::new(ac(scan.selections[0].ac)?)?;
        return Ok(if scan.high == 0 {
            Coding::AcFirst { codes, scan }
        } else {
            Coding::AcRefine { codes, scan }
        });
    }
    if scan.high > 0 {
        return Ok(Coding::DcRefine { low: scan.low });
    }
    let tables = (scan.selections.iter())
        .map(|selection| Codes::new(dc(selection.dc)?))
        .collect::<Result<_, Error>>()?;
    Ok(Coding::DcFirst { tables, low: scan.low })
}

/// What one block leaves for the next.
#[derive(Default)]
struct State {
    predictors: [i32; 4],
    /// Blocks to come that have nothing new.
    ended: u32,
    lost: bool,
}

#[expect(clippy::cast_possible_truncation, reason = "damaged data may overflow a coefficient; it then wraps")]
impl Coding<'_> {
    /// Reads one block of the component at `place` in the scan (T.81, G.1 and G.2).
    #[inline(always)]
    fn read(&self, bits: &mut Bits<'_>, state: &mut State, place: usize, block: &mut [i16; 64]) {
        match self {
            Self::Sequential { tables } => {
                let Some((dc, ac)) = tables.get(place) else { return };
                let mut coefficients = Coefficients::new();
                block::read(bits, dc, ac, &mut state.predictors[place & 3], &mut coefficients);
                *block = *coefficients.block();
            }
            Self::DcFirst { tables, low } => {
                let Some(codes) = tables.get(place) else { return };
                bits.refill_again();
                let size = codes.symbol(bits);
                let predictor = &mut state.predictors[place & 3];
                *predictor = predictor.wrapping_add(bits.number(u32::from(size & 15)));
                block[0] = (*predictor << low) as i16;
            }
            Self::DcRefine { low } => {
                if bits.bit() {
                    block[0] |= 1 << low;
                }
            }
            Self::AcFirst { codes, scan } => first_pass(bits, codes, scan, &mut state.ended, block),
            Self::AcRefine { codes, scan } => refine(bits, codes, scan, &mut state.ended, block),
        }
    }
}

/// The number of blocks, this one included, that a symbol with the run `run` ends.
#[inline(always)]
fn ended(bits: &mut Bits<'_>, run: u32) -> u32 {
    bits.refill_again();
    (1 << run) + bits.take(run)
}

#[expect(clippy::cast_possible_truncation, reason = "damaged data may overflow a coefficient; it then wraps")]
#[inline(always)]
fn first_pass(bits: &mut Bits<'_>, codes: &Codes, scan: &Scan, left: &mut u32, block: &mut [i16; 64]) {
    if *left > 0 {
        *left -= 1;
        return;
    }
    let mut k = scan.first;
    while k <= scan.last {
        bits.refill_again();
        let symbol = codes.symbol(bits);
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            *left = ended(bits, u32::from(symbol >> 4)) - 1;
            return;
        }
        let value = bits.number(size) << scan.low;
        k += run;
        if size > 0
            && let Some(place) = block.get_mut(usize::from(ZIGZAG[k & 127]))
        {
            *place = value as i16;
        }
        k += 1;
    }
}

#[inline(always)]
fn refine(bits: &mut Bits<'_>, codes: &Codes, scan: &Scan, left: &mut u32, block: &mut [i16; 64]) {
    let bit = 1_i16 << scan.low;
    let mut k = scan.first;
    if *left == 0 {
        while k <= scan.last {
            bits.refill_again();
            let symbol = codes.symbol(bits);
            let (mut run, size) = (symbol >> 4, symbol & 15);
            if size == 0 && run < 15 {
                *left = ended(bits, u32::from(run));
                break;
            }
            let value = if size == 0 {
                0
            } else if bits.bit() {
                bit
            } else {
                -bit
            };
            // Passes over the run of zeros; what is not zero on the way gets its next bit.
            while k <= scan.last {
                let place = &mut block[usize::from(ZIGZAG[k]) & 63];
                if *place == 0 {
                    if run == 0 {
                        *place = value;
                        break;
                    }
                    run -= 1;
                } else {
                    correct(bits, place, bit);
                }
                k += 1;
            }
            k += 1;
        }
    }
    if *left > 0 {
        for &at in ZIGZAG.get(k..=scan.last).unwrap_or_default() {
            let place = &mut block[usize::from(at) & 63];
            if *place != 0 {
                correct(bits, place, bit);
            }
        }
        *left -= 1;
    }
}

/// Reads the next bit of a coefficient that is not zero.
#[inline(always)]
fn correct(bits: &mut Bits<'_>, place: &mut i16, bit: i16) {
    if bits.bit() && *place & bit == 0 {
        *place = place.wrapping_add(if *place < 0 { -bit } else { bit });
    }
}

/// The work of turning coefficients into pixels.
struct Transform<'a> {
    grids: &'a mut [Grid; 4],
    frame: &'a Frame,
    geometry: &'a Geometry,
    planes: &'a mut [Plane; 4],
    rows: Rows<'a>,
}

impl Work for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(mut self) {
        for y in self.geometry.units.clone() {
            let parts = self.frame.components.iter().zip(&self.geometry.parts);
            for ((grid, plane), (component, part)) in self.grids.iter_mut().zip(&mut *self.planes).zip(parts)
            {
                // A component that no scan held is grey.
                let steps = grid.steps.unwrap_or([0; 64]);
                let rows = y * component.vertical..(y + 1) * component.vertical;
                for row in rows.start.max(part.rows.start)..rows.end.min(part.rows.end) {
                    for column in part.columns.clone() {
                        let block = &mut grid.blocks[row * grid.across + column];
                        let flat = block[1..].iter().fold(0, |all, &value| all | value) == 0;
                        let (to, stride) = plane.block(column, y, row - rows.start);
                        place(part.side, stride, to, block, if flat { 1 } else { 64 }, &steps);
                    }
                }
            }
            self.rows.advance::<L>(self.planes, y);
        }
    }
}
