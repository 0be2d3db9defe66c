//! What stands before the entropy-coded data: the frame, tables, scan headers, and the colours.

use zenith_plugin_sdk::Error;

use crate::{
    entropy::{block::ZIGZAG, huffman::Definition, standard},
    exif,
    marker::{DAC, DHT, DQT, DRI, EOI, JPG, Markers, SOI, SOS, Segment},
};

/// One component of the frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Component {
    /// Its name in scan headers.
    pub(crate) id: u8,
    /// Blocks in an interleaved unit, across.
    pub(crate) horizontal: usize,
    /// Blocks in an interleaved unit, down.
    pub(crate) vertical: usize,
    /// Which quantisation table it uses.
    pub(crate) table: usize,
}

/// The image as the frame header declares it.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Columns, 1 to 65535.
    pub(crate) width: usize,
    /// Rows, 1 to 65535.
    pub(crate) height: usize,
    /// Whether its scans refine each other.
    pub(crate) progressive: bool,
    /// One, three or four components.
    pub(crate) components: Vec<Component>,
    /// The largest of the components' `horizontal`.
    pub(crate) horizontal: usize,
    /// The largest of the components' `vertical`.
    pub(crate) vertical: usize,
}

impl Frame {
    /// Interleaved units across.
    pub(crate) fn units_across(&self) -> usize {
        self.width.div_ceil(8 * self.horizontal)
    }

    /// Blocks that a component has of its own, across and down, without what fills the last unit.
    pub(crate) fn blocks(&self, component: &Component) -> (usize, usize) {
        (
            (self.width * component.horizontal).div_ceil(8 * self.horizontal),
            (self.height * component.vertical).div_ceil(8 * self.vertical),
        )
    }
}

/// What the components mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// Luminance alone.
    Grey,
    /// Luminance and two colour differences.
    YCbCr,
    /// The output's own components.
    Rgb,
    /// Inks; stored inverted, as every program that writes such files does.
    Cmyk,
    /// The first three inks as luminance and colour differences.
    Ycck,
}

/// Tables and settings that stay until they are redefined.
#[derive(Clone)]
pub(crate) struct Tables {
    /// Quantisation steps, in rows.
    pub(crate) quantisation: [Option<[i16; 64]>; 4],
    /// Huffman tables for DC.
    pub(crate) dc: [Option<Box<Definition>>; 4],
    /// Huffman tables for AC.
    pub(crate) ac: [Option<Box<Definition>>; 4],
    /// Units between restart markers, or 0.
    pub(crate) restart: usize,
}

impl Tables {
    /// No tables but the standard Huffman tables in the places that Motion-JPEG means.
    fn new() -> Self {
        let standard = |(counts, symbols): standard::Table| Definition::new(counts, symbols).map(Box::new);
        Self {
            quantisation: [None; 4],
            dc: [standard(standard::DC_LUMA), standard(standard::DC_CHROMA), None, None],
            ac: [standard(standard::AC_LUMA), standard(standard::AC_CHROMA), None, None],
            restart: 0,
        }
    }
}

/// One component's part in a scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection {
    /// The component's place in the frame.
    pub(crate) component: usize,
    /// Its DC table.
    pub(crate) dc: usize,
    /// Its AC table.
    pub(crate) ac: usize,
}

/// A scan header.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    /// The components in it.
    pub(crate) selections: Vec<Selection>,
    /// The first coefficient in it, in zigzag order.
    pub(crate) first: usize,
    /// The last coefficient in it.
    pub(crate) last: usize,
    /// The bit position of the scan that it refines, or 0.
    pub(crate) high: u32,
    /// Its own bit position.
    pub(crate) low: u32,
    /// Where its entropy-coded data begins in the file.
    pub(crate) data: usize,
}

/// A file up to its first scan.
pub(crate) struct Opening {
    pub(crate) frame: Frame,
    pub(crate) colours: Colours,
    pub(crate) orientation: u8,
    pub(crate) tables: Tables,
    pub(crate) scan: Scan,
}

