//! Walking over markers and their segments (T.81, annex B). What a segment says is read in `header`.

use zenith_plugin_sdk::Error;

/// Start of image.
pub(crate) const SOI: u8 = 0xD8;
/// End of image.
pub(crate) const EOI: u8 = 0xD9;
/// Start of scan.
pub(crate) const SOS: u8 = 0xDA;
/// Quantisation tables.
pub(crate) const DQT: u8 = 0xDB;
/// Huffman tables.
pub(crate) const DHT: u8 = 0xC4;
/// Arithmetic conditioning, which nothing here uses.
pub(crate) const DAC: u8 = 0xCC;
/// A reserved frame type.
pub(crate) const JPG: u8 = 0xC8;
/// Restart interval.
pub(crate) const DRI: u8 = 0xDD;

/// One marker with what follows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    /// Which marker.
    pub(crate) marker: u8,
    /// The segment's content, without its length; empty for markers that stand alone.
    pub(crate) body: &'a [u8],
    /// Where the content begins in the file.
    pub(crate) offset: usize,
}

/// Goes from marker to marker.
pub(crate) struct Markers<'a> {
    data: &'a [u8],
    position: usize,
}

impl<'a> Markers<'a> {
    /// A walk over a whole file, or an error where it is not a JPEG file.
    pub(crate) fn new(data: &'a [u8]) -> Result<Self, Error> {
        match data {
            [] => Err(Error::InvalidData("the sample is empty".into())),
            [0xFF, SOI, ..] => Ok(Self { data, position: 2 }),
            _ => Err(Error::InvalidData("the sample is no JPEG file: it does not begin with FF D8".into())),
        }
    }

    /// A walk that goes on at `position`, where a scan ended.
    pub(crate) fn resume(data: &'a [u8], position: usize) -> Self {
        Self { data, position }
    }

    /// The offset of what follows the last segment.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The next segment. Bytes between segments that are no marker are passed over, as in libjpeg.
    pub(crate) fn next(&mut self) -> Result<Segment<'a>, Error> {
        let ends = || ends_early(self.data.len());
        let mut position = self.position;
        let marker = loop {
            match self.data.get(position..) {
                Some([0xFF, marker @ 1..=0xFE, ..]) => break *marker,
                Some([0xFF, 0, ..]) => position += 2,
                Some([_, _, ..]) => position += 1,
                _ => return Err(ends()),
            }
        };
        position += 2;
        if matches!(marker, 0x01 | 0xD0..=EOI) {
            self.position = position;
            return Ok(Segment { marker, body: &[], offset: position });
        }
        let rest = self.data.get(position..).unwrap_or_default();
        let &[high, low, ..] = rest else { return Err(ends()) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            return Err(Error::InvalidData(format!(
                "the segment FF {marker:02X} at byte {position} is {length} bytes long, less than its own length field"
            )));
        }
        let body = rest.get(2..length).ok_or_else(ends)?;
        self.position = position + length;
        Ok(Segment { marker, body, offset: position + 2 })
    }
}

/// The error for a file that stops before its end.
pub(crate) fn ends_early(length: usize) -> Error {
    Error::InvalidData(format!("the data ends early, at byte {length}: the file is truncated"))
}

/// Whether an end-of-image marker stands somewhere from `start` on. Entropy-coded data never holds
/// one, so that a file that was cut short has none.
pub(crate) fn has_end(data: &[u8], start: usize) -> bool {
    let mut rest = data.get(start..).unwrap_or_default();
    while let Some(at) = rest.iter().rposition(|&byte| byte == EOI) {
        if at > 0 && rest[at - 1] == 0xFF {
            return true;
        }
        rest = &rest[..at];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_bytes_and_strays_between_segments_are_passed_over() {
        let data = [0xFF, SOI, 7, 0xFF, 0xFF, DRI, 0, 4, 0, 9, 0xFF, 0, 0xFF, EOI];
        let mut markers = Markers::new(&data).unwrap();
        let segment = markers.next().unwrap();
        assert_eq!((segment.marker, segment.body, segment.offset), (DRI, &[0, 9][..], 8));
        assert_eq!(markers.next().unwrap().marker, EOI);
        assert!(markers.next().is_err());
    }

    #[test]
    fn a_segment_that_is_cut_short_is_told_with_its_place() {
        let data = [0xFF, SOI, 0xFF, DRI, 0, 4, 0];
        let error = Markers::new(&data).unwrap().next().unwrap_err();
        assert_eq!(error.to_string(), "the data ends early, at byte 7: the file is truncated");
    }

    #[test]
    fn the_end_marker_is_found_behind_trailing_bytes() {
        assert!(has_end(&[1, 2, 0xFF, EOI, 3, EOI, 4], 0));
        assert!(!has_end(&[1, 2, 0xFF, 0, EOI, 3], 0));
        assert!(!has_end(&[0xFF, EOI], 1));
    }
}
