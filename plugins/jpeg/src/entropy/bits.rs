//! Bits of one segment, most significant first, from words that `stream` has made ready.

#![expect(clippy::inline_always, reason = "the reader lives in registers only where it is inlined")]

/// Reads bits. Past the end of its words it reads zeros for ever, as libjpeg does.
///
/// It is `Copy`: a caller that hands a copy to a function that is not inlined, and takes the copy
/// back, keeps its own in registers.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'a> {
    words: &'a [u32],
    position: usize,
    /// Unread bits, from the top. Those below `count` may be bits of the next word already.
    buffer: u64,
    count: u32,
    available: usize,
}

impl<'a> Bits<'a> {
    /// A reader at the first bit of a segment that holds `available` bits of data.
    pub(crate) fn new(words: &'a [u32], available: usize) -> Self {
        Self { words, position: 0, buffer: 0, count: 0, available }
    }

    /// A reader that has run out already.
    pub(crate) fn none() -> Self {
        Self { words: &[], position: 1, buffer: 0, count: 0, available: 0 }
    }

    /// Makes sure that at least 32 bits can be read. At least one bit must have been read since the
    /// last refill.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        debug_assert!(self.count < 64);
        let word = self.words.get(self.position).copied().unwrap_or(0);
        // Without a branch: bits that are there already are written again, unchanged (after Fabian
        // Giesen, "Reading bits in far too many ways", 2018).
        self.buffer |= (u64::from(word) << 32) >> (self.count & 63);
        let take = u32::from(self.count <= 32);
        self.position += take as usize;
        self.count += take << 5;
    }

    /// As [`Bits::refill`], but at any time.
    #[inline(always)]
    pub(crate) fn refill_again(&mut self) {
        if self.count <= 32 {
            self.refill();
        }
    }

    /// The next `N` bits.
    #[inline(always)]
    pub(crate) fn peek<const N: u32>(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "N is at most 16")]
        let bits = (self.buffer >> (64 - N)) as usize;
        bits
    }

    /// Leaves out `count` bits, at most 63 of those that are there.
    #[inline(always)]
    pub(crate) fn skip(&mut self, count: u32) {
        self.buffer <<= count & 63;
        self.count = self.count.wrapping_sub(count & 63);
    }

    /// The next `count` bits, at most 16.
    #[inline(always)]
    pub(crate) fn take(&mut self, count: u32) -> u32 {
        let bits = (self.buffer >> 32 >> (32 - count)) as u32;
        self.skip(count);
        bits
    }

    /// One bit, refilled as needed.
    #[inline(always)]
    pub(crate) fn bit(&mut self) -> bool {
        self.refill_again();
        self.take(1) != 0
    }

    /// The number that `size` bits stand for (T.81, F.2.2.1, EXTEND); `size` is at most 15.
    #[inline(always)]
    pub(crate) fn number(&mut self, size: u32) -> i32 {
        let bits = self.take(size).cast_signed();
        // A leading zero bit marks a negative number.
        let half = (1 << size) >> 1;
        if bits < half { bits - (1 << size) + 1 } else { bits }
    }

    /// Whether more bits were read than there are.
    #[inline(always)]
    pub(crate) fn exhausted(&self) -> bool {
        self.position * 32 > self.available + self.count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_most_significant_first_across_words() {
        let mut bits = Bits::new(&[0xABCD_EF01, 0x2345_6789], 64);
        let mut digits = Vec::new();
        for _ in 0..16 {
            bits.refill_again();
            digits.push(bits.take(4));
        }
        assert_eq!(digits, [10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert!(!bits.exhausted());
    }

    #[test]
    fn zeros_follow_the_end_and_are_told() {
        let mut bits = Bits::new(&[0xFFFF_0000], 16);
        bits.refill();
        assert_eq!(bits.take(16), 0xFFFF);
        assert!(!bits.exhausted());
        bits.refill();
        assert_eq!(bits.take(1), 0);
        assert!(bits.exhausted());
        for _ in 0..1000 {
            bits.refill_again();
            assert_eq!(bits.take(7), 0);
        }
    }

    #[test]
    fn numbers_extend_as_the_standard_says() {
        let mut bits = Bits::new(&[0b0100_0110_1100_0111_u32 << 16], 32);
        bits.refill();
        let numbers: Vec<i32> = [1, 1, 2, 2, 2, 2, 3, 3].iter().map(|&size| bits.number(size)).collect();
        assert_eq!(numbers, [-1, 1, -3, -2, 2, 3, -7, 7]);
        assert_eq!(bits.number(0), 0);
    }
}