/// Reads a file up to the data of its first scan.
pub(crate) fn open(data: &[u8]) -> Result<Opening, Error> {
    let mut markers = Markers::new(data)?;
    let mut tables = Tables::new();
    let mut frame = None;
    let mut orientation = None;
    let mut jfif = false;
    let mut adobe = None;
    loop {
        let segment = markers.next()?;
        let body = segment.body;
        match segment.marker {
            0xC0..=0xCF if ![DHT, JPG, DAC].contains(&segment.marker) => {
                if frame.is_some() {
                    return Err(invalid(&segment, "is a second frame header"));
                }
                frame = Some(read_frame(&segment)?);
            }
            SOS => {
                let frame = frame.ok_or_else(|| invalid(&segment, "is a scan without a frame header"))?;
                let scan = read_scan(&segment, &frame, markers.position())?;
                let colours = colours(&frame, jfif, adobe);
                return Ok(Opening { frame, colours, orientation: orientation.unwrap_or(1), tables, scan });
            }
            SOI => return Err(invalid(&segment, "is a second start of image")),
            EOI => return Err(invalid(&segment, "ends the image before its first scan")),
            0xE0 if body.starts_with(b"JFIF\0") => jfif = true,
            0xE1 => orientation = orientation.or_else(|| exif::orientation(body)),
            0xEE if body.starts_with(b"Adobe") && body.len() >= 12 => adobe = Some(body[11]),
            _ => read_table(&segment, &mut tables)?,
        }
    }
}

/// The error for a segment that makes no sense.
pub(crate) fn invalid(segment: &Segment<'_>, what: &str) -> Error {
    Error::InvalidData(format!("the segment FF {:02X} at byte {} {what}", segment.marker, segment.offset))
}

/// What libjpeg takes the components for.
fn colours(frame: &Frame, jfif: bool, adobe: Option<u8>) -> Colours {
    match frame.components[..] {
        [_] => Colours::Grey,
        [a, b, c] => {
            let named = adobe.is_none() && [a.id, b.id, c.id] == *b"RGB";
            if !jfif && (named || adobe == Some(0)) { Colours::Rgb } else { Colours::YCbCr }
        }
        _ => match adobe {
            None | Some(0) => Colours::Cmyk,
            Some(_) => Colours::Ycck,
        },
    }
}

