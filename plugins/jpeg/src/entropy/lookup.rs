//! Tables that yield values, not only symbols: one look-up gives a DC difference, or two coefficients
//! with their runs (and the end of the block), or, for a block that is not wanted, how far to skip.
//!
//! An entry whose low six bits are zero is *special*: the look-up gives no value, only the symbol and
//! its code's length where the code is short. Building a table costs some microseconds, so tables are
//! kept from sample to sample while their definition stays the same; most files use the standard ones.

use zenith_plugin_sdk::Error;

use super::huffman::{Codes, Definition, ENTRIES, LOOK};

/// Bits of an entry that hold the length of what it stands for.
pub(super) const LENGTH: u32 = 63;
/// Set in an AC entry that ends its block.
pub(super) const END: u32 = 1 << 6;

/// The next bits as a DC difference: value in the upper 16 bits, length in the lower six.
pub(crate) struct DcTable {
    pub(super) entries: Box<[u32; ENTRIES]>,
    pub(super) codes: Codes,
}

/// The next bits as up to two AC coefficients. From bit 0: length (6), [`END`] (1), the first's run
/// (4), places that both take (6), an unused bit, the second's value (7), the first's value (7). An
/// entry for one coefficient puts a second of value 0 in the first's own place; writing the second
/// before the first makes that harmless.
pub(crate) struct AcTable {
    pub(super) entries: Box<[u32; ENTRIES]>,
    pub(super) codes: Codes,
    /// The next [`SKIP_LOOK`] bits as symbols to read over: bits taken (6), places taken. All 0, which
    /// says nothing, until it is prepared.
    pub(super) skips: Box<[u16; SKIP_ENTRIES]>,
    prepared: bool,
}

/// Bits that the skip table looks at.
pub(super) const SKIP_LOOK: u32 = 10;
const SKIP_ENTRIES: usize = 1 << SKIP_LOOK;
/// In a skip entry, above the length: the places taken, and this for the end of the block.
pub(super) const SKIP_END: usize = 256;
/// No skip entry takes more bits than this, so that two fit between refills.
const SKIP_LENGTH: u32 = 16;

/// A special entry.
fn special(symbol: u8, length: u32) -> u32 {
    u32::from(symbol) << 16 | length << 8
}

/// The code length and the symbol of a special entry; the length is 0 for long codes.
pub(super) fn parts(entry: u32) -> (u32, u8) {
    let [_, length, symbol, _] = entry.to_le_bytes();
    (u32::from(length), symbol)
}

/// The number that the `size` bits `bits` stand for.
fn number(bits: u32, size: u32) -> i32 {
    let bits = bits.cast_signed();
    if bits < (1 << size) >> 1 { bits - (1 << size) + 1 } else { bits }
}

/// The length and the symbol in an entry of [`Codes::short`].
pub(super) fn code(entry: u16) -> (u32, u8) {
    let [length, symbol] = entry.to_le_bytes();
    (u32::from(length), symbol)
}

impl DcTable {
    /// The table of a definition.
    pub(crate) fn new(definition: &Definition) -> Result<Self, Error> {
        let codes = Codes::new(definition)?;
        let total: usize = definition.counts.iter().map(|&count| usize::from(count)).sum();
        if let Some(symbol) = definition.symbols[..total].iter().find(|&&symbol| symbol > 15) {
            return Err(Error::InvalidData(format!(
                "a Huffman table for DC holds the size {symbol}, above 15"
            )));
        }
        let mut entries = Box::new([0; ENTRIES]);
        for (i, (entry, &short)) in (0_u32..).zip(entries.iter_mut().zip(codes.short())) {
            let (length, symbol) = code(short);
            let size = u32::from(symbol);
            *entry = if length > 0 && length + size <= LOOK {
                let bits = i >> (LOOK - length - size) & ((1 << size) - 1);
                (number(bits, size) << 16).cast_unsigned() | (length + size)
            } else {
                special(symbol, length)
            };
        }
        Ok(Self { entries, codes })
    }
}

