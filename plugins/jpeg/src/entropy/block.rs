//! One sequential block: read into coefficients, or skipped.

#![expect(clippy::inline_always, reason = "the bit reader lives in registers only where all is inlined")]

use super::{
    bits::Bits,
    huffman::{Codes, LOOK},
    lookup::{AcTable, DcTable, END, LENGTH, SKIP_END, SKIP_LOOK, code, parts},
};

/// Where the k-th coefficient of the zigzag order stands in its block. Damaged data leads past the
/// 63rd: what it writes there lands in the places that [`Coefficients`] has to spare.
pub(crate) const ZIGZAG: [u8; 128] = {
    let order = [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,
        6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38,
        31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];
    let mut all = [64; 128];
    let mut k = 0;
    while k < 64 {
        all[k] = order[k];
        k += 1;
    }
    all
};

/// The 64 coefficients of a block in rows, and room for what damaged data writes past them. Any `u8`
/// is an index, so that no write needs a check.
pub(crate) struct Coefficients([i16; 256]);

impl Coefficients {
    /// All zero.
    pub(crate) fn new() -> Self {
        Self([0; 256])
    }

    /// The block itself.
    #[inline(always)]
    pub(crate) fn block(&mut self) -> &mut [i16; 64] {
        &mut self.0.as_chunks_mut::<64>().0[0]
    }

    #[inline(always)]
    fn set(&mut self, k: usize, value: i16) {
        self.0[usize::from(ZIGZAG[k & 127])] = value;
    }
}

/// Reads the symbol of a special entry; 16 bits must be there.
#[inline(always)]
fn special(bits: &mut Bits<'_>, codes: &Codes, entry: u32) -> u8 {
    let (length, symbol) = match parts(entry) {
        (0, _) => code(codes.long(bits.peek::<16>())),
        known => known,
    };
    bits.skip(length);
    symbol
}

/// Reads a DC difference.
#[inline(always)]
fn difference(bits: &mut Bits<'_>, table: &DcTable) -> i32 {
    bits.refill();
    let entry = table.entries[bits.peek::<LOOK>()];
    if entry & LENGTH != 0 {
        bits.skip(entry & LENGTH);
        return entry.cast_signed() >> 16;
    }
    let size = special(bits, &table.codes, entry);
    bits.number(u32::from(size & 15))
}

/// Reads one block into `to`, which is all zero. `predictor` is the DC value of the component's last
/// block. Answers a bound on the places that are not zero: none from that one on, in zigzag order.
#[inline(always)]
pub(crate) fn read(
    bits: &mut Bits<'_>,
    dc: &DcTable,
    ac: &AcTable,
    predictor: &mut i32,
    to: &mut Coefficients,
) -> usize {
    *predictor = predictor.wrapping_add(difference(bits, dc));
    #[expect(clippy::cast_possible_truncation, reason = "damaged data may overflow; it then wraps")]
    let value = *predictor as i16;
    to.set(0, value);
    let mut k = 1;
    'refill: loop {
        bits.refill();
        // Three entries take 30 bits at most.
        for _ in 0..3 {
            let entry = ac.entries[bits.peek::<LOOK>()];
            if entry & LENGTH == 0 {
                bits.refill_again();
                match one(bits, ac, entry, k, to) {
                    Some(next) if next < 64 => k = next,
                    Some(next) => return next,
                    None => return k,
                }
                continue 'refill;
            }
            let before = *bits;
            bits.skip(entry & LENGTH);
            let next = k + (entry >> 11 & 63) as usize;
            to.set(next - 1, ((entry << 7).cast_signed() >> 25) as i16);
            to.set(k + (entry >> 7 & 15) as usize, (entry.cast_signed() >> 25) as i16);
            if entry & END != 0 || next > 63 {
                // The entry may hold more than this block: what follows the 63rd coefficient is the
                // next block's. Such an entry is read again, symbol by symbol.
                if next + usize::from(entry & END != 0) > 64 {
                    let (rest, end) = finish(before, ac, k, to);
                    *bits = rest;
                    return end;
                }
                return next;
            }
            k = next;
        }
    }
}

/// Reads one symbol, and the coefficient that belongs to it. 31 bits must be there. Answers the next
/// place, or `None` at the end of the block.
#[inline(always)]
fn one(bits: &mut Bits<'_>, ac: &AcTable, entry: u32, k: usize, to: &mut Coefficients) -> Option<usize> {
    let symbol = special(bits, &ac.codes, entry);
    let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
    if size == 0 {
        return (run == 15).then_some(k + 16);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a size is at most 15")]
    let value = bits.number(size) as i16;
    to.set(k + run, value);
    Some(k + run + 1)
}

/// Reads the rest of a block from place `k` on, symbol by symbol.
#[cold]
#[inline(never)]
fn finish<'a>(mut bits: Bits<'a>, ac: &AcTable, mut k: usize, to: &mut Coefficients) -> (Bits<'a>, usize) {
    while k < 64 {
        bits.refill_again();
        let symbol = ac.codes.symbol(&mut bits);
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            break;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a size is at most 15")]
        let value = bits.number(size) as i16;
        to.set(k + run, value);
        k += run + 1;
    }
    (bits, k)
}

/// Reads over one block; only the DC value is kept. The AC table must have been prepared for it.
#[inline(always)]
pub(crate) fn skip(bits: &mut Bits<'_>, dc: &DcTable, ac: &AcTable, predictor: &mut i32) {
    *predictor = predictor.wrapping_add(difference(bits, dc));
    let mut k = 1;
    'refill: loop {
        bits.refill();
        // Two entries take 32 bits at most.
        for _ in 0..2 {
            let entry = ac.skips[bits.peek::<SKIP_LOOK>()];
            if entry == 0 {
                bits.refill_again();
                let symbol = ac.codes.symbol(bits);
                let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
                if size == 0 && run < 15 {
                    return;
                }
                bits.skip(size);
                k += run + 1;
                if k > 63 {
                    return;
                }
                continue 'refill;
            }
            let before = *bits;
            bits.skip(u32::from(entry) & LENGTH);
            let next = k + usize::from(entry >> 6);
            if next > 63 {
                // As in `read`: more than this block has.
                let end = next / SKIP_END;
                if next % SKIP_END + end > 64 {
                    *bits = finish(before, ac, k, &mut Coefficients::new()).0;
                }
                return;
            }
            k = next;
        }
    }
}