/// Takes in a segment that defines tables or the restart interval; others are passed over.
pub(crate) fn read_table(segment: &Segment<'_>, tables: &mut Tables) -> Result<(), Error> {
    match segment.marker {
        DQT => read_quantisation(segment, tables),
        DHT => read_huffman(segment, tables),
        DRI => {
            let &[high, low] = segment.body else { return Err(invalid(segment, "is not two bytes long")) };
            tables.restart = usize::from(u16::from_be_bytes([high, low]));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn read_quantisation(segment: &Segment<'_>, tables: &mut Tables) -> Result<(), Error> {
    let mut rest = segment.body;
    while let Some((&kind, steps)) = rest.split_first() {
        let wide = kind >> 4 != 0;
        let length = if wide { 128 } else { 64 };
        let place = tables
            .quantisation
            .get_mut(usize::from(kind & 15))
            .ok_or_else(|| invalid(segment, "defines a quantisation table above 3"))?;
        if steps.len() < length {
            return Err(invalid(segment, "ends inside a quantisation table"));
        }
        let mut table = [0; 64];
        for (k, &at) in ZIGZAG[..64].iter().enumerate() {
            let step = if wide { [steps[2 * k], steps[2 * k + 1]] } else { [0, steps[k]] };
            table[usize::from(at)] = i16::from_be_bytes(step);
        }
        *place = Some(table);
        rest = &steps[length..];
    }
    Ok(())
}

fn read_huffman(segment: &Segment<'_>, tables: &mut Tables) -> Result<(), Error> {
    let mut rest = segment.body;
    while let Some((&kind, after)) = rest.split_first() {
        let short = || invalid(segment, "ends inside a Huffman table");
        let (counts, symbols) = after.split_first_chunk::<16>().ok_or_else(short)?;
        let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
        let definition = Definition::new(*counts, symbols).ok_or_else(short)?;
        let places = match kind >> 4 {
            0 => &mut tables.dc,
            1 => &mut tables.ac,
            _ => return Err(invalid(segment, "defines a Huffman table that is neither for DC nor for AC")),
        };
        *places
            .get_mut(usize::from(kind & 15))
            .ok_or_else(|| invalid(segment, "defines a Huffman table above 3"))? = Some(Box::new(definition));
        rest = &symbols[total..];
    }
    Ok(())
}

fn read_frame(segment: &Segment<'_>) -> Result<Frame, Error> {
    let progressive = match segment.marker {
        0xC0 | 0xC1 => false,
        0xC2 => true,
        0xC3 | 0xC7 | 0xCB | 0xCF => return Err(unsupported("it is coded without loss")),
        0xC9..=0xCE => return Err(unsupported("it is coded arithmetically")),
        _ => return Err(unsupported("it is coded hierarchically")),
    };
    let &[precision, h1, h0, w1, w0, count, ref rest @ ..] = segment.body else {
        return Err(invalid(segment, "is too short for a frame header"));
    };
    if precision != 8 {
        return Err(Error::UnsupportedData(format!(
            "its samples have {precision} bits; only JPEG files with 8 bits are decoded"
        )));
    }
    let (width, height) =
        (usize::from(u16::from_be_bytes([w1, w0])), usize::from(u16::from_be_bytes([h1, h0])));
    if width == 0 || height == 0 || count == 0 {
        return Err(invalid(segment, "declares an image without pixels"));
    }
    if rest.len() < 3 * usize::from(count) {
        return Err(invalid(segment, "is too short for its components"));
    }
    if ![1, 3, 4].contains(&count) {
        return Err(Error::UnsupportedData(format!(
            "it has {count} components; JPEG files with 1, 3 or 4 are decoded"
        )));
    }
    let mut components: Vec<Component> = rest.as_chunks::<3>().0[..usize::from(count)]
        .iter()
        .map(|&[id, sampling, table]| Component {
            id,
            horizontal: usize::from(sampling >> 4),
            vertical: usize::from(sampling & 15),
            table: usize::from(table),
        })
        .collect();
    let sound =
        |c: &Component| (1..=4).contains(&c.horizontal) && (1..=4).contains(&c.vertical) && c.table < 4;
    if !components.iter().all(sound) {
        return Err(invalid(segment, "declares a sampling factor or a quantisation table out of range"));
    }
    if let [only] = &mut components[..] {
        // A component alone is never interleaved: its sampling factors mean nothing.
        (only.horizontal, only.vertical) = (1, 1);
    }
    let most = |factor: fn(&Component) -> usize| components.iter().map(factor).max().unwrap_or(1);
    let (horizontal, vertical) = (most(|c| c.horizontal), most(|c| c.vertical));
    Ok(Frame { width, height, progressive, components, horizontal, vertical })
}

fn unsupported(what: &str) -> Error {
    Error::UnsupportedData(format!(
        "{what}; only baseline, extended and progressive Huffman JPEG files are decoded"
    ))
}

/// Reads a scan header whose data begins at `data`.
pub(crate) fn read_scan(segment: &Segment<'_>, frame: &Frame, data: usize) -> Result<Scan, Error> {
    let short = || invalid(segment, "is too short for a scan header");
    let (&count, rest) = segment.body.split_first().ok_or_else(short)?;
    let (named, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or_else(short)?;
    let &[first, last, approximation, ..] = rest else { return Err(short()) };
    if count == 0 || count > 4 {
        return Err(invalid(segment, "names no component, or more than four"));
    }
    let mut selections: Vec<Selection> = Vec::with_capacity(usize::from(count));
    for &[id, tables] in named.as_chunks::<2>().0 {
        let taken = |index: usize| selections.iter().any(|selection| selection.component == index);
        let component = (0..frame.components.len())
            .find(|&index| frame.components[index].id == id && !taken(index))
            .ok_or_else(|| invalid(segment, "names a component that the frame does not have"))?;
        let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
        if dc > 3 || ac > 3 {
            return Err(invalid(segment, "names a Huffman table above 3"));
        }
        selections.push(Selection { component, dc, ac });
    }
    let blocks: usize =
        selections.iter().map(|s| &frame.components[s.component]).map(|c| c.horizontal * c.vertical).sum();
    if count > 1 && blocks > 10 {
        return Err(invalid(segment, "interleaves more than ten blocks"));
    }
    let (first, last) = (usize::from(first), usize::from(last));
    let (high, low) = (u32::from(approximation >> 4), u32::from(approximation & 15));
    if frame.progressive {
        // As libjpeg checks them (jdphuff.c).
        let spectrum = if first == 0 { last == 0 } else { last >= first && last < 64 && count == 1 };
        let bits = low <= 13 && (high == 0 || low == high - 1);
        if !spectrum || !bits {
            return Err(invalid(segment, "asks for a progression that makes no sense"));
        }
    }
    Ok(Scan { selections, first, last, high, low, data })
}
