//! Huffman codes as a `DHT` segment defines them (T.81, annex C), and finding the symbol of the next
//! code. What a symbol means is said in `lookup`.

use zenith_plugin_sdk::Error;

use super::bits::Bits;

/// Codes up to this length are found by one look-up, longer ones by a search.
pub(crate) const LOOK: u32 = 10;

/// Entries of a look-up table.
pub(crate) const ENTRIES: usize = 1 << LOOK;

/// A table as it stands in the file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    /// Codes of each length from 1 to 16.
    pub(crate) counts: [u8; 16],
    /// The symbols in the order of their codes; as many as `counts` says, the rest zero.
    pub(crate) symbols: [u8; 256],
}

impl Definition {
    /// A definition from its parts, or `None` where there are more than 256 symbols or fewer than
    /// the counts say.
    pub(crate) fn new(counts: [u8; 16], symbols: &[u8]) -> Option<Self> {
        let total = counts.iter().map(|&count| usize::from(count)).sum();
        let mut all = [0; 256];
        all.get_mut(..total)?.copy_from_slice(symbols.get(..total)?);
        Some(Self { counts, symbols: all })
    }
}

/// The codes of one table.
pub(crate) struct Codes {
    /// For each value of the next [`LOOK`] bits: the symbol times 256, plus the code's length; 0
    /// where the code is longer, or is none.
    short: Box<[u16; ENTRIES]>,
    /// For each length, the first 16-bit value (codes aligned to the left) past its codes.
    limits: [u32; 17],
    /// For each length, what turns a code into the index of its symbol.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

impl Codes {
    /// The codes of a definition, or an error where they do not fit their lengths.
    pub(crate) fn new(definition: &Definition) -> Result<Self, Error> {
        let mut short = Box::new([0; ENTRIES]);
        let mut limits = [0; 17];
        let mut offsets = [0; 17];
        let mut code = 0_u32;
        let mut index = 0_usize;
        for length in 1..=16_u32 {
            let count = definition.counts[length as usize - 1];
            #[expect(
                clippy::cast_possible_wrap,
                clippy::cast_possible_truncation,
                reason = "at most 256 symbols, and codes of 16 bits"
            )]
            let offset = index as i32 - code as i32;
            offsets[length as usize] = offset;
            for _ in 0..count {
                let symbol = definition.symbols[index & 255];
                if length <= LOOK {
                    let shift = LOOK - length;
                    let first = (code << shift) as usize;
                    if let Some(places) = short.get_mut(first..first + (1 << shift)) {
                        #[expect(clippy::cast_possible_truncation, reason = "a length is at most 16")]
                        places.fill(u16::from(symbol) << 8 | length as u16);
                    }
                }
                code += 1;
                index += 1;
            }
            // No code is all ones, and so the next one still fits (T.81, C.2).
            if count > 0 && code >= 1 << length {
                return Err(Error::InvalidData(format!(
                    "a Huffman table defines more codes of {length} bits than there are"
                )));
            }
            limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(Self { short, limits, offsets, symbols: definition.symbols })
    }

    /// What the next [`LOOK`] bits say, as the field `short` has it.
    pub(super) fn short(&self) -> &[u16; ENTRIES] {
        &self.short
    }

    /// Reads the next symbol; 16 bits must be there. Bits that are no code count as symbol 0, as in
    /// libjpeg.
    #[inline]
    pub(crate) fn symbol(&self, bits: &mut Bits<'_>) -> u8 {
        let [length, symbol] = match self.short[bits.peek::<LOOK>()] {
            0 => self.long(bits.peek::<16>()),
            entry => entry,
        }
        .to_le_bytes();
        bits.skip(u32::from(length));
        symbol
    }

    /// As an entry of [`Codes::short`], the code that the 16 bits `next` begin with, where it is longer
    /// than [`LOOK`] bits. It is not given the reader, so that the caller's stays in registers.
    #[cold]
    #[inline(never)]
    pub(super) fn long(&self, next: usize) -> u16 {
        for length in LOOK + 1..=16 {
            if next < self.limits[length as usize] as usize {
                #[expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "16 bits")]
                let code = (next >> (16 - length)) as i32;
                let index = code.wrapping_add(self.offsets[length as usize]);
                let symbol = self.symbols[(index & 255).cast_unsigned() as usize];
                #[expect(clippy::cast_possible_truncation, reason = "at most 16")]
                return u16::from(symbol) << 8 | length as u16;
            }
        }
        16
    }
}

#[cfg(test)]
mod tests {
    use super::{super::standard, *};

    #[test]
    fn the_standard_tables_read_back_what_their_codes_say() {
        for (counts, symbols) in
            [standard::DC_LUMA, standard::DC_CHROMA, standard::AC_LUMA, standard::AC_CHROMA]
        {
            let codes = Codes::new(&Definition::new(counts, symbols).unwrap()).unwrap();
            let mut code = 0_u32;
            let mut index = 0;
            for length in 1..=16 {
                for _ in 0..counts[length - 1] {
                    let words = [code << (32 - length) | 0x1234 >> (length / 2)];
                    let mut bits = Bits::new(&words, 32);
                    bits.refill();
                    assert_eq!(codes.symbol(&mut bits), symbols[index], "code {code:b} of {length} bits");
                    code += 1;
                    index += 1;
                }
                code <<= 1;
            }
        }
    }

    #[test]
    fn more_codes_than_fit_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Codes::new(&Definition::new(counts, &[1, 2, 3]).unwrap()).is_err());
        assert!(Definition::new([255; 16], &[0; 256]).is_none());
        assert!(Definition::new(counts, &[1, 2]).is_none());
    }

    #[test]
    fn bits_that_are_no_code_count_as_zero() {
        let (counts, symbols) = standard::AC_LUMA;
        let codes = Codes::new(&Definition::new(counts, symbols).unwrap()).unwrap();
        let mut bits = Bits::new(&[u32::MAX], 32);
        bits.refill();
        assert_eq!(codes.symbol(&mut bits), 0);
    }
}