impl AcTable {
    /// The table of a definition, not yet fit for skipping.
    pub(crate) fn new(definition: &Definition) -> Result<Self, Error> {
        let codes = Codes::new(definition)?;
        let mut entries = Box::new([0; ENTRIES]);
        // What may follow a first coefficient, for each number of bits that it leaves.
        let seconds: Vec<Vec<u32>> = (0..=LOOK)
            .map(|left| (0..1 << left).map(|bits| second(codes.short(), bits, left)).collect())
            .collect();
        let mut i = 0;
        while i < ENTRIES {
            let (length, symbol) = code(codes.short()[i]);
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let total = length + size;
            if length == 0 || total > LOOK || size > 6 {
                entries[i] = special(symbol, length);
                i += 1;
                continue;
            }
            #[expect(clippy::cast_possible_truncation, reason = "an index of LOOK bits")]
            let bits = i as u32 >> (LOOK - total) & ((1 << size) - 1);
            let places = &mut entries[i..i + (1 << (LOOK - total))];
            i += places.len();
            match (size, run) {
                // Writes a zero where there is one already; a block that ends at once thereby
                // seems to have one coefficient.
                (0, 0..15) => places.fill(1 << 11 | END | total),
                (0, _) => places.fill(16 << 11 | 15 << 7 | total),
                _ => {
                    let first =
                        (number(bits, size) << 25).cast_unsigned() | (run + 1) << 11 | run << 7 | total;
                    for (entry, second) in places.iter_mut().zip(&seconds[(LOOK - total) as usize]) {
                        *entry = first + second;
                    }
                }
            }
        }
        Ok(Self { entries, codes, skips: Box::new([0; SKIP_ENTRIES]), prepared: false })
    }

    /// Makes the table fit for skipping blocks.
    pub(crate) fn prepare_skipping(&mut self) {
        if !self.prepared {
            self.skips = skips(self.codes.short());
            self.prepared = true;
        }
    }
}

/// What `left` bits say after a first coefficient: the fields to add to its entry, or 0.
fn second(short: &[u16; ENTRIES], bits: u32, left: u32) -> u32 {
    let (length, symbol) = code(short[(bits << (LOOK - left)) as usize]);
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    let total = length + size;
    if length == 0 || total > left || size > 6 {
        return 0;
    }
    if size == 0 {
        // A run of sixteen zeros has no value to write in its last place.
        return if run < 15 { END | length } else { 0 };
    }
    let value = number(bits >> (left - total) & ((1 << size) - 1), size);
    ((value << 25).cast_unsigned() >> 7) | (run + 1) << 11 | total
}

/// For each value of the next [`SKIP_LOOK`] bits: how many bits all symbols take whose codes lie in
/// them, and how many places; 0 where there is none.
fn skips(short: &[u16; ENTRIES]) -> Box<[u16; SKIP_ENTRIES]> {
    let mut tails: Vec<Vec<u16>> = vec![vec![0]];
    for left in 1..=SKIP_LOOK {
        let used = SKIP_LOOK - left;
        let tail = (0..1_u32 << left)
            .map(|bits| {
                let (length, symbol) = code(short[(bits << (LOOK - left)) as usize]);
                let (run, size) = (u16::from(symbol >> 4), u32::from(symbol & 15));
                let total = length + size;
                if length == 0 || length > left || used + total > SKIP_LENGTH {
                    return 0;
                }
                #[expect(clippy::cast_possible_truncation, reason = "at most SKIP_LENGTH")]
                let taken = total as u16;
                if size == 0 && run < 15 {
                    #[expect(clippy::cast_possible_truncation, reason = "256")]
                    return (SKIP_END as u16) << 6 | taken;
                }
                let own = (run + 1) << 6 | taken;
                match left.checked_sub(total) {
                    Some(rest) => own + tails[rest as usize][(bits & ((1 << rest) - 1)) as usize],
                    None => own,
                }
            })
            .collect();
        tails.push(tail);
    }
    let mut table = Box::new([0; SKIP_ENTRIES]);
    table.copy_from_slice(&tails[SKIP_LOOK as usize]);
    table
}

/// A table together with the definition that it was built from.
pub(crate) struct Kept<T> {
    built: Option<(Definition, T)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { built: None }
    }
}

impl<T> Kept<T> {
    /// The table of `definition`, built only if another was kept.
    pub(crate) fn get(
        &mut self,
        definition: &Definition,
        build: impl FnOnce(&Definition) -> Result<T, Error>,
    ) -> Result<&mut T, Error> {
        if self.built.as_ref().is_none_or(|(kept, _)| kept != definition) {
            self.built = Some((definition.clone(), build(definition)?));
        }
        self.peek_mut().ok_or_else(|| Error::InvalidData("a Huffman table is missing".into()))
    }

    fn peek_mut(&mut self) -> Option<&mut T> {
        self.built.as_mut().map(|(_, table)| table)
    }

    /// The table that is kept.
    pub(crate) fn peek(&self) -> Option<&T> {
        self.built.as_ref().map(|(_, table)| table)
    }
}
