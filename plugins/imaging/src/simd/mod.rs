//! One thin shim over 128-bit vectors, so that a kernel is written once and runs as WebAssembly
//! SIMD, as SSE4.1 and, two rows at a time, as AVX2.
//!
//! A kernel implements [`Kernel`] and is run by [`Level::run`]. It is handed a token, whose
//! existence proves that the processor has the instructions; that is why the operations on
//! registers are safe, and only loads and stores are not. All operations are on integers, and give
//! the same bits in every implementation.

#![expect(unsafe_code, reason = "loads and stores are declared here, with their contract")]

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

/// Eight 16-bit weights, aligned so that an instruction can take them from memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Weights(pub [i16; 8]);

/// Which byte of 16 goes where: for each place, a position below 16, or [`NOTHING`] for a zero.
pub type Table = [u8; 16];

/// The entry of a [`Table`] that makes a zero byte.
pub const NOTHING: u8 = 0x80;

/// The table that leaves every byte where it is.
pub const IN_PLACE: Table = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Operations on a vector of [`Simd::ROWS`] times 16 bytes. No operation moves anything between the
/// 16-byte parts, so that a kernel written for one row of an image runs on several rows at once.
///
/// Implementors are tokens: having one proves that the processor has the instructions.
#[expect(clippy::missing_safety_doc, reason = "the contract of loads and stores is in their first sentence")]
pub trait Simd: Copy {
    /// The vector.
    type Vector: Copy;

    /// How many 16-byte parts a vector has.
    const ROWS: usize;

    /// Reads 16 bytes for each part, which lie `stride` bytes apart and must all be readable.
    unsafe fn load_rows(self, at: *const u8, stride: usize) -> Self::Vector;

    /// Writes 16 bytes from each part, `stride` bytes apart, all of which must be writable.
    unsafe fn store_rows(self, at: *mut u8, stride: usize, value: Self::Vector);

    /// Reads `16 * ROWS` bytes, all of which must be readable.
    unsafe fn load(self, at: *const u8) -> Self::Vector;

    /// Writes `16 * ROWS` bytes, all of which must be writable.
    unsafe fn store(self, at: *mut u8, value: Self::Vector);

    /// The same weights in each part.
    fn weights(self, weights: &Weights) -> Self::Vector;

    /// The same 32-bit number everywhere.
    fn splat(self, value: i32) -> Self::Vector;

    /// A table for [`Simd::shuffle`]. Make it before a loop, not inside.
    fn table(self, table: &Table) -> Self::Vector;

    /// Moves the bytes of each part as the table says.
    fn shuffle(self, value: Self::Vector, table: Self::Vector) -> Self::Vector;

    /// Bytes of the lower half of each part, `a` and `b` in turns.
    fn zip_low(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Bytes of the upper half of each part, `a` and `b` in turns.
    fn zip_high(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The lower eight bytes of each part as 16-bit numbers.
    fn widen_low(self, value: Self::Vector) -> Self::Vector;

    /// The upper eight bytes of each part as 16-bit numbers.
    fn widen_high(self, value: Self::Vector) -> Self::Vector;

    /// Products of signed 16-bit numbers, added in pairs to 32 bits.
    fn multiply_add_pairs(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Sums of 32-bit numbers, wrapping.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Signed 32-bit numbers shifted to the right; `count` is below 32.
    fn shift_right(self, value: Self::Vector, count: u32) -> Self::Vector;

    /// A table for [`Simd::narrow`]. Make it before a loop, not inside.
    fn narrowing_table(self, table: &Table) -> Self::Vector;

    /// Four vectors of signed 32-bit numbers, each of which fits 16 bits, as bytes, moved as the
    /// table says. Numbers are held between 0 and 255, unless `hold` is false: they must be so then.
    fn narrow(self, sums: [Self::Vector; 4], hold: bool, table: Self::Vector) -> Self::Vector;
}

/// Something that can be computed with vectors of any kind, or without.
pub trait Kernel {
    /// What it gives.
    type Output;

    /// Computes it with vectors. Mark it and what it calls `#[inline(always)]`, or it is compiled
    /// without the instructions that `simd` stands for.
    fn vector<S: Simd>(self, simd: S) -> Self::Output;

    /// Computes the same without vectors.
    fn scalar(self) -> Self::Output;
}

/// Which instructions to use.
#[derive(Clone, Copy, Debug)]
pub struct Level(Choice);

#[derive(Clone, Copy, Debug)]
enum Choice {
    Scalar,
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128(wasm::Simd128),
    #[cfg(target_arch = "x86_64")]
    Sse41(x86::Sse41),
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
}

impl Level {
    /// No vectors at all: the slow form, which the others are tested against.
    pub const SCALAR: Self = Self(Choice::Scalar);

    /// The fastest that this processor has.
    pub fn best() -> Self {
        Self::all().pop().unwrap_or(Self::SCALAR)
    }

    /// Every level that this processor has, from the slowest to the fastest.
    pub fn all() -> Vec<Self> {
        #[cfg_attr(
            not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))),
            expect(unused_mut, reason = "other processors have the scalar level only")
        )]
        let mut all = vec![Self::SCALAR];
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        all.push(Self(Choice::Simd128(wasm::Simd128)));
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(x86::Sse41::detect().map(|token| Self(Choice::Sse41(token))));
            all.extend(x86::Avx2::detect().map(|token| Self(Choice::Avx2(token))));
        }
        all
    }

    /// Its name, for tests and timings.
    pub fn name(self) -> &'static str {
        match self.0 {
            Choice::Scalar => "scalar",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Choice::Simd128(_) => "simd128",
            #[cfg(target_arch = "x86_64")]
            Choice::Sse41(_) => "sse4.1",
            #[cfg(target_arch = "x86_64")]
            Choice::Avx2(_) => "avx2",
        }
    }

    /// Runs a kernel with these instructions.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Choice::Scalar => kernel.scalar(),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Choice::Simd128(token) => kernel.vector(token),
            #[cfg(target_arch = "x86_64")]
            Choice::Sse41(token) => token.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Choice::Avx2(token) => token.run(kernel),
        }
    }
}
