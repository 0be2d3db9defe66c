//! From restart to restart: which segment comes next, also where markers are missing or wrong.

use super::{bits::Bits, stream::Stream};

/// The place in a scan, between restarts.
pub(crate) struct Restarts<'a> {
    stream: &'a Stream,
    segment: usize,
    interval: usize,
    left: usize,
    expected: u8,
}

impl<'a> Restarts<'a> {
    /// The beginning of a scan with a restart every `interval` units, or none where that is 0; and
    /// the bits of the first segment.
    pub(crate) fn new(stream: &'a Stream, interval: usize) -> (Self, Bits<'a>) {
        let left = if interval == 0 { usize::MAX } else { interval };
        let restarts = Self { stream, segment: 0, interval, left, expected: 0 };
        let bits = restarts.bits();
        (restarts, bits)
    }

    /// Counts one unit. Where a restart comes before it, answers the bits to read on from; `read` are
    /// those that were read so far.
    #[inline]
    pub(crate) fn before_unit(&mut self, read: &Bits<'_>) -> Option<Bits<'a>> {
        let restart = self.left == 0;
        if restart {
            self.left = self.interval;
        }
        self.left -= 1;
        if restart { Some(self.restart(read.exhausted())) } else { None }
    }

    fn bits(&self) -> Bits<'a> {
        match self.stream.segments().get(self.segment) {
            Some(&segment) => Bits::new(self.stream.words(segment), segment.bits()),
            None => Bits::none(),
        }
    }

    /// Goes past the marker of this restart. What is done about a wrong one is libjpeg's guess
    /// (`jpeg_resync_to_restart`): one that should have come a little earlier is passed over with what
    /// follows it; for one that should come a little later, this interval counts as lost. Its first
    /// unit is still read, from zeros, unless the interval before had run out as well.
    #[cold]
    fn restart(&mut self, exhausted: bool) -> Bits<'a> {
        let expected = self.expected;
        self.expected = (expected + 1) & 7;
        while let Some(segment) = self.stream.segments().get(self.segment) {
            match segment.marker {
                1..0xC0 => self.segment += 1,
                marker @ 0xD0..=0xD7 => match (marker - 0xD0).wrapping_sub(expected) & 7 {
                    1 | 2 => break,
                    6 | 7 => self.segment += 1,
                    _ => {
                        self.segment += 1;
                        return self.bits();
                    }
                },
                _ => break,
            }
        }
        if exhausted { Bits::none() } else { Bits::new(&[], 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first byte of each interval, where there is one.
    fn intervals(data: &[u8], count: usize) -> Vec<Option<u32>> {
        let mut stream = Stream::default();
        stream.read(data, 0, true);
        let (mut restarts, mut bits) = Restarts::new(&stream, 1);
        (0..count)
            .map(|_| {
                bits = restarts.before_unit(&bits).unwrap_or(bits);
                bits.refill_again();
                let byte = bits.take(8);
                (!bits.exhausted()).then_some(byte)
            })
            .collect()
    }

    #[test]
    fn restarts_in_order_part_the_data() {
        let data = [1, 0xFF, 0xD0, 2, 0xFF, 0xD1, 3, 0xFF, 0xD9];
        assert_eq!(intervals(&data, 4), [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn a_lost_restart_costs_its_own_interval_only() {
        let data = [1, 0xFF, 0xD1, 3, 0xFF, 0xD2, 4, 0xFF, 0xD9];
        assert_eq!(intervals(&data, 4), [Some(1), None, Some(3), Some(4)]);
    }

    #[test]
    fn a_repeated_restart_is_passed_over() {
        let data = [1, 0xFF, 0xD0, 2, 0xFF, 0xD0, 9, 0xFF, 0xD1, 3, 0xFF, 0xD9];
        assert_eq!(intervals(&data, 3), [Some(1), Some(2), Some(3)]);
    }
}
