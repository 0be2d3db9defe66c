//! The bytes of one scan, made ready for reading: stuffing removed, markers found, and the bytes of
//! each 32-bit word swapped, so that a bit reader loads whole words on every machine.
//!
//! WebAssembly has no byte swap: one vector pass over the data here is cheaper than swapping at each
//! refill there.

use crate::simd;

/// Entropy-coded data between two markers. Kept small: a hostile file has one for each two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    start: u32,
    bytes: u32,
    /// The marker that ends it, or 0 where the data itself ends.
    pub(crate) marker: u8,
}

impl Segment {
    /// Bits of data in it; the rest of the last word is zero.
    pub(crate) fn bits(self) -> usize {
        self.bytes as usize * 8
    }
}

/// The segments of one scan. Its buffers are reused from scan to scan.
#[derive(Default)]
pub(crate) struct Stream {
    words: Vec<u32>,
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    end: usize,
}

impl Stream {
    /// Reads the scan that begins at `start`. Markers below `0xC0` and restart markers part its
    /// segments where `restarts` says that the scan has any; everything else ends it.
    pub(crate) fn read(&mut self, data: &[u8], start: usize, restarts: bool) {
        self.segments.clear();
        let room = (data.len() - start) + 16;
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        let mut input = start;
        let mut written = 0;
        let mut segment = 0;
        let marker = loop {
            let (reached, marker) = unstuff(data, &mut input, &mut self.bytes, written);
            // Segments begin on whole words. The padding never outgrows the two bytes of the marker
            // and what `room` adds: a segment that is padded by three bytes has data of its own.
            let padded = reached.next_multiple_of(4);
            if self.bytes.len() < padded + 16 {
                self.bytes.resize(padded + 16 + self.bytes.len() / 8, 0);
            }
            self.bytes[reached..padded].fill(0);
            #[expect(clippy::cast_possible_truncation, reason = "longer files are refused when opened")]
            let (start, bytes) = ((segment / 4) as u32, (reached - segment) as u32);
            self.segments.push(Segment { start, bytes, marker });
            written = padded;
            segment = padded;
            let parts = restarts && (matches!(marker, 0xD0..=0xD7) || (1..0xC0).contains(&marker));
            if !parts {
                break marker;
            }
            input += 2;
            if self.bytes.len() < written + (data.len() - input) + 16 {
                self.bytes.resize(written + (data.len() - input) + 16, 0);
            }
        };
        self.end = if marker == 0 { data.len() } else { input };
        self.swap(written);
    }

    /// Where the scan ends: the offset of the marker that ends it, or the length of the data.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// The segments, in their order; there is at least one.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The words of a segment.
    pub(crate) fn words(&self, segment: Segment) -> &[u32] {
        &self.words[segment.start as usize..][..segment.bytes.div_ceil(4) as usize]
    }

    fn swap(&mut self, length: usize) {
        let length = length.next_multiple_of(16);
        if self.words.len() < length / 4 {
            self.words.resize(length / 4, 0);
        }
        let (from, _) = self.bytes[..length].as_chunks::<4>();
        for (word, bytes) in self.words.iter_mut().zip(from) {
            *word = u32::from_be_bytes(*bytes);
        }
    }
}

/// Copies data from `*input` on to `output[written..]` without its stuffing, up to the next marker.
/// Answers where the output then ends and which marker it was (0 for none); `*input` is left at the
/// marker's `0xFF`, or at the end. `output` must have room for the rest of `data` and 16 bytes more.
fn unstuff(data: &[u8], input: &mut usize, output: &mut [u8], written: usize) -> (usize, u8) {
    let (mut from, mut to) = (*input, written);
    loop {
        // Sixteen bytes at a time: those before the first 0xFF count.
        while let Some(chunk) = data.get(from..).and_then(|rest| rest.first_chunk::<16>()) {
            let v = simd::load8(chunk);
            let Some(place) = output.get_mut(to..).and_then(|rest| rest.first_chunk_mut::<16>()) else {
                break;
            };
            simd::store8(place, v);
            let stuffed = simd::bytes_ff(v);
            if stuffed == 0 {
                from += 16;
                to += 16;
                continue;
            }
            let before = stuffed.trailing_zeros() as usize;
            from += before;
            to += before;
            if data.get(from + 1) != Some(&0) {
                break;
            }
            // The 0xFF itself was copied with the chunk.
            from += 2;
            to += 1;
        }
        let Some(&byte) = data.get(from) else {
            *input = from;
            return (to, 0);
        };
        if byte != 0xFF {
            output[to] = byte;
            from += 1;
            to += 1;
            continue;
        }
        match data.get(from + 1) {
            Some(0) => {
                output[to] = 0xFF;
                from += 2;
                to += 1;
            }
            // A fill byte before a marker.
            Some(0xFF) => from += 1,
            Some(&marker) => {
                *input = from;
                return (to, marker);
            }
            None => {
                *input = data.len();
                return (to, 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[u8], restarts: bool) -> (Vec<(Vec<u32>, usize, u8)>, usize) {
        let mut stream = Stream::default();
        stream.read(data, 0, restarts);
        let segments =
            stream.segments().iter().map(|&s| (stream.words(s).to_vec(), s.bits(), s.marker)).collect();
        (segments, stream.end())
    }

    #[test]
    fn stuffing_goes_and_a_marker_ends_the_scan() {
        let (segments, end) = read(&[1, 0xFF, 0, 2, 3, 0xFF, 0xD9, 7], false);
        assert_eq!(segments, [(vec![0x01FF_0203], 32, 0xD9)]);
        assert_eq!(end, 5);
    }

    #[test]
    fn restart_markers_part_segments_and_fill_bytes_are_dropped() {
        let (segments, end) = read(&[1, 0xFF, 0xFF, 0xD0, 2, 0xFF, 0xD1, 0xFF, 0xC4], true);
        assert_eq!(segments, [(vec![0x0100_0000], 8, 0xD0), (vec![0x0200_0000], 8, 0xD1), (vec![], 0, 0xC4)]);
        assert_eq!(end, 7);
    }

    #[test]
    fn data_without_a_marker_ends_where_it_ends() {
        let (segments, end) = read(&[9, 8, 7, 6, 5, 0xFF], false);
        assert_eq!(segments, [(vec![0x0908_0706, 0x0500_0000], 40, 0)]);
        assert_eq!(end, 6);
    }

    #[test]
    fn long_data_reads_as_a_plain_loop_reads_it() {
        let mut state = 1_u32;
        let data: Vec<u8> = (0..5000)
            .flat_map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let byte = (state >> 24).to_le_bytes()[0] | if state & 0x700 == 0 { 0xFF } else { 0 };
                if byte == 0xFF { vec![0xFF, 0] } else { vec![byte] }
            })
            .collect();
        let mut plain = Vec::new();
        let mut i = 0;
        while i < data.len() {
            plain.push(data[i]);
            i += if data[i] == 0xFF { 2 } else { 1 };
        }
        let bits = plain.len() * 8;
        plain.resize(plain.len().next_multiple_of(4), 0);
        let words: Vec<u32> = plain.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
        assert_eq!(read(&data, false).0, [(words, bits, 0)]);
    }

    #[test]
    fn many_empty_segments_stay_within_the_buffer() {
        let data: Vec<u8> = (0..999_u32).flat_map(|i| [5, 0xFF, 0xD0 + (i % 8).to_le_bytes()[0]]).collect();
        let (segments, _) = read(&data, true);
        assert_eq!(segments.len(), 1000);
        assert!(segments[..999].iter().all(|(words, bits, _)| words == &[0x0500_0000] && *bits == 8));
    }
}
